// One MediaSource on one <video>: attached when made, and all of it taken off again by close(), at any moment.

import { AppendQueue } from './append-queue.js';
import { Scope } from './scope.js';

const CODEC_NAMES = [
  [/^(hvc1|hev1)/, 'H.265 (HEVC) video'],
  [/^avc[13]/, 'H.264 video'],
  [/^av01/, 'AV1 video'],
  [/^mp4a/, 'AAC sound'],
  [/^opus/i, 'Opus sound'],
  [/^flac/i, 'FLAC sound'],
];

/** ManagedMediaSource where there is one (iPhones have no other), else MediaSource, else undefined. */
export function mediaSourceClass() {
  return globalThis.ManagedMediaSource ?? globalThis.MediaSource;
}

/** Null when this browser plays `mime`, else why it does not, in words for the person in front of it. */
export function whyUnplayable(mime) {
  const Source = mediaSourceClass();
  if (!Source) return 'This browser cannot play live video: it has no Media Source Extensions.';
  if (Source.isTypeSupported(mime)) return null;
  const codecs = /codecs="([^"]*)"/.exec(mime)?.[1].split(/\s*,\s*/) ?? [];
  const bad = codecs.filter((codec) => !Source.isTypeSupported(`video/mp4; codecs="${codec}"`));
  const names = bad.map((codec) => CODEC_NAMES.find(([pattern]) => pattern.test(codec))?.[1] ?? codec);
  const what = names.join(' and ') || mime;
  const advice = bad.some((codec) => /^(hvc1|hev1)/.test(codec))
    ? ' Set the camera to H.264, or use a browser that plays H.265, such as Safari or Firefox.'
    : '';
  return `This browser cannot play ${what}.${advice}`;
}

export class Media {
  #video;
  #scope = new Scope();
  #source;
  #buffer = null;
  #kinds;
  #onfail;

  /**
   * `kinds`: the track kinds of the init segment, which cannot change later. `onfail(error)` says that these
   * pictures end here; `ondrop(fragments)` that fragments were discarded because the browser is too slow.
   */
  constructor(video, mime, kinds, { onfail, ondrop, maxBytes }) {
    this.#video = video;
    this.mime = mime;
    this.#kinds = kinds;
    this.#onfail = onfail;
    this.queue = new AppendQueue({ position: () => video.currentTime, onerror: onfail, ondrop, maxBytes });
    this.#attach();
  }

  /** Whether the stream can go on in this MediaSource with another init segment. */
  accepts(mime, kinds) {
    if (kinds !== this.#kinds) return false;
    return mime === this.mime || typeof this.#buffer?.changeType === 'function';
  }

  changeInit(bytes, mime) {
    this.queue.pushInit(bytes, mime === this.mime ? null : mime);
    this.mime = mime;
  }

  close() {
    this.#scope.close();
  }

  #attach() {
    const video = this.#video;
    const scope = this.#scope;
    const Source = mediaSourceClass();
    const source = new Source();
    this.#source = source;
    if (Source === globalThis.ManagedMediaSource) this.#manage(video, source);
    const url = URL.createObjectURL(source);
    scope.add(() => {
      video.removeAttribute('src');
      video.load();
    });
    const revoke = scope.add(() => URL.revokeObjectURL(url));
    scope.add(() => this.#releaseBuffer());
    scope.listen(source, 'sourceopen', () => {
      revoke();
      if (!this.#buffer) this.#open();
    });
    scope.listen(source, 'sourceclose', () => this.#onfail(new Error('the browser closed the media source')));
    scope.listen(source, 'sourceended', () => this.#onfail(new Error('the browser ended the media source')));
    scope.listen(video, 'error', () => this.#onfail(new Error(video.error?.message || 'the video cannot be decoded')));
    video.src = url;
  }

  #manage(video, source) {
    const before = video.disableRemotePlayback;
    video.disableRemotePlayback = true; // else a ManagedMediaSource never opens
    this.#scope.add(() => {
      video.disableRemotePlayback = before;
    });
    this.#scope.listen(source, 'startstreaming', () => this.queue.hold(false));
    this.#scope.listen(source, 'endstreaming', () => this.queue.hold(true));
  }

  #open() {
    try {
      this.#buffer = this.#source.addSourceBuffer(this.mime);
    } catch (error) {
      this.#onfail(error);
      return;
    }
    this.queue.attach(this.#buffer, this.#scope);
  }

  #releaseBuffer() {
    const buffer = this.#buffer;
    this.#buffer = null;
    if (buffer && this.#source.readyState === 'open') this.#source.removeSourceBuffer(buffer);
  }
}
