// The rules by which a wall that nobody looks after helps itself. Pure bookkeeping: it is told the time and what is
// to be seen, and answers what to do.

export const STUCK_MS = 60_000; // the server has pictures and the tile has none: its player begins anew
export const HOPELESS_MS = 5 * 60_000; // and still none: the page begins anew
export const FIRST_RELOAD_MS = 10_000;
export const LAST_RELOAD_MS = 10 * 60_000;
export const HEALTHY_MS = 10 * 60_000; // a page that lived for so long may be reloaded quickly again

export class Recovery {
  #since = new Map(); // camera → when its tile should have been live and was not
  #restarted = new Map(); // camera → when its player was last begun anew

  /**
   * `tiles`: `{ name, live, expected }`, `expected` being that the server has pictures of a camera which this browser can
   * play and that somebody may see them. Answers `{ restart: [names], reload }`.
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

  /** The page was asleep: what stood still then was no fault. */
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
 * A page that breaks again and again is loaded ever more rarely, but never given up.
 */
export function nextReload(past, now) {
  const count = past && now - past.at < HEALTHY_MS + LAST_RELOAD_MS ? past.count + 1 : 1;
  return { delay: Math.min(FIRST_RELOAD_MS * 2 ** (count - 1), LAST_RELOAD_MS), memory: { count, at: now } };
}
