// SPDX-License-Identifier: MIT
// Pauses between attempts that grow, and differ from page to page.

export class Backoff {
  #first;
  #last;
  #step = 0;

  constructor(firstMs, lastMs) {
    this.#first = firstMs;
    this.#last = lastMs;
  }

  /** Milliseconds: each pause is up to twice as long as the one before. */
  next() {
    const ceiling = Math.min(this.#first * 2 ** this.#step, this.#last);
    if (ceiling < this.#last) this.#step++;
    return ceiling * (0.5 + Math.random() / 2);
  }

  reset() {
    this.#step = 0;
  }
}
