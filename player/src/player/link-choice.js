// SPDX-License-Identifier: MIT
// Which of a camera's two streams a link gets through, when the larger one is wanted. Pure bookkeeping, about once a second: its user
// reports what a player measures, and shows the stream that it answers with. A link that is too slow for the
// large stream is given the small one; the large one is then tried beside it, out of sight, after times that grow.

const LATE_S = 2; // older pictures are not live …
const CLOCK_S = 60; // … and those that are far older are not, either: a clock was set, since the server leaves out what has waited for long
const LATE_REPORTS = 4; // of the last REPORTS, so many late ones are not a hiccup …
const REPORTS = 8;
const DROPS = 3; // … and so many gaps within DROPS_MS are not, either
const DROPS_MS = 20_000;
const TRY_MS = 30_000; // until the large stream is tried for the first time
const TRY_MAX_MS = 600_000;
const TRY_GROWTH = 2;
const CALM_MS = 10_000; // the small stream must have got through for so long before the large one is tried
const TRIAL_MS = 8000; // the large stream must get through for so long
const TRIAL_MAX_MS = 20_000; // and begin to soon enough
const KEPT_MS = 120_000; // after so long with the large stream, the next trial comes soon again

const isLate = (late) => late > LATE_S && late < CLOCK_S;

export class LinkChoice {
  #stream = 'main';
  #reports = []; // of the stream that is shown: late or not
  #drops = []; // when gaps were told
  #since = -Infinity; // when the present stream was chosen
  #badAt = -Infinity;
  #wait = TRY_MS;
  #trial = null; // { at, goodAt } while the large stream is tried

  /** `main` or `sub`: what the link gets through. */
  get stream() {
    return this.#stream;
  }

  /** Whether the large stream is to be played beside the small one, to see if it gets through. */
  get trying() {
    return this.#trial !== null;
  }

  /** What is known no longer holds: another stream is shown for another reason, or nothing was played for a while. */
  forget() {
    this.#reports = [];
    this.#drops = [];
  }

  /** The server left fragments of the shown stream out at `now` ms, because they would have been late. */
  dropped(now) {
    this.#badAt = now;
    this.#drops.push(now);
  }

  /** The newest picture of the shown stream was `late` seconds old at `now` ms. Returns whether the choice has changed. */
  report(now, late) {
    const bad = isLate(late);
    if (bad) this.#badAt = now;
    this.#reports.push(bad);
    if (this.#reports.length > REPORTS) this.#reports.shift();
    this.#drops = this.#drops.filter((at) => now - at < DROPS_MS);
    return this.#stream === 'main' ? this.#leave(now) : this.#watchTrial(now);
  }

  #leave(now) {
    if (now - this.#since > KEPT_MS) this.#wait = TRY_MS;
    const late = this.#reports.filter(Boolean).length;
    if (!(this.#reports.at(-1) && late >= LATE_REPORTS) && this.#drops.length < DROPS) return false;
    this.#enter('sub', now);
    return true;
  }

  #watchTrial(now) {
    const trial = this.#trial;
    if (!trial) {
      const ready = now - this.#since >= this.#wait && now - this.#badAt >= CALM_MS;
      if (ready) this.#trial = { at: now, goodAt: null };
      return ready;
    }
    if (now === this.#badAt || now - trial.at > TRIAL_MAX_MS) {
      this.failed(now); // the small one suffers, or nothing comes of it
      return true;
    }
    return false;
  }

  /** The same of the large stream while it is tried. `dropped`: whether there was a gap since the last report. */
  tried(now, { late, dropped }) {
    const trial = this.#trial;
    if (!trial) return false;
    if (dropped) {
      this.failed(now);
      return true;
    }
    if (isLate(late)) {
      trial.goodAt = null;
      return false;
    }
    trial.goodAt ??= now;
    if (now - trial.goodAt < TRIAL_MS) return false;
    this.#trial = null;
    this.#wait = Math.min(this.#wait * TRY_GROWTH, TRY_MAX_MS); // should it have to be left soon again
    this.#enter('main', now);
    return true;
  }

  /** The large stream cannot be tried to the end now. */
  failed(now) {
    if (!this.#trial) return;
    this.#trial = null;
    this.#wait = Math.min(this.#wait * TRY_GROWTH, TRY_MAX_MS);
    this.#since = now;
  }

  #enter(stream, now) {
    this.#stream = stream;
    this.#since = now;
    this.#trial = null;
    this.#badAt = now;
    this.forget();
  }
}
