// SPDX-License-Identifier: MIT
// What the judge of the soak finds, and what it does not take for growth.
import assert from 'node:assert/strict';
import test from 'node:test';
import { generator } from '../support/random.mjs';
import { judge, slopeOf } from './judge.mjs';

const HOUR = 3600;
const DAY = 86_400;
const EVERY_S = 10;
const SEEDS = 60;
const RULES = { limit: 1000, warmUp: 300, length: 2 * HOUR };

/** Normal numbers from a generator of even ones. */
function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A life from BEGIN to END seconds of what VALUE(seconds since its begin) says. */
function life(begin, end, value) {
  const samples = [];
  for (let at = begin; at < end; at += EVERY_S) samples.push([at, value(at - begin)]);
  return samples;
}

const judged = (lives, rules = {}) => judge({ ...RULES, ...rules, lives });
const timesGrown = (make) => Array.from({ length: SEEDS }, (_, seed) => judged(make(generator(seed + 1)))).filter(({ grows }) => grows).length;

test('a leak of known slope is found, and its size is within the bounds', () => {
  const random = generator(1);
  const leak = 5000; // a day; the noise is as large as what comes of it in half an hour
  const { grows, perDay, low, high } = judged([life(0, 2 * HOUR, (t) => 3000 + (leak * t) / DAY + 100 * normal(random))]);
  assert.ok(grows);
  assert.ok(low < leak && leak < high, `${low} … ${high}`);
  assert.ok(Math.abs(perDay - leak) < leak / 4, `${perDay}`);
});

test('a leak in steps, as allocators show it, is found', () => {
  assert.ok(judged([life(0, 2 * HOUR, (t) => 3000 + 128 * Math.floor(t / 900))]).grows);
});

test('noise is not growth, also not when each value is like the one before', () => {
  assert.ok(timesGrown((random) => [life(0, 2 * HOUR, () => 3000 + 200 * normal(random))]) <= SEEDS / 20);
  const alike = (random) => {
    let rest = 0;
    return [life(0, 2 * HOUR, () => 3000 + (rest = 0.99 * rest + 20 * normal(random)))];
  };
  assert.ok(timesGrown(alike) <= SEEDS / 20, `${timesGrown(alike)}`);
});

test('one step, one spike and what is made at first are not growth', () => {
  for (const part of [0.2, 0.5, 0.8]) {
    assert.ok(!judged([life(0, 2 * HOUR, (t) => (t < part * 2 * HOUR ? 3000 : 9000))]).grows, `a step after ${part}`);
  }
  assert.ok(!judged([life(0, 2 * HOUR, (t) => (t > HOUR && t < HOUR + 300 ? 90_000 : 3000))]).grows);
  assert.ok(!judged([life(0, 2 * HOUR, (t) => 3000 - 2000 * Math.exp(-t / 30))]).grows);
});

test('lives are judged one by one: another level after a restart is not growth, and growth in each life is', () => {
  const levels = [3000, 4000, 5000, 9000];
  const flat = levels.map((level, i) => life(i * 1800, (i + 1) * 1800, () => level));
  const verdict = judged(flat);
  assert.deepEqual([verdict.grows, verdict.perDay], [false, 0]);
  const leaking = levels.reverse().map((level, i) => life(i * 1800, (i + 1) * 1800, (t) => level + (5000 * t) / DAY));
  const found = judged(leaking);
  assert.ok(found.grows);
  assert.ok(Math.abs(found.perDay - 5000) < 1, `${found.perDay}`);
});

test('growth below the limit passes, and so does what shrinks', () => {
  assert.ok(!judged([life(0, 2 * HOUR, (t) => (900 * t) / DAY)]).grows);
  assert.ok(!judged([life(0, 2 * HOUR, (t) => 3000 - (5000 * t) / DAY)]).grows);
  assert.ok(judged([life(0, 2 * HOUR, (t) => (1100 * t) / DAY)]).grows);
});

test('too little says nothing', () => {
  assert.equal(judged([]), null);
  assert.equal(judged([life(0, 310, () => 1)]), null);
  assert.equal(slopeOf([[[0, 1]], [[5, 2]]]), null);
  const { low, high } = slopeOf([Array.from({ length: 4 }, (_, i) => [i, i]), Array.from({ length: 4 }, (_, i) => [i, -i])]);
  assert.ok(low < 0 && high > 0);
});
