// SPDX-License-Identifier: MIT
// The player on random walks through everything that a page, a browser and a server may do, in any order.
// RINGCAST_SEED=… repeats a run, RINGCAST_WALKS=… makes it longer.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RingcastPlayer } from '../../player/src/player/player.js';
import { FakeMediaSource, FakeSocket, FakeVideo, NOTHING, Ranges, fakePage, settled } from './support/fakes.mjs';
import { mockTimers, resetTimers, tick } from './support/clock.mjs';
import { AUDIO, VIDEO, arrayBuffer, audioTraf, fragment, initSegment } from './support/mp4.mjs';

const SEED = Number(process.env.RINGCAST_SEED ?? Date.now() % 1_000_000);
const WALKS = Number(process.env.RINGCAST_WALKS ?? 150);
const STEPS = 80;

/** As docs/reference/player.md says. */
const LEADS_TO = {
  idle: ['connecting', 'buffering', 'stopped', 'failed'],
  connecting: ['connecting', 'buffering', 'reconnecting', 'unauthorized', 'idle', 'stopped', 'failed'],
  buffering: ['playing', 'reconnecting', 'unauthorized', 'idle', 'stopped', 'failed'],
  playing: ['stalled', 'reconnecting', 'unauthorized', 'idle', 'stopped', 'failed'],
  stalled: ['playing', 'reconnecting', 'unauthorized', 'idle', 'stopped', 'failed'],
  reconnecting: ['reconnecting', 'buffering', 'unauthorized', 'idle', 'stopped', 'failed'],
  unauthorized: ['unauthorized', 'connecting', 'buffering', 'reconnecting', 'idle', 'stopped', 'failed'],
  stopped: ['connecting'],
  failed: ['connecting'],
};

