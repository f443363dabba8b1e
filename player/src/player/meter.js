// SPDX-License-Identifier: MIT
// What the player measures: what came, what was shown, and how old a picture was when it reached the screen.

import { ServerClock } from './server-clock.js';

const CAPTURES_KEPT_S = 30; // longer than what is buffered
const CAPTURES_KEPT = 1024; // whatever their times say
const CAPTURE_REACH_S = 0.5; // a picture at most this far from one whose capture time is known takes its time from that one
const ASK_EARLY_MS = [0, 300, 700, 1500]; // after connecting: the fastest of a few answers is the best
const ASK_MS = 20_000; // later on: clocks drift. It also keeps proxies from closing an idle socket
const DISPLAY_AHEAD_MS = 100; // an expected display time further ahead than this is ignored

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

export class Meter {
  #video;
  #clock = new ServerClock();
  #captures = []; // { time, at, by } of the newest fragments, in the order of their coming
  #latencies = []; // ms, since the last report
  #latencyBy = null;
  #shown = null; // { latency, at } of the newest picture that was measured, in ms
  #frame = null; // handle of the browser's callback
  #asks = 0;
  #askAgainAt = Infinity;
  #startedAt;
  #firstPictureMs = null;
  #reportedAt;
  #counted = { fragments: 0, bytes: 0 };
  #onfirst;
  fragments = 0;
  bytes = 0;
  dropped = 0;
  connections = 0;

  /** `onfirst(ms)`: the first picture is on the screen, this long after the start. */
  constructor(video, now, onfirst) {
    this.#video = video;
    this.#startedAt = this.#reportedAt = now;
    this.#onfirst = onfirst;
  }

  close() {
    if (this.#frame !== null) this.#video.cancelVideoFrameCallback(this.#frame);
    this.#frame = null;
  }

  // ---- the server's clock

  connected(now) {
    this.connections++;
    this.askAgain(now);
  }

  /** The clocks may have drifted apart: asks as often as after connecting. */
  askAgain(now) {
    this.#asks = 0;
    this.#askAgainAt = now;
  }

  /** The question that is due, or null. */
  dueQuestion(now) {
    if (now < this.#askAgainAt) return null;
    const next = ASK_EARLY_MS[++this.#asks];
    this.#askAgainAt = now + (next === undefined ? ASK_MS : next - ASK_EARLY_MS[this.#asks - 1]);
    return this.#clock.question(now);
  }

  answered(message, now) {
    this.#clock.answered(message, now);
  }

  // ---- the pictures

  /** When the picture at media time `time` was taken, in ms since 1970; null: not known. */
  timeAt(time) {
    const capture = this.#captureOf(time);
    return capture ? capture.at + (time - capture.time) * 1000 : null;
  }

  /** The timeline begins again. */
  forget() {
    this.#captures = [];
    this.#latencies = [];
  }

  received({ bytes, capture }) {
    this.fragments++;
    this.bytes += bytes.byteLength;
    if (!capture) return;
    const captures = this.#captures;
    captures.push(capture);
    while (captures.length > CAPTURES_KEPT || capture.time - captures[0].time > CAPTURES_KEPT_S) captures.shift();
  }

  /** Measures the next picture that reaches the screen; one at a time is enough for figures once a second. */
  watchFrame() {
    const video = this.#video;
    if (this.#frame !== null) return;
    if (!video.requestVideoFrameCallback) {
      if (video.readyState >= 2 && !video.seeking) this.#onFrame(performance.now(), video.currentTime);
      return;
    }
    this.#frame = video.requestVideoFrameCallback((now, { mediaTime, presentationTime, expectedDisplayTime }) => {
      this.#frame = null;
      const ahead = expectedDisplayTime - presentationTime;
      this.#onFrame(ahead > 0 && ahead < DISPLAY_AHEAD_MS ? expectedDisplayTime : presentationTime, mediaTime);
    });
  }

  #onFrame(shownAt, time) {
    const capture = this.#captureOf(time);
    const clock = this.#clock.at(shownAt);
    if (capture && clock !== null) {
      const latency = clock - capture.at - (time - capture.time) * 1000;
      this.#latencies.push(latency);
      this.#shown = { latency, at: shownAt };
      this.#latencyBy = capture.by;
    }
    if (this.#firstPictureMs !== null) return;
    this.#firstPictureMs = Math.max(0, shownAt - this.#startedAt);
    this.#onfirst(this.#firstPictureMs);
  }

  /** The capture of the picture at media time `time`, or of the one nearest to it. */
  #captureOf(time) {
    let nearest = null;
    for (const capture of this.#captures) {
      if (!nearest || Math.abs(capture.time - time) <= Math.abs(nearest.time - time)) nearest = capture;
    }
    return nearest && Math.abs(nearest.time - time) <= CAPTURE_REACH_S ? nearest : null;
  }

  /** Of the picture on the screen, in seconds: one that stands still grows old. */
  #age(now, known) {
    if (!this.#shown) return null;
    if (known) return median([...this.#latencies]) / 1000;
    return (this.#shown.latency + now - this.#shown.at) / 1000;
  }

  // ---- the figures

  /** Since the last report; latencies in seconds. */
  report(now) {
    const seconds = (now - this.#reportedAt) / 1000;
    const { fragments, bytes, dropped, connections } = this;
    const known = this.#latencies.length > 0;
    const error = this.#clock.errorAt(now);
    const quality = this.#video.getVideoPlaybackQuality?.();
    const figures = {
      latency: known ? median(this.#latencies) / 1000 : null,
      latencyFrom: known ? this.#latencyBy : null,
      age: this.#age(now, known),
      clockError: error === null ? null : error / 1000,
      firstPicture: this.#firstPictureMs === null ? null : this.#firstPictureMs / 1000,
      fps: (fragments - this.#counted.fragments) / seconds,
      bitrate: ((bytes - this.#counted.bytes) * 8) / seconds,
      fragments,
      dropped,
      connections,
      framesDecoded: quality?.totalVideoFrames ?? null,
      framesDropped: quality?.droppedVideoFrames ?? null,
    };
    this.#reportedAt = now;
    this.#counted = { fragments, bytes };
    this.#latencies = [];
    return figures;
  }
}
