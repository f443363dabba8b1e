// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Meter } from '../../player/src/player/meter.js';
import { ServerClock } from '../../player/src/player/server-clock.js';
import { FakeVideo, fakePage } from './support/fakes.mjs';

beforeEach(() => fakePage());

const SERVER = 1_763_890_000_000; // ms since 1970 when the page's clock says 0

/** An answer that needed `there` ms to the server and `back` from it, by a server whose clock is `ahead`. */
function ask(clock, sent, { there = 1, back = 1, ahead = SERVER } = {}) {
  const { type, client } = JSON.parse(clock.question(sent));
  assert.equal(type, 'time');
  return clock.answered({ client, server_ms: sent + there + ahead }, sent + there + back);
}

test('the server’s clock is known to half of the way there and back', () => {
  const clock = new ServerClock();
  assert.equal(clock.at(5), null);
  assert.equal(clock.errorAt(5), null);
  assert.equal(ask(clock, 100, { there: 40, back: 2 }), true);
  assert.ok(Math.abs(clock.at(1000) - (SERVER + 1000)) <= clock.errorAt(1000));
  ask(clock, 200, { there: 1, back: 3 });
  assert.ok(clock.errorAt(204) < 4, 'the faster answer is the better one');
  ask(clock, 300, { there: 200, back: 1 });
  assert.ok(clock.errorAt(510) < 4, 'a slow one changes nothing');
  assert.ok(Math.abs(clock.at(1000) - (SERVER + 1000)) <= clock.errorAt(1000));
});

test('an old answer is worth less, and another as good takes its place', () => {
  const clock = new ServerClock();
  ask(clock, 0, { there: 1, back: 1 });
  const hour = 3_600_000;
  assert.ok(clock.errorAt(hour) > 100);
  ask(clock, hour, { there: 5, back: 5, ahead: SERVER + 90 }); // within the drift of an hour
  assert.ok(clock.errorAt(hour + 10) < 10);
  assert.ok(Math.abs(clock.at(hour) - (SERVER + hour + 90)) < 10);
});

test('a clock that was set: the newest answer counts, however slow', () => {
  const clock = new ServerClock();
  ask(clock, 0);
  ask(clock, 20_000, { there: 50, back: 50, ahead: SERVER + 3_600_000 });
  assert.ok(Math.abs(clock.at(30_000) - (SERVER + 3_630_000)) <= clock.errorAt(30_000));
});

test('answers to nothing are not believed', () => {
  const clock = new ServerClock();
  for (const answer of [{}, { client: 'x', server_ms: 1 }, { client: 500, server_ms: SERVER }, { client: -20_000, server_ms: SERVER }, { client: 1, server_ms: NaN }]) {
    assert.equal(clock.answered(answer, 100), false);
  }
  assert.equal(clock.at(100), null);
});

/** A meter that knows the server's clock, and fragments of 40 ms that were captured `age` ms before they came. */
function setUp({ by = 'camera', age = 60 } = {}) {
  const it = { video: new FakeVideo(), first: [] };
  it.meter = new Meter(it.video, 0, (ms) => it.first.push(ms));
  it.meter.connected(0);
  const { client } = JSON.parse(it.meter.dueQuestion(0));
  it.meter.answered({ client, server_ms: SERVER + 1 }, 2);
  it.receive = (time, now) => it.meter.received({ bytes: new Uint8Array(100), capture: { time, at: SERVER + now - age, by } });
  it.present = (time, now) => {
    it.meter.watchFrame();
    it.video.present(time, now);
  };
  return it;
}

test('captures are kept for half a minute, however few pictures a second there are', () => {
  const it = setUp();
  for (let i = 0; i <= 40; i++) it.receive(100 + i, i * 1000);
  it.present(109, 40_000);
  assert.equal(it.meter.report(40_000).latency, null, 'too old to be known');
  it.present(111, 40_000);
  assert.ok(it.meter.report(41_000).latency > 0);
});

