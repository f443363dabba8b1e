// SPDX-License-Identifier: MIT
// One camera on the wall: its picture, its name and its state.

import { PLAIN, lookOf, shownSize } from '../player/look.js';
import { picturesOf } from '../player/program.js';
import { Scope } from '../player/scope.js';
import { pictureOf } from '../player/snapshot.js';
import { say } from '../player/words.js';
import { STILL } from './wall-ladder.js';
import { Past } from './wall-past.js';
import { Poster } from './wall-poster.js';
import { Retry } from './wall-retry.js';
import { Still } from './wall-still.js';
import { Streams, rowOf } from './wall-streams.js';
import { Zoom } from './wall-zoom.js';
import { hasWindow, watchLongPress } from './wall-press.js';
import { busyComputer, choiceWords, figuresOf, overlayOf, slowLink, stillFigures } from './wall-words.js';

const ALMOST_PX = 2;
const NO_CAMERA = 4404; // the server's close code
const AWAY = new Set(['connecting', 'reconnecting']); // there may be no connection
const BEGINS = new Set(['connecting', 'idle']); // a stream that has no picture yet
const MOVES = new Set(['live', 'keyframes', 'late', 'past']);
const COVERED_MS = 250; // until its picture is on the screen, under the still one

let made = 0;

export class Tile {
  #scope = new Scope();
  #front = null; // what belongs to the stream that is shown
  #streams;
  #owner;
  #badge;
  #headline;
  #reason;
  #sound;
  #silence;
  #figures;
  #info;
  #stream;
  #window;
  #volume;
  #choice = 'auto';
  #alarm;
  #attention = null;
  #poster;
  #still;
  #retry;
  #past;
  #row = null;
  #rect = null;
  #announced = { width: null, height: null }; // in the list of cameras
  #welcomed = false;
  #looksBack = false; // as soon as there is a stream
  seen = null; // name of the last condition that the wall has reported

  /**
   * `owner`: `ontoggle(tile)` for a click or Enter, `onfocus(tile)`, `oncondition(tile)`, `onsize(tile)`,
   * `onstats(tile, stats)` with each report, `ongone(tile)` when this visitor may no longer watch the camera, `onsound(tile)`, `onlink(tile)` when another stream is shown because of the link, `onsilence(tile)` when sound that should be heard is missing, `onsnapshot(tile)`, `onfullscreen()`,
   * `onstream(tile)` and `onvolume(volume)` when the user asks for them, `onwindow(tile, problem)` when it cannot have a window of its own,
   * `onwant()` when it needs its stream, `onlook(tile, looking)`, `onnopast(tile)` where nothing is kept to look back at, `onclip(tile)` when a clip is being saved.
   */
  constructor(template, name, owner) {
    this.name = name;
    this.#owner = owner;
    this.root = document.importNode(template.content, true).firstElementChild;
    this.root.id = `tile-${++made}`;
    const find = (selector) => this.root.querySelector(selector);
    this.open = find('.open');
    this.#badge = find('.badge');
    this.#headline = find('.headline');
    this.#reason = find('.reason');
    this.#sound = find('.sound');
    this.#silence = find('.silence');
    this.#figures = find('.figures');
    this.#alarm = find('.alarm');
    this.#poster = new Poster(find('.poster'), this.#scope);
    this.#still = new Still(find('.photo'), this.#scope, () => this.#onStill());
    this.#retry = new Retry(this.#scope, { button: find('.retry'), text: find('.again'), onretry: () => this.camera.player?.retry() });
    find('.name').textContent = find('.name').title = name;
    const press = (selector, run) => this.#scope.listen(find(selector), 'click', run);
    press('.open', ({ detail }) => detail < 2 && owner.ontoggle(this)); // the second click of a double click changes nothing
    press('.back', () => owner.ontoggle(this));
    press('.sound', () => owner.onsound(this));
    press('.shot', () => owner.onsnapshot(this));
    this.zoom = new Zoom(this.root, this.#scope, () => find('.zoom').setAttribute('aria-pressed', String(this.zoom.scale > 1)));
    press('.zoom', () => this.zoom.toggle());
    press('.info', () => this.toggleFigures());
    press('.stream', () => owner.onstream(this));
    press('.window', () => this.pictureInPicture());
    this.#volume = find('.volume');
    this.#scope.listen(this.#volume, 'input', () => owner.onvolume(Number(this.#volume.value) / 100));
    this.#info = find('.info');
    this.#stream = find('.stream');
    this.#window = find('.window');
    this.#window.hidden = !hasWindow();
    watchLongPress(this.open, this.#scope, () => this.toggleFigures());
    press('.full', () => owner.onfullscreen());
    this.#scope.listen(this.open, 'focus', () => owner.onfocus(this));
    this.#scope.add(() => this.root.remove());
    this.#streams = new Streams(find('ringcast-camera'), { onfront: () => this.#onFront(), onlink: () => this.#onLink() });
    this.#scope.add(() => this.#streams.close());
    this.#past = new Past(this.root, {
      name,
      onlook: (looking) => owner.onlook(this, looking),
      onrefused: () => owner.onnopast(this),
      onsaved: () => owner.onclip(this),
    });
    this.#scope.add(() => this.#past.close());
    this.#listen();
    this.camera.camera = name;
    this.show(false);
  }

