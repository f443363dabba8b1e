// SPDX-License-Identifier: MIT
// The rules by which an unattended wall recovers by itself. Pure bookkeeping: its caller passes in the time and what the
// tiles show, and it answers what to do.

export const STUCK_MS = 60_000; // the server has pictures and the tile has had none for this long: its player is restarted
export const HOPELESS_MS = 5 * 60_000; // and still none after this long: the page is reloaded
export const FIRST_RELOAD_MS = 10_000;
export const LAST_RELOAD_MS = 10 * 60_000;
export const HEALTHY_MS = 10 * 60_000; // a page that ran for this long may be reloaded quickly again

export class Recovery {
  #since = new Map(); // camera → since when its tile should be live and is not
  #restarted = new Map(); // camera → when its player was last restarted

  /**
   * `tiles`: `{ name, live, expected }`. `expected`: the server has pictures of the camera, this browser can play them, and
   * they can be seen. Answers `{ restart: [names], reload }`.
   */
  judge(tiles, now) {
    const restart = [];
    let reload = false;
    const here = new Set(tiles.map(({ name }) => name));
    for (const name of this.#since.keys()) if (!here.has(name)) this.#forget(name);
    for (const { name, live, expected } of tiles) {
      if (live || !expected) {
        this.#forget(name);
        continue;
      }
      if (!this.#since.has(name)) this.#since.set(name, now);
      const since = this.#since.get(name);
      if (now - since >= HOPELESS_MS) reload = true;
      else if (now - (this.#restarted.get(name) ?? since) >= STUCK_MS) {
        this.#restarted.set(name, now);
        restart.push(name);
      }
    }
    return { restart, reload };
  }

  /** The page was asleep: pictures that stood still meanwhile are not a fault. */
  excuse() {
    this.#since.clear();
    this.#restarted.clear();
  }

  #forget(name) {
    this.#since.delete(name);
    this.#restarted.delete(name);
  }
}

/**
 * How long to wait before the next reload, and what to remember of it. `past`: `{ count, at }` of the last one, or null.
 * A page that breaks again and again is reloaded less and less often, but never given up.
 */
export function nextReload(past, now) {
  const count = past && now - past.at < HEALTHY_MS + LAST_RELOAD_MS ? past.count + 1 : 1;
  return { delay: Math.min(FIRST_RELOAD_MS * 2 ** (count - 1), LAST_RELOAD_MS), memory: { count, at: now } };
}
