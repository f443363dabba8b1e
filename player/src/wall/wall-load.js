// SPDX-License-Identifier: MIT
// Whether the page was too busy in the last second: by what its players report, and by how long its thread was taken.

const LATE_S = 1; // behind what was asked for, although the pictures are there
const LATE_PART = 0.1; // of all tiles
const LATE_FEWEST = 2;
const BUSY_PART = 0.5; // of a second, in tasks that keep the user waiting
const DROPPED_PART = 0.25; // of the pictures that were decoded
const DECODED_FEWEST = 50; // in a second; of fewer a part says nothing
const TASK_MS = 50; // what the browser calls a long task takes longer

/** Adds up a second of a page. Pure but for the browser's own observer, which is handed in. */
export class Load {
  #busyMs = 0;
  #decoded = 0;
  #dropped = 0;
  #behind = new Set();
  #tooMany = false;
  #last = new WeakMap(); // player's video → its figures before

  /** The page's thread was taken for `ms`. */
  took(ms) {
    this.#busyMs += Math.max(0, ms - TASK_MS);
  }

  /** A report of the tile `name`, whose pictures VIDEO shows; `asked`: the delay that it is to have, in seconds. */
  report(name, video, { delay, framesDecoded, framesDropped, tooMany, target }, asked) {
    const before = this.#last.get(video);
    if (framesDecoded !== null) this.#last.set(video, { framesDecoded, framesDropped });
    if (before && framesDecoded >= before.framesDecoded) {
      this.#decoded += framesDecoded - before.framesDecoded;
      this.#dropped += framesDropped - before.framesDropped;
    }
    if ((delay ?? 0) - Math.max(asked, target ?? 0) > LATE_S) this.#behind.add(name);
    if (tooMany > 0) this.#tooMany = true;
  }

  /** Whether the second that ends now, of a page of `tiles` tiles, was too much; the next one begins. */
  judge(tiles, seconds = 1) {
    const strained = this.#tooMany
      || this.#behind.size >= Math.max(LATE_FEWEST, tiles * LATE_PART)
      || this.#busyMs >= BUSY_PART * 1000 * seconds
      || (this.#decoded >= DECODED_FEWEST && this.#dropped >= this.#decoded * DROPPED_PART);
    this.#busyMs = this.#decoded = this.#dropped = 0;
    this.#behind.clear();
    this.#tooMany = false;
    return strained;
  }
}

/** Tells `took(ms)` of each task that keeps the page's thread, until the returned function is called. */
export function watchTasks(took) {
  if (!globalThis.PerformanceObserver?.supportedEntryTypes?.includes('longtask')) return () => {};
  const observer = new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => took(duration)));
  observer.observe({ entryTypes: ['longtask'] });
  return () => observer.disconnect();
}
