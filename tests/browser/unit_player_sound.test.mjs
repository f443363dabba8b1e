// What the player does about sound: muted, unmuted, refused, unknown to the browser.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { tick } from './support/clock.mjs';
import { FakeMediaSource, FakeSocket, NOTHING, fakePage } from './support/fakes.mjs';
import { AUDIO, VIDEO } from './support/mp4.mjs';
import { Stand } from './support/stand.mjs';

let page;
beforeEach(() => {
  page = fakePage();
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
