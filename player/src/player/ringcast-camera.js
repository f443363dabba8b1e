// SPDX-License-Identifier: MIT
import { LATE_S, SLOW_LINK, conditionOf, lateness } from './condition.js';
import { LinkWatch } from './link-watch.js';
import { PLAIN, isPlain, lookOf, placeOf, sameLook, shownSize } from './look.js';
import { MAX_TARGET_DELAY_S, RingcastPlayer } from './player.js';
import { emptySheet, makeParts, shapeRules, sheetFor } from './ringcast-camera-parts.js';
import { Scope } from './scope.js';
import { soundOf } from './sound.js';
import { say } from './words.js';
import { PictureZoom } from './zoom.js';

const PLAYER_EVENTS = [
  ...['statechange', 'firstpicture', 'error', 'init', 'camerastate', 'drop', 'automuted', 'soundchange', 'reset', 'stats'],
  'unauthorized', 'lookback',
];
const VIDEO_EVENTS = [
  ...['play', 'playing', 'pause', 'waiting', 'timeupdate', 'volumechange', 'ratechange', 'resize', 'seeking', 'seeked'],
  ...['loadedmetadata', 'loadeddata', 'canplay', 'enterpictureinpicture', 'leavepictureinpicture'],
];
const VIDEO_FIGURES = [
  ...['videoWidth', 'videoHeight', 'readyState', 'networkState', 'duration', 'playbackRate', 'seeking', 'ended'],
  ...['buffered', 'played'],
];
const VIDEO_SETTABLE = ['playbackRate']; // while it is live, for a while only: the player keeps to the newest picture
const VIDEO_METHODS = [
  ...['requestVideoFrameCallback', 'cancelVideoFrameCallback', 'getVideoPlaybackQuality'],
];
const SETTABLE = [
  ...['src', 'camera', 'stream', 'poster', 'width', 'height', 'muted', 'defaultMuted', 'volume', 'controls', 'autoplay', 'targetDelay'],
  ...['token', 'credentials', 'shared', 'frames', 'zoomable'],
];
const RETURN_REPORTS = 8; // about one a second: after so many a camera that is back is late
const NO_SOUND = soundOf({});
const UNSAID = new Set(['live', 'keyframes', 'idle', 'past']); // conditions that need no words over the picture

// Where there is no browser (a server that renders pages), the module can be imported, but the class cannot be used.
const Base = globalThis.HTMLElement ?? class {};

/**
 * `<ringcast-camera camera="front" src="https://server/" muted controls>`: one live camera, which behaves like a `<video>`.
 *
 * It plays while it is in the document, holds nothing when it is not, and plays on when it is moved in one step.
 * Attributes: `camera` (name), `stream` (`main`, `sub`, or what the link gets through), `src` (where ringcast's own pages
 * are, by default the root of the page's server), `token`, `credentials`, `shared` and `frames` (as for RingcastPlayer); `muted`, `controls`, `poster`, `width`, `height` as for a `<video>`;
 * `autoplay="false"` waits for `play()`; `target-delay` in seconds. It dispatches the events of RingcastPlayer, those of its
 * `<video>`, `conditionchange` and `linkchange`; the attributes `state`, `condition`, `sound` and `link` show the present ones to style sheets.
 */
export class RingcastCameraElement extends Base {
  static observedAttributes = [
    ...['src', 'camera', 'stream', 'muted', 'controls', 'autoplay', 'poster', 'width', 'height', 'target-delay', 'token', 'credentials'],
    ...['shared', 'frames', 'zoomable'],
  ];

  #internals = this.attachInternals();
  #parts = makeParts(this.attachShadow({ mode: 'open' }));
  #dressedFor = null; // a document
  #shape = null;
  #picture = null; // { width, height } of the last one
  #look = PLAIN; // how it is to be shown
  #lookFor = null; // the camera of which that was said
  #zoom = new PictureZoom(this, (view, before) => this.#onZoom(view, before));
  #gestures = null; // the scope of those that zoom
  #box = null; // the element's size, { width, height }, when the picture was last put in its place
  #unwatchSize = null; // while that depends on the element's size
  #presence = null; // what belongs to being in the document
  #scope = null; // what belongs to the present player
  #player = null;
  #shown = null; // { camera, src, stream, credentials, shared, frames } of the present player
  #link = null; // a LinkWatch, if the stream is to be chosen here
  #tokenOf = null; // the page's function that gives tokens
  #asked = null; // true after play(), false after a pause() that found nothing to pause
  #updatePending = false;
  #updating = false; // while it is true the page's listeners are called, and may ask for something else
  #promises = []; // of play(): { resolve, reject }
  #facts = emptyFacts();
  #condition = conditionOf({ state: 'idle' });

