// SPDX-License-Identifier: MIT
// What the players of a page do to each other. One whose pictures stand still although there are some begins again with a new MediaSource,
// which helps it if something is wrong with it alone. Where several stand, it is the machine that is too slow, and beginning again only costs
// more: so at most one of a page begins again at a time, and none while several stand.

export const SEVERAL = 3; // so many that stand are not faults of their own
export const PAUSE_MS = 2000; // between two that begin again

export class Strain {
  #players = new Set();
  #standing = new Set();
  #next = -Infinity; // when the next one may begin again

  /** PLAYER shows pictures from now on, or tries to; returns the undoing. */
  enter(player) {
    this.#players.add(player);
    return () => {
      this.#players.delete(player);
      this.#standing.delete(player);
    };
  }

  /** As on a new page; for tests. */
  clear() {
    this.#players.clear();
    this.#standing.clear();
    this.#next = -Infinity;
  }

  /** Whether the pictures of PLAYER stand still although there are some. */
  note(player, stands) {
    if (stands) this.#standing.add(player);
    else this.#standing.delete(player);
  }

  /** How many players there are on a page that is too slow for them; 0: it is not. */
  get tooMany() {
    return this.#standing.size >= SEVERAL ? this.#players.size : 0;
  }

  /** Whether a player whose pictures stand still may begin again at `now` ms; if so, it does. */
  mayRebuild(now) {
    if (this.tooMany > 0 || now < this.#next) return false;
    this.#next = now + PAUSE_MS;
    return true;
  }

  /** A player that has lost its decoder must begin again: in how many ms it is its turn. */
  turn(now) {
    const at = Math.max(now, this.#next);
    this.#next = at + PAUSE_MS;
    return at - now;
  }
}

export const pageStrain = new Strain();
