// SPDX-License-Identifier: MIT
// Tiles that are loaded before they are shown: they play under the others, where nobody sees them, so that the change to them is not black.

const SETTLED = new Set(['live', 'late', 'offline', 'failed', 'unauthorized']); // what is worth showing, or will not become better soon

export class Ahead {
  #tiles = new Map(); // name → Tile
  #owner;

  /** `owner`: `make(name)` gives a tile that is in the document and has its row. */
  constructor(owner) {
    this.#owner = owner;
  }

  get tiles() {
    return [...this.#tiles.values()];
  }

  /** Loads the tiles of `names`, each where `rects` has it, and lets go of all others. */
  load(names, rects) {
    for (const name of [...this.#tiles.keys()]) if (!names.includes(name)) this.#end(name);
    names.forEach((name, i) => {
      if (!rects[i]) return;
      if (!this.#tiles.has(name)) this.#tiles.set(name, hidden(this.#owner.make(name), true));
      this.#tiles.get(name).place(rects[i]);
    });
  }

  /** The tile, which the caller shows and owns from now on, or undefined. */
  take(name) {
    const tile = this.#tiles.get(name);
    if (!tile) return undefined;
    this.#tiles.delete(name);
    return hidden(tile, false);
  }

  /** Whether all have their first picture, or will not have one soon. */
  get ready() {
    return this.tiles.every(isSettled);
  }

  drop() {
    for (const name of [...this.#tiles.keys()]) this.#end(name);
  }

  #end(name) {
    this.#tiles.get(name).close();
    this.#tiles.delete(name);
  }
}

export const isSettled = (tile) => SETTLED.has(tile.condition.name);

function hidden(tile, isHidden) {
  tile.root.classList.toggle('ahead', isHidden);
  tile.root.inert = isHidden;
  return tile;
}
