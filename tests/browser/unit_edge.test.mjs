// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conditionOf, lateness } from '../../player/src/player/condition.js';
import { Continuity } from '../../player/src/player/continuity.js';
import { KEY_RATE, KeyEdge } from '../../player/src/player/key-edge.js';
import { LiveEdge } from '../../player/src/player/live-edge.js';
import { Scope } from '../../player/src/player/scope.js';

const FRAME = 0.04;

/** A live edge that has seen ten seconds of a steady stream; `now` is then 10 000 ms and the newest frame ends at 10 s. */
function steady(options, { interval = FRAME, jitter = 0 } = {}) {
  const edge = new LiveEdge(options);
  edge.join();
  for (let at = 0; at < 10 - 1e-9; at += interval) {
    const late = Math.round(at / interval) % 5 === 4 ? jitter : 0;
    edge.arrived(at, at + interval, (at + interval + late) * 1000);
  }
  return edge;
}

const view = (now, position, ranges = [[0, 10]], seeking = false) => ({ now, position, ranges, seeking });

test('the target follows the frame interval and the jitter', () => {
  const calm = steady().target(10_000);
  assert.ok(calm > FRAME && calm <= 0.15, `${calm}`);
  const slow = steady({}, { interval: 0.2 }).target(10_000);
  assert.ok(slow > 0.2 && slow < 0.35, `${slow}`);
  const shaky = steady({}, { jitter: 0.3 }).target(10_000);
  assert.ok(shaky > 0.34 && shaky < 0.5, `${shaky}`);
});

test('the burst of old fragments at the beginning is not taken for jitter', () => {
  const edge = new LiveEdge();
  edge.join();
  for (let i = 0; i < 50; i++) edge.arrived(i * FRAME, (i + 1) * FRAME, 5);
  assert.ok(edge.target(10) <= 0.15);
});

test('running dry moves the target back, and it returns', () => {
  const edge = steady();
  const before = edge.target(10_000);
  edge.underrun(10_000);
  edge.underrun(10_100);
  assert.ok(edge.target(10_100) >= before + 0.1 - 1e-9);
  let now = 10_100;
  for (let i = 0; i < 10; i++) edge.target((now += 10_001));
  assert.ok(edge.target(now) <= before);
});

test('one hiccup is no jitter', () => {
  const edge = steady();
  const before = edge.target(10_000);
  edge.arrived(10, 10.04, 10_900);
  assert.ok(edge.target(10_900) <= before + 1e-9);
});

test('late: a little faster, later: faster, far: seek, in time: normal, early: slower', () => {
  const edge = steady();
  const target = edge.target(10_000);
  const rateAt = (delay) => edge.decide(view(10_000, 10 - delay)).rate;
  assert.equal(rateAt(target - 0.001), 1);
  assert.equal(rateAt(target + 0.2), 1.05);
  assert.equal(rateAt(target + 0.02), 1.05, 'until the target is reached');
  assert.equal(rateAt(target - 0.01), 1);
  assert.equal(rateAt(target + 0.6), 1.1);
  assert.equal(rateAt(target + 0.02), 1.1, 'one change of the rate, not two');
  assert.equal(rateAt(target - 0.001), 1);
  edge.aim(1);
  assert.equal(edge.target(10_000), 1);
  assert.equal(rateAt(0.5), 0.95, 'not enough for what is wanted');
  assert.equal(rateAt(0.94), 0.95, 'until there is');
  assert.equal(rateAt(1), 1);
  assert.equal(rateAt(0.93), 1);
  edge.aim(0);
  const far = edge.decide(view(10_000, 5));
  assert.ok(Math.abs(far.seek - (10 - target)) < 1e-9);
  assert.equal(far.rate, 1);
  assert.equal(edge.decide(view(10_200, 5.2, [[0, 10.2]])).seek, undefined, 'not again at once');
});

