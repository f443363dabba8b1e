// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppendQueue, MAX_JOINED_BYTES } from '../../player/src/player/append-queue.js';
import { Scope } from '../../player/src/player/scope.js';
import { FakeSourceBuffer, Ranges } from './support/fakes.mjs';

function setUp({ maxBytes = 10_000, position = 0 } = {}) {
  const it = { position, errors: [], dropped: 0, idle: 0, scope: new Scope(), buffer: new FakeSourceBuffer() };
  it.queue = new AppendQueue({
    position: () => it.position,
    onerror: (error) => it.errors.push(error),
    ondrop: (count) => (it.dropped += count),
    onidle: () => it.idle++,
    maxBytes,
  });
  return it;
}

const piece = (start, { keyframe = false, size = 100 } = {}) => ({ bytes: new Uint8Array(size), keyframe, start });
const kinds = ({ buffer }) => buffer.log.map(([kind]) => kind);

test('messages are appended in order, never while the buffer updates', () => {
  const it = setUp();
  const messages = [new Uint8Array(10), piece(0, { keyframe: true }), piece(0.04)];
  it.queue.pushInit(messages[0]);
  it.queue.attach(it.buffer, it.scope);
  it.queue.pushFragment(messages[1]);
  assert.equal(it.buffer.log.length, 1);
  it.buffer.finish();
  it.buffer.finish();
  it.queue.pushFragment(messages[2]);
  assert.deepEqual(it.buffer.log.map(([, bytes]) => bytes), [messages[0], messages[1].bytes, messages[2].bytes]);
  assert.equal(it.queue.bytes, 0);
  assert.deepEqual(it.errors, []);
});

test('fragments that have gathered are handed over together, whole and in order, up to a limit', () => {
  const it = setUp({ maxBytes: 4 * MAX_JOINED_BYTES });
  it.queue.pushInit(new Uint8Array(10));
  const pieces = Array.from({ length: 6 }, (_, i) => ({ ...piece(i * 0.04, { keyframe: i === 0 }), bytes: new Uint8Array(MAX_JOINED_BYTES / 4).fill(i) }));
  for (const each of pieces.slice(0, 3)) it.queue.pushFragment(each);
  it.queue.pushInit(new Uint8Array(11));
  for (const each of pieces.slice(3)) it.queue.pushFragment(each);
  it.queue.pushFragment(piece(0.24, { size: MAX_JOINED_BYTES + 1 }));
  it.queue.attach(it.buffer, it.scope);
  for (let i = 0; i < 8; i++) it.buffer.finish();
  const quarter = MAX_JOINED_BYTES / 4;
  assert.deepEqual(it.buffer.log.map(([, { length }]) => length), [10, 3 * quarter, 11, 3 * quarter, MAX_JOINED_BYTES + 1]);
  const [, joined] = it.buffer.log[1];
  assert.deepEqual([joined[0], joined[quarter], joined[2 * quarter], joined.at(-1)], [0, 1, 2, 2]);
  assert.equal(it.queue.bytes, 0);
});

test('it says when the browser has all that came', () => {
  const it = setUp();
  it.queue.pushInit(new Uint8Array(10));
  it.queue.attach(it.buffer, it.scope);
  it.queue.pushFragment(piece(0, { keyframe: true }));
  it.buffer.finish();
  assert.equal(it.idle, 0);
  it.buffer.finish();
  assert.equal(it.idle, 1);
});

test('too much waiting: whole groups of pictures go, the newest and the init segment stay', () => {
  const it = setUp({ maxBytes: 1000 });
  it.queue.pushInit(new Uint8Array(50));
  for (let i = 0; i < 6; i++) it.queue.pushFragment(piece(i, { keyframe: i % 5 === 0, size: 180 }));
  assert.equal(it.dropped, 5);
  it.queue.attach(it.buffer, it.scope);
  it.buffer.finish();
  assert.deepEqual(it.buffer.log.map(([, bytes]) => bytes.length), [50, 180]);
});

test('of init segments that are not taken the newest stays, with the last change of type: nothing gathers', () => {
  const it = setUp({ maxBytes: 1000 });
  for (let i = 0; i < 20; i++) {
    it.queue.pushInit(new Uint8Array(100 + i), `video/mp4; codecs="avc1.${i}"`);
    it.queue.pushFragment(piece(i, { keyframe: true, size: 300 }));
    assert.ok(it.queue.bytes <= 1000, `${it.queue.bytes} bytes after ${i + 1}`);
  }
  it.queue.attach(it.buffer, it.scope);
  for (let i = 0; i < 8; i++) it.buffer.finish();
  assert.deepEqual(kinds(it).slice(-3), ['type', 'append', 'append']);
  assert.deepEqual(it.buffer.log.slice(-2).map(([, bytes]) => bytes.length), [119, 300]);
  const shown = it.buffer.log.filter(([kind, bytes]) => kind === 'append' && bytes.length === 300).length;
  assert.equal(it.dropped, 20 - shown);
});

