// SPDX-License-Identifier: MIT
// The change between a camera's two streams on a tile: which of the two elements is there, in front, and heard, at each moment of it.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { FULL, STILL } from '../../player/src/wall/wall-ladder.js';
import { Streams } from '../../player/src/wall/wall-streams.js';
import { mockTimers, tick } from './support/clock.mjs';
import { Target, fakePage } from './support/fakes.mjs';

const ROW = { name: 'front', state: 'streaming', width: 1920, height: 1080, sub: { state: 'streaming', width: 640, height: 360 } };
const SMALL = { width: 400, large: false };
const LARGE = { width: 1200, large: true };

/** A <ringcast-camera> in a tile, which is a list of elements. */
class FakeElement extends Target {
  classes = new Set();
  classList = { add: (name) => this.classes.add(name) };
  tile = null;
  stream = 'main';
  player = {};
  behind = 0;
  targetDelay = 0;
  muted = true;
  volume = 1;
  condition = { name: 'connecting' };

  hasAttribute() {
    return false;
  }

  before(element) {
    element.tile = this.tile;
    this.tile.splice(this.tile.indexOf(this), 0, element);
  }

  remove() {
    if (this.tile?.includes(this)) this.tile.splice(this.tile.indexOf(this), 1);
  }

  /** Its first picture, and that it is live. */
  show() {
    this.condition = { name: 'live' };
    this.fire('firstpicture');
    this.fire('conditionchange');
  }
}

class Stand {
  tile = [];
  fronts = [];
  #now = 0;