test('a young connection is put where it belongs at once, an older one is led there', () => {
  const edge = new LiveEdge();
  edge.join();
  let now = 0;
  for (let i = 0; i < 50; i++) edge.arrived(i * FRAME, (i + 1) * FRAME, (now += 1));
  assert.equal(edge.isJoining(now), true);
  const { seek } = edge.decide(view(now, 0, [[0, 2]]));
  assert.ok(2 - seek <= 0.15 && 2 - seek > FRAME, `${seek}`);
  assert.equal(edge.decide(view(now + 50, 1.5, [[0, 2]])).seek, undefined, 'not in every millisecond');
  assert.notEqual(edge.decide(view(now + 200, 1.7, [[0, 2]])).seek, undefined);
  for (let i = 50; i < 52; i++) edge.arrived(i * FRAME, (i + 1) * FRAME, (now += 40));
  assert.equal(edge.isJoining(now + 499), true);
  assert.equal(edge.isJoining(now + 501), false);
  assert.equal(edge.decide(view(now + 800, 1.7, [[0, 2.08]])).seek, undefined);
  edge.hurry(now + 900);
  assert.notEqual(edge.decide(view(now + 1000, 1.7, [[0, 2.08]])).seek, undefined, 'unless it begins again');
});

test('a burst that comes slowly is a burst all the same', () => {
  const edge = new LiveEdge();
  edge.join();
  for (let i = 0; i < 100; i++) edge.arrived(i * FRAME, (i + 1) * FRAME, i * 15);
  assert.equal(edge.isJoining(1500), true);
  assert.ok(edge.target(1500) <= 0.15);
});

test('sound asks for more', () => {
  const edge = steady();
  const before = edge.target(10_000);
  edge.setSound(true);
  assert.ok(edge.target(10_000) > before + 0.1);
  edge.setSound(false);
  assert.equal(edge.target(10_000), before);
});

test('where the rate must not be changed it is not', () => {
  const edge = steady({ seeksOnly: true });
  assert.equal(edge.decide(view(10_000, 9.5)).rate, 1);
  assert.notEqual(edge.decide(view(10_000, 9.2)).seek, undefined);
});

test('before the first buffered picture it seeks there, at any time of day', () => {
  const edge = new LiveEdge();
  edge.join();
  edge.arrived(86_400, 86_400.04, 10);
  const { seek } = edge.decide(view(10, 0, [[86_400, 86_400.04]]));
  assert.ok(seek >= 86_400 && seek < 86_400.04);
});

test('playback that stands still some way before a hole jumps over it', () => {
  const edge = steady();
  const ranges = [[0, 10], [10.2, 10.5]];
  assert.equal(edge.decide(view(10_000, 9.8, ranges)).seek, undefined, 'it may still move');
  assert.ok(edge.decide(view(10_150, 9.8, ranges)).seek >= 10.2);
  assert.equal(edge.decide(view(10_000, 9.9, [[0, 10]])).seek, undefined);
});

test('a hole after an outage is jumped over, a live range is not left', () => {
  const edge = steady();
  const jumped = edge.decide(view(10_000, 4.0, [[0, 4.02], [60, 61]]));
  assert.ok(jumped.seek >= 60 && jumped.seek < 61);
  assert.equal(edge.decide(view(10_250, 3, [[0, 4.02]])).seek, undefined);
});

test('standing still with pictures at hand: stalled, nudged, given up', () => {
  const edge = steady();
  const at = (ms) => edge.decide(view(10_000 + ms, 9.5));
  assert.equal(at(0).stalled, false);
  assert.equal(at(1000).stalled, false);
  const nudged = at(1500);
  assert.equal(nudged.stalled, true);
  assert.ok(nudged.seek > 9.5);
  assert.equal(at(1750).seek, undefined, 'one nudge at a time');
  assert.equal(at(5250).giveUp, true);
});

test('standing still without pictures is a stall that no seek can end', () => {
  const edge = steady();
  edge.decide(view(10_000, 10));
  const answer = edge.decide(view(16_000, 10));
  assert.equal(answer.stalled, true);
  assert.equal(answer.giveUp, false);
  assert.equal(answer.seek, undefined);
});

test('a seek that never ends is given up', () => {
  const edge = steady();
  edge.decide(view(10_000, 9, [[0, 10]], true));
  assert.equal(edge.decide(view(14_000, 9, [[0, 10]], true)).giveUp, false);
  assert.equal(edge.decide(view(15_500, 9, [[0, 10]], true)).giveUp, true);
});

test('time spent hidden is no stall', () => {
  const edge = steady();
  edge.decide(view(10_000, 9.9));
  edge.excuse(70_000);
  assert.equal(edge.decide(view(70_100, 9.9)).stalled, false);
});

// ---- continuity

const piece = (sequence, { keyframe = false, start = sequence * FRAME } = {}) => ({ sequence, keyframe, start, end: start + FRAME });

