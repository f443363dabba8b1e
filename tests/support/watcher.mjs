// SPDX-License-Identifier: MIT
// A viewer that stays through all faults, and knows afterwards what it missed and when.
import assert from 'node:assert/strict';
import { LiveViewer } from './live_viewer.mjs';

const PAUSE_BEGINS_MS = 1000; // a process made to spin finishes its system call first

/** A viewer that connects again when its connection breaks, as the player does. */
export class Watcher {
  /** FPS: of the camera. */
  constructor(address, camera, fps) {
    this.address = address;
    this.camera = camera;
    this.fps = fps;
    this.connections = [];
    this.ended = false;
    this.connect();
  }

  connect() {
    this.current = new LiveViewer(this.address, this.camera, { keep: false });
    this.connections.push(this.current);
    const { socket } = this.current;
    socket.on('close', () => !this.ended && setTimeout(() => !this.ended && this.connect(), 50));
  }

  /** Whether a picture came after AT. */
  firstAfter(at) {
    return this.connections.some(({ fragments }) => fragments.length > 0 && fragments.at(-1).at > at);
  }

  /** When the first connection made after AT had its first picture. */
  connectedAfter(at) {
    return this.connections.find(({ started, fragments }) => started > at && fragments.length > 0)?.fragments[0].at ?? Infinity;
  }

  /** When pictures came again after the first pause that began at AT, or soon after; AT if there was none. */
  backAfter(at) {
    const times = this.connections.flatMap(({ fragments }) => fragments.map((fragment) => fragment.at));
    let i = times.findIndex((time) => time > at - 2000 / this.fps);
    if (i < 0) return Infinity;
    for (; i + 1 < times.length && times[i] < at + PAUSE_BEGINS_MS; i++) {
      if (times[i + 1] > at && times[i + 1] - times[i] > 2500 / this.fps) return times[i + 1];
    }
    return at;
  }

  /** Pictures that are missing within a connection: {from, to} in the time of performance.now(). */
  holes() {
    return this.connections.flatMap(({ fragments, inits }) => {
      const found = [];
      for (let i = 1; i < fragments.length; i++) {
        const [a, b] = [fragments[i - 1], fragments[i]];
        const step = Number(b.video.decodeTime - a.video.decodeTime) / b.video.timescale;
        if (b.sequence !== ((a.sequence + 1) >>> 0) || step > 1.6 / this.fps) found.push({ from: a.at, to: b.at, step });
      }
      assert.ok(inits.length <= 1 || found.length > 0 || inits.length < 50);
      return found;
    });
  }

  async end() {
    this.ended = true;
    await this.current.close();
  }
}
