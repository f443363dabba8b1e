// SPDX-License-Identifier: MIT
// One MediaSource on one <video>: attached when made, and all of it taken off again by close(), at any moment.

import { AppendQueue } from './append-queue.js';
import { Scope } from './scope.js';
import { say } from './words.js';

const USE_H264 = 'Set the camera, or a sub stream of it, to H.264.';

/** The name of a codec, and what helps where it is not played. The first row that matches counts. */
const CODECS = [
  [/^(hvc1|hev1)/, 'H.265 (HEVC) video', 'Set the camera, or a sub stream of it, to H.264. Or use Safari, a recent Firefox, or a machine whose graphics decode H.265.'],
  [/^avc[13]\.6E/i, 'H.264 video of 10 bits (High 10)', 'Set the camera to the profile High, Main or Baseline.'],
  [/^avc[13]\.(7A|F4)/i, 'H.264 video with more colour than 4:2:0', 'Set the camera to the profile High, Main or Baseline.'],
  [/^avc[13]/, 'H.264 video', 'Use a browser that comes with H.264, such as Chrome, Edge, Firefox or Safari.'],
  [/^av01/, 'AV1 video', USE_H264],
  [/^vp0?[89]/, 'VP8 or VP9 video', USE_H264],
  [/^(mp4v|jpeg|mjp)/i, 'MPEG-4 or JPEG video', USE_H264],
  [/^mp4a/, 'AAC sound', "Set the camera's sound to G.711, or leave it out in ringcast's configuration (audio = false)."],
  [/^opus/i, 'Opus sound', "Set the camera's sound to AAC, or audio_codec in ringcast's configuration to \"aac\"."],
  [/^flac/i, 'FLAC sound', 'Set audio_codec in ringcast\'s configuration to "opus" or "aac".'],
];
const UNKNOWN_HELP = 'Set the camera, or a sub stream of it, to H.264. Sound: AAC.';
const NO_MSE_HELP = 'Use a recent Chrome, Edge, Firefox or Safari (on an iPhone: iOS 17.1 or later).';

/** ManagedMediaSource where there is one (iPhones have no other), else MediaSource, else undefined. */
export function mediaSourceClass() {
  return globalThis.ManagedMediaSource ?? globalThis.MediaSource;
}

/**
 * Null when this browser plays `mime`, else `{ code, message, help }` in words for the person in front of it: `help` says
 * what would make it play, and `message` is the whole text.
 */
export function whyUnplayable(mime) {
  const Source = mediaSourceClass();
  if (!Source) {
    return refusal('mse', say('This browser cannot play live video: it has no Media Source Extensions.'), [NO_MSE_HELP]);
  }
  if (Source.isTypeSupported(mime)) return null;
  const codecs = /codecs="([^"]*)"/.exec(mime)?.[1].split(/\s*,\s*/) ?? [];
  const refused = codecs.filter((codec) => !Source.isTypeSupported(`video/mp4; codecs="${codec}"`));
  const known = refused.map((codec) => CODECS.find(([pattern]) => pattern.test(codec)) ?? [null, codec, UNKNOWN_HELP]);
  const names = known.map(([, name]) => say(name)).join(say(' and ')) || mime;
  return refusal('codec', say('This browser cannot play {names}.', { names }), known.length ? known.map(([, , help]) => help) : [UNKNOWN_HELP]);
}

function refusal(code, what, helps) {
  const help = [...new Set(helps)].map((text) => say(text)).join(' ');
  return { code, message: `${what} ${help}`, help };
}

export class Media {
  #video;
  #scope = new Scope();
  #source;
  #buffer = null;
  #program;
  #onfail;

  /**
   * `program`: what is shown (program.js). `onfail(error)`: these pictures end here. `ondrop(fragments)`: fragments were
   * discarded because the browser is too slow. `onidle()`: the browser has all that came.
   */
  constructor(video, program, { onfail, ondrop, onidle, maxBytes }) {
    this.#video = video;
    this.#program = program;
    this.#onfail = onfail;
    this.queue = new AppendQueue({ position: () => video.currentTime, onerror: onfail, ondrop, onidle, silent: program.silent, maxBytes });
    this.queue.pushInit(program.bytes);
    this.#attach();
  }

  /** Goes on with another program, if it can: false when that needs a MediaSource of its own. */
  change(program) {
    const { mime, kinds } = this.#program;
    if (program.kinds !== kinds) return false;
    if (program.mime !== mime && typeof this.#buffer?.changeType !== 'function') return false;
    this.queue.pushInit(program.bytes, program.mime === mime ? null : program.mime);
    this.queue.silent = program.silent;
    this.#program = program;
    return true;
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
      this.#buffer = this.#source.addSourceBuffer(this.#program.mime);
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
