// SPDX-License-Identifier: MIT
// Which part of a stream goes to the browser: all of it, or the pictures alone. A muted video does not need sound, and
// without it shows its pictures sooner: browsers gather sound before they begin, Chromium 200 ms of it.

import { blank, parseInit } from './boxes.js';
import { whyUnplayable } from './media.js';

/** One init segment, as the server announced it: `{ mime, … }` in `announced`. */
export class Stream {
  constructor(bytes, announced) {
    this.bytes = bytes;
    this.announced = announced;
    this.tracks = parseInit(bytes);
    const kinds = [...this.tracks.values()].map(({ kind }) => kind);
    this.hasSound = kinds.includes('soun') && kinds.includes('vide');
  }

  get mime() {
    return this.announced.mime;
  }

  equals(bytes, announced) {
    return this.mime === announced.mime && this.bytes.byteLength === bytes.byteLength && this.bytes.every((byte, i) => byte === bytes[i]);
  }

  /**
   * What goes to the browser, with or without sound: `{ bytes, mime, kinds, silent }`, and `refusal`: null, or
   * why the browser does not play the whole (see whyUnplayable). A program without `bytes` cannot be played at all.
   */
  programFor(wantsSound) {
    if (!this.hasSound) return this.#whole(whyUnplayable(this.mime));
    const refusal = wantsSound ? whyUnplayable(this.mime) : null;
    if (wantsSound && !refusal) return this.#whole(null);
    const silent = this.#pictures();
    const why = whyUnplayable(silent.mime);
    return why ? { refusal: why } : { ...silent, refusal };
  }

  #whole(refusal) {
    if (refusal) return { refusal };
    const kinds = [...this.tracks.values()].map(({ kind }) => kind).join();
    return { bytes: this.bytes, mime: this.mime, kinds, silent: false, refusal };
  }

  #pictures() {
    const bytes = this.bytes.slice();
    for (const { kind, names } of this.tracks.values()) if (kind === 'soun') blank(bytes, names);
    return { bytes, mime: picturesOf(this.mime), kinds: 'vide', silent: true };
  }
}

const SOUND = /^(mp4a|opus|flac|ac-3|ec-3|\.?mp3)/i;

/** `mime` without its sound. */
export function picturesOf(mime) {
  return mime.replace(/codecs="([^"]*)"/, (_, codecs) => {
    const pictures = codecs.split(/\s*,\s*/).filter((codec) => !SOUND.test(codec));
    return `codecs="${pictures.join(',')}"`;
  });
}

const MAX_GROUP_BYTES = 8 << 20; // a larger group is not worth its memory: playback can begin at the next keyframe

/** The newest group of pictures, from its keyframe on, so that playback can begin again at any moment. */
export class Group {
  #fragments = [];
  #bytes = 0;

  add(fragment) {
    if (fragment.keyframe) this.clear();
    else if (this.#fragments.length === 0) return;
    this.#fragments.push(fragment);
    this.#bytes += fragment.bytes.byteLength;
    if (this.#bytes > MAX_GROUP_BYTES) this.clear();
  }

  get fragments() {
    return this.#fragments;
  }

  /** How long it is. */
  get seconds() {
    return this.#fragments.length > 0 ? this.#fragments.at(-1).end - this.#fragments[0].start : 0;
  }

  clear() {
    this.#fragments = [];
    this.#bytes = 0;
  }
}
