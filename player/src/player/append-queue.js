// SPDX-License-Identifier: MIT
// Hands messages to a SourceBuffer one at a time, in order, and bounds what the browser holds.
// Nothing is appended while the buffer updates, no error is swallowed, and memory is capped: a browser that cannot
// keep up loses whole groups of pictures, from a keyframe to the next, and never a part of one.

import { blank } from './boxes.js';

export const MAX_QUEUE_BYTES = 16 << 20; // about 8 s of a 16 Mbit/s camera
export const BACK_BUFFER_S = 10;
export const MAX_JOINED_BYTES = 1 << 20; // messages that have gathered are appended at once: each append costs milliseconds
const MAX_QUOTA_ATTEMPTS = 3; // the back buffer, then all before this picture, then give up

const bytesOf = (entries) => entries.reduce((sum, { bytes }) => sum + (bytes?.byteLength ?? 0), 0);
const fragmentsIn = (entries) => entries.filter(({ kind }) => kind === 'fragment').length;

export class AppendQueue {
  #buffer = null;
  #entries = [];
  #bytes = 0;
  #keyframes = []; // start times appended and still in the buffer: the only places where it may be cut
  #needKeyframe = false;
  #quotaAttempts = 0;
  #held = false;
  #position;
  #maxBytes;
  silent; // whether further fragments go to the browser without their sound
  #onerror;
  #ondrop;
  #onidle;

  /**
   * `position()`: the playing position in seconds. `onerror(error)`: the buffer can no longer be used. `ondrop(fragments)`:
   * how many were left out. `onidle()`: the browser has all that came. `silent`: as the member.
   */
  constructor({ position, onerror, ondrop, onidle = () => {}, silent = false, maxBytes = MAX_QUEUE_BYTES }) {
    this.#position = position;
    this.#onerror = onerror;
    this.#ondrop = ondrop;
    this.#onidle = onidle;
    this.#maxBytes = maxBytes;
    this.silent = silent;
  }

  get bytes() {
    return this.#bytes;
  }

  get length() {
    return this.#entries.length;
  }

  /** Begins to append to `buffer`; its listeners belong to `scope`. */
  attach(buffer, scope) {
    this.#buffer = buffer;
    scope.add(() => this.#detach());
    scope.listen(buffer, 'updateend', () => {
      this.#pump();
      if (this.#buffer && !this.#buffer.updating && this.#entries.length === 0) this.#onidle();
    });
    scope.listen(buffer, 'error', () => this.#onerror(new Error('the browser cannot use this data')));
    this.#pump();
  }

  /** While held, nothing is appended (a ManagedMediaSource asks for it). */
  hold(held) {
    this.#held = held;
    this.#pump();
  }

  pushInit(bytes, changeTo = null) {
    if (changeTo) this.#entries.push({ kind: 'type', mime: changeTo });
    this.#push({ kind: 'init', bytes });
  }

  pushFragment(fragment) {
    if (this.#needKeyframe && !fragment.keyframe) {
      this.#ondrop(1);
      return;
    }
    this.#needKeyframe = false;
    const { bytes, keyframe, start } = fragment;
    this.#push({ kind: 'fragment', bytes, keyframe, start, hidden: (this.silent && fragment.sound?.names) || [] });
  }

  /** Removes what is more than `backBuffer` seconds old. Cuts only at a keyframe: what follows needs it. */
  trim(backBuffer = BACK_BUFFER_S) {
    const ranges = this.#buffer?.buffered;
    if (!ranges?.length || this.#entries.some(({ kind }) => kind === 'remove')) return false;
    const cut = this.#keyframes.findLast((start) => start <= this.#position() - backBuffer);
    if (cut === undefined || cut <= ranges.start(0) + 0.001) return false;
    this.#keyframes = this.#keyframes.filter((start) => start >= cut);
    this.#entries.unshift({ kind: 'remove', end: cut });
    this.#pump();
    return true;
  }

  #detach() {
    this.#buffer = null;
    this.#entries = [];
    this.#bytes = 0;
  }

  #push(entry) {
    this.#bytes += entry.bytes.byteLength;
    this.#entries.push(entry);
    this.#pump();
    if (this.#bytes > this.#maxBytes) this.#overflow();
  }

  /** Keeps the newest group of pictures and what it needs; if that is too much, only what the next group will need. */
  #overflow() {
    const from = this.#entries.findLastIndex(({ keyframe }) => keyframe);
    let kept = this.#neededFrom(from);
    if (from <= 0 || bytesOf(kept) > this.#maxBytes) {
      kept = this.#neededFrom(this.#entries.length);
      this.#needKeyframe = true;
    }
    const dropped = fragmentsIn(this.#entries) - fragmentsIn(kept);
    this.#entries = kept;
    this.#bytes = bytesOf(kept);
    if (dropped > 0) this.#ondrop(dropped);
  }

  /** All entries from one on, and before them the last init segment, the last change of type and the removals. */
  #neededFrom(index) {
    const before = this.#entries.slice(0, Math.max(0, index));
    const newest = new Set(['type', 'init'].map((kind) => before.findLast((entry) => entry.kind === kind)));
    return this.#entries.filter((entry, i) => i >= index || entry.kind === 'remove' || newest.has(entry));
  }

  #pump() {
    while (this.#buffer && !this.#buffer.updating && this.#entries.length > 0) {
      const entry = this.#entries[0];
      if (this.#held && entry.kind === 'fragment') return;
      try {
        this.#apply(entry);
      } catch (error) {
        if (error.name !== 'QuotaExceededError' || !this.#makeRoom()) this.#onerror(error);
        return;
      }
      if (entry.kind === 'fragment') this.#quotaAttempts = 0;
    }
  }

  /** Throws without having changed anything if the browser does not take it. */
  #apply(entry) {
    let taken = 1;
    if (entry.kind === 'type') {
      this.#buffer.changeType(entry.mime);
    } else if (entry.kind === 'remove') {
      this.#buffer.remove(0, entry.end);
    } else if (entry.kind === 'init') {
      this.#buffer.appendBuffer(entry.bytes);
    } else {
      taken = this.#gathered();
      this.#buffer.appendBuffer(taken === 1 && entry.hidden.length === 0 ? entry.bytes : this.#join(taken));
    }
    for (const { bytes, keyframe, start } of this.#entries.splice(0, taken)) {
      this.#bytes -= bytes?.byteLength ?? 0;
      if (keyframe) this.#keyframes.push(start);
    }
  }

  /** How many fragments from the first entry on may be appended together; at least one. */
  #gathered() {
    let bytes = 0;
    const end = this.#entries.findIndex((entry) => entry.kind !== 'fragment' || (bytes += entry.bytes.byteLength) > MAX_JOINED_BYTES);
    return end === -1 ? this.#entries.length : Math.max(1, end);
  }

  #join(count) {
    const joined = new Uint8Array(this.#entries.slice(0, count).reduce((sum, { bytes }) => sum + bytes.byteLength, 0));
    let at = 0;
    for (const { bytes, hidden } of this.#entries.slice(0, count)) {
      joined.set(bytes, at);
      blank(joined, hidden, at);
      at += bytes.byteLength;
    }
    return joined;
  }

  /** The buffer is full; false when nothing is left that could be removed. */
  #makeRoom() {
    while (this.#quotaAttempts < MAX_QUOTA_ATTEMPTS) {
      this.#quotaAttempts++;
      if (this.trim(this.#quotaAttempts === 1 ? 2 : 0)) return true;
    }
    return false;
  }
}
