// SPDX-License-Identifier: MIT
// Playback of keyframes only: each is put on the screen as soon as it is there, and stands until the next one. As nobody knows when that
// comes, playback hardly moves in between, so that it never runs dry. Pure bookkeeping, to be used as a LiveEdge.

export const KEY_RATE = 0.1;
const BEHIND_S = 0.05; // a keyframe that is nearer is on the screen
const GIVE_UP_MS = 15_000; // a seek that comes to nothing although keyframes come
const GIVE_UP_STEPS = 4;

export class KeyEdge {
  #newest = null; // { start, step } of the newest keyframe, in seconds
  #seekingSince = null;

  /** Seconds for which the newest keyframe stands; 0 before the first one. */
  get step() {
    return this.#newest?.step ?? 0;
  }

  /** Where the newest keyframe is; null before the first one. */
  get newest() {
    return this.#newest?.start ?? null;
  }

  /** A keyframe that stands from `start` until `end` has come. */
  arrived(start, end) {
    this.#newest = { start, step: end - start };
  }

  /** The timeline begins again. */
  join() {
    this.#newest = null;
    this.#seekingSince = null;
  }

  /** As LiveEdge.decide: `{ seek, rate, giveUp, stalled }`. The browser must be left to finish a seek, or it never shows anything. */
  decide({ now, position, ranges, seeking }) {
    const answer = { rate: KEY_RATE, stalled: false };
    const there = this.#newest && ranges.some(([start, end]) => this.#newest.start >= start - 0.001 && this.#newest.start < end);
    this.#seekingSince = seeking ? (this.#seekingSince ?? now) : null;
    if (seeking) {
      answer.giveUp = now - this.#seekingSince > Math.max(GIVE_UP_MS, this.step * GIVE_UP_STEPS * 1000);
    } else if (there && Math.abs(this.#newest.start - position) > BEHIND_S && !this.#stands(position)) {
      answer.seek = this.#newest.start;
    }
    return answer;
  }

  /** Whether the newest keyframe is what is shown at `position`. */
  #stands(position) {
    return position >= this.#newest.start && position < this.#newest.start + this.step;
  }
}
