// SPDX-License-Identifier: MIT
// Keeps playback close behind the newest picture. Pure bookkeeping: its caller reports what arrives and what the video
// does, and it answers what to do. It touches neither the video nor a clock, so that every rule can be tested.

export const STALL_MS = 1250;
export const GIVE_UP_MS = 5000; // stalled for this long with data in the buffer: new pictures need a new MediaSource
export const FAR_S = 1; // later than the target by more: seek, because a faster rate would take too long
const NEAR_S = 0.15; // the same while a connection is young: a seek cannot disturb yet, because nothing has been seen
const NEAR_MS = 500; // how long a connection is young after the old fragments have all come
const NEAR_COOL_DOWN_MS = 150;
const SLIGHTLY_LATE_S = 0.04; // play faster from here until the target is reached again
const CATCH_UP_RATE = 1.05;
const SLOW_DOWN_RATE = 0.95; // until there is enough for the target, before it runs dry
const FAST_CATCH_UP_RATE = 1.1; // higher is heard in the sound
const FAST_CATCH_UP_S = 0.4;
const NUDGE_S = 0.1;
const HOLE_S = 0.1;
const BEFORE_HOLE_S = 0.3;
const BEFORE_HOLE_MS = 100;
const MARGIN_S = 0.04; // a decoder's own delay
const SOUND_MARGIN_S = 0.16; // Chromium gathers 200 ms of sound before it begins, and runs dry below this
const MAX_TARGET_S = 3;
const JITTER_WINDOW_MS = 10_000;
const OUTLIERS = 0.02; // this part of the latest arrivals may come later than the target: one hiccup is not jitter
const LIVE_RUN = 2; // after this many fragments in a row at the camera's pace, the burst of old ones is over
const UNDERRUN_STEP_S = 0.05;
const UNDERRUN_MAX_S = 1;
const UNDERRUN_DECAY_MS = 10_000;

export class LiveEdge {
  #seeksOnly;
  #arrivals = []; // { at, offset, interval } of the last window
  #margin = MARGIN_S;
  #aim = 0; // seconds, as configured
  #nearUntil = Infinity; // of a young connection
  #liveRun = 0;
  #lastEnd = null;
  #lastAt = null;
  #interval = 0;
  #underrun = 0;
  #underrunAt = 0;
  #seekedAt = -Infinity;
  #rate = 1;
  #position = null;
  #movedAt = 0;
  #nudgedAt = 0;

  /** `seeksOnly`: never change the playback rate (Safari interrupts the sound when it does). */
  constructor({ seeksOnly = false } = {}) {
    this.#seeksOnly = seeksOnly;
  }

  /** A new connection or timeline: what is known of arrivals no longer holds, and old fragments come all at once. */
  join() {
    this.#arrivals = [];
    this.#nearUntil = Infinity;
    this.#liveRun = 0;
    this.#lastEnd = null;
    this.#lastAt = null;
  }

  /** Whether the connection is so young that playback should be put where it belongs without delay. */
  isJoining(now) {
    return now < this.#nearUntil;
  }

