// SPDX-License-Identifier: MIT
// Which of a camera's two streams a tile shows, and the change from one to the other without a black moment: the new one
// plays under the old one until its first picture is on the screen, then the old one stays under the new one for a moment.

import { lateness } from '../player/condition.js';
import { LinkChoice } from '../player/link-choice.js';
import { Scope } from '../player/scope.js';
import { FULL, KEY, STILL } from './wall-ladder.js';

const WIDER = 1.5; // a tile this much wider than the sub stream's picture shows the main stream
const RESIZED_MS = 500; // no change of stream while a window is being resized
const GRACE_MS = 1000; // a process that was replaced is back by then
const FIRST_PICTURE_MS = 10_000; // the server must first connect to a camera on demand
const SCREEN_MS = 50; // a picture that the browser has presented is on the screen by then
const COVERED_MS = 250; // even where the browser's compositor is behind: until then the old picture shows through
const AVOID_MS = 5000; // how long a stream that failed is avoided; longer than the list of cameras is old
const HOPELESS_MS = 30_000; // the same for a stream that brought no picture at all
const DOWN = new Set(['stalled', 'backoff', 'disabled', 'failed']);

const other = (stream) => (stream === 'sub' ? 'main' : 'sub');

/** The stream that fits: `width` of the tile, and of the sub stream's picture if it is known. */
export function fittingStream({ large, width, subWidth }) {
  return large || (subWidth > 0 && width > subWidth * WIDER) ? 'main' : 'sub';
}

/** What may be chosen for a large camera: the one that fits, or one of the two. */
export const CHOICES = ['auto', 'main', 'sub'];

/** The entry of one stream in the list of cameras; null: there is no such stream. */
export const rowOf = (row, stream) => (stream === 'sub' ? (row?.sub ?? null) : (row ?? null));

export class Streams {
  #scope = new Scope();
  #front;
  #next = null; // { element, scope } while another stream is on its way
  #owner;
  #row = null;
  #wanted = 'main';
  #placed = null; // { width, large }, null out of sight
  #rung = FULL; // how far down the ladder the wall has it
  #thinAt = -Infinity; // until then it is not tried again to show more pictures, or fewer
  #link = new LinkChoice();
  #choice = 'auto'; // of CHOICES, for a large tile
  #resting = null; // the camera's name while there is no stream
  #slow = false; // the owner was told that the link is too slow for the large stream
  #failedAt = null; // when the stream in front had its last picture
  #cancelResize = () => {};
  #avoided = new Map(); // stream → until when
  #unplayable = new Map(); // stream → the `mime` that this browser cannot play

  /**
   * `first`: the present <ringcast-camera>. `onfront(element)`: another one has taken its place. `onlink()`: `slow` has changed.
   */
  constructor(first, { onfront, onlink = () => {} }) {
    this.#front = first;
    if (first.stream === 'auto') first.stream = 'main'; // here it is the tile that chooses
    this.#owner = { onfront, onlink };
    this.#watchFront();
  }

  close() {
    this.#drop();
    this.#scope.close();
  }

  get front() {
    return this.#front;
  }

  /** Whether the small stream is shown where the large one would fit, because the link does not get that through. */
  get slow() {
    return this.#slow;
  }

