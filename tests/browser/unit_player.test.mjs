import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { RingcastPlayer } from '../../player/src/player.js';
import { FakeMediaSource, FakeSocket, FakeVideo, NOTHING, Ranges, fakePage } from './support/fakes.mjs';
import { mockTimers, resetTimers, tick } from './support/clock.mjs';
import { AUDIO, VIDEO, arrayBuffer, audioTraf, fragment, initSegment } from './support/mp4.mjs';

const MIME = 'video/mp4; codecs="avc1.42C01E"';
const FRAME = 0.04;

let page;
beforeEach(() => {
  page = fakePage();
});

/** A player with a fake page around it, and a clock that only the test moves. */
class Stand {
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
    for (const type of ['statechange', 'error', 'init', 'drop', 'camerastate', 'stats', 'reset', 'automuted', 'firstpicture']) {
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
      this.clock += 50;
      tick(this.context, 50);
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

  frame(sequence, { start = sequence * FRAME, keyframe = sequence % 25 === 0 } = {}) {
    this.socket.receive(arrayBuffer(fragment({ sequence, start, keyframe })));
  }

  /** Everything that has been pushed reaches the browser. */
  settle() {
    for (let i = 0; i < 200 && this.buffer?.updating; i++) this.buffer.finish();
  }

  /** As far as moving pictures: frames 0 … 24 are buffered and the video plays. */
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

test('a timeline that begins anew gets a new MediaSource', (context) => {
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

test('the same init again is ignored, another codec changes the type, other tracks begin anew', (context) => {
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
  assert.match(error.message, /cannot play H\.265 \(HEVC\) video\. Set the camera, or a sub-stream of it, to H\.264/);
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
    it.source.refuses = true;
    it.source.open();
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
    assert.equal(it.details('error').length, 1);
    assert.equal(it.details('error')[0].fatal, false);
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
  assert.deepEqual(it.details('camerastate').at(-1), { state: 'backoff', error: 'connection refused' });
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

test('a streaming camera of which nothing comes: the connection is made anew', (context) => {
  const it = new Stand(context);
  it.play();
  it.socket.receive('{"type":"state","state":"streaming","error":null}');
  it.tick(11_000);
  assert.equal(it.states.includes('reconnecting'), true);
  assert.equal(FakeSocket.all.length > 1, true);
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

const types = (socket) => socket.sent.map(({ type }) => type).filter((type) => type !== 'time');

test('a hidden page fetches nothing after five seconds, and is live again when it returns, on the same connection', (context) => {
  const it = new Stand(context);
  it.play();
  page.hide(true);
  it.tick(4500);
  assert.deepEqual(types(it.socket), []);
  it.tick(600);
  assert.deepEqual(types(it.socket), ['pause']);
  assert.equal(it.player.state, 'idle');
  assert.deepEqual(it.details('statechange').at(-1).reason, 'hidden');
  const asked = it.socket.sent.length;
  it.frame(25); // was on its way
  it.tick(600_000);
  assert.equal(FakeSocket.live.length, 1);
  assert.ok(it.socket.sent.length - asked >= 20, 'the connection is kept');
  page.hide(false);
  assert.equal(it.player.state, 'buffering');
  assert.deepEqual(types(it.socket), ['pause', 'resume']);
  it.frame(15_000);
  it.frame(15_001);
  it.settle();
  assert.equal(it.buffer.fragments, 28);
  it.video.fire('playing');
  assert.equal(it.player.state, 'playing');
  assert.equal(it.details('error').length, 0);
  it.tick(1000);
  assert.equal(it.player.stats.missed, 0);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('a connection that died while nobody looked is made anew when somebody does', (context) => {
  for (const die of ['at once', 'unnoticed']) {
    page = fakePage();
    const it = new Stand(context);
    it.play();
    page.hide(true);
    it.tick(6000);
    if (die === 'at once') it.socket.drop();
    it.tick(60_000);
    assert.equal(FakeSocket.all.length, 1, 'not as long as nobody looks');
    assert.equal(it.player.state, 'idle');
    page.hide(false);
    assert.equal(it.player.state, die === 'at once' ? 'connecting' : 'buffering');
    it.tick(3500);
    assert.equal(FakeSocket.live.length, 1);
    assert.equal(FakeSocket.all.length, 2, die);
    it.socket.accept();
    it.init();
    it.frame(2000);
    it.video.fire('playing');
    assert.equal(it.player.state, 'playing');
    it.player.stop();
    assert.deepEqual(page.books(it.video), NOTHING);
    resetTimers(context);
    context.mock.restoreAll();
  }
});

test('hidden before there is a connection: none is made; the player may be stopped asleep', (context) => {
  const it = new Stand(context);
  page.hide(true);
  it.player.start();
  it.tick(6000);
  assert.equal(FakeSocket.live.length, 0);
  assert.equal(it.player.state, 'idle');
  page.hide(false);
  assert.equal(it.player.state, 'connecting');
  it.socket.accept();
  page.hide(true);
  it.tick(6000);
  assert.equal(it.player.state, 'idle');
  it.player.stop();
  assert.equal(it.player.state, 'stopped');
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('a server that does not know pauses is left until somebody looks', (context) => {
  const it = new Stand(context);
  it.play();
  page.hide(true);
  it.tick(5500);
  for (let i = 25; i < 200; i++) {
    it.frame(i);
    it.settle();
    it.tick(50);
    if (FakeSocket.live.length === 0) break;
  }
  assert.equal(FakeSocket.live.length, 0);
  assert.equal(it.player.state, 'idle');
  page.hide(false);
  assert.equal(it.player.state, 'connecting');
  it.player.stop();
});

test('after a suspended machine the connection has to give a sign of life', (context) => {
  const it = new Stand(context);
  const wall = context.mock.method(Date, 'now', () => 1_000_000 + it.clock);
  it.play();
  it.tick(1000);
  wall.mock.mockImplementation(() => 9_000_000 + it.clock);
  it.tick(250);
  it.socket.receive('{"type":"state","state":"streaming","error":null}');
  it.tick(4000);
  assert.equal(FakeSocket.all.length, 1);
  wall.mock.mockImplementation(() => 19_000_000 + it.clock);
  it.tick(4000);
  assert.equal(FakeSocket.all.length, 2);
  it.player.stop();
});

test('a short look away changes nothing, picture-in-picture neither, until it ends', (context) => {
  const it = new Stand(context);
  it.play();
  page.hide(true);
  it.tick(3000);
  page.hide(false);
  it.tick(6000);
  assert.equal(FakeSocket.all.length, 1);
  const root = { pictureInPictureElement: it.video };
  it.video.getRootNode = () => root;
  page.hide(true);
  const seen = it.details('stats').length;
  for (let i = 0; i < 80; i++) {
    it.frame(25 + i);
    it.tick(250);
  }
  assert.deepEqual(types(it.socket), []);
  assert.ok(it.details('stats').length > seen + 15, 'it is looked after as long as somebody sees it');
  it.video.paused = true;
  page.document.hidden = false; // the page is seen again, and somebody pauses
  it.video.fire('pause');
  it.tick(6000);
  assert.deepEqual(types(it.socket), ['pause']);
  it.video.paused = false;
  it.video.fire('play');
  assert.deepEqual(types(it.socket), ['pause', 'resume']);
  page.hide(true);
  root.pictureInPictureElement = null;
  it.tick(11_000);
  assert.equal(it.player.state, 'idle');
  assert.equal(it.details('statechange').at(-1).reason, 'hidden');
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('out of sight and paused by hand are like hidden, each for itself', (context) => {
  const it = new Stand(context);
  it.play();
  it.player.setVisible(false);
  it.video.paused = true;
  it.video.fire('pause');
  it.tick(6000);
  assert.equal(it.player.state, 'idle');
  it.player.setVisible(true);
  assert.equal(it.player.state, 'idle', 'still paused');
  it.video.paused = false;
  it.video.fire('play');
  assert.equal(it.player.state, 'buffering');
  it.player.stop();
  it.player.setVisible(false);
  it.player.start();
  it.tick(6000);
  assert.equal(it.player.state, 'idle', 'it was told before');
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

const WITH_SOUND = { mime: 'video/mp4; codecs="avc1.42C01E,mp4a.40.2"', tracks: [VIDEO, AUDIO] };
const heard = (it) => it.buffer.log.some(([kind, bytes]) => {
  const count = (name) => Buffer.from(bytes).toString('latin1').split(name).length;
  return kind === 'append' && count('traf') > count('moof');
});

test('a muted video is given no sound; unmuted, it begins anew with the newest group of pictures, on the same connection', (context) => {
  FakeMediaSource.playable = /./;
  const it = new Stand(context);
  it.video.muted = true;
  it.connect();
  it.init(WITH_SOUND);
  it.source.open();
  for (let i = 0; i < 30; i++) it.soundFrame(i);
  it.settle();
  it.video.fire('playing');
  assert.equal(it.buffer.mime, 'video/mp4; codecs="avc1.42C01E"');
  assert.equal(it.buffer.fragments, 30);
  assert.equal(heard(it), false);
  it.video.muted = false;
  it.video.fire('volumechange');
  assert.equal(FakeMediaSource.all.length, 2);
  assert.equal(it.details('reset').length, 1);
  it.source.open();
  it.soundFrame(30);
  it.settle();
  assert.equal(it.buffer.mime, WITH_SOUND.mime);
  assert.equal(it.buffer.fragments, 6, 'from the keyframe on');
  assert.equal(heard(it), true);
  it.video.fire('volumechange');
  it.video.muted = true;
  it.video.fire('volumechange');
  assert.equal(FakeMediaSource.all.length, 2, 'nobody is disturbed for less');
  assert.equal(FakeSocket.all.length, 1);
  it.player.stop();
  it.video.fire('volumechange');
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('sound that the browser cannot play: said once, and the pictures go on without it', (context) => {
  FakeMediaSource.playable = { test: (mime) => !mime.includes('mp4a') };
  const it = new Stand(context);
  it.connect();
  it.init(WITH_SOUND);
  it.source.open();
  it.soundFrame(0);
  it.settle();
  it.video.fire('playing');
  it.video.fire('volumechange');
  assert.equal(it.player.state, 'playing');
  assert.equal(FakeMediaSource.all.length, 1);
  assert.deepEqual(it.details('error').map(({ code, fatal }) => [code, fatal]), [['codec', false]]);
  it.tick(1000);
  assert.equal(it.player.stats.sound, false);
  it.player.stop();
});

test('autoplay with sound is refused: the pictures begin without it, and nothing waits for sound', async (context) => {
  FakeMediaSource.playable = /./;
  const it = new Stand(context);
  it.video.refusals = ['NotAllowedError'];
  it.connect();
  it.init(WITH_SOUND);
  it.soundFrame(0);
  await new Promise(setImmediate);
  assert.equal(it.video.muted, true);
  it.video.fire('volumechange');
  it.source.open();
  it.settle();
  assert.equal(it.buffer.mime, 'video/mp4; codecs="avc1.42C01E"');
  assert.equal(it.buffer.fragments, 1);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('unmuted before a keyframe came, or in the middle of a group that is not kept: it begins with the next', (context) => {
  FakeMediaSource.playable = /./;
  const it = new Stand(context);
  it.video.muted = true;
  it.connect();
  it.init(WITH_SOUND);
  it.video.muted = false;
  it.video.fire('volumechange');
  it.source.open();
  it.soundFrame(24);
  it.soundFrame(25);
  it.settle();
  assert.equal(it.buffer.fragments, 1);
  it.player.stop();
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
