// SPDX-License-Identifier: MIT
// Into a picture: by wheel, by two fingers and from outside, towards the point where they are; a picture that is larger than its box is moved
// by dragging. The picture itself is not touched, only where it is drawn.

export const MOST = 10;
const STEP = 1.25; // of a key
const BUTTON = 2.5;
const WHEEL = 0.0022; // for each pixel that a wheel reports; a notch is about 100
const LINE_PX = 33; // a wheel that counts lines
const SLOP_PX = 6;
const PAN_SHARE = 0.15; // of the box, for each press of a key

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

const middle = ({ width, height }) => ({ x: width / 2, y: height / 2 });

export class PictureZoom {
  #node;
  #view = WHOLE;
  #pointers = new Map(); // id → { x, y } of those that are down
  #travelled = 0; // pixels since the first one came down
  #onview;

  /** `node`: the box in which the picture is. `onview(view, before)`: the picture is to be drawn so from now on. */
  constructor(node, onview) {
    this.#node = node;
    this.#onview = onview;
  }

  /** 1: the whole picture. */
  get scale() {
    return this.#view.scale;
  }

  get view() {
    return this.#view;
  }

  get #box() {
    const { left, top, width, height } = this.#node.getBoundingClientRect();
    return { left, top, width, height };
  }

  /** By a key, in the middle. */
  step(direction) {
    if (direction === 0) this.whole();
    else this.by(STEP ** direction);
  }

  /** By a button: in, or all of it again. */
  toggle() {
    if (this.scale > 1) this.whole();
    else this.by(BUTTON);
  }

  whole() {
    this.#set(WHOLE);
  }

  /** Larger by FACTOR; what is at `point` of the box, or in its middle, stays there. */
  by(factor, point) {
    const box = this.#box;
    this.#set(zoomed(this.#view, factor, point ?? middle(box), box));
  }

  /** Moved by so many pixels. */
  move(dx, dy) {
    this.#set(moved(this.#view, dx, dy, this.#box));
  }

  /** By a key: `left`, `right`, `up`, `down` is where one looks. */
  pan(direction) {
    const { width, height } = this.#box;
    const [x, y] = { left: [1, 0], right: [-1, 0], up: [0, 1], down: [0, -1] }[direction];
    this.move(x * PAN_SHARE * width, y * PAN_SHARE * height);
  }

  /** The box has another size: the same part of the picture is shown. */
  resize(before, after) {
    const { scale, x, y } = this.#view;
    if (scale > 1) this.#set(within({ scale, x: (x * after.width) / before.width, y: (y * after.height) / before.height }, after));
  }

  /** Drawn anew where it is. */
  redraw() {
    this.#set(this.#view);
  }

  /** Wheel, fingers and drags, until `scope` closes. `active()`: whether they are for the picture now; `ignores(target)`: nodes that they are not for. */
  listen(scope, { active = () => true, ignores = () => false } = {}) {
    const node = this.#node;
    const isOurs = ({ target }) => active() && !ignores(target);
    scope.listen(node, 'wheel', (event) => isOurs(event) && this.#onWheel(event), { passive: false });
    scope.listen(node, 'pointerdown', (event) => isOurs(event) && this.#onDown(event), true);
    scope.listen(node, 'pointermove', (event) => this.#onMove(event));
    for (const type of ['pointerup', 'pointercancel']) scope.listen(node, type, ({ pointerId }) => this.#pointers.delete(pointerId));
    scope.listen(node, 'click', (event) => isOurs(event) && this.#onClick(event), true);
    scope.add(() => this.#pointers.clear());
  }

  #set(view) {
    const before = this.#view;
    this.#view = view;
    this.#onview(view, before);
  }

  #onWheel(event) {
    event.preventDefault();
    const { left, top } = this.#box;
    const pixels = event.deltaY * (event.deltaMode === 0 ? 1 : LINE_PX);
    this.by(Math.exp(-pixels * WHEEL), { x: event.clientX - left, y: event.clientY - top });
  }

  /** From others who listen it is kept: one finger moves a zoomed picture, two belong to it in any case. */
  #onDown(event) {
    if (this.#pointers.size === 0) this.#travelled = 0;
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.#pointers.size > 1) this.#travelled = Infinity;
    if (this.scale > 1 || this.#pointers.size > 1) {
      event.stopPropagation();
      this.#node.setPointerCapture(event.pointerId);
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
      const centre = { x: (now.x + other.x) / 2 - box.left, y: (now.y + other.y) / 2 - box.top };
      this.#set(moved(zoomed(this.#view, distance(now) / distance(before), centre, box), (now.x - before.x) / 2, (now.y - before.y) / 2, box));
    } else if (this.scale > 1) {
      this.move(now.x - before.x, now.y - before.y);
    }
  }

  /** The click at the end of a drag is none. */
  #onClick(event) {
    if (event.detail === 0 || this.#travelled < SLOP_PX) return;
    if (this.scale === 1 && this.#travelled !== Infinity) return;
    this.#travelled = 0;
    event.preventDefault();
    event.stopPropagation();
  }
}
