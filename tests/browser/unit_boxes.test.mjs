// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError, isInitSegment, parseFragment, parseInit } from '../../player/src/player/boxes.js';
import { AUDIO, VIDEO, audioTraf, box, fragment, initSegment, prft } from './support/mp4.mjs';

const NON_SYNC_DEFAULT = 0x01010000;

test('the tracks of an init segment', () => {
  const tracks = parseInit(initSegment([VIDEO, AUDIO]));
  assert.deepEqual([...tracks.values()].map(({ id, kind, timescale }) => ({ id, kind, timescale })), [VIDEO, AUDIO]);
});

test('an init segment is told from a fragment', () => {
  assert.equal(isInitSegment(initSegment()), true);
  assert.equal(isInitSegment(fragment({ start: 0, keyframe: true })), false);
  assert.equal(isInitSegment(Buffer.from('moo')), false);
});

for (const flagsIn of ['tfhd', 'first', 'sample']) {
  test(`a keyframe is known by the flags in ${flagsIn}`, () => {
    const tracks = parseInit(initSegment([VIDEO], { trexFlags: NON_SYNC_DEFAULT }));
    assert.equal(parseFragment(fragment({ start: 1, keyframe: true, flagsIn }), tracks).keyframe, true);
    assert.equal(parseFragment(fragment({ start: 1, keyframe: false, flagsIn }), tracks).keyframe, false);
  });
}

test('without flags in the fragment those of trex count', () => {
  const sample = fragment({ start: 1, keyframe: true, flagsIn: 'trex' });
  assert.equal(parseFragment(sample, parseInit(initSegment([VIDEO], { trexFlags: NON_SYNC_DEFAULT }))).keyframe, false);
  assert.equal(parseFragment(sample, parseInit(initSegment([VIDEO], { trexFlags: 0 }))).keyframe, true);
});

test('times are the video track’s, in seconds, also after days and beside sound', () => {
  const tracks = parseInit(initSegment([VIDEO, AUDIO]));
  const start = 30 * 86400 + 0.5;
  const parsed = parseFragment(fragment({ sequence: 0xfffffffe, start, keyframe: true }, audioTraf({ start: 3 })), tracks);
  assert.equal(parsed.sequence, 0xfffffffe);
  assert.ok(Math.abs(parsed.start - start) < 1e-6);
  assert.ok(Math.abs(parsed.end - start - 0.04) < 1e-6);
  assert.equal(parsed.samples, 1);
});

test('the capture time of a picture, and whose clock told it', () => {
  const tracks = parseInit(initSegment([VIDEO, AUDIO]));
  const at = Date.UTC(2026, 10, 23, 12, 0, 0, 125);
  const captureOf = (capture) => parseFragment(fragment({ start: 7, keyframe: true, capture }), tracks).capture;
  for (const [flags, by] of [[24, 'camera'], [2, 'server']]) {
    for (const version of [0, 1]) {
      const capture = captureOf({ at, time: 7.08, flags, version });
      assert.equal(capture.by, by);
      assert.ok(Math.abs(capture.at - at) < 0.001 && Math.abs(capture.time - 7.08) < 1e-6, JSON.stringify(capture));
    }
  }
  const later = Date.UTC(2040, 0, 1); // the seconds of NTP have begun again at 0
  assert.ok(Math.abs(captureOf({ at: later, time: 1 }).at - later) < 0.001);
  assert.equal(captureOf({ at: 0, time: 1 }), null, 'unknown');
  assert.equal(captureOf({ at, time: 1, track: 9 }), null, 'of no track that is here');
  assert.equal(captureOf(undefined), null);
  assert.throws(() => parseFragment(Buffer.concat([box('prft', Buffer.alloc(9)), fragment({ start: 1 })]), tracks), FormatError);
});

test('what is no fragment is refused by name, and never read beyond its end', () => {
  const tracks = parseInit(initSegment());
  const good = fragment({ start: 1, keyframe: true });
  assert.throws(() => parseFragment(Buffer.from('<html>not found</html>'), tracks), FormatError);
  assert.throws(() => parseFragment(Buffer.alloc(0), tracks), FormatError);
  assert.throws(() => parseFragment(box('moof', box('traf')), tracks), FormatError);
  assert.throws(() => parseInit(box('moov')), FormatError);
  const moof = good.readUInt32BE(0);
  for (let length = 0; length < moof; length++) {
    assert.throws(() => parseFragment(good.subarray(0, length), tracks), FormatError, `${length} bytes`);
  }
});

test('no single changed byte makes the parser fail otherwise than by FormatError', () => {
  const init = initSegment([VIDEO, AUDIO]);
  const tracks = parseInit(init);
  const good = fragment({ start: 1, keyframe: true, flagsIn: 'first' }, audioTraf({ start: 1 }));
  let refused = 0;
  for (const [original, parse] of [[good, (bytes) => parseFragment(bytes, tracks)], [init, parseInit]]) {
    for (let at = 0; at < original.length; at++) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const bytes = Buffer.from(original);
        bytes[at] = value;
        try {
          parse(bytes);
        } catch (error) {
          assert.ok(error instanceof FormatError, `${error.stack} at byte ${at}`);
          refused++;
        }
      }
    }
  }
  assert.ok(refused > 100);
});

test('a run that claims four thousand million samples costs nothing', () => {
  const tracks = parseInit(initSegment());
  const bytes = fragment({ start: 1, keyframe: true });
  bytes.writeUInt32BE(0xffffffff, bytes.indexOf('trun', 0, 'latin1') + 8);
  const before = performance.now();
  assert.throws(() => parseFragment(bytes, tracks), FormatError);
  assert.ok(performance.now() - before < 200);
});
