// SPDX-License-Identifier: MIT
// The tour: the wall goes on by itself every so many seconds. It stops while somebody uses the page, and goes on afterwards. What comes next is
// loaded before it is shown, so that nothing is black in between.

import { Scope } from '../player/scope.js';

const TICK_MS = 250;
const TOUCHED_MS = 60_000; // so long after the last touch it goes on
const AHEAD_MS = 8000; // so long before a step the next one is loaded …
const AHEAD_SHARE = 0.6; // … but no longer than this part of the time between two
const LATE_MS = 5000; // a step waits so long for pictures that have not come

export class Tour {
  #scope = null; // while it runs
  #owner;
  #seconds = 0;
  #elapsed = 0; // of the present step, without the time in which it stood still
  #before = 0;
  #touchedAt = -Infinity;
  #loading = false;

  /**
   * `owner`: `busy()` while the wall must not be changed, `prepare()` loads what comes next, `ready()` whether it has its pictures, `step()` shows
   * it, `forget()` lets go of what was loaded, `onchange()` when `state` has changed.
   */
  constructor(owner) {
    this.#owner = owner;
  }

  /** `off`, `on`, or `held` while somebody uses the page. */
  get state() {
    if (!this.#scope) return 'off';
    return this.#isHeld() ? 'held' : 'on';
  }

  /** Starts with `seconds` between two steps, or goes on with as many as that. */
  start(seconds) {
    this.#seconds = seconds;
    this.#touchedAt = -Infinity;
    if (this.#scope) return;
    const scope = new Scope();
    this.#scope = scope;
    this.#restart();
    for (const type of ['pointerdown', 'keydown', 'wheel']) scope.listen(window, type, () => this.#touch(), { passive: true, capture: true });
    scope.interval(TICK_MS, () => this.#tick());
    scope.add(() => this.#forget());
    this.#owner.onchange();
  }

  stop() {
    const scope = this.#scope;
    if (!scope) return;
    this.#scope = null;
    scope.close();
    this.#owner.onchange();
  }

  /** Somebody went on by hand: the time begins anew. */
  restart() {
    this.#forget();
    this.#restart();
  }

  #restart() {
    this.#elapsed = 0;
    this.#before = performance.now();
  }

  #isHeld() {
    return performance.now() - this.#touchedAt < TOUCHED_MS || this.#owner.busy();
  }

  #touch() {
    const before = this.state;
    this.#touchedAt = performance.now();
    this.#forget();
    this.#elapsed = Math.min(this.#elapsed, this.#seconds * 1000 * (1 - AHEAD_SHARE)); // it takes its time to load again
    if (before !== this.state) this.#owner.onchange();
  }

  #forget() {
    if (!this.#loading) return;
    this.#loading = false;
    this.#owner.forget();
  }

  #held = false;

  #tick() {
    const now = performance.now();
    const passed = now - this.#before;
    this.#before = now;
    const held = this.#isHeld();
    if (held !== this.#held) {
      this.#held = held;
      this.#owner.onchange();
    }
    if (held || document.hidden) return;
    this.#elapsed += Math.min(passed, 4 * TICK_MS); // a page that slept does not hurry
    const left = this.#seconds * 1000 - this.#elapsed;
    if (!this.#loading && left <= Math.min(AHEAD_MS, this.#seconds * 1000 * AHEAD_SHARE)) {
      this.#loading = true;
      this.#owner.prepare();
    }
    if (left > 0 || (left > -LATE_MS && !this.#owner.ready())) return;
    this.#loading = false;
    this.#elapsed = 0;
    this.#owner.step();
  }
}
