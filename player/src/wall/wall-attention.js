// SPDX-License-Identifier: MIT
// Events that ask for attention: which cameras have one, and what the wall does for each. Where they come from, and what they
// mean, is not known here.

import { Scope } from '../player/scope.js';
import { say } from '../player/words.js';
import { chime } from './wall-chime.js';

const USED_MS = 10_000; // who has just touched the page is not torn away from what is large

export class Attention {
  #scope = new Scope();
  #events = new Map(); // camera → { text, first, large, scope }
  #owner;
  #touchedAt = -Infinity;
  #made = null; // { camera, before } while the large camera is one that an event made large

  /**
   * `owner`: `onchange()` when `first` or a text has changed, `large()` the large camera's name or null, `setLarge(name)`, null for none,
   * `alert(text)` tells it to those who cannot see it, at once.
   */
  constructor(owner) {
    this.#owner = owner;
  }

  open() {
    for (const type of ['pointerdown', 'keydown']) this.#scope.listen(window, type, () => this.#touch(), { passive: true, capture: true });
  }

  close() {
    this.#scope.close();
  }

  /** The cameras that are to come first, the newest event's before all. */
  get first() {
    return [...this.#events].filter(([, { first }]) => first).map(([camera]) => camera).reverse();
  }

  /** The cameras that are to be large, whatever the view is. */
  get large() {
    return [...this.#events].filter(([, { large }]) => large).map(([camera]) => camera);
  }

  /** What is said of the camera; null while there is nothing. */
  textOf(camera) {
    return this.#events.get(camera)?.text ?? null;
  }

  /** Takes an event as the server tells it: `for` are the seconds that are left, 0 ends it. */
  take({ camera, text = '', for: seconds = 0, large = false, first = false, sound = false }) {
    this.#forget(camera);
    if (!(seconds > 0)) {
      this.#end(camera);
      return;
    }
    const scope = this.#scope.child();
    this.#events.set(camera, { text: text || say('Event'), first, large, scope });
    scope.timeout(seconds * 1000, () => {
      this.#forget(camera);
      this.#end(camera);
    });
    this.#owner.onchange();
    this.#owner.alert(text ? say('{camera}: {text}', { camera, text }) : say('{camera}: event', { camera }));
    if (large) this.#makeLarge(camera);
    if (sound) chime();
  }

  #forget(camera) {
    const event = this.#events.get(camera);
    this.#events.delete(camera);
    event?.scope.close();
  }

  #end(camera) {
    const made = this.#made?.camera === camera ? this.#made : null;
    const isLarge = this.#owner.large() === camera; // before its tile goes, if the view does not have it
    if (made) this.#made = null;
    this.#owner.onchange();
    if (made && isLarge) this.#owner.setLarge(made.before);
  }

  #makeLarge(camera) {
    const now = this.#owner.large();
    if (now === camera || performance.now() - this.#touchedAt < USED_MS) return;
    const before = this.#made ? this.#made.before : now;
    this.#owner.setLarge(camera);
    if (this.#owner.large() === camera) this.#made = { camera, before };
  }

  /** Whoever uses the page keeps what is large now. */
  #touch() {
    this.#touchedAt = performance.now();
    this.#made = null;
  }
}
