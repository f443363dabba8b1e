// SPDX-License-Identifier: MIT
// The list of cameras and the events of them, which the server tells over a WebSocket while the page can be seen. Where there is none (a proxy
// that lets none through), and while it is away, the page asks for the list every few seconds.

import { Scope } from '../player/scope.js';

const POLL_MS = 3000;
const AGAIN_MS = 500; // after the first answer that does not come; the next ones wait longer, up to POLL_MS
const TIMEOUT_MS = 8000;
const SILENT_MS = 50_000; // the server says something every 20 s
const REFOLLOW_MS = 1000; // between two tries to follow: of a server that closes at once, or knows no such path
const REFOLLOW_MAX_MS = 60_000;
const STEADY_MS = 10_000; // a connection that lasted so long was a good one
const FOLLOW_AFTER_MS = 300; // of a new page: a browser connects one WebSocket to a server at a time, and pictures come first
const LOG_IN = 4401; // the server's close code

export class CameraList {
  #scope = new Scope();
  #request = null;
  #cancelTimer = () => {};
  #cancelFollow = () => {};
  #failures = 0;
  #link = null; // the scope of the WebSocket
  #followed = false; // there has been one
  #told = false; // it has brought a list
  #wait = REFOLLOW_MS;
  #notBefore = 0;
  #owner;

  /**
   * `owner`: `onlist(cameras, groups)` at every answer, `onevent(event)`, `onerror(error)` when the server does not give a list, `onrefused()` when it wants a
   * log-in: then the list is asked for again only by `ask()`.
   */
  constructor(owner) {
    this.#owner = owner;
  }

  open() {
    this.#scope.listen(document, 'visibilitychange', () => (document.hidden ? this.#rest() : this.ask()));
    this.#scope.listen(window, 'online', () => this.ask());
    this.#scope.listen(window, 'pagehide', () => this.#rest());
    this.#scope.listen(window, 'pageshow', ({ persisted }) => persisted && this.ask());
    this.#scope.add(() => this.#rest());
    this.ask();
  }

  close() {
    this.#scope.close();
  }

  #rest() {
    this.#cancelTimer();
    this.#cancelFollow();
    this.#request?.abort();
    this.#request = null;
    this.#drop();
  }

  // ---- asking

  /** Asks now. */
  async ask() {
    this.#cancelTimer();
    this.#cancelFollow();
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
      this.#refuse();
      return;
    }
    const good = Array.isArray(list?.cameras);
    this.#failures = good ? 0 : this.#failures + 1;
    if (!this.#told) this.#askIn(good ? POLL_MS : Math.min(POLL_MS, AGAIN_MS * this.#failures));
    if (good) this.#take(list);
    else this.#owner.onerror(failure ?? new Error('the server sends no list'));
    if (good && this.#followed) this.#follow();
    else if (good) this.#followSoon();
  }

  // These are not part of ask(), whose variables they would keep: the abortion of a request remembers the socket whose message caused it.

  #askIn(ms) {
    this.#cancelTimer = this.#scope.timeout(ms, () => this.ask());
  }

  #followSoon() {
    this.#cancelFollow = this.#scope.timeout(FOLLOW_AFTER_MS, () => this.#follow());
  }

  #take({ cameras, groups }) {
    this.#owner.onlist(cameras, Array.isArray(groups) ? groups : []);
  }

  /** After the log-in it is followed at once: that the server let nobody follow until then says nothing about it. */
  #refuse() {
    this.#drop();
    this.#cancelTimer();
    this.#wait = REFOLLOW_MS;
    this.#notBefore = 0;
    this.#owner.onrefused();
  }

  // ---- being told

  #follow() {
    if (this.#link || document.hidden || this.#scope.closed || performance.now() < this.#notBefore) return;
    this.#followed = true;
    const link = this.#scope.child();
    const address = new URL('api/events', document.baseURI);
    address.protocol = address.protocol.replace('http', 'ws');
    const socket = new WebSocket(address);
    const since = performance.now();
    let cancelSilence = () => {};
    const listen = () => {
      cancelSilence();
      cancelSilence = link.timeout(SILENT_MS, () => this.#lose(link, since));
    };
    this.#link = link;
    link.add(() => socket.close());
    link.listen(socket, 'message', ({ data }) => {
      listen();
      this.#onMessage(data);
    });
    link.listen(socket, 'close', ({ code }) => {
      if (code === LOG_IN) this.#refuse();
      else this.#lose(link, since);
    });
    listen();
  }

  #onMessage(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (Array.isArray(message?.cameras)) {
      this.#told = true;
      this.#cancelTimer();
      this.#request?.abort(); // what it would bring is older
      this.#take(message);
    } else if (typeof message?.event?.camera === 'string') {
      this.#owner.onevent?.(message.event);
    }
  }

  #lose(link, since) {
    if (this.#link !== link) return;
    const now = performance.now();
    const told = this.#told;
    this.#drop();
    this.#wait = told && now - since > STEADY_MS ? REFOLLOW_MS : Math.min(this.#wait * 2, REFOLLOW_MAX_MS);
    this.#notBefore = now + this.#wait;
    if (told) this.ask(); // else it goes on to be asked for
  }

  #drop() {
    const link = this.#link;
    this.#link = null;
    this.#told = false;
    link?.close();
  }
}
