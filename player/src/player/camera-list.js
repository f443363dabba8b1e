// SPDX-License-Identifier: MIT
// The list of cameras of a server, for a page that shows them: the server tells it, and what changes, over a WebSocket.

import { Pass } from './pass.js';
import { Scope } from './scope.js';
import { Transport } from './transport.js';

const SILENT_MS = 50_000; // the server says something every 20 s
const LOOK_MS = 5000;

/**
 * The cameras that the visitor may watch.
 *
 *     const list = new RingcastCameras({ src: 'https://server/' });
 *     list.addEventListener('change', ({ detail }) => console.log(detail.cameras.map(({ name }) => name)));
 *     list.start();
 *
 * States: idle, connecting, following, reconnecting, unauthorized. From start() on it recovers by itself, as a RingcastPlayer does.
 */
export class RingcastCameras extends EventTarget {
  #url;
  #pass;
  #signal;
  #scope = null; // while it is started
  #transport = null;
  #state = 'idle';
  #cameras = [];
  #groups = [];
  #heardAt = 0;

  /** `src`: where ringcast's own pages are; `token`, `credentials` and `signal` as for RingcastPlayer. */
  constructor({ src = '/', token, credentials, signal } = {}) {
    super();
    const base = new URL(src.endsWith('/') ? src : `${src}/`, globalThis.document?.baseURI);
    const address = (path) => {
      const url = new URL(path, base);
      url.protocol = url.protocol.replace(/^http/, 'ws');
      return url.href;
    };
    this.#url = address('api/events');
    this.#pass = new Pass(address('live/-'), { token, credentials });
    this.#signal = signal;
  }

  get url() {
    return this.#url;
  }

  get state() {
    return this.#state;
  }

  /** The newest list: rows of `/api/cameras`. */
  get cameras() {
    return this.#cameras;
  }

  get groups() {
    return this.#groups;
  }

  get token() {
    return this.#pass.token;
  }

  /** May be changed at any time: the next connection uses it, at once if it waits for one. */
  set token(token) {
    this.#pass.token = token;
    if (this.#state === 'unauthorized') this.retry();
  }

  /** Begins to follow the list. Does nothing while it does so already. */
  start() {
    if (this.#scope || this.#signal?.aborted) return;
    const scope = new Scope();
    this.#scope = scope;
    if (this.#signal) scope.listen(this.#signal, 'abort', () => this.stop());
    this.#enter('connecting');
    if (scope.closed) return;
    const of = (run) => (...args) => !scope.closed && run(...args);
    const transport = new Transport(this.#url, {
      onopen: of(() => this.#hear()),
      ontext: of((text) => this.#onText(text)),
      onbinary: () => {},
      onlost: of(({ reason, retryMs }) => this.#enter(this.#state === 'connecting' ? 'connecting' : 'reconnecting', { reason, retryMs })),
      onrefused: of(({ reason, retryMs }) => this.#enter('unauthorized', { reason, retryMs })),
    }, this.#pass);
    this.#transport = transport;
    scope.add(() => transport.close());
    scope.interval(LOOK_MS, () => {
      if (transport.connected && performance.now() - this.#heardAt > SILENT_MS) transport.reconnect('the server is silent');
    });
    transport.open();
  }

  /** Ends at once and undoes all that start() made. The last list stays. Allowed in every state and as often as you like. */
  stop() {
    const scope = this.#scope;
    this.#scope = this.#transport = null;
    scope?.close();
    if (scope) this.#enter('idle');
  }

  /** Tries at once, if it waits before it connects again. */
  retry() {
    this.#transport?.retry();
  }

  #hear() {
    this.#heardAt = performance.now();
  }

  #onText(text) {
    this.#hear();
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      this.#transport.reconnect('the server sent a text that is not JSON');
      return;
    }
    if (Array.isArray(message?.cameras)) this.#take(message);
    else if (typeof message?.event?.camera === 'string') this.#emit('event', message.event);
  }

  #take({ cameras, groups }) {
    this.#transport.settle();
    const before = new Map(this.#cameras.map((row) => [row.name, row]));
    const now = new Set(cameras.map(({ name }) => name));
    this.#cameras = cameras;
    this.#groups = Array.isArray(groups) ? groups : [];
    const detail = {
      cameras,
      groups: this.#groups,
      added: cameras.filter(({ name }) => !before.has(name)).map(({ name }) => name),
      removed: [...before.keys()].filter((name) => !now.has(name)),
      changed: cameras.filter((row) => before.has(row.name) && JSON.stringify(before.get(row.name)) !== JSON.stringify(row)).map(({ name }) => name),
    };
    const scope = this.#scope;
    this.#enter('following');
    if (this.#scope === scope) this.#emit('change', detail); // the page may have stopped it
  }

  #enter(state, detail = {}) {
    const previous = this.#state;
    if (state === previous && detail.reason === undefined) return;
    this.#state = state;
    this.#emit('statechange', { state, previous, ...detail });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
