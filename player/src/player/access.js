// SPDX-License-Identifier: MIT
// Whether a server knows the visitor by the browser's cookie: asked once for all players of a page, however many there are.
// Nothing is held while the visitor is known; while it is not, one request in a long while notices a log-in elsewhere.

import { Scope } from './scope.js';

export const ASK_TIMEOUT_MS = 8000;
export const DOUBT_MS = 5000; // until the next question after one that nobody answered
export const REFUSED_MS = 60_000; // until the next question while the visitor has to log in
export const UNKNOWN_VISITOR = 'not logged in';

/**
 * Asks at ADDRESS who the visitor is: `{ known: true, session }`, `{ known: false }`, or null where there is no answer. A server
 * that knows no log-in knows everybody.
 */
export async function askSession(address, { credentials, token, signal }) {
  try {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    const answer = await fetch(address, { cache: 'no-store', credentials, headers, signal });
    const body = await answer.text(); // an answer that is not read holds its connection
    if (answer.status === 401) return { known: false };
    if (answer.status >= 500) return null;
    return { known: true, session: answer.ok ? parsed(body) : null };
  } catch {
    return null;
  }
}

function parsed(body) {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** Runs `ask(signal)` for at most ASK_TIMEOUT_MS, and `then(answer)` unless the scope was closed meanwhile. */
export function askWithin(scope, ask, then) {
  const part = scope.child();
  const request = new AbortController();
  part.add(() => request.abort());
  part.timeout(ASK_TIMEOUT_MS, () => request.abort());
  ask(request.signal).then((answer) => {
    if (part.closed) return;
    part.close();
    then(answer);
  });
}

export class Access {
  #address;
  #credentials;
  #watchers = new Set();
  #scope = new Scope();
  #listening = null; // a scope, from the first doubt until the visitor is known
  #refused = false;
  #asking = false;
  #cancelTimer = () => {};

  constructor(address, credentials) {
    this.#address = address;
    this.#credentials = credentials;
  }

  /** True once the server has said that the visitor must log in. */
  get refused() {
    return this.#refused;
  }

  get watched() {
    return this.#watchers.size > 0;
  }

  /**
   * `watcher`: `onrefused()` when the server has said so, `ongranted(session, again)` at every answer that the
   * visitor is known, with `again` if the last one was that it is not.
   */
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => {
      if (this.#watchers.delete(watcher) && !this.watched) this.#rest();
    };
  }

  /** Asks now; one question at a time. */
  check() {
    if (this.#asking || !this.watched) return;
    this.#asking = true;
    this.#cancelTimer();
    const ask = (signal) => askSession(this.#address, { credentials: this.#credentials, signal });
    askWithin(this.#scope, ask, (answer) => {
      this.#asking = false;
      if (answer === null) this.#askLater();
      else if (answer.known) this.grant(answer.session);
      else this.refuse();
    });
  }

  /** The server has closed a connection because of who the visitor is: asks until there is an answer. */
  doubt() {
    this.#listen();
    if (!this.#refused) this.check();
  }

  /** The server has answered 401. */
  refuse() {
    if (!this.watched) return;
    this.#listen();
    const news = !this.#refused;
    this.#refused = true;
    this.#askLater();
    if (news) for (const watcher of [...this.#watchers]) watcher.onrefused();
  }

  /** The visitor is known, by an answer or because it has just logged in. */
  grant(session = null) {
    const again = this.#refused;
    this.#rest();
    for (const watcher of [...this.#watchers]) watcher.ongranted(session, again);
  }

  #listen() {
    if (this.#listening) return;
    this.#listening = this.#scope.child();
    if (typeof window !== 'undefined') this.#listening.listen(window, 'online', () => this.check());
    if (typeof document !== 'undefined') this.#listening.listen(document, 'visibilitychange', () => document.hidden || this.check());
  }

  #askLater() {
    this.#cancelTimer();
    if (!this.#listening) return; // a question that was asked in passing
    const ms = (this.#refused ? REFUSED_MS : DOUBT_MS) * (0.75 + Math.random() / 2);
    this.#cancelTimer = this.#listening.timeout(ms, () => this.check());
  }

  /** Undoes everything; questions that are on the way are not heard any more. */
  #rest() {
    this.#scope.close();
    this.#scope = new Scope();
    this.#listening = null;
    this.#asking = this.#refused = false;
    this.#cancelTimer = () => {};
  }
}

const all = new Map(); // address and credentials → Access that somebody watches

/** Watches the one Access of all that ask at ADDRESS: `{ access, release() }`. */
export function watchAccess(address, credentials, watcher) {
  const key = `${credentials} ${address}`;
  const access = all.get(key) ?? new Access(address, credentials);
  all.set(key, access);
  const unwatch = access.watch(watcher);
  const release = () => {
    unwatch();
    if (!access.watched && all.get(key) === access) all.delete(key);
  };
  return { access, release };
}
