// SPDX-License-Identifier: MIT
// Into the picture of the large camera: by wheel, two fingers, keys and a button, towards the point where they are; a picture that is
// larger than its tile is moved by dragging. The picture itself is not touched, only where it is drawn.

const MOST = 10;
const STEP = 1.25; // of a key
const BUTTON = 2.5;
const WHEEL = 0.0022; // for each pixel that a wheel reports; a notch is about 100
const LINE_PX = 33; // a wheel that counts lines
const SLOP_PX = 6;
const PAN_SHARE = 0.15; // of the tile, for each press of a key

export const WHOLE = Object.freeze({ scale: 1, x: 0, y: 0 });

const between = (least, value, most) => Math.min(most, Math.max(least, value));

/** The picture covers the whole box, whatever was asked for. `box`: `{ width, height }`; `x` and `y`: the picture's left top corner in it. */
export function within({ scale, x, y }, { width, height }) {
  const size = between(1, scale, MOST);
  return size === 1 ? WHOLE : { scale: size, x: between(width * (1 - size), x, 0), y: between(height * (1 - size), y, 0) };
}

/** Larger by `factor`; what is at `point` stays there. */
export function zoomed(view, factor, point, box) {
  const scale = between(1, view.scale * factor, MOST);
  const by = scale / view.scale;
  return within({ scale, x: point.x - (point.x - view.x) * by, y: point.y - (point.y - view.y) * by }, box);
}

export const moved = (view, dx, dy, box) => within({ ...view, x: view.x + dx, y: view.y + dy }, box);

export class Zoom {
  #root;
  #view = WHOLE;
  #pointers = new Map(); // id → { x, y } of those that are down
  #travelled = 0; // pixels since the first one came down
  #onchange;

  /** `root`: the tile. `onchange()` when it is zoomed or whole again. Listeners end with `scope`. */
  constructor(root, scope, onchange) {
    this.#root = root;
    this.#onchange = onchange;
    scope.listen(root, 'wheel', (event) => this.#onWheel(event), { passive: false });
    scope.listen(root, 'pointerdown', (event) => this.#onDown(event), true);
    scope.listen(root, 'pointermove', (event) => this.#onMove(event));
    for (const type of ['pointerup', 'pointercancel']) scope.listen(root, type, (event) => this.#onUp(event));
    scope.listen(root, 'click', (event) => this.#onClick(event), true);
  }

  /** 1: the whole picture. */
  get scale() {
    return this.#view.scale;
  }

  get #isLarge() {
    return this.#root.classList.contains('large');
  }

  get #box() {
    const { left, top, width, height } = this.#root.getBoundingClientRect();
    return { left, top, width, height };
  }

  /** By a key, in the middle. */
  step(direction) {
    const box = this.#box;
    this.#set(direction === 0 ? WHOLE : zoomed(this.#view, STEP ** direction, { x: box.width / 2, y: box.height / 2 }, box));
  }

  /** By a button: in, or all of it again. */
  toggle() {
    const box = this.#box;
    this.#set(this.scale > 1 ? WHOLE : zoomed(WHOLE, BUTTON, { x: box.width / 2, y: box.height / 2 }, box));
  }

  pan(direction) {
    const box = this.#box;
    const [x, y] = { left: [1, 0], right: [-1, 0], up: [0, 1], down: [0, -1] }[direction];
    this.#set(moved(this.#view, x * PAN_SHARE * box.width, y * PAN_SHARE * box.height, box));
  }

  /** The tile has another size, or is not large any more: the same part of the picture is shown, or all of it. */
  resize(before, after) {
    if (this.scale === 1 || !before || !after) return;
    const { scale, x, y } = this.#view;
    this.#set(this.#isLarge ? within({ scale, x: (x * after.width) / before.width, y: (y * after.height) / before.height }, after) : this.#view);
  }

  #set(view) {
    const was = this.scale > 1;
    this.#view = view;
    const { style } = this.#root;
    style.setProperty('--zoom', String(view.scale));
    style.setProperty('--zoom-x', `${view.x}px`);
    style.setProperty('--zoom-y', `${view.y}px`);
    this.#root.classList.toggle('zoomed', view.scale > 1);
    if (was !== view.scale > 1) this.#onchange();
  }

  #onWheel(event) {
    if (!this.#isLarge || event.target.closest('.tools')) return;
    event.preventDefault();
    const box = this.#box;
    const pixels = event.deltaY * (event.deltaMode === 0 ? 1 : LINE_PX);
    this.#set(zoomed(this.#view, Math.exp(-pixels * WHEEL), { x: event.clientX - box.left, y: event.clientY - box.top }, box));
  }

  /** From the wall's own drag and swipe it is kept: one finger moves a zoomed picture, two belong to it in any case. */
  #onDown(event) {
    if (!this.#isLarge || event.target.closest('.tools')) return;
    if (this.#pointers.size === 0) this.#travelled = 0;
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.#pointers.size > 1) this.#travelled = Infinity;
    if (this.scale > 1 || this.#pointers.size > 1) {
      event.stopPropagation();
      this.#root.setPointerCapture(event.pointerId);
    }
  }

  #onMove(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, now);
    this.#travelled += Math.hypot(now.x - before.x, now.y - before.y);
    const box = this.#box;
    if (other) {
      const distance = (point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
      const middle = { x: (now.x + other.x) / 2 - box.left, y: (now.y + other.y) / 2 - box.top };
      this.#set(moved(zoomed(this.#view, distance(now) / distance(before), middle, box), (now.x - before.x) / 2, (now.y - before.y) / 2, box));
    } else if (this.scale > 1) {
      this.#set(moved(this.#view, now.x - before.x, now.y - before.y, box));
    }
  }

  #onUp(event) {
    this.#pointers.delete(event.pointerId);
  }

  /** The click at the end of a drag is none. */
  #onClick(event) {
    if (event.detail === 0 || this.#travelled < SLOP_PX || !this.#isLarge || event.target.closest('.tools')) return;
    if (this.scale === 1 && this.#travelled !== Infinity) return;
    this.#travelled = 0;
    event.preventDefault();
    event.stopPropagation();
  }
}
