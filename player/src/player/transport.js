// One WebSocket that is always open or being opened: it connects with a time limit, reconnects after every loss with
// growing, jittered pauses, and never gives up. At most six sockets of a page connect at the same time.

import { Scope } from './scope.js';

export const CONNECT_TIMEOUT_MS = 10_000;
export const BACKOFF_FIRST_MS = 250;
export const BACKOFF_LAST_MS = 15_000;
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

export class Backoff {
  #step = 0;

  next() {
    const ceiling = Math.min(BACKOFF_FIRST_MS * 2 ** this.#step, BACKOFF_LAST_MS);
    if (ceiling < BACKOFF_LAST_MS) this.#step++;
    return ceiling * (0.5 + Math.random() / 2);
  }

  reset() {
    this.#step = 0;
  }
}

const pageGate = new ConnectGate();

export class Transport {
  #url;
  #handlers;
  #gate;
  #scope = new Scope();
  #attempt = null;
  #backoff = new Backoff();
  #cancelRetry = () => {};
  #connected = false;
  #socket = null;

  /**
   * `handlers`: onopen(), ontext(string), onbinary(ArrayBuffer), onlost({ reason, retryMs }).
   * Any of them may close the transport.
   */
  constructor(url, handlers, gate = pageGate) {
    this.#url = url;
    this.#handlers = handlers;
    this.#gate = gate;
  }

  get connected() {
    return this.#connected;
  }

  open() {
    if (typeof window !== 'undefined') this.#scope.listen(window, 'online', () => this.#retryNow());
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
  }

  #retryNow() {
    if (this.#attempt) return;
    this.#cancelRetry();
    this.#connect();
  }

  #connect() {
    if (this.#scope.closed) return;
    const attempt = this.#scope.child();
    this.#attempt = attempt;
    const place = new Scope();
    attempt.add(() => place.close());
    place.add(this.#gate.enter(() => this.#dial(attempt, place)));
  }

  #dial(attempt, place) {
    let socket;
    try {
      socket = new WebSocket(this.#url);
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
    socket.onclose = ({ code, reason }) => this.#lost(reason || closeReason(code, this.#connected));
  }

  #lost(reason) {
    this.#connected = false;
    this.#attempt.close();
    this.#attempt = null;
    const retryMs = this.#backoff.next();
    this.#cancelRetry = this.#scope.timeout(retryMs, () => this.#connect());
    this.#handlers.onlost({ reason, retryMs });
  }
}

function closeReason(code, wasConnected) {
  if (!wasConnected) return 'the server cannot be reached or refused the connection';
  return code === 1001 ? 'the server is ending or the camera was removed' : 'the connection was lost';
}
