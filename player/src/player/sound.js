// SPDX-License-Identifier: MIT
// Whether sound is played with the pictures. A browser plays no further than its sound reaches, so sound that stops,
// has gaps or cannot be decoded would stop the pictures, too. Then the pictures go on alone, and sound is tried again
// when it has come steadily for a while. Pure bookkeeping, as in live-edge.js.

import { say } from './words.js';

const CONTIGUOUS_S = 0.5; // further apart: pictures were left out, and their sound with them
const GAP_S = 0.3; // sound counts as missing when at least this much of the pictures came since the last sound …
const GAP_PACES = 2.5; // … and this many times the usual distance between two arrivals of sound
const GAP_MOST_S = 1.5;
const FIRST_S = 0.6; // this much of the pictures may come before the first sound
const DRY_S = 0.25; // less sound than this before the playing position: about to stand still
const HOLE_UNITS = 2; // a longer hole, and Media Source Extensions drop the pictures, too, up to the next keyframe (3.5.8, 6)
const ROUNDING_S = 0.001;
const LAG_MOST_S = 1.5; // sound further behind the pictures would make them late
const STEADY_MS = 5000;
const WAITS_MS = [5000, 15_000, 45_000, 120_000, 300_000]; // after the first trouble, the second, …
const DECODER_WAITS_MS = [60_000, 300_000]; // only an attempt shows whether it can be decoded now, and people see each attempt
const HEALTHY_MS = 30_000; // after playing for this long, earlier troubles no longer count

export class SoundWatch {
  #from = null; // start of the pictures of this timeline, in its seconds
  #pictures = null; // their end
  #end = null; // of the sound that came
  #picturesAtSound = null; // end of the pictures when it came
  #pace = 0;
  #brokenAt = null; // where the sound last had a hole or went back
  #steadySince = null; // ms
  #away = null; // { reason, until }
  #troubles = 0;
  #playingSince = null; // ms

  /** Another stream: what is known of the old one no longer holds. */
  begin() {
    this.forget();
    this.#away = null;
    this.#troubles = 0;
  }

  /** Another timeline of the same stream. */
  forget() {
    this.#from = this.#pictures = this.#end = this.#picturesAtSound = null;
    this.#pace = 0;
    this.#brokenAt = null;
    this.#steadySince = this.#playingSince = null;
  }

  /** Why the pictures go on alone: `missing`, `broken` or `decoder`; null: the sound is healthy. */
  get away() {
    return this.#away?.reason ?? null;
  }

  /** A fragment came at `now` ms; its `sound` is `{ start, end, unit }` in seconds, or null. */
  came({ start, end, sound }, now) {
    if (this.#pictures !== null && Math.abs(start - this.#pictures) > CONTIGUOUS_S) this.forget();
    this.#from ??= start;
    const before = this.#gap;
    this.#pictures = end;
    if (!sound || sound.end <= sound.start) {
      if (this.#isMissing) this.#steadySince = null;
      return;
    }
    if (this.#breaks(sound)) {
      this.#brokenAt = start;
      this.#steadySince = null;
    }
    if (end - sound.end > LAG_MOST_S) this.#steadySince = null;
    else this.#steadySince ??= now;
    if (before < GAP_MOST_S) this.#pace = Math.max(before, this.#pace * 0.98);
    this.#end = sound.end;
    this.#picturesAtSound = end;
  }

  #breaks({ start, unit }) {
    const step = this.#end === null ? 0 : start - this.#end;
    return step > HOLE_UNITS * unit + ROUNDING_S || step < -unit - ROUNDING_S;
  }

  /** Seconds of pictures that came since the last sound. */
  get #gap() {
    return this.#pictures === null ? 0 : this.#pictures - (this.#picturesAtSound ?? this.#from);
  }

  get #isMissing() {
    if (this.#end === null) return this.#gap > FIRST_S;
    return this.#gap > Math.min(GAP_MOST_S, Math.max(GAP_S, GAP_PACES * this.#pace));
  }

  /**
   * What is wrong with sound that is played at `position` seconds (without `position`: with sound that would be played now).
   * The browser has it, or would have it, from `from` on. Answers as `away`.
   */
  trouble({ position = Infinity, from = -Infinity } = {}) {
    if (this.#brokenAt !== null && this.#brokenAt >= from) return 'broken';
    const dry = this.#end === null || this.#end - position < DRY_S;
    return dry && this.#isMissing ? 'missing' : null;
  }

  /** From now on the pictures go on alone. */
  setAside(reason, now) {
    if (this.#playingSince !== null && now - this.#playingSince > HEALTHY_MS) this.#troubles = 0;
    const waits = reason === 'decoder' ? DECODER_WAITS_MS : WAITS_MS;
    const wait = waits[Math.min(this.#troubles, waits.length - 1)];
    this.#troubles++;
    this.#away = { reason, until: now + wait };
    this.#steadySince = this.#playingSince = null;
  }

  /** Whether sound that was set aside should be tried again. */
  isBack(now) {
    if (!this.#away || now < this.#away.until) return false;
    return this.#steadySince !== null && now - this.#steadySince >= STEADY_MS && !this.#isMissing;
  }

  /** Sound is played with the pictures, again or from the start. */
  play(now) {
    this.#away = this.#brokenAt = null;
    this.#playingSince ??= now;
  }

  /** The sound was not the cause: the pictures alone failed, too. */
  acquit() {
    if (this.#away?.reason === 'decoder') this.#away = null;
  }
}

const REASONS = {
  missing: 'The camera announces sound, but none comes',
  broken: 'The sound comes with gaps',
  decoder: "This browser cannot decode the camera's sound",
  codec: 'This browser cannot play this kind of sound',
  ended: 'The camera no longer sends sound',
};

/** `{ state, reason, text }` for the page: `state` is none, muted, playing or away; `text` is for people. */
export function soundOf({ hasSound, hadSound, muted, playing, reason }) {
  if (!hasSound && !hadSound) return { state: 'none', reason: null, text: '' };
  if (muted) return { state: 'muted', reason: null, text: '' };
  if (playing) return { state: 'playing', reason: null, text: '' };
  const why = hasSound ? reason : 'ended';
  return { state: 'away', reason: why, text: say(REASONS[why] ?? '') };
}
