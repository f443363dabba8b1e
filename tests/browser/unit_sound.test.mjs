// SPDX-License-Identifier: MIT
// When sound is played with the pictures, and when they go on without it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SoundWatch, soundOf } from '../../player/src/player/sound.js';

const FRAME = 0.04;

/** A watch that gets frames as they come. */
class Listener {
  watch = new SoundWatch();
  now = 0;
  next = 0;

  /** COUNT frames; `sound(i)`: the part of the sound that comes with frame I, or null. */
  frames(count, sound) {
    for (const last = this.next + count; this.next < last; this.next++) {
      const start = this.next * FRAME;
      this.now += FRAME * 1000;
      this.watch.came({ start, end: start + FRAME, sound: sound(this.next, start) }, this.now);
    }
    return this;
  }

  trouble(position = this.next * FRAME - 0.2) {
    return this.watch.trouble({ position });
  }
}

const steady = (_, start) => ({ start, end: start + FRAME, unit: 0.02 });
const none = () => null;

test('sound that comes with its pictures is no trouble, nor is sound that comes in bursts or late', () => {
  assert.equal(new Listener().frames(500, steady).trouble(), null);
  const bursts = (i, start) => (i % 12 === 11 ? { start: start - 0.44, end: start + 0.04, unit: 0.04 } : null);
  const it = new Listener();
  for (let i = 0; i < 60; i++) assert.equal(it.frames(12, bursts).trouble(), null, `burst ${i}`);
  assert.equal(it.frames(8, bursts).trouble(), null, 'between two bursts');
  const late = (_, start) => (start < 0.6 ? null : { start: start - 0.6, end: start - 0.56, unit: 0.02 });
  assert.equal(new Listener().frames(100, late).trouble(3.2), null);
});

test('sound that never comes is missing once there are pictures enough', () => {
  const it = new Listener().frames(10, none);
  assert.equal(it.trouble(), null);
  assert.equal(it.frames(10, none).trouble(), 'missing');
});

test('sound that ends is missing, but not before it runs dry', () => {
  const it = new Listener().frames(100, steady).frames(9, none);
  assert.equal(it.trouble(2), null, 'there is enough of it');
  assert.equal(it.trouble(), 'missing');
});

test('a network that stands still takes both away, and that is not the sound', () => {
  const it = new Listener().frames(100, steady);
  it.now += 5000;
  assert.equal(it.trouble(4), null);
  assert.equal(it.frames(100, steady).trouble(), null);
});

test('sound with a hole that browsers do not bridge is broken; pictures that were left out are not such a hole', () => {
  const it = new Listener().frames(100, steady);
  assert.equal(it.frames(1, none).frames(20, steady).trouble(), null, 'a hole that browsers bridge');
  assert.equal(it.frames(2, none).frames(1, steady).trouble(), 'broken');
  assert.equal(it.frames(20, steady).watch.trouble({ from: 121 * FRAME + 2 * FRAME }), 'broken', 'in the group that would be played');
  assert.equal(it.watch.trouble({ from: 124 * FRAME }), null, 'before it');
  const back = new Listener().frames(100, steady).frames(1, (_, start) => ({ start: start - 0.2, end: start, unit: 0.02 }));
  assert.equal(back.trouble(), 'broken', 'sound that goes back');
  const gone = new Listener().frames(100, steady);
  for (let i = 0; i < 3; i++) {
    gone.next += 100;
    assert.equal(gone.frames(50, steady).trouble(), null, 'pictures were left out');
  }
});

test('it is tried again when it has come steadily for a while, each time later', () => {
  const it = new Listener().frames(100, steady).frames(20, none);
  const waits = [];
  for (let i = 0; i < 3; i++) {
    it.watch.setAside('missing', it.now);
    assert.equal(it.watch.away, 'missing');
    assert.equal(it.frames(500, none).watch.isBack(it.now), false, 'there is none');
    const from = it.now;
    while (!it.watch.isBack(it.now)) it.frames(1, steady);
    waits.push(Math.round((it.now - from) / 1000));
    it.watch.play(it.now);
    assert.equal(it.watch.away, null);
    it.frames(100, steady).frames(20, none);
    assert.equal(it.trouble(), 'missing');
  }
  assert.deepEqual(waits, [5, 5, 25]);
});

test('sound with holes is not back', () => {
  const it = new Listener().frames(100, steady);
  it.watch.setAside('broken', it.now);
  for (let i = 0; i < 10; i++) assert.equal(it.frames(3, none).frames(97, steady).watch.isBack(it.now), false);
});

test('sound that cannot be decoded waits longer; what came after a long healthy while is not held against it', () => {
  const wait = (it) => {
    const from = it.now;
    while (!it.watch.isBack(it.now)) it.frames(1, steady);
    it.watch.play(it.now);
    return Math.round((it.now - from) / 1000);
  };
  const it = new Listener().frames(100, steady);
  it.watch.play(it.now);
  it.watch.setAside('decoder', it.now);
  assert.equal(wait(it), 60);
  it.frames(50, steady);
  it.watch.setAside('decoder', it.now);
  assert.equal(wait(it), 300);
  it.frames(2000, steady);
  it.watch.setAside('decoder', it.now);
  assert.equal(wait(it), 60);
});

test('another stream begins with a clean slate; pictures that fail alone acquit the sound', () => {
  const it = new Listener().frames(100, steady);
  it.watch.setAside('decoder', it.now);
  it.watch.forget();
  assert.equal(it.watch.away, 'decoder');
  it.watch.begin();
  assert.equal(it.watch.away, null);
  it.watch.setAside('missing', it.now);
  it.watch.acquit();
  assert.equal(it.watch.away, 'missing');
  it.watch.setAside('decoder', it.now);
  it.watch.acquit();
  assert.equal(it.watch.away, null);
});

test('in words', () => {
  const all = { hasSound: true, hadSound: true, muted: false, playing: false, reason: 'missing' };
  assert.deepEqual(soundOf({}), { state: 'none', reason: null, text: '' });
  assert.equal(soundOf({ ...all, muted: true }).state, 'muted');
  assert.equal(soundOf({ ...all, playing: true }).state, 'playing');
  for (const reason of ['missing', 'broken', 'decoder', 'codec']) {
    const sound = soundOf({ ...all, reason });
    assert.deepEqual([sound.state, sound.reason], ['away', reason]);
    assert.match(sound.text, /sound/);
  }
  assert.equal(soundOf({ ...all, hasSound: false }).reason, 'ended');
});
