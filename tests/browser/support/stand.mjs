// SPDX-License-Identifier: MIT
// A player with everything around it faked, for the unit tests of its state machine.

import { RingcastPlayer } from '../../../player/src/player/player.js';
import { mockTimers, tick } from './clock.mjs';
import { FakeMediaSource, FakeSocket, FakeVideo, Ranges } from './fakes.mjs';
import { VIDEO, arrayBuffer, audioTraf, fragment, initSegment } from './mp4.mjs';

export const MIME = 'video/mp4; codecs="avc1.42C01E"';
export const FRAME = 0.04;

/** A player with a fake page around it, and a clock that only the test moves. */
export class Stand {
  events = [];
  video = new FakeVideo();
  clock = 0;

  constructor(context, options = {}) {
    this.context = context;
    if (context) {
      mockTimers(context, ['setTimeout', 'setInterval']);
      context.mock.method(performance, 'now', () => this.clock);
    }
    this.player = new RingcastPlayer(this.video, { camera: 'front', ...options });
    for (const type of ['statechange', 'error', 'init', 'drop', 'camerastate', 'stats', 'reset', 'automuted', 'firstpicture', 'soundchange', 'unauthorized', 'lookback']) {
      this.player.addEventListener(type, ({ detail }) => this.events.push([type, detail]));
    }
  }

  get states() {
    return this.events.filter(([type]) => type === 'statechange').map(([, { state }]) => state);
  }

  get socket() {
    return FakeSocket.last;
  }

  get source() {
    return FakeMediaSource.all.at(-1);
  }

  get buffer() {
    return this.source.buffers[0];
  }

  details(type) {
    return this.events.filter(([name]) => name === type).map(([, detail]) => detail);
  }

  tick(ms) {
    for (let rest = ms; rest > 0; rest -= 50) {
      const step = Math.min(rest, 50);
      this.clock += step;
      tick(this.context, step);
    }
  }

  connect() {
    this.player.start();
    this.socket.accept();
  }

  init({ mime = MIME, tracks = [VIDEO] } = {}) {
    this.socket.receive(JSON.stringify({ type: 'init', mime, codecs: 'avc1.42C01E', width: 320, height: 180, generation: 1 }));
    this.socket.receive(arrayBuffer(initSegment(tracks)));
  }

  /** Frames with sound beside them. */
  soundFrame(sequence) {
    const start = sequence * FRAME;
    this.socket.receive(arrayBuffer(fragment({ sequence, start, keyframe: sequence % 25 === 0 }, audioTraf({ start }))));
  }

  /** Frames FROM … TO - 1, with sound or without, each as its time comes; the video plays along 0.2 s behind. */
  live(from, to, { sound = true } = {}) {
    for (let i = from; i < to; i++) {
      this.tick(40);
      if (sound) this.soundFrame(i);
      else this.frame(i);
      if (this.source.readyState !== 'open') this.source.open();
      this.settle();
      this.video.currentTime = Math.max(this.video.currentTime, i * FRAME - 0.2);
    }
  }

  frame(sequence, { start = sequence * FRAME, keyframe = sequence % 25 === 0 } = {}) {
    this.socket.receive(arrayBuffer(fragment({ sequence, start, keyframe })));
  }

  /** Lets everything that has been pushed reach the browser. */
  settle() {
    for (let i = 0; i < 200 && this.buffer?.updating; i++) this.buffer.finish();
  }

  /** Goes on until pictures move: frames 0 … 24 are buffered and the video plays. */
  play() {
    this.connect();
    this.init();
    this.source.open();
    for (let i = 0; i < 25; i++) this.frame(i);
    this.settle();
    this.video.buffered = new Ranges([[0, 1]]);
    this.video.currentTime = 0.9;
    this.video.fire('playing');
  }
}
