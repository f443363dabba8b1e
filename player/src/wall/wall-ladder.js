// SPDX-License-Identifier: MIT
// Never more than the browser can bear: when the page cannot keep up with its pictures, the least important tiles show fewer of
// them. Each tile has a ladder: the stream that fits, the small stream, keyframes only, a still picture now and then. Here it is decided how
// far down the tiles are; knows neither the document nor the clock.

export const FULL = 'full';
export const SMALL = 'small'; // the small stream where the large one would fit
export const KEY = 'key'; // keyframes only, of the small stream if there is one
export const STILL = 'still'; // no stream: a picture that the server makes (wall-still.js)

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
 * The steps down, in the order in which they are taken: `{ name, rung }`. `tiles`: the most important first, `{ name, large, small, still }`: whether
 * it is shown as it is whatever happens, whether a small stream could take the place of what fits, and whether the server makes pictures of it.
 */
export function stepsDown(tiles) {
  const lowest = tiles.filter(({ large }) => !large).reverse();
  const to = (rung, some) => some.map(({ name }) => ({ name, rung }));
  return [...to(SMALL, lowest.filter(({ small }) => small)), ...to(KEY, lowest), ...to(STILL, lowest.filter(({ still }) => still))];
}

/** As much of `all` as `some` is of `before`. */
const shareOf = (some, before, all) => (before > 0 ? Math.round((some * all) / before) : 0);

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
    const before = { all: this.#steps.length, streamed: this.#streamed, taken: Math.min(this.#taken, this.#streamed) };
    const stills = this.#taken - before.taken;
    const borne = before.streamed - before.taken; // steps that were not taken, and the page bore it
    this.#tiles = tiles;
    this.#steps = tiles.length > FEW ? stepsDown(tiles) : [];
    const { length } = this.#steps;
    const streamed = this.#streamed;
    if (length === before.all && streamed === before.streamed) return this.rungs;
    const share = shareOf(before.taken, before.streamed, streamed);
    // However many tiles come at once, they do not all begin in full.
    const least = tiles.length > FULL_FIRST ? streamed - Math.max(FULL_FIRST, borne) : 0;
    this.#taken = Math.max(share, least) + shareOf(stills, before.all - before.streamed, length - streamed);
    return this.rungs;
  }

  /** The rung of each tile: a Map of names. */
  get rungs() {
    const rungs = new Map(this.#tiles.map(({ name }) => [name, FULL]));
    for (const { name, rung } of this.#steps.slice(0, this.#taken)) rungs.set(name, rung);
    return rungs;
  }

  /** How many of the steps leave each tile a stream. They come before the others. */
  get #streamed() {
    const first = this.#steps.findIndex(({ rung }) => rung === STILL);
    return first === -1 ? this.#steps.length : first;
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
    const streamed = this.#streamed;
    const left = (this.#taken < streamed ? streamed : this.#steps.length) - this.#taken; // no tile loses its stream before all show keyframes
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
    const streamed = this.#streamed;
    const taken = this.#taken > streamed ? this.#taken - streamed : this.#taken;
    this.#move(-Math.min(taken, Math.max(UP_FEWEST, Math.ceil(taken / UP_PART))), now);
    return true;
  }

  #move(steps, now) {
    this.#taken += steps;
    this.#changedAt = now;
    this.forget();
    if (steps < 0) this.#calmSince = now;
  }
}