  /** A fragment that ends at `end` seconds of the stream's time came at `now` ms. */
  arrived(start, end, now) {
    const interval = this.#lastEnd === null ? end - start : Math.max(0, end - this.#lastEnd);
    const pause = this.#lastAt === null ? 0 : now - this.#lastAt;
    this.#lastEnd = end;
    this.#lastAt = now;
    if (interval > MAX_TARGET_S) return;
    this.#interval = interval;
    if (this.#nearUntil === Infinity) {
      // The fragments of a burst come faster than they were recorded, so they say nothing about jitter.
      this.#liveRun = pause >= interval * 500 ? this.#liveRun + 1 : 0;
      if (this.#liveRun < LIVE_RUN) return;
      this.#nearUntil = now + NEAR_MS;
    }
    this.#arrivals.push({ at: now, offset: now / 1000 - end, interval });
    while (this.#arrivals[0].at < now - JITTER_WINDOW_MS) this.#arrivals.shift();
  }

  /** Whether sound is played with the pictures. */
  setSound(sound) {
    this.#margin = sound ? SOUND_MARGIN_S : MARGIN_S;
  }

  /** Playback is about to begin again on the same timeline. */
  hurry(now) {
    this.#nearUntil = Math.max(this.#nearUntil, now + NEAR_MS);
  }

  /** Stay so many seconds behind at least. */
  aim(seconds) {
    this.#aim = seconds;
  }

  /** Playback ran out of pictures although the stream goes on: stay further behind for a while. */
  underrun(now) {
    this.#underrun = Math.min(this.#underrun + UNDERRUN_STEP_S, UNDERRUN_MAX_S);
    this.#underrunAt = now;
  }

  /** Seconds to stay behind the end of the buffer, by measured jitter. */
  target(now) {
    if (this.#underrun > 0 && now - this.#underrunAt > UNDERRUN_DECAY_MS) {
      this.#underrun = this.#underrun > UNDERRUN_STEP_S / 2 ? this.#underrun / 2 : 0;
      this.#underrunAt = now;
    }
    const measured = this.#typicalInterval() + this.#jitter();
    return Math.max(this.#aim, Math.min(measured + this.#margin + this.#underrun, MAX_TARGET_S));
  }

  /** Between two pictures, in seconds. */
  #typicalInterval() {
    const count = this.#arrivals.length;
    return count > 0 ? this.#arrivals.reduce((sum, { interval }) => sum + interval, 0) / count : this.#interval;
  }

  /** How much later than the earliest of the window nearly all others came, in seconds. */
  #jitter() {
    const offsets = this.#arrivals.map(({ offset }) => offset).sort((a, b) => a - b);
    const last = offsets.length - 1 - Math.ceil(offsets.length * OUTLIERS);
    return last > 0 ? offsets[last] - offsets[0] : 0;
  }

  /** The video was hidden, paused or detached: standing still until now was no stall. */
  excuse(now) {
    this.#movedAt = now;
    this.#position = null;
  }

  /**
   * `view`: `{ now, position, ranges: [[start, end], …], seeking }`, and nothing while the user has paused.
   * Answers `{ seek?, rate, stalled, giveUp, late }`; `late` is seconds behind the end of the buffer, or null.
   */
  decide(view) {
    const { now, position, ranges } = view;
    const answer = { rate: this.#rate, stalled: false, giveUp: false, late: null };
    if (ranges.length === 0) return { ...answer, stalled: this.#still(position, now) > STALL_MS };
    const [lastStart, end] = ranges.at(-1);
    const target = this.target(now);
    const goal = Math.max(lastStart, end - target);
    answer.late = Math.max(0, end - position);
    const still = this.#still(position, now);
    const outside = this.#outside(position, ranges, still);
    answer.stalled = still > STALL_MS;

    if (outside) {
      this.#jump(answer, goal, now);
    } else if (view.seeking) {
      answer.giveUp = answer.late > HOLE_S && still > GIVE_UP_MS;
    } else if (answer.stalled && answer.late > HOLE_S) {
      this.#unstick(answer, position, goal, still, now);
    } else {
      this.#follow(answer, target, goal, now);
    }
    this.#rate = answer.rate;
    return answer;
  }

  /** Milliseconds since the position last changed. */
  #still(position, now) {
    if (position !== this.#position) {
      this.#position = position;
      this.#movedAt = now;
    }
    return now - this.#movedAt;
  }

  /** Not inside buffered data, or at the end of a range that another one follows: browsers stop some way before it. */
  #outside(position, ranges, still) {
    const last = ranges.length - 1;
    const inside = ranges.findIndex(([start, end]) => position >= start - 0.001 && position <= end + HOLE_S);
    if (inside === -1) return true;
    return inside < last && ranges[inside][1] - position < (still > BEFORE_HOLE_MS ? BEFORE_HOLE_S : HOLE_S);
  }

  #jump(answer, goal, now) {
    answer.seek = goal;
    answer.rate = 1;
    this.#seekedAt = now;
  }

  #unstick(answer, position, goal, still, now) {
    answer.rate = 1;
    if (still > GIVE_UP_MS) {
      answer.giveUp = true;
    } else if (now - this.#nudgedAt >= STALL_MS) {
      this.#nudgedAt = now;
      answer.seek = Math.max(position + NUDGE_S, goal);
    }
  }

  #follow(answer, target, goal, now) {
    const excess = answer.late - target;
    if (excess > this.#farAt(now)) {
      if (now - this.#seekedAt >= this.#coolDown(now)) this.#jump(answer, goal, now);
    } else if (this.#seeksOnly) {
      answer.rate = 1;
    } else {
      answer.rate = this.#rateFor(excess);
    }
  }

  #farAt(now) {
    if (this.isJoining(now)) return NEAR_S + this.#margin - MARGIN_S;
    return this.#seeksOnly ? FAR_S / 2 : FAR_S;
  }

  #coolDown(now) {
    if (this.isJoining(now)) return NEAR_COOL_DOWN_MS;
    return this.#seeksOnly ? 5000 : 2000;
  }

  /** The end of the buffer moves by one interval at a time: only what is beyond that on either side is late or early. */
  #rateFor(excess) {
    const early = -excess - this.#interval;
    if (excess > FAST_CATCH_UP_S) return FAST_CATCH_UP_RATE;
    if (excess > SLIGHTLY_LATE_S) return Math.max(this.#rate, CATCH_UP_RATE);
    if (early > SLIGHTLY_LATE_S) return SLOW_DOWN_RATE;
    if (excess > 0 && this.#rate > 1) return this.#rate;
    if (early > 0 && this.#rate < 1) return this.#rate;
    return 1;
  }
}