test('a stream begins with a keyframe', () => {
  const continuity = new Continuity();
  assert.equal(continuity.judge(piece(9), true), 'skip');
  assert.equal(continuity.judge(piece(10, { keyframe: true }), true), 'append');
  assert.equal(continuity.judge(piece(11), true), 'append');
  assert.equal(continuity.missed, 0);
});

test('after a loss everything up to the next keyframe is left out and counted', () => {
  const continuity = new Continuity();
  continuity.judge(piece(10, { keyframe: true }), true);
  assert.equal(continuity.judge(piece(14), false), 'skip');
  assert.equal(continuity.judge(piece(15), false), 'skip');
  assert.equal(continuity.judge(piece(20, { keyframe: true }), false), 'append');
  assert.equal(continuity.missed, 9);
});

test('a new connection repeats the newest group of pictures: what was there is left out', () => {
  const continuity = new Continuity();
  for (let i = 0; i < 10; i++) continuity.judge(piece(i, { keyframe: i === 0 }), false);
  for (let i = 0; i < 10; i++) assert.equal(continuity.judge(piece(i, { keyframe: i === 0 }), true), 'skip');
  assert.equal(continuity.judge(piece(10), true), 'append');
  assert.equal(continuity.missed, 0);
});

test('a timeline that went back is a new one', () => {
  const continuity = new Continuity();
  for (let i = 1000; i < 1010; i++) continuity.judge(piece(i, { keyframe: i === 1000 }), false);
  assert.equal(continuity.judge(piece(1, { keyframe: true }), false), 'reset');
  continuity.reset();
  assert.equal(continuity.judge(piece(1, { keyframe: true }), false), 'append');
});

test('the sequence wraps at 32 bits', () => {
  const continuity = new Continuity();
  continuity.judge({ ...piece(0, { keyframe: true }), sequence: 0xffffffff, start: 0, end: 0.04 }, false);
  assert.equal(continuity.judge({ ...piece(0), sequence: 0, start: 5, end: 5.04 }, false), 'append');
  assert.equal(continuity.missed, 0);
});

test('what is not fetched on purpose is not missed', () => {
  const continuity = new Continuity();
  continuity.judge(piece(1, { keyframe: true }), false);
  continuity.expectKeyframe();
  assert.equal(continuity.judge(piece(500), true), 'skip');
  assert.equal(continuity.judge(piece(505, { keyframe: true }), true), 'append');
  assert.equal(continuity.missed, 0);
});

// ---- keyframes only

test('each keyframe is shown as soon as it is there, and playback hardly moves in between', () => {
  const edge = new KeyEdge();
  edge.join();
  assert.deepEqual(edge.decide(view(0, 0, [])), { rate: KEY_RATE, stalled: false });
  edge.arrived(100, 102);
  assert.equal(edge.decide(view(0, 0, [])).seek, undefined, 'it has not reached the browser');
  assert.equal(edge.decide(view(0, 0, [[100, 102]])).seek, 100);
  assert.equal(edge.decide(view(500, 100.05, [[100, 102]])).seek, undefined);
  edge.arrived(102, 104);
  assert.equal(edge.decide(view(2000, 100.2, [[100, 104]])).seek, 102);
  edge.arrived(105, 107); // later than expected
  assert.equal(edge.decide(view(5000, 102.3, [[100, 104], [105, 107]])).seek, 105);
  edge.arrived(106, 108); // sooner
  assert.equal(edge.decide(view(6000, 105.1, [[100, 104], [105, 108]])).seek, 106);
  assert.deepEqual([edge.newest, edge.step], [106, 2]);
});

test('a seek is left to finish, and what never shows anything is given up', () => {
  const edge = new KeyEdge();
  edge.arrived(100, 102);
  const ranges = [[100, 130]];
  assert.deepEqual(edge.decide(view(0, 100, ranges, true)), { rate: KEY_RATE, stalled: false, giveUp: false });
  edge.arrived(102, 104);
  assert.equal(edge.decide(view(2000, 100, ranges, true)).seek, undefined);
  assert.equal(edge.decide(view(14_999, 100, ranges, true)).giveUp, false);
  assert.equal(edge.decide(view(15_001, 100, ranges, true)).giveUp, true);
  assert.equal(edge.decide(view(15_100, 100, ranges)).seek, 102);
  assert.equal(edge.decide(view(16_000, 100, ranges, true)).giveUp, false);
});

