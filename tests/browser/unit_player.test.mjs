// SPDX-License-Identifier: MIT
// The player’s state machine: its connection, its MediaSource and its events.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { RingcastPlayer } from '../../player/src/player/player.js';
import { resetTimers, tick } from './support/clock.mjs';
import { FakeMediaSource, FakeSocket, FakeVideo, NOTHING, Ranges, fakePage } from './support/fakes.mjs';
import { AUDIO, VIDEO, arrayBuffer, fragment, initSegment } from './support/mp4.mjs';
import { Stand } from './support/stand.mjs';

let page;
beforeEach(() => {
  page = fakePage();
});

test('idle → connecting → buffering → playing → stopped, and nothing is left', (context) => {
  const it = new Stand(context);
  assert.equal(it.player.state, 'idle');
  it.play();
  assert.equal(it.buffer.fragments, 25);
  it.player.stop();
  assert.deepEqual(it.states, ['connecting', 'buffering', 'playing', 'stopped']);
  assert.deepEqual(page.books(it.video), NOTHING);
  assert.equal(it.video.src, '');
  assert.equal(it.video.loads, 1);
});

test('the address is made from src and the camera’s name', () => {
  const video = new FakeVideo();
  const url = (options) => new RingcastPlayer(video, options).url;
  assert.equal(url({ camera: 'a b/é' }), 'ws://server/live/a%20b%2F%C3%A9');
  assert.equal(url({ camera: 'x', src: 'https://nvr:8443/cams' }), 'wss://nvr:8443/cams/live/x');
  assert.equal(url({ camera: 'x', src: '/sub/' }), 'ws://server/sub/live/x');
  assert.equal(url({ url: '/live/y' }), 'ws://server/live/y');
  assert.equal(url({ url: 'wss://other/live/y' }), 'wss://other/live/y');
  assert.throws(() => url({}), TypeError);
});

test('stop at every step of a start leaves nothing, twice does no harm, and start works again', (context) => {
  const it = new Stand(context);
  const steps = [
    () => it.player.start(),
    () => it.socket.accept(),
    () => it.init(),
    () => it.source.open(),
    () => it.frame(0),
    () => it.buffer.finish(),
    () => it.frame(1),
    () => it.socket.drop(),
    () => it.tick(300),
    () => it.socket.accept(),
  ];
  for (let last = 0; last < steps.length; last++) {
    for (const step of steps.slice(0, last + 1)) step();
    it.player.stop();
    it.player.stop();
    assert.deepEqual(page.books(it.video), NOTHING, `after step ${last}`);
    assert.equal(it.player.state, 'stopped');
    it.tick(30_000);
    assert.deepEqual(page.books(it.video), NOTHING, `later, after step ${last}`);
  }
});

test('a listener may stop the player in any event', (context) => {
  const types = ['statechange:connecting', 'statechange:buffering', 'statechange:playing', 'statechange:reconnecting', 'camerastate', 'init', 'drop', 'error', 'reset', 'stats'];
  const seen = [];
  for (const wanted of types) {
    page = fakePage();
    const it = new Stand(context);
    const [type, state] = wanted.split(':');
    it.player.addEventListener(type, ({ detail }) => {
      if (state && detail.state !== state) return;
      seen.push(wanted);
      it.player.stop();
    });
    const attempt = (step) => it.player.state !== 'stopped' && step();
    attempt(() => it.player.start());
    attempt(() => it.socket.accept());
    attempt(() => it.socket.receive('{"type":"state","state":"streaming","error":null}'));
    attempt(() => it.init());
    attempt(() => it.source.open());
    attempt(() => it.frame(25));
    attempt(() => it.settle());
    attempt(() => it.video.fire('playing'));
    attempt(() => it.socket.receive('{"type":"drop","fragments":3}'));
    attempt(() => it.tick(3500));
    attempt(() => it.frame(0, { keyframe: true }));
    attempt(() => it.socket.drop());
    attempt(() => it.tick(300));
    attempt(() => it.socket.accept());
    attempt(() => it.socket.receive(new ArrayBuffer(9)));
    assert.equal(it.player.state, 'stopped', wanted);
    assert.deepEqual(page.books(it.video), NOTHING, wanted);
    resetTimers(context);
    context.mock.restoreAll();
  }
  assert.deepEqual(seen, types);
});