function generator(seed) {
  let state = seed;
  return () => { // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Walker {
  video = new FakeVideo();
  clock = 0;
  sequence = 0;
  stuck = false;
  steps = [];
  wrong = [];

  constructor(context, random) {
    this.context = context;
    this.random = random;
    this.page = fakePage();
    FakeMediaSource.playable = /avc1/;
    mockTimers(context, ['setTimeout', 'setInterval']);
    context.mock.method(performance, 'now', () => this.clock);
    context.mock.method(Date, 'now', () => 1e12 + this.clock);
    this.player = new RingcastPlayer(this.video, { camera: 'front', maxQueueBytes: 4000, token: this.pick([undefined, 'text', () => this.giveToken()]) });
    this.player.addEventListener('statechange', ({ detail: { state, previous } }) => {
      // An exception of a listener has no effect.
      if (!LEADS_TO[previous]?.includes(state) || this.player.state !== state) this.wrong.push(`${previous} → ${state}`);
    });
  }

  giveToken() {
    const kind = this.pick(['text', 'text', 'later', 'none', 'never']);
    if (kind === 'none') throw new Error('no token today');
    if (kind === 'never') return new Promise(() => {});
    return kind === 'later' ? Promise.resolve('later') : 'text';
  }

  get socket() {
    const socket = FakeSocket.last;
    return socket?.onmessage && socket.readyState === 1 ? socket : null;
  }

  get source() {
    return FakeMediaSource.all.at(-1);
  }

  get buffer() {
    return this.source?.buffers[0];
  }

  pick(list) {
    return list[Math.floor(this.random() * list.length)];
  }

  say(message) {
    this.socket?.receive(typeof message === 'string' ? message : arrayBuffer(message));
  }

  pass(ms) {
    for (let rest = ms; rest > 0; rest -= 50) {
      this.clock += 50;
      if (!this.video.paused && !this.stuck) this.video.currentTime += this.pick([0, 0.05, 0.05, 0.05]);
      tick(this.context, 50);
    }
  }

  init(mime, tracks) {
    this.say(JSON.stringify({ type: 'init', mime, codecs: mime.slice(19, -1), width: 320, height: 180, generation: 1 }));
    this.say(initSegment(tracks));
  }

  frames(count, sound) {
    for (let i = 0; i < count; i++) {
      const start = this.sequence * 0.04;
      const more = sound ? [audioTraf({ start })] : [];
      this.say(fragment({ sequence: this.sequence, start, keyframe: this.sequence % 10 === 0 }, ...more));
      this.sequence++;
    }
  }

  actions = {
    start: () => this.player.start(),
    stop: () => this.player.stop(),
    accept: () => FakeSocket.last?.readyState === 0 && FakeSocket.last.accept(),
    drop: () => FakeSocket.live.length > 0 && FakeSocket.last.drop(),
    expire: () => FakeSocket.live.length > 0 && FakeSocket.last.drop(4401, 'log in again: expired'),
    gone: () => FakeSocket.last?.readyState === 1 && FakeSocket.last.drop(4404, 'no such camera'),
    session: () => (this.page.network.status = this.pick([200, 401, 401, 404, null])),
    silentSession: () => (this.page.network.held = this.pick([null, []])),
    retry: () => this.player.retry(),
    otherToken: () => this.random() < 0.2 && (this.player.token = this.pick([null, 'other', () => this.giveToken()])),
    pictures: () => this.init('video/mp4; codecs="avc1.42C01E"', [VIDEO]),
    sound: () => this.init('video/mp4; codecs="avc1.42C01E,mp4a.40.2"', [VIDEO, AUDIO]),
    other: () => this.init('video/mp4; codecs="avc1.64001F"', [VIDEO]),
    unplayable: () => this.random() < 0.2 && this.init('video/mp4; codecs="hvc1.1.6.L93.B0"', [VIDEO]),
    open: () => this.source?.listeners > 0 && this.source.readyState === 'closed' && this.source.open(),
    frames: () => this.frames(this.pick([1, 5, 30]), false),
    soundFrames: () => this.frames(this.pick([1, 5, 30]), true),
    back: () => (this.sequence = Math.max(0, this.sequence - this.pick([3, 40]))),
    ahead: () => (this.sequence += this.pick([2, 500])),
    finish: () => {
      for (let i = 0; i < 40 && this.buffer?.updating; i++) this.buffer.finish();
      this.video.buffered = new Ranges([[Math.max(0, this.sequence * 0.04 - 2), this.sequence * 0.04]]);
      if (this.buffer) this.buffer.buffered = this.video.buffered;
    },
    full: () => this.buffer && (this.buffer.full = this.pick([1, 5])),
    broken: () => this.buffer && (this.buffer.broken = true),
    bufferError: () => this.buffer?.fire('error'),
    sourceclose: () => this.source?.fire('sourceclose'),
    videoError: () => this.video.fire('error'),
    playing: () => this.video.fire('playing'),
    waiting: () => this.video.fire('waiting'),
    pause: () => {
      this.video.paused = true;
      this.video.fire('pause');
    },
    play: () => {
      this.video.paused = false;
      this.video.fire('play');
    },
    refuse: () => this.video.refusals.push(this.pick(['NotAllowedError', 'AbortError'])),
    mute: () => {
      this.video.muted = !this.video.muted;
      this.video.fire('volumechange');
    },
    stick: () => (this.stuck = !this.stuck),
    present: () => this.video.present(this.video.currentTime),
    hide: () => this.page.hide(true),
    show: () => this.page.hide(false),
    away: () => this.player.setVisible(false),
    here: () => this.player.setVisible(true),
    online: () => this.page.window.fire('online'),
    state: () => this.say(JSON.stringify({ type: 'state', state: this.pick(['streaming', 'backoff']), error: null })),
    skipped: () => this.say('{"type":"drop","fragments":7}'),
    time: () => this.say(JSON.stringify({ type: 'time', client: this.clock - 3, server_ms: 1e12 + this.clock })),
    garbage: () => this.random() < 0.3 && this.say(this.pick(['{', Buffer.alloc(9), Buffer.from('0000moof')])),
    moment: () => this.pass(100),
    second: () => this.pass(1000),
    while: () => this.pass(this.pick([6000, 12_000])),
  };

  async walk() {
    const names = Object.keys(this.actions);
    const often = ['start', 'accept', 'pictures', 'sound', 'open', 'frames', 'soundFrames', 'finish', 'playing', 'moment', 'second'];
    for (let i = 0; i < STEPS; i++) {
      const name = this.pick(this.random() < 0.6 ? often : names);
      this.steps.push(name);
      this.actions[name]();
      await settled(); // promises of play() are resolved or rejected, questions to the server answered
      this.assertSound();
    }
    this.player.stop();
    await settled();
    this.pass(20_000);
    assert.deepEqual(this.page.books(this.video), NOTHING, 'after the stop');
    assert.equal(this.video.playbackRate, 1);
  }

  /** True at every moment. */
  assertSound() {
    const { state, stats } = this.player;
    assert.deepEqual(this.wrong, []);
    assert.ok(state in LEADS_TO, state);
    assert.ok(FakeSocket.live.length <= 1, 'one socket at most');
    assert.ok(FakeMediaSource.all.filter(({ listeners }) => listeners > 0).length <= 1, 'one MediaSource at most');
    if (state === 'stopped' || state === 'failed') {
      assert.deepEqual(this.page.books(this.video), NOTHING, state);
    }
    if (['buffering', 'playing', 'stalled'].includes(state)) assert.equal(FakeSocket.live.length, 1, state);
    if (stats) assert.ok(stats.queueBytes <= 4000, `${stats.queueBytes} bytes wait`);
  }
}

test(`${WALKS} random walks (RINGCAST_SEED=${SEED})`, { timeout: 200_000 }, async (context) => {
  const visited = new Set();
  const wanted = WALKS >= 100 ? Object.keys(LEADS_TO).sort() : [];
  // A state that the walks came by without entering is a matter of chance: some more of them.
  for (let i = 0; i < WALKS || (visited.size < wanted.length && i < 10 * WALKS); i++) {
    const walker = new Walker(context, generator(SEED + i));
    walker.player.addEventListener('statechange', ({ detail: { state } }) => visited.add(state));
    try {
      await walker.walk();
    } catch (error) {
      error.message = `RINGCAST_SEED=${SEED + i} RINGCAST_WALKS=1: after ${walker.steps.join(', ')}: ${error.message}`;
      throw error;
    } finally {
      resetTimers(context);
      context.mock.restoreAll();
    }
  }
  if (wanted.length > 0) assert.deepEqual([...visited].sort(), wanted, 'every state was reached');
});
