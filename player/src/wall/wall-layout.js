// SPDX-License-Identifier: MIT
// The order of the tiles as the user arranged them, kept in the address and in the browser. The order in a shared address
// takes precedence over the one that this browser remembers.

import { decode, listOf, withList } from './wall-query.js';

const KEY = 'ringcast.wall';
const PARAMETER = 'order';
const VIEWS_MOST = 100;
const MOST = 4096; // names that are read
const LONGEST_QUERY = 4000; // characters: servers and proxies refuse addresses that are much longer. The browser's memory holds every order

/** `names` in the arranged order; cameras that are not in it follow in the order of the configuration. */
export function arranged(names, order) {
  const present = new Set(names);
  const known = order.filter((name, i) => present.has(name) && order.indexOf(name) === i);
  const placed = new Set(known);
  return [...known, ...names.filter((name) => !placed.has(name))];
}

/** Two cameras change places; nothing else moves. */
export function swapped(list, i, j) {
  const next = [...list];
  [next[i], next[j]] = [next[j], next[i]];
  return next;
}

/**
 * The order to remember after the present cameras were arranged as `shown`. Names that are away keep their
 * places in the old order, so that they come back to where they were.
 */
export function remembered(order, shown) {
  const here = new Set(shown);
  if (!order.some((name) => !here.has(name))) return [...shown];
  const queue = [...shown];
  const next = order.map((name) => (here.has(name) ? queue.shift() : name));
  return [...next, ...queue];
}

/** The order in an address' query, or null. */
export function orderOfQuery(query) {
  const names = listOf(query, PARAMETER);
  return names?.length > 0 && names.length <= MOST ? names : null;
}

/** `query` with another order, or none if `order` is null or too long for an address. Other parameters stay as they are. */
export function queryWithOrder(query, order) {
  const next = withList(query, PARAMETER, order);
  return next.length - withList(query, PARAMETER, null).length > LONGEST_QUERY ? withList(query, PARAMETER, null) : next;
}

/** The name of the large camera in an address' hash, or null. */
export function largeOfHash(hash) {
  const name = decode(hash.replace(/^#/, ''));
  return name === '' ? null : name;
}

/** What this browser remembers; a browser that may not store anything remembers nothing. */
export class Memory {
  #storage;

  constructor(storage) {
    this.#storage = storage;
  }

  #read() {
    try {
      const value = JSON.parse(this.#storage().getItem(KEY) ?? '{}');
      return value !== null && typeof value === 'object' ? value : {};
    } catch {
      return {};
    }
  }

  /** The remembered order, or null. */
  get order() {
    const { order } = this.#read();
    const valid = Array.isArray(order) && order.length <= MOST && order.every((name) => typeof name === 'string');
    return valid && order.length > 0 ? order : null;
  }

  /** `dark`, `light`, or null for the system's setting. */
  get theme() {
    const { theme } = this.#read();
    return theme === 'dark' || theme === 'light' ? theme : null;
  }

  /** The views that have names, `{ name, query }`. */
  get views() {
    const { views } = this.#read();
    const valid = (view) => typeof view?.name === 'string' && typeof view.query === 'string';
    return Array.isArray(views) ? views.filter(valid).slice(0, VIEWS_MOST) : [];
  }

  /** Of the camera that is heard: 0 to 1. */
  get volume() {
    const { volume } = this.#read();
    return volume >= 0 && volume <= 1 ? volume : 1;
  }

  set volume(volume) {
    this.#write({ volume });
  }

  set views(views) {
    this.#write({ views: views.length > 0 ? views.slice(-VIEWS_MOST) : undefined });
  }

  set order(order) {
    this.#write({ order: order ?? undefined });
  }

  set theme(theme) {
    this.#write({ theme: theme ?? undefined });
  }

  #write(change) {
    try {
      this.#storage().setItem(KEY, JSON.stringify({ ...this.#read(), ...change }));
    } catch {
      // Full or forbidden: the arrangement lasts as long as the page, and in its address.
    }
  }
}
