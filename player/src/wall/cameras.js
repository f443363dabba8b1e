// SPDX-License-Identifier: MIT
// The list of cameras, which the page asks for every few seconds while it can be seen.

import { Scope } from '../player/scope.js';

const POLL_MS = 3000;
const TIMEOUT_MS = 8000;

export class CameraList {
  #scope = new Scope();
  #request = null;
  #cancelTimer = () => {};
  #onlist;
  #onerror;
  #onrefused;

  /**
   * `onlist(cameras, groups)` at every answer, `onerror(error)` when the server does not give one, `onrefused()` when it wants a log-in:
   * then the list is asked for again only by `ask()`.
   */
  constructor({ onlist, onerror, onrefused }) {
    this.#onlist = onlist;
    this.#onerror = onerror;
    this.#onrefused = onrefused;
  }

  open() {
    this.#scope.listen(document, 'visibilitychange', () => this.ask());
    this.#scope.listen(window, 'online', () => this.ask());
    this.#scope.listen(window, 'pagehide', () => this.#request?.abort());
    this.#scope.listen(window, 'pageshow', ({ persisted }) => persisted && this.ask());
    this.#scope.add(() => this.#request?.abort());
    this.ask();
  }

  close() {
    this.#scope.close();
  }

  /** Asks now. */
  async ask() {
    this.#cancelTimer();
    this.#request?.abort();
    if (document.hidden || this.#scope.closed) return;
    const request = new AbortController();
    this.#request = request;
    const cancelTimeout = this.#scope.timeout(TIMEOUT_MS, () => request.abort(new Error('no answer')));
    let list = null;
    let failure = null;
    let refused = false;
    try {
      const answer = await fetch('api/cameras', { signal: request.signal, cache: 'no-store' });
      refused = answer.status === 401;
      if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
      list = await answer.json();
    } catch (error) {
      failure = error;
    }
    cancelTimeout();
    if (this.#request !== request || this.#scope.closed || failure?.name === 'AbortError') return;
    if (refused) {
      this.#onrefused();
      return;
    }
    this.#cancelTimer = this.#scope.timeout(POLL_MS, () => this.ask());
    if (Array.isArray(list?.cameras)) this.#onlist(list.cameras, Array.isArray(list.groups) ? list.groups : []);
    else this.#onerror(failure ?? new Error('the server sends no list'));
  }
}