  constructor(context) {
    mockTimers(context, ['setTimeout']);
    context.mock.method(performance, 'now', () => this.#now);
    this.context = context;
    document.createElement = () => new FakeElement();
    const first = Object.assign(new FakeElement(), { tile: this.tile, player: null });
    this.tile.push(first);
    this.streams = new Streams(first, { onfront: (element) => this.fronts.push(element) });
    this.streams.update(ROW);
    this.streams.place(SMALL);
    first.player = {};
    first.show();
    this.first = first;
    assert.deepEqual(this.seen, ['sub']);
  }

  /** The streams in the tile from the lowest to the highest; `-`: leaving. */
  get seen() {
    return this.tile.map(({ stream, classes }) => (classes.has('leaving') ? `-${stream}` : stream));
  }

  pass(ms) {
    this.#now += ms;
    tick(this.context, ms);
  }

  /** As large, with the other stream on its way. */
  grow() {
    this.streams.place(LARGE);
    assert.deepEqual(this.seen, ['main', 'sub'], 'the new one is under the old one');
    const [next] = this.tile;
    assert.equal(next.volume, 0);
    return next;
  }

  end() {
    this.streams.close();
    this.pass(1000);
    assert.equal(this.tile.length, 1);
    assert.equal(this.first.listeners + this.tile[0].listeners, 0);
  }
}

beforeEach(fakePage);

test('the old picture is there until the new one covers it, and a moment longer', (context) => {
  const it = new Stand(context);
  const next = it.grow();
  it.pass(3000);
  next.show();
  assert.deepEqual(it.fronts, [], 'it has yet to reach the screen');
  it.pass(50);
  assert.deepEqual(it.fronts, [next]);
  assert.deepEqual(it.seen, ['main', '-sub']);
  assert.deepEqual([next.volume, it.first.volume], [1, 0], 'one of the two is heard');
  it.pass(249);
  assert.deepEqual(it.seen, ['main', '-sub']);
  it.pass(1);
  assert.deepEqual(it.seen, ['main']);
  it.end();
});

test('small again before it has a picture: it goes, and nothing has changed', (context) => {
  const it = new Stand(context);
  it.grow();
  it.streams.place(SMALL);
  assert.deepEqual(it.seen, ['sub']);
  assert.deepEqual(it.fronts, []);
  it.end();
});

test('there and back quickly: each of the old ones goes in its time, and with the tile at once', (context) => {
  const it = new Stand(context);
  it.grow().show();
  it.pass(50);
  it.streams.place(SMALL);
  it.tile[0].show();
  it.pass(50);
  assert.deepEqual(it.seen, ['sub', '-main', '-sub']);
  assert.equal(it.streams.front.stream, 'sub');
  it.streams.close();
  assert.deepEqual(it.seen, ['sub']);
});

test('who looks back stays with the stream, also if that was asked for while the other one was about to be shown', (context) => {
  const it = new Stand(context);
  it.grow().show();
  it.first.behind = 30;
  it.pass(50);
  assert.deepEqual(it.seen, ['sub']);
  it.first.fire('lookback');
  it.pass(60_000);
  assert.deepEqual([it.seen, it.fronts], [['sub'], []]);
  it.first.behind = 0;
  it.first.fire('lookback');
  assert.deepEqual(it.seen, ['main', 'sub'], 'the large one, now that it is live');
  it.tile[0].show();
  it.pass(300);
  assert.deepEqual(it.seen, ['main']);
  it.end();
});

test('a stream that failed and is back is shown again by itself, although the list says nothing more', (context) => {
  const it = new Stand(context);
  it.first.condition = { name: 'offline' };
  it.first.fire('conditionchange');
  it.streams.update({ ...ROW, sub: { ...ROW.sub, state: 'backoff' } });
  it.pass(1000);
  assert.deepEqual(it.seen, ['main', 'sub']);
  it.tile[0].show();
  it.pass(300);
  assert.deepEqual(it.seen, ['main']);
  it.streams.update(ROW);
  assert.deepEqual(it.seen, ['main'], 'it has just failed');
  it.pass(5000);
  assert.deepEqual(it.seen, ['sub', 'main']);
  it.tile[0].show();
  it.pass(300);
  assert.deepEqual(it.seen, ['sub']);
  it.end();
});

test('down the ladder and up again: the small stream, keyframes of it, everything', (context) => {
  const it = new Stand(context);
  const shown = () => it.tile.map(({ stream, frames, classes }) => (classes.has('leaving') ? `-${stream}` : `${stream} ${frames}`));
  const change = (rung, condition) => {
    it.streams.rung = rung;
    it.tile[0].condition = { name: condition };
    it.tile[0].fire('firstpicture');
    it.pass(300);
  };
  it.grow().show();
  it.pass(300);
  assert.equal(it.streams.couldBeSmall, true);
  assert.equal(it.streams.lowered, false);
  change('small', 'live');
  assert.deepEqual(shown(), ['sub all']);
  assert.equal(it.streams.lowered, true);
  change('key', 'keyframes');
  assert.deepEqual(shown(), ['sub key']);
  it.streams.place(null);
  it.streams.rung = 'full';
  assert.deepEqual(shown(), ['sub key'], 'out of sight nothing changes');
  it.streams.place(LARGE);
  assert.deepEqual(shown(), ['main all', 'sub key']);
  it.tile[0].show();
  it.pass(300);
  assert.deepEqual(shown(), ['main all']);
  assert.equal(it.streams.lowered, false);

  // Keyframes that do not come are not asked for again and again.
  it.streams.rung = 'key';
  assert.deepEqual(shown(), ['sub key', 'main all']);
  it.tile[0].condition = { name: 'failed' };
  it.tile[0].fire('conditionchange');
  assert.deepEqual(shown(), ['main key', 'main all'], 'the other one may have them');
  it.tile[0].condition = { name: 'offline' };
  it.tile[0].fire('conditionchange');
  assert.deepEqual(shown(), ['main all']);
  it.pass(4000);
  assert.deepEqual(shown(), ['main all']);
  it.end();
});

test('a tile whose still picture has taken the place of the stream has none, whatever else is said; then it has the one that fits', (context) => {
  const it = new Stand(context);
  it.first.camera = 'front';
  it.streams.rung = STILL;
  const [next] = it.tile;
  assert.deepEqual([next.frames, it.tile.length], ['key', 2], 'keyframes until it is there');
  it.streams.resting = true;
  assert.deepEqual([it.seen, it.first.camera], [['sub'], null]);
  it.first.player = null;
  it.streams.place(LARGE);
  it.streams.update({ ...ROW });
  it.pass(60_000);
  assert.deepEqual([it.seen, it.first.camera], [['sub'], null]);
  it.streams.rung = FULL;
  it.streams.resting = false;
  assert.deepEqual([it.first.camera, it.first.stream, it.first.frames], ['front', 'main', 'all']);
  it.streams.resting = true;
  it.streams.close();
  it.streams.resting = false;
  assert.equal(it.first.camera, null, 'a tile that has gone begins nothing');
  it.end();
});

test('a stream that the user has chosen counts while the tile is large, whatever the link does', (context) => {
  const it = new Stand(context);
  it.streams.choice = 'sub';
  it.streams.place(LARGE);
  it.pass(1000);
  assert.deepEqual([it.seen, it.streams.chosen], [['sub'], true], 'the small one, although it is large');
  it.streams.choice = 'main';
  it.tile[0].show();
  it.pass(300);
  assert.deepEqual(it.seen, ['main']);
  const [front] = it.tile;
  for (let second = 0; second < 60; second++) {
    front.dispatchEvent(Object.assign(new Event('stats'), { detail: { delay: 9, age: 9, silence: 0, behind: 0 } }));
    it.pass(1000);
  }
  assert.deepEqual([it.seen, it.streams.slow], [['main'], false]);
  it.streams.place(SMALL);
  assert.deepEqual([it.seen, it.streams.chosen], [['sub', 'main'], false], 'a small tile shows what fits');
  it.tile[0].show();
  it.pass(300);
  it.end();
});

test('a picture in a window of its own stays there: no other stream takes its place', (context) => {
  const it = new Stand(context);
  it.first.inPictureInPicture = true;
  it.streams.place(LARGE);
  it.pass(1000);
  assert.deepEqual(it.seen, ['sub']);
  it.first.inPictureInPicture = false;
  it.first.fire('leavepictureinpicture');
  assert.deepEqual(it.seen, ['main', 'sub']);
  it.tile[0].show();
  it.first.inPictureInPicture = true; // while the other one was about to be shown
  it.pass(300);
  assert.deepEqual(it.seen, ['sub']);
  it.end();
});