test('a lost connection: reconnecting, then pictures again in the same MediaSource', (context) => {
  const it = new Stand(context);
  it.play();
  it.socket.drop();
  assert.equal(it.player.state, 'reconnecting');
  it.tick(300);
  it.socket.accept();
  it.init();
  for (let i = 0; i < 30; i++) it.frame(i);
  it.settle();
  it.video.fire('playing');
  assert.equal(it.player.state, 'playing');
  assert.equal(FakeMediaSource.all.length, 1);
  assert.equal(it.buffer.fragments, 25 + 5, 'only what is new was appended');
  assert.equal(it.details('init').length, 1);
  it.player.stop();
});

test('a timeline that begins again gets a new MediaSource', (context) => {
  const it = new Stand(context);
  it.connect();
  it.init();
  it.source.open();
  for (let i = 1000; i < 1010; i++) it.frame(i);
  it.settle();
  it.tick(5000);
  it.frame(0);
  assert.equal(FakeMediaSource.all.length, 2);
  assert.equal(it.details('reset').length, 1);
  assert.equal(FakeMediaSource.all[0].listeners, 0);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('the same init again is ignored, another codec changes the type, other tracks begin again', (context) => {
  const it = new Stand(context);
  it.play();
  it.video.muted = false;
  const appended = it.buffer.log.length;
  it.init();
  assert.equal(it.buffer.log.length, appended);
  it.init({ mime: 'video/mp4; codecs="avc1.64001F"' });
  assert.deepEqual(it.buffer.log.slice(appended).map(([kind]) => kind), ['type', 'append']);
  assert.equal(FakeMediaSource.all.length, 1);
  it.init({ mime: 'video/mp4; codecs="avc1.64001F,mp4a.40.2"', tracks: [VIDEO, AUDIO] });
  assert.equal(FakeMediaSource.all.length, 2);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('a codec that the browser cannot play: failed, in plain words, and all is undone', (context) => {
  const it = new Stand(context);
  it.connect();
  it.init({ mime: 'video/mp4; codecs="hvc1.1.6.L93.B0"' });
  assert.equal(it.player.state, 'failed');
  const [error] = it.details('error');
  assert.equal(error.fatal, true);
  assert.equal(error.code, 'codec');
  assert.match(error.message, /cannot play H\.265 \(HEVC\) video\. Set the camera, or a sub stream of it, to H\.264/);
  assert.match(error.help, /^Set the camera/);
  assert.match(error.mime, /hvc1/);
  assert.deepEqual(page.books(it.video), NOTHING);
  it.player.stop();
  assert.equal(it.player.state, 'failed');
  it.player.start();
  assert.equal(it.player.state, 'connecting');
  it.player.stop();
});

test('a browser without Media Source Extensions is told so', (context) => {
  const it = new Stand(context);
  delete globalThis.MediaSource;
  it.player.start();
  assert.equal(it.player.state, 'failed');
  assert.match(it.details('error')[0].message, /Media Source Extensions/);
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('nonsense from the server costs the connection, never the player', (context) => {
  const it = new Stand(context);
  const nonsense = ['{', new ArrayBuffer(0), new ArrayBuffer(100), arrayBuffer(fragment({ start: 0, keyframe: true })), arrayBuffer(initSegment())];
  it.player.start();
  for (const message of nonsense) {
    it.socket.accept();
    it.socket.receive(message);
    assert.equal(FakeSocket.live.length, 0);
    for (let ms = 0; ms < 15_000 && FakeSocket.live.length === 0; ms += 50) it.tick(50);
    assert.equal(FakeSocket.live.length, 1);
  }
  assert.equal(it.details('error').length, nonsense.length);
  it.socket.accept();
  for (const harmless of ['null', '[]', '"text"', '{"type":"news"}', '{"type":"state"}', '{"type":"drop"}']) it.socket.receive(harmless);
  assert.equal(FakeSocket.live.length, 1);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

for (const [what, breakIt] of [
  ['an append that throws', (it) => {
    it.buffer.broken = true;
    it.frame(25);
  }],
  ['a media source that takes no buffer', (it) => {
    it.init({ mime: 'video/mp4; codecs="avc1.42C01E,mp4a.40.2"', tracks: [VIDEO, AUDIO] });
    for (const _ of ['with sound', 'with the pictures alone']) {
      it.source.refuses = true;
      it.source.open();
    }
  }],
  ['an error of the source buffer', (it) => it.buffer.fire('error')],
  ['a decoder that gives up', (it) => it.video.fire('error')],
  ['a media source that closes', (it) => it.source.fire('sourceclose')],
]) {
  test(`${what} costs the MediaSource, and pictures come again`, (context) => {
    const it = new Stand(context);
    it.play();
    breakIt(it);
    assert.equal(it.player.state, 'reconnecting');
    assert.ok(it.details('error').length > 0 && it.details('error').every(({ fatal }) => fatal === false));
    it.tick(300);
    it.socket.accept();
    it.init();
    it.source.open();
    it.frame(50);
    it.video.fire('playing');
    assert.ok(FakeMediaSource.all.length >= 2);
    assert.equal(FakeMediaSource.all.filter(({ buffers }) => buffers.length > 0).length, 1);
    assert.equal(it.player.state, 'playing');
    it.player.stop();
    assert.deepEqual(page.books(it.video), NOTHING);
  });
}

test('autoplay refused: muted, and tried again; other refusals are left alone', async (context) => {
  const it = new Stand(context);
  it.video.refusals = ['NotAllowedError'];
  it.connect();
  it.init();
  await new Promise(setImmediate);
  assert.equal(it.video.muted, true);
  assert.equal(it.video.plays, 2);
  assert.equal(it.details('automuted').length, 1);
  it.player.stop();
  const other = new Stand(null);
  other.video.refusals = ['AbortError'];
  other.connect();
  other.init();
  other.player.stop();
  await new Promise(setImmediate);
  assert.equal(other.video.muted, false);
});

test('the camera is away: said so, stalled, and back without a new connection', (context) => {
  const it = new Stand(context);
  it.play();
  it.socket.receive('{"type":"state","state":"backoff","error":"connection refused"}');
  assert.deepEqual(it.details('camerastate').at(-1), { state: 'backoff', error: 'connection refused', mirror: false, crop: null });
  it.video.currentTime = 1;
  it.tick(60_000);
  assert.equal(it.player.state, 'stalled');
  assert.equal(FakeSocket.all.length, 1);
  it.socket.receive('{"type":"state","state":"streaming","error":null}');
  for (let i = 1525; i < 1550; i++) it.frame(i);
  it.settle();
  it.video.buffered = new Ranges([[0, 1], [61, 62]]);
  it.tick(250);
  assert.ok(it.video.currentTime >= 61, 'the hole is jumped over');
  it.video.fire('playing');
  assert.equal(it.player.state, 'playing');
  it.player.stop();
});

test('a streaming camera of which nothing comes: the connection is made again', (context) => {
  const it = new Stand(context);
  it.play();
  it.socket.receive('{"type":"state","state":"streaming","error":null}');
  it.tick(11_000);
  assert.equal(it.states.includes('reconnecting'), true);
  assert.equal(FakeSocket.all.length > 1, true);
  it.player.stop();
});

test('a page that is too busy to hear the server does not take that for silence', (context) => {
  const it = new Stand(context);
  it.play();
  it.socket.receive('{"type":"state","state":"streaming","error":null}');
  for (let i = 0; i < 6; i++) {
    it.clock += 3000;
    it.tick(250);
  }
  assert.equal(FakeSocket.all.length, 1);
  it.tick(11_000);
  assert.equal(it.states.includes('reconnecting'), true);
  it.player.stop();
});

test('standing still with pictures at hand ends in a new MediaSource', (context) => {
  const it = new Stand(context);
  it.play();
  Object.defineProperty(it.video, 'currentTime', { get: () => 0.5, set: () => {}, configurable: true });
  it.tick(7000);
  assert.equal(it.states.includes('stalled'), true);
  assert.match(it.details('error')[0].message, /stands still/);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('an AbortSignal stops it for good', (context) => {
  const controller = new AbortController();
  const it = new Stand(context, { signal: controller.signal });
  it.play();
  controller.abort();
  assert.equal(it.player.state, 'stopped');
  it.player.start();
  assert.equal(it.player.state, 'stopped');
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('statistics once a second', (context) => {
  const it = new Stand(context);
  it.play();
  it.tick(1000);
  const [stats] = it.details('stats');
  assert.equal(stats.fragments, 25);
  assert.equal(stats.missed, 0);
  assert.equal(stats.connections, 1);
  assert.ok(stats.bitrate > 0);
  it.player.stop();
});

test('a slow viewer is told what it lost', (context) => {
  const it = new Stand(context);
  it.play();
  it.socket.receive('{"type":"drop","fragments":37,"from":1200,"to":1238}');
  assert.deepEqual(it.details('drop'), [{ fragments: 37, by: 'server' }]);
  it.player.stop();
});

test('a ManagedMediaSource is preferred, and appended to when it wants', (context) => {
  class Managed extends FakeMediaSource {}
  globalThis.ManagedMediaSource = Managed;
  const it = new Stand(context);
  it.video.disableRemotePlayback = false;
  it.connect();
  it.init();
  assert.ok(it.source instanceof Managed);
  assert.equal(it.video.disableRemotePlayback, true);
  it.source.open();
  it.settle();
  it.source.fire('endstreaming');
  it.frame(0);
  assert.equal(it.buffer.log.length, 1);
  it.source.fire('startstreaming');
  assert.equal(it.buffer.log.length, 2);
  it.player.stop();
  assert.equal(it.video.disableRemotePlayback, false);
  delete globalThis.ManagedMediaSource;
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('figures: null before the first second, then the newest; a target may be asked for at any time', (context) => {
  const it = new Stand(context, { targetDelay: 0.5 });
  assert.equal(it.player.stats, null);
  it.play();
  it.tick(1000);
  assert.equal(it.player.stats, it.details('stats').at(-1));
  assert.equal(it.player.stats.target, 0.5);
  assert.equal(it.player.stats.sound, null);
  it.player.targetDelay = 2;
  it.tick(1000);
  assert.equal(it.player.stats.target, 2);
  it.video.buffered = new Ranges([[0, 4]]);
  it.video.currentTime = 1.5;
  it.tick(1000);
  assert.equal(it.player.stats.late, false, 'what was asked for is not late');
  it.player.targetDelay = 0.5;
  Object.defineProperty(it.video, 'currentTime', { get: () => 1.5, set: () => {}, configurable: true });
  it.tick(1000);
  assert.equal(it.player.stats.late, true);
  it.player.targetDelay = 2;
  for (const wrong of [-1, 9, NaN, 'x']) assert.throws(() => (it.player.targetDelay = wrong), RangeError);
  assert.throws(() => new RingcastPlayer(it.video, { camera: 'x', targetDelay: 60 }), RangeError);
  assert.equal(it.player.targetDelay, 2);
  it.player.stop();
  it.player.start();
  assert.equal(it.player.stats, null);
  it.player.stop();
});

test('latency is measured with the server’s clock, and the first picture is told once', (context) => {
  const it = new Stand(context);
  it.connect();
  const [{ type, client }] = it.socket.sent;
  assert.equal(type, 'time');
  it.socket.receive(JSON.stringify({ type, client, server_ms: 1_000_000 + it.clock }));
  it.init();
  it.source.open();
  it.socket.receive(arrayBuffer(fragment({ start: 0, keyframe: true, capture: { at: 1_000_000 + it.clock - 30, time: 0.08 } })));
  it.video.present(0.08, it.clock + 20);
  it.tick(250);
  it.video.present(0.08, it.clock);
  assert.deepEqual(it.details('firstpicture'), [{ seconds: 0.02 }]);
  it.tick(750);
  assert.ok(Math.abs(it.player.stats.latency - 0.28) < 0.005, `${it.player.stats.latency}`);
  assert.equal(it.player.stats.latencyFrom, 'camera');
  assert.equal(it.player.stats.firstPicture, 0.02);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('running dry moves the target back, but not while the stream itself stands still', (context) => {
  const it = new Stand(context);
  it.play();
  it.tick(1000);
  const before = it.player.stats.target;
  it.video.fire('waiting');
  it.tick(1000);
  assert.equal(it.player.stats.target, before, 'nothing has come for a while');
  it.frame(25);
  it.video.fire('waiting');
  it.tick(1000);
  assert.ok(it.player.stats.target > before);
  it.player.stop();
});

test('ten seconds of playing, and the next loss is answered quickly again', (context) => {
  const delays = [];
  for (const healthyMs of [1000, 11_000]) {
    page = fakePage();
    const it = new Stand(context);
    context.mock.method(Math, 'random', () => 0);
    it.player.start();
    for (let i = 0; i < 6; i++) {
      it.socket.drop();
      it.tick(8000);
    }
    it.socket.accept();
    it.init();
    it.source.open();
    it.video.buffered = new Ranges([[0, 60]]);
    it.video.fire('playing');
    for (let ms = 0; ms < healthyMs; ms += 250) {
      it.frame(ms / 250);
      it.video.currentTime = ms / 1000;
      it.tick(250);
    }
    it.socket.drop();
    delays.push(it.details('statechange').at(-1).retryMs);
    it.player.stop();
    resetTimers(context);
    context.mock.restoreAll();
  }
  assert.ok(delays[0] > 4000 && delays[1] < 300, `${delays}`);
});

test('it says what it was made with', () => {
  const video = new FakeVideo();
  const player = new RingcastPlayer(video, { camera: 'x' });
  assert.equal(player.video, video);
  assert.equal(player.targetDelay, 0);
});
