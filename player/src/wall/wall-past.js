// SPDX-License-Identifier: MIT
// A tile that looks back: a slim bar under its picture with the time, the way back to the present, and the clip to save.

import { Scope } from '../player/scope.js';
import { say } from '../player/words.js';
import { clipAddress, pastTime } from './wall-words.js';

const STEP_S = 30; // of one press
const LOOK_MS = 250;
const CLIP_S = 30; // of a clip at least, if there is so much

export class Past {
  #scope = new Scope();
  #camera = null; // the <ringcast-camera> that is shown
  #front = null; // what belongs to it
  #watch = null; // while it looks back
  #owner;
  #nodes;
  #keeps = 0; // seconds, of the stream that is shown
  #began = null; // ms of the page's clock: the earliest moment that was looked at

  /** `root`: the tile. `owner`: `name`, `onlook(looking)`, `onrefused()` where nothing is kept, `onsaved(file)`. */
  constructor(root, owner) {
    const find = (selector) => root.querySelector(selector);
    this.#owner = owner;
    this.#nodes = { bar: find('.past'), at: find('.past-at'), time: find('.past-time'), play: find('.past-play') };
    const press = (selector, run) => this.#scope.listen(find(selector), 'click', run);
    press('.past-back', () => this.back());
    press('.past-play', () => this.play());
    press('.past-save', () => this.save());
    press('.past-live', () => this.live());
    this.#scope.listen(this.#nodes.at, 'change', () => this.#goTo(Number(this.#nodes.at.value))); // seconds, with a minus
  }

  close() {
    this.#scope.close();
  }

  /** Another <ringcast-camera> is shown, whose stream the server keeps for KEEPS seconds. */
  set camera(camera) {
    this.#front?.close();
    this.#front = this.#scope.child();
    this.#camera = camera;
    this.#front.listen(camera, 'lookback', ({ detail }) => this.#onLook(detail));
    this.#front.listen(camera, 'statechange', () => camera.behind === 0 && this.#leave());
    if (camera.behind === 0) this.#leave();
  }

  /** How many seconds the server keeps. */
  set keeps(seconds) {
    this.#keeps = seconds;
  }

  get looking() {
    return this.#watch !== null;
  }

  /** Half a minute back, and half a minute more with each further call. */
  back() {
    if (this.#keeps > 0) this.#seek(-STEP_S);
    else this.#owner.onrefused();
  }

  /** Also before the server has answered. */
  live() {
    this.#camera.live();
  }

  step(count) {
    if (this.looking) this.#camera.step(count);
  }

  play() {
    if (this.#camera.paused) this.#camera.play().catch(() => {});
    else this.#camera.pause();
  }

  /** What was looked at, as a file that the server makes. */
  save() {
    if (!this.looking) return;
    const ago = (Date.now() - this.#began) / 1000;
    const until = Math.max(0, Math.min(this.#camera.behind, ago - CLIP_S));
    const link = document.createElement('a');
    link.href = clipAddress(this.#owner.name, { from: ago, to: until, stream: this.#camera.shownStream });
    link.download = '';
    link.click();
    this.#owner.onsaved();
  }

  #seek(seconds) {
    this.#camera.seek(seconds);
    this.#note();
  }

  #goTo(ago) {
    this.#seek(this.#camera.behind + ago);
  }

  #note() {
    const { behind } = this.#camera;
    if (behind > 0) this.#began = Math.min(this.#began ?? Infinity, Date.now() - behind * 1000);
  }

  #onLook({ looking, reach }) {
    if (!looking) {
      if (reach === 0) this.#owner.onrefused();
      this.#leave();
      return;
    }
    this.#nodes.at.min = String(-Math.max(1, Math.round(reach)));
    this.#note();
    if (this.#watch) return;
    this.#watch = this.#scope.child();
    this.#watch.interval(LOOK_MS, () => this.#show());
    this.#nodes.bar.hidden = false;
    this.#show();
    this.#owner.onlook(true);
  }

  #leave() {
    this.#began = null;
    if (!this.#watch) return;
    this.#watch.close();
    this.#watch = null;
    this.#nodes.bar.hidden = true;
    this.#owner.onlook(false);
  }

  #show() {
    const { at, time, play } = this.#nodes;
    const { behind, player } = this.#camera;
    const text = pastTime(player?.time ?? new Date(Date.now() - behind * 1000));
    const words = say(this.#camera.paused ? 'Play' : 'Pause');
    if (time.textContent !== text) time.textContent = text;
    if (play.textContent !== words) play.textContent = words;
    if (!at.matches(':active')) at.value = String(-Math.round(behind));
    at.setAttribute('aria-valuetext', say('{seconds} s ago', { seconds: Math.round(behind) }));
  }
}
