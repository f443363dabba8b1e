// SPDX-License-Identifier: MIT
// Decides how a fragment relates to the pictures that the browser already has: it is the next one, a repeated one
// (a server begins each connection with its newest keyframe), one that cannot be decoded because another
// is missing, or one from a timeline that began again.

const BACKWARD_TOLERANCE_S = 0.02; // rounding of durations between timescales
const CONTIGUOUS_S = 0.1;

export class Continuity {
  #last = null; // the last fragment that was let through
  #needKeyframe = true;
  #counting = false;
  missed = 0;

  /** Forget everything: the next keyframe begins a new timeline. */
  reset() {
    this.#last = null;
    this.expectKeyframe();
  }

  /** The next fragment must be a keyframe, on the same timeline; fragments left out before it do not count as missed. */
  expectKeyframe() {
    this.#needKeyframe = true;
    this.expectGap();
  }

  /** Fragments left out before the next one were not wanted and do not count as missed. */
  expectGap() {
    this.#counting = false;
  }

  /** `fresh`: the connection is so young that repeated fragments are to be expected. */
  judge(fragment, fresh) {
    const last = this.#last;
    const needKeyframe = this.#needKeyframe;
    if (last && fragment.start < last.end - BACKWARD_TOLERANCE_S) {
      if (fresh && fragment.sequence <= last.sequence && !needKeyframe) return 'skip';
      if (fragment.start < last.start) return 'reset';
    }
    const contiguous = last && Math.abs(fragment.start - last.end) < CONTIGUOUS_S;
    const skipped = last && !contiguous ? (fragment.sequence - last.sequence - 1) >>> 0 : 0;
    if (!fragment.keyframe && (needKeyframe || skipped > 0)) return 'skip';
    if (this.#counting && skipped < 0x80000000) this.missed += skipped;
    this.#last = fragment;
    this.#needKeyframe = false;
    this.#counting = true;
    return 'append';
  }
}