// ---- words for people

test('a condition is never better than the truth', () => {
  const camera = { state: 'streaming', error: null };
  const away = { state: 'backoff', error: 'connection refused' };
  const name = (facts) => conditionOf({ camera, ...facts }).name;
  assert.equal(name({ state: 'playing' }), 'live');
  assert.equal(name({ state: 'playing', late: 3 }), 'late');
  assert.equal(name({ state: 'playing', frames: 'key' }), 'keyframes');
  assert.equal(name({ state: 'playing', frames: 'key', late: 3 }), 'late');
  assert.equal(lateness({ delay: 0, silence: 1.9, age: 3, step: 2 }, 0), 1);
  assert.equal(name({ state: 'stalled', late: 4 }), 'late');
  assert.equal(name({ state: 'connecting' }), 'connecting');
  assert.equal(name({ state: 'connecting', lost: true }), 'connecting'); // there was no connection yet
  assert.equal(name({ state: 'reconnecting', camera: away }), 'reconnecting');
  assert.equal(name({ state: 'playing', camera: away }), 'offline');
  assert.equal(name({ state: 'buffering', camera: away }), 'offline');
  assert.equal(name({ state: 'failed', message: 'no' }), 'failed');
  assert.equal(name({ state: 'stopped' }), 'idle');
  const dialled = { state: 'starting', error: 'no such stream' };
  assert.equal(name({ state: 'playing', camera: dialled }), 'live', 'a short break is not seen');
  assert.equal(name({ state: 'stalled', camera: dialled }), 'offline');
  assert.equal(name({ state: 'buffering', camera: dialled }), 'offline');
  assert.equal(name({ state: 'buffering', camera: { state: 'starting', error: null } }), 'connecting');
  assert.equal(name({ state: 'buffering', camera: { state: 'idle', error: null } }), 'connecting', 'a camera on demand wakes');
  assert.equal(conditionOf({ state: 'stalled', camera: away }).text, 'The camera cannot be reached');
  for (const [close, label] of [[4403, 'Not allowed here'], [4404, 'No such camera'], [4410, 'No such stream']]) {
    assert.deepEqual(['name', 'label'].map((key) => conditionOf({ state: 'reconnecting', camera, close })[key]), ['offline', label]);
  }
  const large = { state: 'streaming', error: 'a keyframe is larger than a quarter of the ring' };
  assert.equal(conditionOf({ state: 'connecting', camera: large }).text, 'Waiting for a whole picture');
  assert.match(conditionOf({ state: 'stalled', camera: away, awaySince: new Date() }).label, /^Offline since \d\d:\d\d$/);
  assert.equal(conditionOf({ state: 'stalled', camera, late: 4.4 }).label, 'Late by 4 s');
});

// ---- scopes

test('a scope undoes everything, newest first, once, and takes nothing more', () => {
  const order = [];
  const scope = new Scope();
  scope.add(() => order.push('first'));
  const release = scope.add(() => order.push('released'));
  scope.child().add(() => order.push('child'));
  scope.add(() => order.push('last'));
  release();
  release();
  scope.close();
  scope.close();
  scope.add(() => order.push('too late'));
  assert.deepEqual(order, ['released', 'last', 'child', 'first', 'too late']);
  assert.equal(scope.size, 0);
});

test('a scope’s child, timer or listener that is gone is forgotten', async () => {
  const scope = new Scope();
  const target = new EventTarget();
  const child = scope.child();
  child.listen(target, 'x', () => assert.fail('it was closed'));
  child.close();
  assert.equal(scope.size, 0);
  await new Promise((resolve) => scope.timeout(1, resolve));
  assert.equal(scope.size, 0);
  target.dispatchEvent(new Event('x'));
  scope.close();
  scope.timeout(0, () => assert.fail('it was closed'));
  scope.interval(1, () => assert.fail('it was closed'));
  scope.listen(target, 'x', () => assert.fail('it was closed'));
  target.dispatchEvent(new Event('x'));
});

test('one thing that cannot be undone does not keep the rest', () => {
  const reported = [];
  globalThis.reportError = (error) => reported.push(error.message);
  const scope = new Scope();
  let undone = false;
  scope.add(() => (undone = true));
  scope.add(() => {
    throw new Error('stuck');
  });
  scope.close();
  delete globalThis.reportError;
  assert.equal(undone, true);
  assert.deepEqual(reported, ['stuck']);
});