  /** What the wall's ladder allows: FULL, SMALL, KEY or STILL, which is as KEY until it is `resting`. */
  set rung(rung) {
    if (rung === this.#rung) return;
    this.#rung = rung;
    this.#want();
  }

  /** Whether there is no stream at all, because something else has taken its place. */
  set resting(resting) {
    if (resting === (this.#resting !== null) || this.#scope.closed) return;
    this.#drop();
    const front = this.#front;
    const camera = this.#resting;
    this.#resting = resting ? front.camera : null;
    front.camera = camera;
    if (!resting) this.#want();
  }

  /** Whether fewer pictures are shown, or smaller ones, than would fit. */
  get lowered() {
    return this.#front.frames === 'key' || (this.#rung !== FULL && this.#wanted === 'sub' && this.#fitting === 'main');
  }

  /** Whether the small stream could take the place of the one that fits. */
  get couldBeSmall() {
    return this.#fitting === 'main' && this.#row?.sub != null;
  }

  /** Whether the sound is off, now and after a change of stream. */
  set muted(muted) {
    this.#front.muted = muted;
    if (this.#next) this.#next.element.muted = muted;
  }

  /** How loud the sound is, now and after a change of stream. */
  set volume(volume) {
    this.#front.volume = volume;
  }

  /** Which stream the user wants while the tile is large: of CHOICES. */
  set choice(choice) {
    if (choice === this.#choice) return;
    this.#choice = choice;
    this.#want();
  }

  /** Whether the user's choice counts now. */
  get chosen() {
    return this.#choice !== 'auto' && this.#placed?.large === true && this.#row?.sub != null;
  }

  /** Takes a row of /api/cameras. */
  update(row) {
    this.#row = row;
    this.#want();
  }

  /** Says how wide the tile is and whether it is the large one; null: it cannot be seen. */
  place(placed) {
    const grown = placed?.large !== this.#placed?.large || !placed || !this.#placed;
    this.#placed = placed;
    this.#cancelResize();
    if (grown) this.#want();
    else this.#cancelResize = this.#scope.timeout(RESIZED_MS, () => this.#want());
  }

  get #fitting() {
    if (this.chosen) return this.#choice;
    return this.#placed ? fittingStream({ ...this.#placed, subWidth: this.#row?.sub?.width }) : this.#wanted;
  }

  #want() {
    if (this.#placed) this.#wanted = this.#rung === FULL || !this.#row?.sub ? this.#fitting : 'sub';
    this.#decide();
  }

  #decide() {
    if (this.#scope.closed || !this.#row || this.#resting !== null) return;
    if (this.#isHeld) {
      this.#drop();
      return;
    }
    const aim = this.#placed ? this.#aim() : this.#front.stream;
    const frames = this.#frames;
    if (aim === this.#front.stream && frames === this.#front.frames) this.#drop();
    else if (this.#front.player === null) Object.assign(this.#front, { stream: aim, frames });
    else if (this.#next?.element.stream !== aim || this.#next.element.frames !== frames) this.#begin(aim, frames);
  }

  /** Whether what is shown is of this stream: of its past, or in a window of its own, which would close. */
  get #isHeld() {
    return this.#front.behind > 0 || this.#front.inPictureInPicture === true;
  }

  get #frames() {
    if (!this.#placed || performance.now() < this.#thinAt) return this.#front.frames;
    return this.#rung === KEY || this.#rung === STILL ? 'key' : 'all';
  }

  /** The stream that fits, else the other one; if neither is better, the present one. */
  #aim() {
    if (this.#wanted === 'main' && !this.chosen && this.#link.stream === 'sub' && this.#usable('sub')) return this.#link.trying ? 'main' : 'sub';
    if (this.#usable(this.#wanted)) return this.#wanted;
    return this.#usable(other(this.#wanted)) ? other(this.#wanted) : this.#front.stream;
  }

  #usable(stream) {
    const row = rowOf(this.#row, stream);
    const now = performance.now();
    if (!row) return false;
    if (stream === this.#front.stream && this.#front.player) return this.#failedAt === null || now - this.#failedAt < GRACE_MS;
    if (this.#unplayable.has(stream) && this.#unplayable.get(stream) === row.mime) return false;
    return !DOWN.has(row.state) && now >= (this.#avoided.get(stream) ?? 0);
  }

  // ---- the one in front

  #watchFront() {
    const scope = this.#scope.child();
    const element = this.#front;
    scope.listen(element, 'conditionchange', () => this.#onFront(element.condition));
    scope.listen(element, 'stats', ({ detail }) => this.#onStats(detail));
    for (const type of ['lookback', 'enterpictureinpicture', 'leavepictureinpicture']) scope.listen(element, type, () => this.#decide());
    scope.listen(element, 'drop', ({ detail }) => detail.by === 'server' && this.#link.dropped(performance.now()));
    this.#unwatchFront = () => scope.close();
    this.#failedAt = null;
    this.#onFront(element.condition);
  }

  #unwatchFront = () => {};

  #onFront({ name }) {
    if (name !== 'offline' && name !== 'failed') {
      if (name !== 'connecting') this.#failedAt = null;
      return;
    }
    if (name === 'failed') this.#noteUnplayable(this.#front);
    this.#failedAt ??= name === 'failed' ? -Infinity : performance.now();
    this.#scope.timeout(GRACE_MS, () => this.#decide());
  }

  /** The `mime` that was refused: the list of cameras may still have, or have again, what the camera sent before. */
  #noteUnplayable({ stream, error }) {
    this.#unplayable.set(stream, error?.mime ?? rowOf(this.#row, stream)?.mime);
  }

  // ---- the link

  #onStats(stats) {
    const { stream, condition, targetDelay } = this.#front;
    const whole = this.#rung === FULL && !this.chosen && this.#front.frames === 'all';
    const matters = whole && this.#placed && this.#wanted === 'main' && rowOf(this.#row, 'sub') && stream === this.#link.stream;
    if (!matters || (condition.name !== 'live' && condition.name !== 'late')) this.#link.forget();
    else if (this.#link.report(performance.now(), lateness(stats, targetDelay))) this.#decide();
    this.#tellLink();
  }

  #tellLink() {
    const slow = this.#wanted === 'main' && this.#front.stream === 'sub' && this.#link.stream === 'sub';
    if (slow === this.#slow) return;
    this.#slow = slow;
    this.#owner.onlink();
  }

  /** The large stream plays out of sight, beside the small one. */
  #watchTrial({ element, scope }) {
    let dropped = false;
    scope.listen(element, 'drop', ({ detail }) => {
      dropped ||= detail.by === 'server';
    });
    scope.listen(element, 'stats', ({ detail }) => {
      const ended = this.#link.tried(performance.now(), { late: lateness(detail, element.targetDelay), dropped });
      dropped = false;
      if (ended && this.#link.stream === 'main') this.#swap();
      else if (ended) this.#decide();
    });
  }

  // ---- the one that is coming

  #begin(stream, frames) {
    this.#drop();
    const element = document.createElement('ringcast-camera');
    const scope = this.#scope.child();
    const front = this.#front;
    for (const name of ['src', 'camera', 'shared', 'muted', 'aria-hidden']) {
      if (front.hasAttribute(name)) element.setAttribute(name, front.getAttribute(name));
    }
    element.stream = stream;
    element.frames = frames;
    element.muted = front.muted;
    element.volume = 0; // one of the two is heard at a time
    this.#next = { element, scope, isTrial: stream === 'main' && this.#link.trying };
    if (this.#next.isTrial) this.#watchTrial(this.#next);
    scope.add(() => {
      if (element !== this.#front) element.remove();
    });
    let pictured = false;
    const look = () => this.#onNext(element.condition, pictured);
    scope.listen(element, 'firstpicture', () => {
      pictured = true;
      look();
    });
    scope.listen(element, 'conditionchange', look);
    this.#limit(scope);
    front.before(element);
  }

  /** A page that cannot be seen does not present pictures, which is not a fault of the stream. */
  #limit(scope) {
    scope.timeout(FIRST_PICTURE_MS, () => {
      if (document.hidden) this.#limit(scope);
      else if (!this.#next?.isTrial || this.#next.element.condition.name === 'connecting') this.#giveUp(HOPELESS_MS);
    });
  }

  /** A picture alone is not enough: the server still sends the last one of a camera that has gone. */
  #onNext({ name }, pictured) {
    const { element, scope, isTrial } = this.#next;
    const enough = name === 'live' || name === 'keyframes' || (name === 'late' && (this.#link.stream === 'sub' || this.#rung !== FULL));
    if (name === 'failed') this.#noteUnplayable(element);
    if (name === 'failed' || name === 'offline' || name === 'unauthorized') this.#giveUp(AVOID_MS);
    else if (pictured && enough && !isTrial) scope.timeout(SCREEN_MS, () => this.#swap());
  }

  #giveUp(ms) {
    if (this.#next.isTrial) this.#link.failed(performance.now());
    else if (this.#next.element.stream === this.#front.stream) this.#avoidFrames(ms);
    else this.#avoid(this.#next.element.stream, ms);
    this.#drop();
    this.#decide();
  }

  /** Nothing else may bring the decision up again: the list of cameras is told when it changes, and not every few seconds. */
  #avoid(stream, ms) {
    this.#avoided.set(stream, performance.now() + ms);
    this.#scope.timeout(ms, () => this.#decide());
  }

  #avoidFrames(ms) {
    this.#thinAt = performance.now() + ms;
    this.#scope.timeout(ms, () => this.#decide());
  }

  #drop() {
    const next = this.#next;
    this.#next = null;
    next?.scope.close();
  }

  #swap() {
    const { element, scope } = this.#next;
    const before = this.#front;
    if (this.#isHeld) { // since then
      this.#drop();
      return;
    }
    if (this.#failedAt !== null && before.stream !== element.stream) this.#avoid(before.stream, AVOID_MS);
    this.#unwatchFront();
    this.#next = null;
    this.#front = element;
    scope.close();
    element.volume = before.volume;
    this.#leave(before);
    this.#watchFront();
    this.#owner.onfront(element);
    this.#tellLink();
  }

  /** The old one goes under the new one, which covers it, and is removed when nothing of it can be seen any more. */
  #leave(element) {
    const scope = this.#scope.child();
    scope.add(() => element.remove());
    element.classList.add('leaving');
    element.volume = 0;
    scope.timeout(COVERED_MS, () => scope.close());
  }
}