test('one group that is too large by itself: nothing until the next keyframe', () => {
  const it = setUp({ maxBytes: 1000 });
  for (let i = 0; i < 12; i++) it.queue.pushFragment(piece(i, { keyframe: i === 0 || i === 10, size: 180 }));
  assert.equal(it.dropped, 10);
  assert.equal(it.queue.length, 2);
  assert.ok(it.queue.bytes <= 1000);
});

test('the queue is never larger than its limit, whatever comes', () => {
  const it = setUp({ maxBytes: 5000 });
  for (let i = 0; i < 5000; i++) {
    it.queue.pushFragment(piece(i, { keyframe: i % 17 === 0, size: (i * 7919) % 900 }));
    assert.ok(it.queue.bytes <= 5000);
  }
});

test('the back buffer is cut at a keyframe only', () => {
  const it = setUp();
  it.queue.attach(it.buffer, it.scope);
  for (let start = 0; start < 30; start++) {
    it.queue.pushFragment(piece(start, { keyframe: start % 4 === 0 }));
    it.buffer.finish();
  }
  it.buffer.buffered = new Ranges([[0, 30]]);
  it.position = 25;
  assert.equal(it.queue.trim(), true);
  assert.deepEqual(it.buffer.log.at(-1), ['remove', 0, 12]);
  it.buffer.buffered = new Ranges([[12, 30]]);
  it.buffer.finish();
  assert.equal(it.queue.trim(), false);
  it.position = 25.9;
  assert.equal(it.queue.trim(), false, 'nothing to cut before the next keyframe');
});

test('a long group of pictures is kept whole', () => {
  const it = setUp();
  it.queue.attach(it.buffer, it.scope);
  for (let start = 0; start < 60; start++) {
    it.queue.pushFragment(piece(start, { keyframe: start === 0 }));
    it.buffer.finish();
  }
  it.buffer.buffered = new Ranges([[0, 60]]);
  it.position = 59;
  assert.equal(it.queue.trim(), false);
});

test('a full buffer is trimmed and the same message tried again', () => {
  const it = setUp();
  it.queue.attach(it.buffer, it.scope);
  for (let start = 0; start < 20; start++) {
    it.queue.pushFragment(piece(start, { keyframe: start % 2 === 0 }));
    it.buffer.finish();
  }
  it.buffer.buffered = new Ranges([[0, 20]]);
  it.position = 19;
  it.buffer.full = 1;
  const last = piece(20);
  it.queue.pushFragment(last);
  assert.deepEqual(it.buffer.log.at(-1), ['remove', 0, 16]);
  it.buffer.buffered = new Ranges([[16, 20]]);
  it.buffer.finish();
  assert.equal(it.buffer.log.at(-1)[1], last.bytes);
  assert.deepEqual(it.errors, []);
});

test('a full buffer in which nothing can go is reported', () => {
  const it = setUp();
  it.queue.attach(it.buffer, it.scope);
  it.buffer.full = 9;
  it.queue.pushFragment(piece(0, { keyframe: true }));
  assert.equal(it.errors.length, 1);
  assert.equal(it.errors[0].name, 'QuotaExceededError');
});

test('errors of an append and of the buffer are reported, not swallowed', () => {
  const it = setUp();
  it.queue.attach(it.buffer, it.scope);
  it.buffer.broken = true;
  it.queue.pushFragment(piece(0, { keyframe: true }));
  it.buffer.fire('error');
  assert.deepEqual(it.errors.map(({ message }) => message), ['removed', 'the browser cannot use this data']);
});

test('a new codec changes the type between the fragments of the old and the new', () => {
  const it = setUp();
  it.queue.attach(it.buffer, it.scope);
  it.queue.pushFragment(piece(0, { keyframe: true }));
  it.queue.pushInit(new Uint8Array(7), 'video/mp4; codecs="av01"');
  it.queue.pushFragment(piece(1, { keyframe: true }));
  for (let i = 0; i < 3; i++) it.buffer.finish();
  assert.deepEqual(kinds(it), ['append', 'type', 'append', 'append']);
});

test('while held only what is no picture goes in', () => {
  const it = setUp();
  it.queue.attach(it.buffer, it.scope);
  it.queue.hold(true);
  it.queue.pushInit(new Uint8Array(5));
  it.buffer.finish();
  it.queue.pushFragment(piece(0, { keyframe: true }));
  assert.equal(it.buffer.log.length, 1);
  it.queue.hold(false);
  assert.equal(it.buffer.log.length, 2);
});

test('closed, it touches the buffer no more and holds nothing', () => {
  const it = setUp();
  it.queue.attach(it.buffer, it.scope);
  it.queue.pushFragment(piece(0, { keyframe: true }));
  it.queue.pushFragment(piece(1));
  it.scope.close();
  it.buffer.finish();
  assert.equal(it.buffer.log.length, 1);
  assert.equal(it.buffer.listeners, 0);
  assert.equal(it.queue.bytes, 0);
});
