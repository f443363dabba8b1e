// SPDX-License-Identifier: MIT
// The server's clock, from questions and answers over the socket. Pure bookkeeping: its user sends the
// questions and passes in the time (ms of a clock that never jumps, such as performance.now()).

const LONGEST_ANSWER_MS = 10_000; // an answer that took longer says nothing
const DRIFT = 1e-4; // of two quartz clocks, at most: with every ms, an answer becomes less exact by this part of it
const ROUNDING_MS = 1; // browsers round their clocks

export class ServerClock {
  #best = null; // { offset, error, at }

  /** The text message that asks. */
  question(now) {
    return JSON.stringify({ type: 'time', client: now });
  }

  /** Takes the server's answer, which came at `now`; returns whether it was one. */
  answered({ client, server_ms: server }, now) {
    const took = now - client;
    if (!Number.isFinite(server) || !(took >= 0 && took <= LONGEST_ANSWER_MS)) return false;
    const error = took / 2 + ROUNDING_MS;
    const offset = server - (client + now) / 2;
    if (!this.#best || error <= this.#errorAt(now) || !this.#agrees(offset, error, now)) this.#best = { offset, error, at: now };
    return true;
  }

  /** The server's clock at `now` in ms since 1970, or null while it is not known. */
  at(now) {
    return this.#best ? now + this.#best.offset : null;
  }

  /** By how many ms `at(now)` may be wrong, or null. */
  errorAt(now) {
    return this.#best ? this.#errorAt(now) : null;
  }

  #errorAt(now) {
    return this.#best.error + (now - this.#best.at) * DRIFT;
  }

  /** Whether an answer fits the best one. If not, one of the two clocks was set, or the machine was suspended, so only the newest answer counts. */
  #agrees(offset, error, now) {
    return Math.abs(offset - this.#best.offset) <= error + this.#errorAt(now);
  }
}
