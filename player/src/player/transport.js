// SPDX-License-Identifier: MIT
// One WebSocket that is always open or being opened: it connects with a time limit, reconnects after every loss with
// growing, jittered pauses, and never gives up. At most six sockets of a page connect at the same time. Where the server
// wants another log-in first, the pass says when to try again.

import { Backoff } from './backoff.js';
import { refusalOf } from './pass.js';
import { Scope } from './scope.js';

export const CONNECT_TIMEOUT_MS = 10_000;
export const BACKOFF_FIRST_MS = 250;
export const BACKOFF_LAST_MS = 15_000;
export const LOG_IN_AGAIN = 4401; // the server's close code
export const CONCURRENT_CONNECTS = 6; // browsers queue more than this for one host, and then time limits count the queue, too

/** Lets a limited number of connection attempts through at a time, in the order of asking. */
export class ConnectGate {
  #free;
  #waiting = new Set();

  constructor(limit = CONCURRENT_CONNECTS) {
    this.#free = limit;
  }

  /** Calls `run` now or in its turn. The returned function gives the place back, whether `run` was called or not; once. */
  enter(run) {
    let inside = false;
    const go = () => {
      inside = true;
      run();
    };
    const leave = () => {
      if (this.#waiting.delete(go) || !inside) return;
      inside = false;
      this.#free++;
      this.#admit();
    };
    this.#waiting.add(go);
    this.#admit();
    return leave;
  }

  #admit() {
    for (const go of this.#waiting) {
      if (this.#free === 0) return;
      this.#free--;
      this.#waiting.delete(go);
      go();
    }
  }
}

const pageGate = new ConnectGate();

export class Transport {
  #url;
  #handlers;
  #gate;
  #pass;
  #scope = new Scope();
  #attempt = null;
  #pause = null; // a scope, between two attempts
  #backoff = new Backoff(BACKOFF_FIRST_MS, BACKOFF_LAST_MS);
  #connected = false;
  #unwelcome = false; // until the visitor has logged in
  #socket = null;

  /**
   * `url`: a text, or a function that is asked for it before each attempt. `handlers`: onopen(), ontext(string), onbinary(ArrayBuffer), onlost({ reason, retryMs, close? }) with the close code of a
   * connection that the server has closed, onrefused({ reason, retryMs }) with null if the next attempt comes with the log-in.
   * Any of them may close the transport.
   */
  constructor(url, handlers, pass, gate = pageGate) {
    this.#url = url;
    this.#handlers = handlers;
    this.#pass = pass;
    this.#gate = gate;
  }

  get connected() {
    return this.#connected;
  }

  open() {
    if (typeof window !== 'undefined') this.#scope.listen(window, 'online', () => this.#unwelcome || this.retry());
    this.#scope.add(this.#pass.watch({
      onrefused: (reason) => this.#pause && !this.#unwelcome && this.#refused(reason),
      // If the log-in has held all the time, something else is wrong, and the pauses grow.
      ongranted: (again) => this.#unwelcome && this.#wait(again ? 0 : this.#backoff.next()),
    }));
    this.#connect();
  }

  /** Ends for good. Safe in every state. */
  close() {
    this.#connected = false;
    this.#scope.close();
  }

  /** Sends a text message, or nothing while there is no connection. */
  send(text) {
    if (this.#connected) this.#socket.send(text);
  }

  /** Drops the present socket, as if it had been lost. */
  reconnect(reason) {
    if (this.#attempt && !this.#scope.closed) this.#lost(reason);
  }

  /** The connection has proved itself: after the next loss the first attempt comes quickly again. */
  settle() {
    this.#backoff.reset();
    this.#pass.settle();
  }

  /** Does not wait any longer for the next attempt. */
  retry() {
    if (!this.#attempt) this.#connect();
  }

  #connect() {
    if (this.#scope.closed) return;
    this.#pause?.close();
    this.#pause = null;
    this.#unwelcome = false;
    const attempt = this.#scope.child();
    this.#attempt = attempt;
    if (!this.#pass.missing) {
      this.#queue(attempt);
      return;
    }
    this.#pass.fetch(attempt, (trouble) => {
      if (trouble === null) this.#queue(attempt);
      else this.#refused(trouble, this.#pass.postpone());
    });
  }

  #queue(attempt) {
    const place = new Scope();
    attempt.add(() => place.close());
    place.add(this.#gate.enter(() => this.#dial(attempt, place)));
  }

  #dial(attempt, place) {
    let socket;
    try {
      socket = new WebSocket(typeof this.#url === 'function' ? this.#url() : this.#url, this.#pass.protocols);
    } catch (error) {
      attempt.timeout(0, () => this.#lost(error.message));
      return;
    }
    socket.binaryType = 'arraybuffer';
    attempt.add(() => {
      socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
      this.#socket = null;
      socket.close();
    });
    const cancelTimer = attempt.timeout(CONNECT_TIMEOUT_MS, () => this.#lost('the server does not answer'));
    socket.onopen = () => {
      cancelTimer();
      place.close();
      this.#socket = socket;
      this.#connected = true;
      this.#handlers.onopen();
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') this.#handlers.ontext(data);
      else this.#handlers.onbinary(data);
    };
    // A failed socket reports an error without a reason, and then a close.
    socket.onclose = ({ code, reason }) => this.#onClose(code, reason);
  }

  #onClose(code, reason) {
    if (code === LOG_IN_AGAIN) this.#refused(refusalOf(reason));
    else if (this.#connected) this.#lost(reason || closeReason(code), code);
    else this.#lost(reason || 'the server cannot be reached or refused the connection');
  }

  #lost(reason, close) {
    const opened = this.#connected;
    this.#leave();
    const retryMs = this.#backoff.next();
    this.#wait(retryMs);
    const pause = this.#pause;
    this.#handlers.onlost({ reason, retryMs, ...(close === undefined ? {} : { close }) });
    // The browser does not tell a 401 from any other failure.
    if (!opened && !pause.closed) this.#pass.examine(pause, (refusal) => this.#refused(refusal));
  }

  /** Not before the visitor has logged in, or the page has another token. */
  #refused(reason, retryMs = this.#pass.refused()) {
    this.#leave();
    this.#wait(retryMs);
    this.#unwelcome = true;
    this.#handlers.onrefused({ reason, retryMs });
  }

  #leave() {
    this.#connected = false;
    this.#attempt?.close();
    this.#attempt = null;
  }

  /** The next attempt comes in MS; null: nobody knows when. */
  #wait(ms) {
    this.#pause?.close();
    this.#pause = this.#scope.child();
    if (ms !== null) this.#pause.timeout(ms, () => this.#connect());
  }
}

function closeReason(code) {
  return code === 1001 ? 'the server is ending or the camera was removed' : 'the connection was lost';
}
