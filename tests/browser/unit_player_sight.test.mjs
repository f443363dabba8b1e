// SPDX-License-Identifier: MIT
// What the player does while it cannot be seen: hidden, out of sight, paused, suspended.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { resetTimers, tick } from './support/clock.mjs';
import { FakeSocket, NOTHING, fakePage } from './support/fakes.mjs';
import { Stand } from './support/stand.mjs';

let page;
beforeEach(() => {
  page = fakePage();
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

test('a connection that died out of sight is made again when the video can be seen', (context) => {
  for (const die of ['at once', 'unnoticed']) {
    page = fakePage();
    const it = new Stand(context);
    it.play();
    page.hide(true);
    it.tick(6000);
    if (die === 'at once') it.socket.drop();
    it.tick(60_000);
    assert.equal(FakeSocket.all.length, 1, 'not while it cannot be seen');
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

test('a server that does not know pauses is left until the video can be seen', (context) => {
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
  assert.ok(it.details('stats').length > seen + 15, 'playback is controlled while it can be seen');
  it.video.paused = true;
  page.document.hidden = false; // the page is seen again, and the user pauses
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
