// SPDX-License-Identifier: MIT
// Never more than the browser can bear: when the page cannot keep up with its pictures, the least important tiles show fewer of
// them. Each tile has a ladder: the stream that fits, the small stream, keyframes only. Here it is decided how far down the tiles
// are; knows neither the document nor the clock.

export const FULL = 'full';
export const SMALL = 'small'; // the small stream where the large one would fit
export const KEY = 'key'; // keyframes only, of the small stream if there is one

export const FEW = 8; // so few tiles are never taken down: there is nothing to gain
const FULL_FIRST = 48; // so many begin with all of their pictures; what the computer can bear is found out from there
const WINDOW = 5; // seconds that are looked at …
const STRAINED = 3; // … of which so many are too much
const SETTLE_MS = 5000; // until the page shows what a step has changed
const CALM_MS = 10_000; // without strain, before a step up is tried
const CALM_MOST_MS = 600_000;
const REGRET_MS = 15_000; // strain so soon after a step up is because of it
const DOWN_PART = 4; // of the steps that are left, a step down takes one in so many
const UP_PART = 6;
const UP_FEWEST = 2;

/**
 * The steps down, in the order in which they are taken: `{ name, rung }`. `tiles`: the most important first, `{ name, large, small }`: whether
 * it is shown as it is whatever happens, and whether a small stream could take the place of what fits.
 */
export function stepsDown(tiles) {
  const lowest = tiles.filter(({ large }) => !large).reverse();
  return [...lowest.filter(({ small }) => small).map(({ name }) => ({ name, rung: SMALL })), ...lowest.map(({ name }) => ({ name, rung: KEY }))];
}

export class Ladder {
  #tiles = [];
  #steps = []; // down
  #taken = 0; // of them
  #seconds = []; // whether each was too much, the newest last
  #changedAt = -Infinity;
  #calmSince = null;
  #upAt = -Infinity; // the last step up
  #calm = CALM_MS;
  #regretted = false; // the last step up was too much

  /** `tiles` as for stepsDown. Returns the rungs by name: a Map. */
  arrange(tiles) {
    const before = this.#steps.length;
    const borne = before - this.#taken; // steps that were not taken, and the page bore it
    this.#tiles = tiles;
    this.#steps = tiles.length > FEW ? stepsDown(tiles) : [];
    const { length } = this.#steps;
    if (length === before) return this.rungs;
    const share = before > 0 ? Math.round((this.#taken * length) / before) : 0;
    // However many tiles come at once, they do not all begin in full.
    const least = tiles.length > FULL_FIRST ? length - Math.max(FULL_FIRST, borne) : 0;
    this.#taken = Math.min(Math.max(share, least), length);
    return this.rungs;
  }

  /** The rung of each tile: a Map of names. */
  get rungs() {
    const rungs = new Map(this.#tiles.map(({ name }) => [name, FULL]));
    for (const { name, rung } of this.#steps.slice(0, this.#taken)) rungs.set(name, rung);
    return rungs;
  }

  /** How many steps down are taken. */
  get taken() {
    return this.#taken;
  }

  /** What was before says nothing any more: the page was out of sight. */
  forget() {
    this.#seconds = [];
    this.#calmSince = null;
  }

  /** A second has passed, which was `strained` or not. Returns whether the rungs have changed. */
  second(now, strained) {
    this.#seconds = [...this.#seconds, strained].slice(-WINDOW);
    if (strained) this.#calmSince = null;
    else this.#calmSince ??= now;
    if (now - this.#changedAt < SETTLE_MS) return false;
    if (this.#seconds.filter(Boolean).length >= STRAINED) return this.#down(now);
    if (this.#calmSince !== null && now - this.#calmSince >= this.#calm) return this.#up(now);
    return false;
  }

  #down(now) {
    const left = this.#steps.length - this.#taken;
    if (left === 0) return false;
    if (now - this.#upAt < REGRET_MS) {
      this.#calm = Math.min(2 * this.#calm, CALM_MOST_MS);
      this.#regretted = true;
    }
    this.#move(Math.ceil(left / DOWN_PART), now);
    return true;
  }

  #up(now) {
    if (this.#taken === 0) return false;
    if (!this.#regretted) this.#calm = Math.max(this.#calm / 2, CALM_MS);
    this.#regretted = false;
    this.#upAt = now;
    this.#move(-Math.min(this.#taken, Math.max(UP_FEWEST, Math.ceil(this.#taken / UP_PART))), now);
    return true;
  }

  #move(steps, now) {
    this.#taken += steps;
    this.#changedAt = now;
    this.forget();
    if (steps < 0) this.#calmSince = now;
  }
}