test('latency: from the capture of the picture that is shown to its being on the screen', () => {
  const it = setUp();
  for (let i = 0; i < 20; i++) it.receive(100 + i * 0.04, i * 40);
  it.present(100.4, 500); // came at 400, captured at 340
  const { latency, latencyFrom, clockError, firstPicture, fps, bitrate } = it.meter.report(1000);
  assert.ok(Math.abs(latency - 0.16) < 0.002, `${latency}`);
  assert.equal(latencyFrom, 'camera');
  assert.ok(clockError < 0.003);
  assert.equal(firstPicture, 0.5);
  assert.deepEqual(it.first, [500]);
  assert.equal(fps, 20);
  assert.equal(bitrate, 16_000);
});

test('of a second’s pictures the one in the middle counts; the next second begins again', () => {
  const it = setUp({ by: 'server' });
  for (let i = 0; i < 20; i++) it.receive(i * 0.04, i * 40);
  for (const [time, now] of [[0.04, 140], [0.08, 180], [0.12, 1220]]) it.present(time, now);
  const { latency, latencyFrom } = it.meter.report(1300);
  assert.ok(Math.abs(latency - 0.16) < 0.003, `${latency}`);
  assert.equal(latencyFrom, 'server');
  assert.equal(it.meter.report(2300).latency, null);
  assert.equal(it.first.length, 1);
});

test('nothing is said about a picture of which nothing is known', () => {
  const it = setUp();
  it.present(5, 100);
  assert.equal(it.meter.report(1000).latency, null, 'no capture time');
  it.receive(5, 100);
  it.present(7, 200);
  assert.equal(it.meter.report(2000).latency, null, 'too far from the one that is known');
  it.meter.forget();
  it.present(5, 300);
  assert.equal(it.meter.report(3000).latency, null, 'another timeline');
  it.meter.received({ bytes: new Uint8Array(1), capture: null });
  assert.equal(it.meter.fragments, 2);
});

test('a time when a picture will be shown is believed only if it is near', () => {
  const it = setUp({ age: 0 });
  it.receive(1, 1000);
  const show = (presentationTime, expectedDisplayTime) => {
    it.meter.watchFrame();
    const [run] = it.video.frameCallbacks.values();
    it.video.frameCallbacks.clear();
    run(presentationTime, { mediaTime: 1, presentationTime, expectedDisplayTime });
    return Math.round(it.meter.report(5000).latency * 1000);
  };
  assert.equal(show(1050, 1066), 66);
  assert.equal(show(1050, 9000), 50);
  assert.equal(show(1050, 0), 50);
});

test('a browser without callbacks for frames: its position is taken', () => {
  const it = setUp();
  it.video.requestVideoFrameCallback = undefined;
  it.receive(1, performance.now());
  it.video.currentTime = 1;
  it.video.readyState = 1;
  it.meter.watchFrame();
  assert.equal(it.meter.report(1000).latency, null, 'there is no picture yet');
  it.video.readyState = 4;
  it.meter.watchFrame();
  const { latency } = it.meter.report(2000);
  assert.ok(latency > 0.05 && latency < 5, `${latency}`);
});

test('the server is asked a few times at once, then now and then; one look at a frame at a time', () => {
  const it = setUp();
  const asked = [];
  for (let now = 0; now <= 60_000; now += 100) if (it.meter.dueQuestion(now)) asked.push(now);
  assert.deepEqual(asked, [300, 700, 1500, 21_500, 41_500]);
  it.meter.watchFrame();
  it.meter.watchFrame();
  assert.equal(it.video.frameCallbacks.size, 1);
  it.meter.close();
  it.meter.close();
  assert.equal(it.video.frameCallbacks.size, 0);
});

test('capture times do not pile up', () => {
  const it = setUp();
  for (let i = 0; i < 5000; i++) it.receive(i, i);
  it.present(100, 6000);
  assert.equal(it.meter.report(6000).latency, null, 'long gone');
  it.present(4999, 6000);
  assert.notEqual(it.meter.report(7000).latency, null);
});
