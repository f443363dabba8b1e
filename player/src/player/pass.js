// SPDX-License-Identifier: MIT
// How one player proves who is watching: by the browser's cookie, or by a token that the page gives. A function that gives
// tokens is asked for the first connection, and once more each time the server has refused what it gave.

import { UNKNOWN_VISITOR, askSession, askWithin, watchAccess } from './access.js';
import { Backoff } from './backoff.js';

export const REFUSALS_FIRST_MS = 2000;
export const REFUSALS_LAST_MS = 60_000;
export const TOKEN_TIMEOUT_MS = 30_000;
const PROTOCOL = 'ringcast';
const REASONS = 'ringcast.reasons'; // refusals are told by close codes, because a page is not told of a status
const SENDABLE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/; // RFC 6455, 4.1: a subprotocol is a token of HTTP
const PREFIX = /^log in again: */;

export class Pass {
  #address; // of the question who the visitor is; null: it cannot be asked
  #credentials;
  #protocols;
  #given;
  #token = null;
  #renewed = false; // the present token was asked for because the one before was refused
  #backoff = new Backoff(REFUSALS_FIRST_MS, REFUSALS_LAST_MS);
  #access = null;

  /**
   * `live`: the address of the WebSocket; `token`: a string, a function that gives one, or undefined for the cookie; `protocols`: what
   * is offered beside it.
   */
  constructor(live, { token, credentials = 'same-origin', protocols = [PROTOCOL, REASONS] } = {}) {
    this.#protocols = protocols;
    this.#address = sessionAddress(live);
    this.#credentials = credentials;
    this.token = token;
  }

  get token() {
    return this.#given;
  }

  set token(token) {
    if (token != null && typeof token !== 'string' && typeof token !== 'function') {
      throw new TypeError('token is a string or a function that gives one');
    }
    this.#given = token ?? undefined;
    this.#token = typeof token === 'string' ? token : null;
    this.#renewed = false;
    this.#backoff.reset();
  }

  get #byCookie() {
    return this.#given === undefined;
  }

  /** True if the function must be asked before the next connection. */
  get missing() {
    return typeof this.#given === 'function' && this.#token === null;
  }

  /** What the next connection offers; throws if the token cannot be sent. */
  get protocols() {
    if (this.#byCookie) return this.#protocols;
    if (!SENDABLE.test(this.#token)) throw new Error('the token has characters that cannot be sent');
    return [...this.#protocols, `${PROTOCOL}.token.${this.#token}`];
  }

  /** Asks the function; `then(null)`, or the error as words. Nothing is called after SCOPE was closed. */
  fetch(scope, then) {
    const part = scope.child();
    const given = this.#given;
    const end = (token, trouble) => {
      if (part.closed) return;
      part.close();
      if (given !== this.#given) return then(null); // the page has set another one meanwhile
      if (typeof token === 'string' && token !== '') this.#token = token;
      then(this.#token === null ? `no token: ${trouble ?? 'the function gave none'}` : null);
    };
    part.timeout(TOKEN_TIMEOUT_MS, () => end(null, 'the function gave none in time'));
    Promise.resolve()
      .then(() => (part.closed ? null : given()))
      .then((token) => end(token), (error) => end(null, error?.message ?? String(error)));
  }

  /**
   * Hears of what happens to other players' log-in by the same cookie: `onrefused(reason)`, `ongranted(again)`. Returns the
   * undoing.
   */
  watch({ onrefused, ongranted }) {
    if (this.#address === null) return () => {};
    const { access, release } = watchAccess(this.#address, this.#credentials, {
      onrefused: () => this.#byCookie && onrefused(UNKNOWN_VISITOR),
      ongranted: (_, again) => this.#byCookie && ongranted(again),
    });
    this.#access = access;
    return () => {
      this.#access = null;
      release();
    };
  }

  /** A connection did not come about: was it because of the visitor? Calls `onrefused` then, here or by `watch`. */
  examine(scope, onrefused) {
    if (this.#address === null) return;
    if (this.#byCookie) {
      if (this.#access?.refused) onrefused(UNKNOWN_VISITOR);
      else this.#access?.check();
      return;
    }
    const token = this.#token;
    if (token === null) return;
    const ask = (signal) => askSession(this.#address, { credentials: this.#credentials, token, signal });
    askWithin(scope, ask, (answer) => {
      if (token !== this.#token || answer?.known) return;
      if (answer) onrefused(UNKNOWN_VISITOR);
      else if (typeof this.#given === 'function') this.#token = null; // another origin may not read the answer: perhaps it is that
    });
  }

  /** The server refuses the visitor: milliseconds until the next attempt, or null if that comes with `ongranted`. */
  refused() {
    if (this.#byCookie && this.#access) {
      this.#access.doubt();
      return null;
    }
    if (typeof this.#given !== 'function') return this.#backoff.next();
    this.#token = null;
    if (this.#renewed) return this.#backoff.next();
    this.#renewed = true;
    return 0;
  }

  /** The function gave no token: milliseconds until it is asked again. */
  postpone() {
    return this.#backoff.next();
  }

  /** A connection has proved itself. */
  settle() {
    this.#renewed = false;
    this.#backoff.reset();
  }
}

/** What the server's close says, without what is the same in all of them. */
export const refusalOf = (reason) => reason.replace(PREFIX, '') || UNKNOWN_VISITOR;

/** Beside `/live/NAME` there is `/api/session`. */
function sessionAddress(live) {
  const address = new URL(live);
  const [, folder] = /^(.*\/)live\/[^/]*$/.exec(address.pathname) ?? [];
  if (folder === undefined) return null;
  address.protocol = address.protocol.replace(/^ws/, 'http');
  return new URL(`${folder}api/session`, address).href;
}
