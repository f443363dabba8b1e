// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { mediaSourceClass, whyUnplayable } from '../../player/src/player/media.js';
import { FakeMediaSource, fakePage } from './support/fakes.mjs';

beforeEach(() => fakePage());

const mime = (...codecs) => `video/mp4; codecs="${codecs.join(',')}"`;

/** The refusal of a browser that plays only `playable`, for CODECS. */
function said(playable, ...codecs) {
  // As in a browser, every codec of the list must be known.
  FakeMediaSource.playable = { test: (type) => /codecs="([^"]*)"/.exec(type)?.[1].split(',').every((codec) => playable.test(codec)) };
  return whyUnplayable(mime(...codecs));
}

test('what is played needs no words', () => {
  assert.equal(said(/./, 'avc1.64001F', 'mp4a.40.2'), null);
});

test('what is not played is called by its name, with what would help', () => {
  const cases = [
    [['hvc1.1.6.L153.B0', 'mp4a.40.2'], /^(avc1|mp4a)/, /H\.265 \(HEVC\) video\. .*H\.264.*Safari.*Firefox/],
    [['avc1.6E001F'], /^avc1\.64/, /10 bits.*High, Main or Baseline/],
    [['avc1.7a001F'], /^avc1\.64/, /4:2:0.*High, Main or Baseline/],
    [['avc1.64001F'], /^mp4a/, /H\.264 video\. .*Use a browser that comes with H\.264/],
    [['av01.0.04M.08'], /^avc1/, /AV1 video\. .*H\.264/],
    [['vp09.00.10.08'], /^avc1/, /VP9 video\. .*H\.264/],
    [['avc1.64001F', 'opus'], /^avc1/, /Opus sound\. .*AAC/],
    [['avc1.64001F', 'flac'], /^avc1/, /FLAC sound\. .*audio_codec.*"opus" or "aac"/],
    [['avc1.64001F', 'mp4a.40.2'], /^avc1/, /AAC sound\. .*audio = false/],
    [['xyz1.2'], /^avc1/, /play xyz1\.2\. .*H\.264/],
  ];
  for (const [codecs, playable, expected] of cases) {
    const { code, message, help } = said(playable, ...codecs);
    assert.equal(code, 'codec');
    assert.match(message, expected);
    assert.ok(message.startsWith('This browser cannot play ') && message.endsWith(help), message);
  }
});

test('several at once: each is named, the same help once', () => {
  const { message } = said(/^$/, 'av01.0', 'vp9');
  assert.match(message, /AV1 video and VP8 or VP9 video\./);
  assert.equal(message.match(/Set the camera/g).length, 1);
});

test('each codec is known and the combination is not: the whole is named', () => {
  FakeMediaSource.playable = { test: (type) => !type.includes(',') };
  assert.match(whyUnplayable(mime('avc1.64001F', 'opus')).message, /video\/mp4; codecs="avc1\.64001F,opus"/);
});

test('a browser without Media Source Extensions, and one that has only the managed ones', () => {
  delete globalThis.MediaSource;
  const { code, message } = whyUnplayable(mime('avc1.64001F'));
  assert.equal(code, 'mse');
  assert.match(message, /no Media Source Extensions\. Use a recent/);
  class Managed extends FakeMediaSource {}
  globalThis.ManagedMediaSource = Managed;
  assert.equal(mediaSourceClass(), Managed);
});
