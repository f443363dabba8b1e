// SPDX-License-Identifier: MIT
// A look at the past: where playback is to begin, how much of it to ask for, and how far behind the newest picture it is.
// Knows neither the browser nor the clock: times are seconds of the stream, and milliseconds of the page where they are called `now`.

const LEAD_S = 4; // is asked for in advance at normal speed
const NEAR_S = 1; // what is nearer to the newest picture than this is the present
const ASK_MS = 300; // between two questions
const PLACE_MS = 500; // playback begins with what there is when the picture that was wanted has not come for so long
const BEFORE_HOLE_S = 0.15;

/** The end of the stream, which goes on while nothing of it comes. */
export class LiveEnd {
  #end = null;
  #at = 0;

  /** A live fragment that ends at `end` came at `now`. */
  arrived(end, now) {
    this.#end = end;
    this.#at = now;
  }

  /** Null before the first one. */
  at(now) {
    return this.#end === null ? null : this.#end + (now - this.#at) / 1000;
  }
}

export class LookBack {
  #target;
  #placedBy = Infinity;
  #askedAt = -Infinity;
  #placed = false;
  position; // of playback, or where it is to begin
  returning = false; // the present was asked for
  paused; // it is to begin with a picture that stands still

  constructor(target, paused) {
    this.#target = this.position = target;
    this.paused = paused;
  }

  /** Whether `target` is the present when the stream ends at `end`. */
  static isPresent(target, end) {
    return end - target < NEAR_S;
  }

  /** What to ask for first: `{ ago, for }` in seconds. */
  question(end, now) {
    const ago = Math.max(0, end - this.position);
    this.#askedAt = now;
    return { ago, for: lead(ago, 1) };
  }

  /** The server has begun to send. */
  begins(now) {
    this.#placed = false;
    this.#placedBy = now + PLACE_MS;
  }

  /**
   * `view`: `{ now, position, rate, ranges: [[start, end], …], end }`. Answers `{ seek?, more? }`: where playback is to go on, and
   * how many seconds more to ask for.
   */
  decide({ now, position, rate, ranges, end }) {
    if (ranges.length === 0) return {};
    if (!this.#placed) return this.#place(now, ranges);
    this.position = position;
    const hole = ranges.findIndex(([start, stop]) => position >= start - 0.001 && position >= stop - BEFORE_HOLE_S);
    const next = hole === -1 ? undefined : ranges.slice(hole + 1).find(([start]) => start > position);
    const inside = ranges.some(([start, stop]) => position >= start - 0.001 && position < stop - BEFORE_HOLE_S);
    const answer = next && !inside ? { seek: next[0] } : {};
    const ahead = ranges.at(-1)[1] - position;
    const wanted = lead(end - position, rate);
    if (ahead < wanted / 2 && now - this.#askedAt > ASK_MS) {
      this.#askedAt = now;
      answer.more = wanted - ahead;
    }
    return answer;
  }

  #place(now, ranges) {
    const last = ranges.at(-1)[1];
    if (last <= this.#target && now < this.#placedBy) return {};
    this.#placed = true;
    this.position = Math.min(Math.max(this.#target, ranges[0][0]), Math.max(ranges[0][0], last - 0.02));
    return { seek: this.position };
  }
}

/** How much to have in advance: never so much that it reaches the present, where playback would be taken along. */
function lead(behind, rate) {
  return Math.min(LEAD_S * Math.max(1, rate), Math.max(0.2, behind / 2));
}
