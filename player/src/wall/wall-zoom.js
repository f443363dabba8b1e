// SPDX-License-Identifier: MIT
// Into the picture of the large camera: by wheel, two fingers, keys and a button. What is drawn is the tile's own, by custom properties.

import { PictureZoom } from '../player/zoom.js';

export class Zoom extends PictureZoom {
  #root;

  /** `root`: the tile. `onchange()` when it is zoomed or whole again. Listeners end with `scope`. */
  constructor(root, scope, onchange) {
    super(root, (view, before) => {
      const { style } = root;
      style.setProperty('--zoom', String(view.scale));
      style.setProperty('--zoom-x', `${view.x}px`);
      style.setProperty('--zoom-y', `${view.y}px`);
      root.classList.toggle('zoomed', view.scale > 1);
      if (view.scale > 1 !== before.scale > 1) onchange();
    });
    this.#root = root;
    this.listen(scope, { active: () => root.classList.contains('large'), ignores: (target) => target.closest('.tools, .past, .retry') });
  }

  /** The tile has another size: of a large one the same part of the picture is shown. */
  resize(before, after) {
    if (before && after && this.#root.classList.contains('large')) super.resize(before, after);
  }
}
