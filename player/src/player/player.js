// SPDX-License-Identifier: MIT
import { PLAIN, lookOf, shownSize } from './look.js';
import { mediaSourceClass, whyUnplayable } from './media.js';
import { Pass } from './pass.js';
import { Session } from './session.js';
import { pictureOf } from './snapshot.js';
import { soundOf } from './sound.js';

const NO_SOUND = soundOf({});
export const MAX_TARGET_DELAY_S = 8; // what is further back may be gone from the browser's memory

/**
 * Shows one live camera in a `<video>`.
 *
 *     const player = new RingcastPlayer(video, { camera: 'front' });
 *     player.addEventListener('statechange', ({ detail }) => console.log(detail.state));
 *     player.start();
 *
 * States: idle, connecting, buffering, playing, stalled, reconnecting, unauthorized, stopped, failed. From start() on the
 * player recovers by itself from everything except a codec that the browser cannot play, which ends in `failed`, and goes on
 * as soon as a visitor who has to log in has done so.
 */
export class RingcastPlayer extends EventTarget {
  #video;
  #url;
  #options;
  #pass;
  #state = 'idle';
  #session = null;
  #suspended = false;
  #stats = null;
  #sound = NO_SOUND;
  #look = PLAIN;

  /**
   * `url`: the camera's WebSocket; or `camera`: its name, and `src`: where ringcast's own pages are (by default `/`,
   * the root of the page's server), `stream`: `sub` for the small one. `targetDelay`: seconds to stay behind the newest
   * picture at least (else as near as the jitter allows). `token`: proves who is watching where the browser's cookie does not:
   * a string, or a function that gives a fresh one. `credentials`: as for fetch(), when the player asks whether the log-in
   * holds. `shared`: the players of the page that have it use one connection, if the browser's cookie shows who is watching; `frames`: `key`
   * for keyframes only. `maxQueueBytes` caps what waits for the browser; `signal` stops the player for good.
   */
  constructor(video, options = {}) {
    super();
    if (options.url === undefined && options.camera === undefined) {
      throw new TypeError('RingcastPlayer needs a url or the name of a camera');
    }
    this.#video = video;
    this.#options = { ...options };
    this.targetDelay = options.targetDelay ?? 0;
    this.#url = liveUrl(options);
    this.#pass = new Pass(this.#url, options);
  }

  get video() {
    return this.#video;
  }

  get url() {
    return this.#url;
  }

  get state() {
    return this.#state;
  }

  /** The detail of the last `stats` event since start(), or null. */
  get stats() {
    return this.#stats;
  }

  /** The detail of the last `soundchange` event since start(): `{ state, reason, text }`. */
  get sound() {
    return this.#sound;
  }

  get targetDelay() {
    return this.#options.targetDelay;
  }

  /** May be changed at any time. */
  set targetDelay(seconds) {
    if (!(seconds >= 0 && seconds <= MAX_TARGET_DELAY_S)) {
      throw new RangeError(`targetDelay is a number of seconds from 0 to ${MAX_TARGET_DELAY_S}`);
    }
    this.#options.targetDelay = seconds;
    this.#session?.aim(seconds);
  }

  get token() {
    return this.#pass.token;
  }

