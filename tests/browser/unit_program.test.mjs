// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { blank, parseFragment, parseInit } from '../../player/src/player/boxes.js';
import { Group, Stream } from '../../player/src/player/program.js';
import { FakeMediaSource, fakePage } from './support/fakes.mjs';
import { AUDIO, VIDEO, audioTraf, fragment, initSegment } from './support/mp4.mjs';

const BOTH = { mime: 'video/mp4; codecs="avc1.64001F, mp4a.40.2"' };

beforeEach(() => {
  fakePage();
  FakeMediaSource.playable = /./;
});

const bytesOf = (...tracks) => new Uint8Array(initSegment(tracks));

test('who hears nothing is given the pictures alone, in a segment that a browser reads', () => {
  const stream = new Stream(bytesOf(VIDEO, AUDIO), BOTH);
  assert.equal(stream.hasSound, true);
  const silent = stream.programFor(false);
  assert.equal(silent.mime, 'video/mp4; codecs="avc1.64001F"');
  assert.deepEqual([silent.kinds, silent.silent, silent.refusal], ['vide', true, null]);
  assert.deepEqual([...parseInit(silent.bytes).values()].map(({ kind }) => kind), ['vide']);
  assert.equal(silent.bytes.byteLength, stream.bytes.byteLength);
  assert.equal(parseInit(stream.bytes).size, 2, 'the segment itself is as it was');
  const heard = stream.programFor(true);
  assert.deepEqual([heard.mime, heard.kinds, heard.silent], [BOTH.mime, 'vide,soun', false]);
  assert.equal(heard.bytes, stream.bytes);
});

test('a fragment without its sound is a fragment', () => {
  const tracks = parseInit(initSegment([VIDEO, AUDIO]));
  const bytes = new Uint8Array(fragment({ start: 3, keyframe: true }, audioTraf({ start: 3 })));
  const { sound } = parseFragment(bytes, tracks);
  assert.equal(sound.names.length, 1);
  assert.deepEqual([sound.start, sound.end, sound.unit].map((s) => Math.round(s * 1000)), [3000, 3043, 21]);
  blank(bytes, sound.names);
  const silent = parseFragment(bytes, parseInit(initSegment([VIDEO])));
  assert.equal(silent.start, 3);
  assert.equal(silent.sound, null);
});

test('a stream of sound alone is never silenced, one of pictures alone needs not be', () => {
  const sound = new Stream(bytesOf(AUDIO), { mime: 'audio/mp4; codecs="mp4a.40.2"' });
  assert.deepEqual([sound.hasSound, sound.programFor(false).silent], [false, false]);
  const pictures = new Stream(bytesOf(VIDEO), { mime: 'video/mp4; codecs="avc1.64001F"' });
  assert.equal(pictures.programFor(true).bytes, pictures.bytes);
  FakeMediaSource.playable = /^$/;
  assert.equal(pictures.programFor(true).bytes, undefined);
  assert.match(pictures.programFor(false).refusal.message, /cannot play H\.264/);
});

test('sound that the browser cannot play does not cost the pictures', () => {
  FakeMediaSource.playable = { test: (mime) => !mime.includes('mp4a') };
  const stream = new Stream(bytesOf(VIDEO, AUDIO), BOTH);
  assert.equal(stream.programFor(false).refusal, null, 'it was not asked for');
  const { silent, refusal } = stream.programFor(true);
  assert.equal(silent, true);
  assert.match(refusal.message, /cannot play AAC sound/);
  FakeMediaSource.playable = /mp4a/;
  const none = new Stream(bytesOf(VIDEO, AUDIO), { mime: 'video/mp4; codecs="hvc1.1,mp4a.40.2"' });
  FakeMediaSource.playable = /^$/;
  assert.equal(none.programFor(false).bytes, undefined);
});

test('the same segment is known again', () => {
  const stream = new Stream(bytesOf(VIDEO), { mime: 'a' });
  assert.equal(stream.equals(bytesOf(VIDEO), { mime: 'a' }), true);
  assert.equal(stream.equals(bytesOf(VIDEO), { mime: 'b' }), false);
  assert.equal(stream.equals(bytesOf({ ...VIDEO, timescale: 1000 }), { mime: 'a' }), false);
  assert.equal(stream.equals(bytesOf(VIDEO, AUDIO), { mime: 'a' }), false);
});

test('the newest group of pictures is kept, unless it is enormous', () => {
  const group = new Group();
  const add = (keyframe, size = 10) => group.add({ keyframe, bytes: new Uint8Array(size) });
  add(false);
  assert.equal(group.fragments.length, 0, 'it begins with a keyframe');
  add(true);
  add(false);
  assert.equal(group.fragments.length, 2);
  add(true);
  assert.equal(group.fragments.length, 1);
  add(false, 9 << 20);
  assert.equal(group.fragments.length, 0);
  add(false);
  assert.equal(group.fragments.length, 0);
  add(true);
  assert.equal(group.fragments.length, 1);
});