  /** The `<video>` inside. */
  get video() {
    return this.#parts.video;
  }

  /** The player of the present camera, or null while nothing is played. */
  get player() {
    return this.#player;
  }

  get state() {
    return this.#facts.state;
  }

  /** `{ name, label, text }` for people; `name` is live, keyframes, late, connecting, reconnecting, unauthorized, offline, failed or idle. */
  get condition() {
    return this.#condition;
  }

  /** `{ state, reason, text }`: whether the camera is heard, and if it should be and is not, why. */
  get sound() {
    return this.#player?.sound ?? NO_SOUND;
  }

  /** Why nothing can be played, `{ code, message, help, mime }`, or null. */
  get error() {
    return this.#facts.error;
  }

  /** How the picture is to be shown, as the server says, and is: `{ mirror, crop }`, `crop` as `[left, top, right, bottom]` in per cent, or null. */
  get look() {
    return this.#look;
  }

  /** The size of what is shown, in the picture's own pixels: without what is cropped; 0 and 0 before the first picture. */
  get pictureSize() {
    const { videoWidth: width, videoHeight: height } = this.video;
    return shownSize({ width, height }, this.#look);
  }

  get camera() {
    return this.getAttribute('camera');
  }

  set camera(name) {
    this.#reflect('camera', name);
  }

  /** Which of the camera's streams: `main`, `sub` for the small one, or `auto`: the small one while the link does not get the main one through. */
  get stream() {
    const value = this.getAttribute('stream');
    return value === 'main' || value === 'sub' ? value : 'auto';
  }

  set stream(stream) {
    this.#reflect('stream', stream);
  }

  /** The stream that is shown: `main` or `sub`. */
  get shownStream() {
    const { stream } = this;
    return stream === 'auto' ? (this.#link?.stream ?? 'main') : stream;
  }

  /** Which frames: `all`, or `key` for keyframes only, without sound. */
  get frames() {
    return this.getAttribute('frames') === 'key' ? 'key' : 'all';
  }

  set frames(frames) {
    this.#reflect('frames', frames);
  }

  /** Whether all cameras of the page that have this use one connection. */
  get shared() {
    return this.hasAttribute('shared');
  }

  set shared(shared) {
    this.toggleAttribute('shared', Boolean(shared));
  }

  /** Whether wheel, two fingers and drags go into the picture. */
  get zoomable() {
    return this.hasAttribute('zoomable');
  }

  set zoomable(zoomable) {
    this.toggleAttribute('zoomable', Boolean(zoomable));
  }

  /** How large the picture is drawn: 1, all of it, to 10. Set, its middle stays where it is. */
  get zoom() {
    return this.#zoom.scale;
  }

  set zoom(scale) {
    if (Number.isFinite(scale)) this.#zoom.by(scale / this.#zoom.scale);
  }

  /** Larger by FACTOR; what is at `{ x, y }`, in pixels from the element's left top corner, or in its middle, stays there. */
  zoomBy(factor, point) {
    if (factor > 0) this.#zoom.by(factor, point);
  }

  /** A picture that is larger than the element is moved by so many pixels. */
  panBy(dx, dy) {
    this.#zoom.move(dx, dy);
  }

  get src() {
    return this.getAttribute('src') ?? '/';
  }

  set src(base) {
    this.#reflect('src', base);
  }

  /** Proves who is watching: a string, a function that gives a fresh one, or null for the browser's cookie. */
  get token() {
    return this.#tokenOf ?? this.getAttribute('token');
  }

  set token(token) {
    this.#tokenOf = typeof token === 'function' ? token : null;
    this.#reflect('token', this.#tokenOf ? null : token);
    this.#handToken();
  }

  /** `same-origin`, `include` or `omit`: whether cookies go along when the player asks another origin about its log-in. */
  get credentials() {
    const value = this.getAttribute('credentials');
    return value === 'include' || value === 'omit' ? value : 'same-origin';
  }

  set credentials(credentials) {
    this.#reflect('credentials', credentials);
  }

  get poster() {
    return this.video.poster;
  }

  set poster(address) {
    this.#reflect('poster', address);
  }

  get width() {
    return pixels(this, 'width') ?? 0;
  }

  set width(width) {
    this.#reflect('width', width);
  }

  get height() {
    return pixels(this, 'height') ?? 0;
  }

  set height(height) {
    this.#reflect('height', height);
  }

  get controls() {
    return this.hasAttribute('controls');
  }

  set controls(controls) {
    this.toggleAttribute('controls', Boolean(controls));
  }

  /** Live pictures in a page are meant to be seen, unlike a film: only with `autoplay="false"` do they wait. */
  get autoplay() {
    return this.getAttribute('autoplay') !== 'false';
  }

  set autoplay(autoplay) {
    this.setAttribute('autoplay', autoplay ? '' : 'false');
  }

  get defaultMuted() {
    return this.hasAttribute('muted');
  }

  set defaultMuted(muted) {
    this.toggleAttribute('muted', Boolean(muted));
  }

  get muted() {
    return this.video.muted;
  }

  set muted(muted) {
    this.video.muted = muted;
  }

  get volume() {
    return this.video.volume;
  }

  set volume(volume) {
    this.video.volume = volume;
  }

  /** Seconds to stay behind the newest picture at least. */
  get targetDelay() {
    const seconds = Number(this.getAttribute('target-delay'));
    return seconds >= 0 ? Math.min(seconds, MAX_TARGET_DELAY_S) : 0;
  }

  set targetDelay(seconds) {
    this.#reflect('target-delay', seconds);
  }

  get paused() {
    return !this.#player || (this.video.src !== '' && this.video.paused);
  }

  /** Plays, from the newest picture on. The promise is resolved when pictures move, and rejected when they will not. */
  play() {
    if (!this.isConnected || this.camera === null) {
      const what = this.isConnected ? 'has no camera' : 'is not in a document';
      return Promise.reject(new DOMException(`this <ringcast-camera> ${what}`, 'InvalidStateError'));
    }
    this.#asked = true;
    this.#update();
    if (this.state === 'playing' && !this.paused) return Promise.resolve();
    if (this.state === 'failed' && !this.#player) return Promise.reject(new DOMException(this.error.message, 'NotSupportedError'));
    const played = new Promise((resolve, reject) => this.#promises.push({ resolve, reject }));
    if (this.state === 'failed' || this.state === 'stopped') this.#player?.start();
    else if (this.#player && this.paused) this.video.play().catch((error) => this.#settle(error));
    return played;
  }

  /** The picture stands still; a few seconds later nothing is fetched any more. */
  pause() {
    if (this.paused) return;
    if (this.video.paused) {
      this.#asked = false;
      this.#update();
    } else {
      this.video.pause();
    }
  }

  /** How far behind the newest picture it plays, in seconds: 0 while it is live. */
  get behind() {
    return this.#player?.behind ?? 0;
  }

  /** Shows what was SECONDS later, or with a negative number earlier. */
  seek(seconds) {
    this.#player?.seek(seconds);
  }

  /** Back to the newest picture. */
  live() {
    this.#player?.live();
  }

  /** The picture stands still, COUNT pictures further on, or with a negative number back. */
  step(count) {
    this.#player?.step(count);
  }

  /** The picture on the screen: a promise of `{ blob, time, width, height }`, or of null when there is none; as the player's. */
  async snapshot(options) {
    return (await this.#player?.snapshot(options)) ?? null;
  }

  get currentTime() {
    return this.video.currentTime;
  }

  /** Players' controls go back and forth with it: what the browser does not have is asked for. */
  set currentTime(time) {
    const { video } = this;
    const back = time < video.currentTime - 1;
    if (this.#player && Number.isFinite(time) && (back || this.behind > 0)) this.#player.seek(time - video.currentTime);
    else video.currentTime = time;
  }

  /** Up to the newest picture, also while it looks back: that is where players' buttons for live go. */
  get seekable() {
    const { video, behind } = this;
    if (behind === 0) return video.seekable;
    const reach = this.#player.reach ?? behind;
    return oneRange(video.currentTime - Math.max(0, reach - behind), video.currentTime + behind);
  }

  /** Ends the present player and begins with a new one. */
  restart() {
    if (!this.isConnected) return;
    this.#shown = null;
    this.#update();
  }

  /** Whether its picture is in a window of its own. */
  get inPictureInPicture() {
    return this.shadowRoot.pictureInPictureElement === this.video;
  }

  /** The picture in a small window over all others, until that is closed or the element is taken out. */
  requestPictureInPicture() {
    if (this.video.requestPictureInPicture) return this.video.requestPictureInPicture();
    return Promise.reject(new DOMException('this browser has no picture-in-picture', 'NotSupportedError'));
  }

  /** As for every element; on a phone where only a `<video>` fills the screen, that one does. */
  requestFullscreen(options) {
    if (super.requestFullscreen) return super.requestFullscreen(options);
    if (this.video.webkitEnterFullscreen) {
      this.video.webkitEnterFullscreen();
      return Promise.resolve();
    }
    return Promise.reject(new TypeError('this browser has no full screen'));
  }

  connectedCallback() {
    this.#dress();
    for (const name of SETTABLE) this.#upgrade(name);
    this.#updateSoon();
  }

  disconnectedCallback() {
    this.#updateSoon();
  }

  /** Moved without being taken out (`moveBefore`): there is nothing to do. */
  connectedMoveCallback() {}

  /** Moved to another document: observers belong to the old one. */
  adoptedCallback() {
    this.#leave();
  }

  attributeChangedCallback(name, before, after) {
    if (name === 'muted') this.video.muted = after !== null;
    else if (name === 'controls') this.#showControls();
    else if (name === 'poster') this.#showPoster(after);
    else if (name === 'width' || name === 'height') this.#fit();
    else if (name === 'zoomable') this.#watchGestures();
    else if (name === 'target-delay' && this.#player) this.#player.targetDelay = this.targetDelay;
    else if (name === 'token') this.#handToken();
    if (before !== after) this.#updateSoon();
  }

  // ---- attributes and looks

  #handToken() {
    const token = this.token ?? undefined;
    if (this.#player && this.#player.token !== token) this.#player.token = token;
  }

  #reflect(name, value) {
    if (value == null) this.removeAttribute(name);
    else this.setAttribute(name, value);
  }

  /** A property that was set before this class was defined would hide the class's own. */
  #upgrade(name) {
    if (!Object.hasOwn(this, name)) return;
    const value = this[name];
    delete this[name];
    this[name] = value;
  }

  #showPoster(address) {
    if (address === null) this.video.removeAttribute('poster');
    else this.video.poster = address;
  }

  #dress() {
    if (this.#dressedFor === this.ownerDocument) return;
    this.#dressedFor = this.ownerDocument;
    this.#shape = emptySheet(this.ownerDocument);
    this.shadowRoot.adoptedStyleSheets = [sheetFor(this.ownerDocument), this.#shape];
    this.#fit();
  }

  /** Without a size of its own, the element has the shape of the last picture. */
  #fit() {
    const { videoWidth, videoHeight } = this.video;
    if (videoWidth > 0 && videoHeight > 0) this.#picture = { width: videoWidth, height: videoHeight };
    const picture = this.#picture && shownSize(this.#picture, this.#look);
    const size = { width: pixels(this, 'width'), height: pixels(this, 'height') };
    this.#shape?.replaceSync(shapeRules({ ...size, picture, place: this.#place }));
  }

  /** Whether it is drawn as the browser does by itself. */
  get #isUsual() {
    return isPlain(this.#look) && this.#zoom.scale === 1;
  }

  /** Where the picture is drawn, if not as it comes: `{ transform, clip }`. */
  get #place() {
    const box = { width: this.clientWidth, height: this.clientHeight };
    if (this.#isUsual || !this.#picture || box.width === 0 || box.height === 0) return null;
    const { transform, clip } = placeOf({ box, picture: this.#picture, look: this.#look, fit: getComputedStyle(this.video).objectFit });
    const { scale, x, y } = this.#zoom.view;
    return { transform: scale === 1 ? transform : `translate(${x}px, ${y}px) scale(${scale}) ${transform}`, clip };
  }

  #onSize() {
    const before = this.#box;
    this.#box = { width: this.clientWidth, height: this.clientHeight };
    if (before?.width > 0 && this.#box.width > 0 && this.#zoom.scale > 1) this.#zoom.resize(before, this.#box);
    else this.#fit();
  }

  #onZoom({ scale, x, y }, before) {
    if (scale > 1 !== before.scale > 1) {
      this.#watchSize();
      this.#showControls();
    }
    this.#fit();
    if (scale !== before.scale || x !== before.x || y !== before.y) this.dispatchEvent(new CustomEvent('zoomchange', { detail: { zoom: scale, x, y } }));
  }

  /** Listeners for the wheel make a page scroll less well: they are there only where they are wanted. */
  #watchGestures() {
    const needed = this.zoomable && this.#presence !== null;
    if (needed === (this.#gestures !== null)) return;
    this.#gestures?.close();
    this.#gestures = null;
    if (!needed) return;
    const scope = this.#presence.child();
    this.#gestures = scope;
    scope.add(() => (this.#gestures = null));
    this.#zoom.listen(scope);
  }

  /** It is another camera's. */
  #forgetView() {
    this.#setLook(PLAIN);
    if (this.#zoom.scale > 1) this.#zoom.whole();
  }

  #setLook(look) {
    if (sameLook(look, this.#look)) return;
    this.#look = look;
    this.#watchSize();
    this.#showControls();
    this.#fit();
    this.dispatchEvent(new Event('resize')); // what is shown has another size
  }

  /** Only a picture that is not shown as it comes depends on the element's size. */
  #watchSize() {
    const needed = !this.#isUsual && this.#presence !== null;
    if (needed === (this.#unwatchSize !== null)) return;
    if (!needed) {
      this.#unwatchSize();
      return;
    }
    const observer = new ResizeObserver(() => this.#onSize());
    observer.observe(this);
    this.#box = null;
    this.#unwatchSize = this.#presence.add(() => {
      observer.disconnect();
      this.#unwatchSize = null;
    });
  }

  /** The browser's own would be mirrored, cropped and zoomed as well. */
  #showControls() {
    this.video.controls = this.controls && this.#isUsual;
  }

  // ---- being there, and the player

  /** Changes made together are one update, so an element that is moved in one step does not count as taken out. */
  #updateSoon() {
    if (this.#updatePending) return;
    this.#updatePending = true;
    queueMicrotask(() => {
      if (this.#updatePending) this.#update();
    });
  }

  /** Makes the player what the element's place, attributes and callers ask for. */
  #update() {
    if (this.#updating) {
      this.#updateSoon();
      return;
    }
    this.#updatePending = false;
    this.#updating = true;
    try {
      this.#arrange();
    } finally {
      this.#updating = false;
    }
  }

  #arrange() {
    if (!this.isConnected) {
      this.#leave();
      return;
    }
    if (!this.#presence) this.#arrive();
    const { camera, src, stream, credentials, shared, frames } = this;
    const wanted = camera !== null && (this.#asked ?? (this.autoplay || this.#player !== null));
    const next = { camera, src, stream, credentials, shared, frames };
    if (wanted && this.#shown && Object.keys(next).every((key) => this.#shown[key] === next[key])) return;
    this.#end();
    if (wanted) this.#begin(next);
    this.#show();
  }

  #arrive() {
    const { video, start } = this.#parts;
    const presence = new Scope();
    this.#presence = presence;
    for (const type of VIDEO_EVENTS) presence.listen(video, type, () => this.#onVideo(type));
    presence.listen(start, 'click', () => this.#onStart());
    this.#watchSize();
    this.#watchGestures();
  }

  #leave() {
    this.#asked = null;
    if (this.inPictureInPicture) this.ownerDocument.exitPictureInPicture().catch(() => {}); // it may be closed by now
    this.#end();
    this.#presence?.close();
    this.#presence = null;
    this.#show();
  }

  #begin(next) {
    if (next.camera !== this.#lookFor) this.#forgetView();
    this.#lookFor = next.camera;
    this.#shown = next;
    if (next.stream === 'auto') this.#link = new LinkWatch({ open: (...args) => this.#open(...args), change: () => this.#changeStream() });
    this.#startPlayer();
  }

  #startPlayer() {
    const scope = new Scope();
    const player = this.#makePlayer();
    if (!player) return;
    this.#scope = scope;
    this.#player = player;
    scope.listen(player, 'statechange', ({ detail }) => player === this.#player && this.#onState(detail));
    scope.listen(player, 'camerastate', ({ detail }) => {
      this.#setLook(lookOf(detail));
      this.#learn({ camera: detail });
    });
    scope.listen(player, 'stats', ({ detail }) => this.#learn({ late: lateness(detail, player.targetDelay), behind: detail.behind, tooMany: detail.tooMany }));
    scope.listen(player, 'lookback', () => this.#learn({ behind: player.behind }));
    scope.listen(player, 'reset', () => this.#keepPicture());
    scope.listen(player, 'soundchange', () => this.#show());
    for (const type of PLAYER_EVENTS) {
      scope.listen(player, type, ({ detail }) => this.dispatchEvent(new CustomEvent(type, { detail })));
    }
    this.#watchVisibility(scope, player);
    scope.add(() => player.stop());
    this.#link?.follow(player, scope, () => this.#condition.name);
    player.start();
  }

  #playerOf(video, stream) {
    return new RingcastPlayer(video, { ...this.#shown, stream, token: this.token ?? undefined, targetDelay: this.targetDelay });
  }

  #makePlayer() {
    try {
      return this.#playerOf(this.video, this.shownStream);
    } catch {
      const error = { code: 'address', message: say('“{address}” is not an address', { address: this.#shown.src }) };
      this.#facts = { ...emptyFacts(), state: 'failed', message: error.message, error };
      this.#settle(new DOMException(error.message, 'NotSupportedError'));
      this.dispatchEvent(new CustomEvent('error', { detail: { ...error, fatal: true } }));
      return null;
    }
  }

  /** A player of another stream, out of sight under the present picture until `scope` closes. */
  #open(stream, scope) {
    const video = this.ownerDocument.createElement('video');
    video.muted = video.playsInline = true;
    video.setAttribute('aria-hidden', 'true');
    this.video.before(video);
    const player = this.#playerOf(video, stream);
    scope.add(() => {
      player.stop();
      video.remove();
    });
    return player;
  }

  /** Goes on with the stream that the link gets through; the last picture stays until the next one comes. */
  #changeStream() {
    const scope = this.#scope;
    this.#keepPicture();
    this.#scope = this.#player = null;
    scope.close();
    this.#startPlayer();
    this.#show();
    this.dispatchEvent(new CustomEvent('linkchange', { detail: { stream: this.shownStream, slow: this.#isSlow } }));
  }

  get #isSlow() {
    return this.#link?.stream === 'sub';
  }

  #watchVisibility(scope, player) {
    const observer = new IntersectionObserver((entries) => player.setVisible(entries.at(-1).isIntersecting));
    observer.observe(this);
    scope.add(() => observer.disconnect());
  }

  #end() {
    const scope = this.#scope;
    this.#link?.close();
    this.#scope = this.#player = this.#shown = this.#link = null;
    this.#facts = emptyFacts();
    this.#dropPicture();
    this.#settle(new DOMException('the camera was stopped or changed', 'AbortError'));
    scope?.close();
  }

  #onStart() {
    this.play().catch(() => {}); // words over the picture give the reason
    if (this.controls) this.video.focus();
  }

  #onVideo(type) {
    if (type === 'resize') this.#fit();
    if (type === 'playing') {
      this.#dropPicture();
      this.#settle();
    }
    if (type === 'loadeddata' && this.video.paused) {
      this.#settle(new DOMException('the browser does not play this without a click', 'NotAllowedError'));
    }
    this.dispatchEvent(new Event(type));
  }

  /** Resolves the promises of play(), or rejects them. */
  #settle(error = null) {
    for (const { resolve, reject } of this.#promises.splice(0)) {
      if (error) reject(error);
      else resolve();
    }
  }

  // ---- what people see and hear

  #onState(detail) {
    const failed = detail.state === 'failed';
    const { code, message, help, mime, retryMs, close } = detail;
    this.#learn({ ...detail, retryMs, close, lost: retryMs !== undefined, error: failed ? { code, message, help, mime } : null });
    if (failed) this.#settle(new DOMException(message, 'NotSupportedError'));
  }

  #learn(facts) {
    const was = this.#facts.camera.state;
    Object.assign(this.#facts, facts);
    const { camera } = this.#facts;
    if (camera.state === 'streaming' && was !== null && was !== 'streaming') this.#facts.returning = RETURN_REPORTS;
    else if (facts.late !== undefined) this.#facts.returning = facts.late > LATE_S ? Math.max(0, this.#facts.returning - 1) : 0;
    if (camera.state === 'streaming') this.#facts.awaySince = null;
    else if (camera.state) this.#facts.awaySince ??= new Date();
    this.#show();
  }

  #show() {
    const { start } = this.#parts;
    const condition = conditionOf({ ...this.#facts, frames: this.frames });
    if (this.getAttribute('state') !== this.#facts.state) this.setAttribute('state', this.#facts.state);
    start.hidden = !this.controls || this.#player !== null || this.camera === null;
    this.#showSound();
    this.#showLink();
    this.#name(condition);
    const before = this.#condition;
    if (Object.keys(condition).every((key) => condition[key] === before[key])) return;
    this.#condition = condition;
    this.setAttribute('condition', condition.name);
    const quiet = UNSAID.has(condition.name);
    this.#parts.label.textContent = quiet ? '' : condition.label;
    this.#parts.reason.textContent = quiet ? '' : condition.text;
    this.dispatchEvent(new CustomEvent('conditionchange', { detail: condition }));
  }

  /** If sound should be heard and is missing, words say so. */
  #showSound() {
    const { state, text } = this.sound;
    const { silence } = this.#parts;
    const words = state === 'away' ? say('No sound') : '';
    if (this.getAttribute('sound') !== state) this.setAttribute('sound', state);
    if (silence.textContent !== words) silence.textContent = words;
    silence.title = text;
  }

  #showLink() {
    const { link } = this.#parts;
    const words = this.#isSlow ? say(SLOW_LINK) : '';
    const value = this.#isSlow ? 'slow' : 'good';
    if (this.getAttribute('link') !== value) this.setAttribute('link', value);
    if (link.textContent !== words) link.textContent = words;
  }

  /** The name for assistive technology, unless the page gives the element a role or a name of its own. */
  #name({ label }) {
    const words = this.sound.state === 'away' ? say('{label}, no sound', { label }) : label;
    const name = this.camera === null ? null : `${this.camera}: ${words}`;
    if (this.#internals.ariaLabel === name) return;
    this.#internals.role = 'group';
    this.#internals.ariaLabel = name;
    this.#parts.start.setAttribute('aria-label', say('Play {camera}', { camera: this.camera }));
  }

  /** Between two MediaSources a video is black, so the last picture stays until the next one comes. */
  #keepPicture() {
    const { video, still } = this.#parts;
    const { videoWidth, videoHeight, readyState } = video;
    if (readyState < HTMLMediaElement.HAVE_CURRENT_DATA || videoWidth === 0) return;
    still.width = videoWidth;
    still.height = videoHeight;
    still.getContext('2d').drawImage(video, 0, 0);
    still.hidden = false;
  }

  #dropPicture() {
    const { still } = this.#parts;
    still.hidden = true;
    still.width = still.height = 0;
  }
}

for (const name of VIDEO_FIGURES) {
  Object.defineProperty(RingcastCameraElement.prototype, name, {
    get() {
      return this.video[name];
    },
    set: VIDEO_SETTABLE.includes(name) ? setter(name) : undefined,
    enumerable: true,
    configurable: true,
  });
}

function setter(name) {
  return function (value) {
    this.video[name] = value;
  };
}

for (const name of VIDEO_METHODS) {
  Object.defineProperty(RingcastCameraElement.prototype, name, {
    value(...args) {
      return this.video[name](...args);
    },
    writable: true,
    configurable: true,
  });
}

const emptyFacts = () => ({
  state: 'idle', error: null, camera: { state: null, error: null }, late: 0, awaySince: null, lost: false, returning: 0,
});

/** As the browser's TimeRanges, of which a script cannot make any. */
const oneRange = (start, end) => ({ length: 1, start: () => start, end: () => end });

/** The value of an attribute that is a number of pixels, or null. */
function pixels(element, name) {
  const value = Number.parseInt(element.getAttribute(name), 10);
  return value >= 0 ? value : null;
}