  /** May be changed at any time: the next connection uses it, at once if the player waits for one. */
  set token(token) {
    this.#pass.token = token;
    if (this.#state === 'unauthorized') this.retry();
  }

  /** Begins to show the camera. Does nothing while it is shown already. */
  start() {
    if (this.#session || this.#options.signal?.aborted) return;
    this.#stats = null;
    if (!mediaSourceClass()) {
      const why = whyUnplayable('video/mp4');
      this.#enter('failed', why);
      this.#emit('error', { ...why, fatal: true });
      return;
    }
    const session = new Session(this.#video, this.#url, this.#options, this.#pass, this.#ownerOf(() => session));
    this.#session = session;
    this.#options.signal?.addEventListener('abort', this.#onAbort);
    session.open();
    if (this.#suspended) session.suspend('offscreen');
  }

  /** Ends at once and undoes all that start() made. Allowed in every state and as often as you like. */
  stop() {
    if (!this.#session) return;
    this.#end();
    this.#enter('stopped', {});
  }

  /** Tries at once, if it waits before it connects again: the visitor has logged in, say. */
  retry() {
    this.#session?.retry();
  }

  /** How far behind the newest picture playback is, in seconds: 0 while it is live. */
  get behind() {
    return this.#session?.behind ?? 0;
  }

  /** How far back pictures are kept, in seconds, by the server's last answer; null: not known. */
  get reach() {
    return this.#session?.reach ?? null;
  }

  /** When the picture on the screen was taken, as a Date; null: not known. */
  get time() {
    const ms = this.#session?.time ?? null;
    return ms === null ? null : new Date(ms);
  }

  /** Shows what was SECONDS later, or with a negative number earlier, if the server keeps it; up to the newest picture. */
  seek(seconds) {
    if (!Number.isFinite(seconds)) throw new TypeError('seek() wants a number of seconds');
    this.#session?.seek(seconds);
  }

  /** Back to the newest picture. */
  live() {
    this.#session?.live();
  }

  /** The picture stands still, COUNT pictures further on, or with a negative number back. */
  step(count) {
    if (!Number.isInteger(count)) throw new TypeError('step() wants a whole number of pictures');
    this.#session?.step(count);
  }

  /**
   * The picture on the screen, in the camera's own size, mirrored and cropped as the server says: a promise of `{ blob, time, width, height }`, or of null
   * when there is none. `time`: when it was taken, by the camera's clock, a Date, or null. `type` and `quality` as for `canvas.toBlob()`.
   */
  async snapshot(options = {}) {
    const { videoWidth: width, videoHeight: height } = this.#video;
    const { time } = this;
    const look = this.#look;
    const blob = await pictureOf(this.#video, { width, height }, look, options);
    return blob && { blob, time, ...shownSize({ width, height }, look) };
  }

  /** Says whether the video can be seen; after a few seconds out of sight nothing is fetched any more. */
  setVisible(visible) {
    this.#suspended = !visible;
    if (visible) this.#session?.resume('offscreen');
    else this.#session?.suspend('offscreen');
  }

  #onAbort = () => this.stop();

  #end() {
    const session = this.#session;
    this.#session = null;
    this.#sound = NO_SOUND;
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    session?.close();
  }

  /** What the session sees of its player. The player ignores a session that has ended. */
  #ownerOf(session) {
    const player = this;
    const current = () => player.#session !== null && player.#session === session();
    return {
      get state() {
        return player.#state;
      },
      enter(state, detail = {}) {
        if (!current()) return;
        if (state === 'failed') player.#end();
        player.#enter(state, detail);
      },
      emit(type, detail) {
        if (current() || detail.fatal) player.#emit(type, detail);
      },
    };
  }

  #enter(state, detail) {
    const previous = this.#state;
    if (state === previous && !detail.reason) return;
    this.#state = state;
    this.#emit('statechange', { state, previous, ...detail });
  }

  #emit(type, detail) {
    if (type === 'stats') this.#stats = detail;
    if (type === 'soundchange') this.#sound = detail;
    if (type === 'camerastate') this.#look = lookOf(detail);
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function liveUrl({ url, src = '/', camera, stream = 'main', frames = 'all' }) {
  const page = globalThis.document?.baseURI;
  const base = src.endsWith('/') ? src : `${src}/`;
  const path = `live/${encodeURIComponent(camera)}`;
  const live = url === undefined ? new URL(path, new URL(base, page)) : new URL(url, page);
  if (url === undefined && stream !== 'main') live.searchParams.set('stream', stream);
  if (url === undefined && frames !== 'all') live.searchParams.set('frames', frames);
  live.protocol = live.protocol.replace(/^http/, 'ws');
  return live.href;
}
