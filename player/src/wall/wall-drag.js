// SPDX-License-Identifier: MIT
// Dragging a tile to another place with a mouse, a pen or a finger, and swiping from one large tile to the next.
// A press that hardly moves stays a click.

import { Scope } from '../player/scope.js';
import { at } from './wall-grid.js';

const SLOP_PX = 8;
const FINGER_SLOP_PX = 12;
const SWIPE_PX = 60;

export class Drag {
  #scope = new Scope();
  #press = null; // { scope, id, index, x, y, moved, target }
  #swallowClick = false;
  #wall;
  #owner;

  /**
   * `owner`: `rects()` in the wall's pixels, `one()` whether a tile is large, `indexOf(node)` of the tile that holds it,
   * `tile(index)` its node, `onswap(from, to)`, `onswipe(direction)`.
   */
  constructor(wall, owner) {
    this.#wall = wall;
    this.#owner = owner;
  }

  open() {
    this.#scope.listen(this.#wall, 'pointerdown', (event) => this.#onDown(event));
    this.#scope.listen(this.#wall, 'click', (event) => this.#onClick(event), true);
    this.#scope.listen(this.#wall, 'dragstart', (event) => event.preventDefault());
    this.#scope.add(() => this.cancel());
  }

  close() {
    this.#scope.close();
  }

  get active() {
    return this.#press?.moved === true;
  }

  /** Puts the tile back where it was. */
  cancel() {
    const press = this.#press;
    if (!press) return;
    this.#press = null;
    press.scope.close();
  }

  #onDown(event) {
    this.#swallowClick = false;
    if (!event.isPrimary || event.button !== 0 || !event.target.closest('.open')) return;
    const index = this.#owner.indexOf(event.target);
    if (index === -1) return;
    this.cancel();
    const scope = this.#scope.child();
    this.#press = { scope, id: event.pointerId, index, x: event.clientX, y: event.clientY, moved: false, target: -1 };
    scope.listen(window, 'pointermove', (move) => this.#onMove(move));
    scope.listen(window, 'pointerup', (up) => this.#onUp(up));
    scope.listen(window, 'pointercancel', ({ pointerId }) => pointerId === this.#press.id && this.cancel());
    scope.listen(window, 'blur', () => this.cancel());
  }

  #onMove(event) {
    const press = this.#press;
    if (event.pointerId !== press.id || this.#owner.one()) return;
    const dx = event.clientX - press.x;
    const dy = event.clientY - press.y;
    const slop = event.pointerType === 'mouse' ? SLOP_PX : FINGER_SLOP_PX;
    if (!press.moved && Math.hypot(dx, dy) < slop) return;
    if (!press.moved) this.#lift(press);
    const node = this.#owner.tile(press.index);
    node.style.setProperty('--dx', `${dx}px`);
    node.style.setProperty('--dy', `${dy}px`);
    this.#aim(press, event);
  }

  #lift(press) {
    const node = this.#owner.tile(press.index);
    press.moved = true;
    node.classList.add('dragged');
    this.#wall.classList.add('dragging');
    press.scope.add(() => {
      node.classList.remove('dragged');
      node.style.removeProperty('--dx');
      node.style.removeProperty('--dy');
      this.#wall.classList.remove('dragging');
      this.#mark(press, -1);
    });
  }

  #aim(press, { clientX, clientY }) {
    const { left, top } = this.#wall.getBoundingClientRect();
    const target = at(this.#owner.rects(), clientX - left, clientY - top);
    this.#mark(press, target === press.index ? -1 : target);
  }

  #mark(press, target) {
    if (press.target === target) return;
    this.#owner.tile(press.target)?.classList.remove('target');
    this.#owner.tile(target)?.classList.add('target');
    press.target = target;
  }

  #onUp(event) {
    const press = this.#press;
    if (event.pointerId !== press.id) return;
    const { index, target, moved } = press;
    const swipe = this.#swipeOf(event, press);
    this.cancel();
    this.#swallowClick = moved || swipe !== null;
    if (moved && target !== -1) this.#owner.onswap(index, target);
    if (swipe) this.#owner.onswipe(swipe);
  }

  #swipeOf(event, { x, y }) {
    if (!this.#owner.one() || event.pointerType === 'mouse') return null;
    const dx = event.clientX - x;
    if (Math.abs(dx) < SWIPE_PX || Math.abs(event.clientY - y) > Math.abs(dx) / 2) return null;
    return dx < 0 ? 'right' : 'left';
  }

  /** Ignores the click that ends a drag. */
  #onClick(event) {
    if (!this.#swallowClick || event.detail === 0) return; // detail 0: from the keyboard
    this.#swallowClick = false;
    event.preventDefault();
    event.stopPropagation();
  }
}