  /** The visible <ringcast-camera>; another one after a change of stream. */
  get camera() {
    return this.#streams.front;
  }

  #listen() {
    const { camera } = this;
    this.#front?.close();
    this.#front = this.#scope.child();
    this.#front.listen(camera, 'conditionchange', () => this.#onCondition());
    this.#front.listen(camera, 'statechange', ({ detail }) => {
      this.#retry.wait(detail.state === 'reconnecting' ? detail.retryMs : null);
      if (detail.close === NO_CAMERA) this.#owner.ongone(this);
    });
    this.#front.listen(camera, 'stats', ({ detail }) => this.#onStats(detail));
    this.#front.listen(camera, 'resize', () => this.#owner.onsize(this));
    for (const type of ['enterpictureinpicture', 'leavepictureinpicture']) this.#front.listen(camera, type, () => this.#onWindow());
    this.#front.listen(camera, 'automuted', () => this.#showSound());
    this.#front.listen(camera, 'soundchange', () => this.#onSoundChange());
    this.#past.camera = camera;
    this.#past.keeps = rowOf(this.#row, camera.shownStream)?.look_back ?? 0;
  }

  /** What it does with the past of its camera. */
  get past() {
    return this.#past;
  }

  /** Shows what was half a minute ago. Without a stream there has to be one first. */
  lookBack() {
    this.#looksBack = this.camera.player === null && this.#still.shown;
    if (this.#looksBack) this.#owner.onwant();
    else this.#past.back();
  }

  lookLive() {
    this.#looksBack = false;
    this.#past.live();
  }

  /** What is on the screen: a promise of `{ blob, time }`, or of null when there is no picture. */
  async snapshot() {
    const { picture, age } = this.#still;
    if (!picture) return this.camera.snapshot();
    const blob = await pictureOf(picture, picture, PLAIN); // it is painted as it is to be shown
    return blob && { blob, time: new Date(Date.now() - age * 1000) };
  }

  /** Another stream is visible now. */
  #onFront() {
    this.#retry.wait(null);
    this.#listen();
    this.#showSound();
    this.#onCondition();
    this.#owner.onsize(this);
  }

  close() {
    this.#scope.close();
  }

  /** Whether the small stream is shown because the link is slow. */
  get slow() {
    return this.#streams.slow;
  }

  /** The stream's; of a still picture its own, until the stream's picture is there again. */
  get condition() {
    const { condition } = this.camera;
    const still = this.#still.condition;
    return still && (this.#still.settled || BEGINS.has(condition.name)) ? still : condition;
  }

  /** How far down the wall's ladder it is (wall-ladder.js). */
  set rung(rung) {
    if (this.root.dataset.rung === rung) return;
    this.root.dataset.rung = rung;
    this.#streams.rung = rung;
    this.#still.wanted = rung === STILL;
    this.#streams.resting = this.#still.settled;
    this.show(this.root.classList.contains('large'));
  }

  /** What the ladder has to know of it: whether it is to be left alone, and whether it could show the small stream, or a still picture. */
  get standing() {
    const large = this.root.classList.contains('large') || !this.muted || this.camera.behind > 0 || this.camera.inPictureInPicture || this.#looksBack;
    return { name: this.name, large, small: this.#streams.couldBeSmall, still: Boolean(this.#row?.poster) };
  }

  get muted() {
    return this.camera.muted;
  }

  set muted(muted) {
    this.#streams.muted = muted;
    this.#showSound();
  }

  /** How loud it is when it is heard: 0 to 1. */
  set volume(volume) {
    this.#streams.volume = volume;
    this.#volume.value = String(Math.round(volume * 100));
  }

  /** Which of its streams the user wants while it is large: one of CHOICES. */
  get choice() {
    return this.#choice;
  }

  set choice(choice) {
    this.#choice = choice;
    this.#streams.choice = choice;
    this.#showStream();
  }

  /** In a small window over all others, or back from it. */
  pictureInPicture() {
    const { camera } = this;
    if (camera.inPictureInPicture) document.exitPictureInPicture().catch(() => {});
    else camera.requestPictureInPicture().catch(() => this.#owner.onwindow(this));
  }

  #onWindow() {
    this.#window.setAttribute('aria-pressed', String(this.camera.inPictureInPicture));
    this.#owner.onwant();
  }

  /** The size of what is shown of the picture, or will be, as the server announces it. */
  get size() {
    const { pictureSize } = this.camera;
    return pictureSize.width > 0 && pictureSize.height > 0 ? pictureSize : this.#announced;
  }

  /** What asks for attention; null: nothing. */
  set attention(text) {
    if (text === this.#attention) return;
    this.#attention = text;
    this.root.classList.toggle('attention', text !== null);
    write(this.#alarm, text ?? '');
    this.show(this.root.classList.contains('large'));
  }

  set current(current) {
    this.open.tabIndex = current ? 0 : -1;
    this.root.classList.toggle('current', current);
  }

  /** Whether figures are shown over the picture; they appear with the player's next report. */
  set figures(shown) {
    this.#figures.hidden = !shown;
    this.#figures.textContent = '';
    this.#info.setAttribute('aria-pressed', String(shown));
  }

  /** Over this picture alone. */
  toggleFigures() {
    this.figures = this.#figures.hidden;
  }

  /** Takes a row of /api/cameras: a stream that could not be played is tried again when the camera sends something else. */
  update(row) {
    const look = lookOf(row);
    this.#announced = shownSize({ width: row.width ?? row.sub?.width, height: row.height ?? row.sub?.height }, look);
    this.#poster.look = look;
    this.#row = row;
    this.#streams.update(row);
    this.#past.keeps = rowOf(row, this.camera.shownStream)?.look_back ?? 0;
    this.#poster.row = rowOf(row, this.camera.stream);
    this.#still.row = row.sub ?? row;
    this.#showStream();
    const mime = rowOf(row, this.camera.stream)?.mime;
    const { error } = this.camera;
    // Only pictures are ever a reason, and what failed may have been without the sound that the row has.
    if (mime && error?.code === 'codec' && picturesOf(error.mime) !== picturesOf(mime)) this.camera.restart();
  }

  /** The server answers the page, so a player that has lost it need not wait for its next attempt: once for each loss. */
  welcome() {
    if (this.#welcomed || !AWAY.has(this.condition.name)) return;
    this.#welcomed = true;
    this.camera.player?.retry();
  }

  /** Puts the tile in its place, or out of sight if there is none. */
  place(rect) {
    const before = this.#rect;
    this.#rect = rect;
    this.#streams.place(rect && { width: rect.width, large: this.root.classList.contains('large') });
    this.#poster.width = this.#still.width = rect ? rect.width * devicePixelRatio : 0;
    this.#fit();
    if (rect && before && ['x', 'y', 'width', 'height'].every((key) => rect[key] === before[key])) return;
    this.root.hidden = rect === null;
    if (!rect) return;
    this.zoom.resize(before, rect);
    const { style } = this.root;
    style.left = `${rect.x}px`;
    style.top = `${rect.y}px`;
    style.width = `${rect.width}px`;
    style.height = `${rect.height}px`;
  }

  /** A tile of whole pixels hardly ever has exactly the picture's shape: losing a row of pixels is better than a black line. */
  #fit() {
    const picture = this.size;
    if (!this.#rect || !(picture.width > 0)) return;
    const { width, height } = this.#rect;
    const almost = Math.abs(width - (height * picture.width) / picture.height) < ALMOST_PX;
    this.root.style.setProperty('--ringcast-fit', almost ? 'cover' : 'contain');
  }

  /** Shows the camera's condition, and describes what a press does. */
  show(large) {
    const { condition } = this;
    const overlay = overlayOf(condition);
    this.root.classList.toggle('large', large);
    this.root.dataset.condition = condition.name;
    this.#poster.waiting = condition.name === 'connecting' && this.camera.video.videoWidth === 0;
    const slow = this.#streams.slow;
    this.root.dataset.link = slow ? 'slow' : 'good';
    const small = slow || (this.#streams.lowered && this.camera.frames === 'all');
    write(this.#badge, small && condition.name === 'live' ? say('{label}, small', { label: condition.label }) : condition.label);
    write(this.#headline, overlay?.headline ?? '');
    write(this.#reason, overlay?.text ?? '');
    const action = say(large ? 'Show all cameras' : 'Show large');
    const silence = this.camera.sound.state === 'away' ? say('No sound') : '';
    write(this.#silence, silence);
    const words = [this.#attention, condition.label, condition.text, slow ? slowLink() : '', this.#streams.lowered ? busyComputer() : '', silence].filter(Boolean).join('. ');
    this.open.setAttribute('aria-label', `${this.name}, ${words.replace(/\.$/, '')}. ${action}`);
  }

  /** There is another still picture, or none can be had; or it is not wanted any more. */
  #onStill() {
    this.#streams.resting = this.#still.settled;
    if (!this.#figures.hidden && this.#still.settled) write(this.#figures, this.#still.shown ? stillFigures(this.#still.age) : '');
    this.#onCondition();
  }

  /** The stream has pictures again. */
  #uncover() {
    if (this.#looksBack) this.lookBack();
    if (this.#still.shown) this.#scope.timeout(COVERED_MS, () => this.#still.drop());
  }

  #onCondition() {
    if (!this.#still.settled && MOVES.has(this.camera.condition.name)) this.#uncover();
    if (!AWAY.has(this.condition.name)) this.#welcomed = false;
    this.show(this.root.classList.contains('large'));
    this.#owner.oncondition(this);
  }

  #onLink() {
    this.show(this.root.classList.contains('large'));
    this.#owner.onlink(this);
  }

  #onSoundChange() {
    this.show(this.root.classList.contains('large'));
    if (this.camera.sound.state === 'away') this.#owner.onsilence(this);
  }

  #onStats(stats) {
    this.#owner.onstats(this, stats);
    if (!this.#figures.hidden) write(this.#figures, figuresOf({ ...stats, ...this.#shown }).join('\n'));
  }

  /** What the figures say of the stream. */
  get #shown() {
    const { slow, chosen } = this.#streams;
    return { slow, chosen, stream: this.#row?.sub ? this.camera.shownStream : null };
  }

  #showStream() {
    this.#stream.hidden = !this.#row?.sub;
    write(this.#stream, choiceWords(this.#choice));
    this.#stream.setAttribute('aria-label', say('Stream: {choice}', { choice: choiceWords(this.#choice) }));
  }

  #showSound() {
    this.#sound.setAttribute('aria-pressed', String(!this.muted));
    this.root.classList.toggle('sounding', !this.muted);
  }
}

/** Text that stays the same is not written again: the browser would lay it out, and perhaps read it out, again. */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
