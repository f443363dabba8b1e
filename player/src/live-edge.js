// Keeps playback close behind the newest picture. Pure bookkeeping: it is told what arrives and what the video does,
// and answers what to do; it touches neither the video nor a clock, so that every rule can be tested.

export const STALL_MS = 1250;
export const GIVE_UP_MS = 5000; // stalled with data at hand for so long: new pictures need a new MediaSource
export const FAR_S = 1; // later than the target by more: seek, a faster rate would take too long
const SLIGHTLY_LATE_S = 0.08; // play faster from here until the target is reached again
const CATCH_UP_RATE = 1.05;
const FAST_CATCH_UP_RATE = 1.1; // higher is heard in the sound
const FAST_CATCH_UP_S = 0.4;
const NUDGE_S = 0.1;
const HOLE_S = 0.1;
const MARGIN_S = 0.04; // a decoder's own delay
const MAX_TARGET_S = 3;
const JITTER_WINDOW_MS = 10_000;
const BURST_MS = 1000; // after joining, old fragments come at once: they say nothing about jitter
const UNDERRUN_STEP_S = 0.05;
const UNDERRUN_MAX_S = 1;
const UNDERRUN_DECAY_MS = 10_000;

export class LiveEdge {
  #seeksOnly;
  #arrivals = []; // { at, offset, interval } of the last window
  #aim = 0; // seconds, as configured
  #joinedAt = 0;
  #lastEnd = null;
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

  /** A new connection or timeline: what was learnt about arrivals no longer holds. */
  join(now) {
    this.#arrivals = [];
    this.#joinedAt = now;
    this.#lastEnd = null;
  }

  /** A fragment that ends at `end` seconds of the stream's time came at `now` ms. */
  arrived(start, end, now) {
    const interval = this.#lastEnd === null ? 0 : Math.max(0, end - this.#lastEnd);
    this.#lastEnd = end;
    if (now - this.#joinedAt < BURST_MS || interval > MAX_TARGET_S) return;
    this.#arrivals.push({ at: now, offset: now / 1000 - end, interval });
    while (this.#arrivals[0].at < now - JITTER_WINDOW_MS) this.#arrivals.shift();
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
    let earliest = Infinity;
    let latest = -Infinity;
    let interval = 0;
    for (const arrival of this.#arrivals) {
      earliest = Math.min(earliest, arrival.offset);
      latest = Math.max(latest, arrival.offset);
      interval += arrival.interval;
    }
    const count = this.#arrivals.length;
    const measured = count > 0 ? interval / count + (latest - earliest) : 0;
    return Math.max(this.#aim, Math.min(measured + MARGIN_S + this.#underrun, MAX_TARGET_S));
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
    const outside = this.#outside(position, ranges);
    const still = this.#still(position, now);
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

  /** Not inside buffered data, or at the end of a range that another one follows. */
  #outside(position, ranges) {
    const last = ranges.length - 1;
    const inside = ranges.findIndex(([start, end]) => position >= start - 0.001 && position <= end + HOLE_S);
    if (inside === -1) return true;
    return inside < last && ranges[inside][1] - position < HOLE_S;
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
    const coolDown = this.#seeksOnly ? 5000 : 2000;
    if (excess > (this.#seeksOnly ? FAR_S / 2 : FAR_S)) {
      if (now - this.#seekedAt >= coolDown) this.#jump(answer, goal, now);
    } else if (this.#seeksOnly || excess <= 0) {
      answer.rate = 1;
    } else if (excess > FAST_CATCH_UP_S) {
      answer.rate = FAST_CATCH_UP_RATE;
    } else if (excess > SLIGHTLY_LATE_S && this.#rate === 1) {
      answer.rate = CATCH_UP_RATE;
    }
  }
}
