// SPDX-License-Identifier: MIT
// How the player handles sound: muted, unmuted, refused, unknown to the browser.

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

test('a muted video is given no sound; unmuted, it begins again with the newest group of pictures, on the same connection', (context) => {
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
  assert.equal(FakeMediaSource.all.length, 2, 'playback is not disturbed for less');
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

/** An unmuted player, with sound beside its pictures. */
function heardStand(context) {
  FakeMediaSource.playable = /./;
  const it = new Stand(context);
  it.connect();
  it.init(WITH_SOUND);
  it.live(0, 100);
  it.video.fire('playing');
  assert.equal(FakeMediaSource.all.length, 1);
  assert.equal(heard(it), true);
  return it;
}

const soundStates = (it) => it.details('soundchange').map(({ state, reason }) => [state, reason].filter(Boolean).join(': '));

test('sound that ends: the pictures go on alone, on the same connection, and sound is tried again when it is back', (context) => {
  const it = heardStand(context);
  it.live(100, 125, { sound: false });
  assert.equal(FakeMediaSource.all.length, 2);
  assert.equal(it.buffer.mime, 'video/mp4; codecs="avc1.42C01E"');
  assert.ok(it.buffer.fragments > 10, 'from the keyframe on');
  assert.deepEqual(soundStates(it), ['playing', 'away: missing']);
  it.live(125, 400, { sound: false });
  it.live(400, 500);
  assert.equal(FakeMediaSource.all.length, 2, 'not at the first sign of it');
  it.live(500, 600);
  assert.equal(FakeMediaSource.all.length, 3);
  assert.equal(it.buffer.mime, WITH_SOUND.mime);
  assert.equal(heard(it), true);
  assert.deepEqual(soundStates(it), ['playing', 'away: missing', 'playing']);
  assert.equal(FakeSocket.all.length, 1);
  assert.deepEqual(it.details('error'), []);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('sound that is announced and never comes costs the pictures a second at most', (context) => {
  FakeMediaSource.playable = /./;
  const it = new Stand(context);
  it.connect();
  it.init(WITH_SOUND);
  it.live(0, 25, { sound: false });
  assert.equal(it.buffer.mime, 'video/mp4; codecs="avc1.42C01E"');
  assert.equal(it.player.sound.state, 'away');
  assert.match(it.player.sound.text, /none comes/);
  it.live(25, 500, { sound: false });
  assert.equal(FakeMediaSource.all.length, 2);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
  assert.equal(it.player.sound.state, 'none');
});

test('unmuted while no sound comes: nothing is disturbed, and it is said', (context) => {
  FakeMediaSource.playable = /./;
  const it = new Stand(context);
  it.video.muted = true;
  it.connect();
  it.init(WITH_SOUND);
  it.live(0, 100, { sound: false });
  it.video.fire('playing');
  it.video.muted = false;
  it.video.fire('volumechange');
  it.live(100, 200, { sound: false });
  assert.equal(FakeMediaSource.all.length, 1);
  assert.deepEqual(soundStates(it), ['muted', 'away: missing']);
  it.live(200, 400);
  assert.equal(FakeMediaSource.all.length, 2);
  assert.deepEqual(soundStates(it), ['muted', 'away: missing', 'playing']);
  it.player.stop();
});

test('a decoder that fails: first without sound, and the connection stays; a failure of the pictures alone is one of theirs', (context) => {
  const it = heardStand(context);
  it.video.fire('error');
  it.source.open();
  assert.equal(it.player.state, 'playing');
  assert.equal(it.buffer.mime, 'video/mp4; codecs="avc1.42C01E"');
  assert.deepEqual(soundStates(it), ['playing', 'away: decoder']);
  assert.deepEqual(it.details('error').map(({ code, fatal }) => [code, fatal]), [['media', false]]);
  it.live(100, 1500);
  assert.equal(FakeMediaSource.all.length, 2, 'not tried again at once');
  it.live(1500, 1700);
  assert.equal(FakeMediaSource.all.length, 3);
  it.video.fire('error');
  it.source.open();
  it.settle();
  it.video.fire('error');
  assert.equal(it.player.state, 'reconnecting');
  it.tick(1000);
  it.socket.accept();
  it.init(WITH_SOUND);
  it.live(1700, 1750);
  assert.equal(heard(it), true, 'it was not the sound');
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('sound that comes or goes for good does not disturb a muted viewer', (context) => {
  FakeMediaSource.playable = /./;
  const it = new Stand(context);
  it.video.muted = true;
  it.connect();
  it.init();
  it.live(0, 50, { sound: false });
  it.init(WITH_SOUND);
  it.live(50, 100);
  it.init();
  it.live(100, 150, { sound: false });
  assert.equal(FakeMediaSource.all.length, 1);
  assert.equal(heard(it), false);
  assert.equal(it.buffer.fragments, 150);
  assert.deepEqual(soundStates(it), ['muted']);
  it.video.muted = false;
  it.video.fire('volumechange');
  assert.deepEqual(soundStates(it), ['muted', 'away: ended']);
  it.player.stop();
});
