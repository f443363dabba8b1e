// SPDX-License-Identifier: MIT
// Players of a page that is too slow for them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conditionOf } from '../../player/src/player/condition.js';
import { PAUSE_MS, SEVERAL, Strain } from '../../player/src/player/strain.js';

test('one that stands begins again, and the next one after a pause', () => {
  const strain = new Strain();
  strain.enter('a');
  strain.note('a', true);
  assert.equal(strain.mayRebuild(0), true);
  assert.equal(strain.mayRebuild(PAUSE_MS - 1), false);
  assert.equal(strain.mayRebuild(PAUSE_MS), true);
});

test('none begins again while several stand, and it is said of how many the page has', () => {
  const strain = new Strain();
  const players = ['a', 'b', 'c', 'd', 'e'];
  const leaves = players.map((player) => strain.enter(player));
  for (const player of players.slice(0, SEVERAL)) strain.note(player, true);
  assert.equal(strain.mayRebuild(0), false);
  assert.equal(strain.tooMany, players.length);
  const facts = { state: 'stalled', camera: { state: 'streaming', error: null }, tooMany: strain.tooMany };
  assert.deepEqual(conditionOf(facts), { name: 'late', label: 'Too slow', text: 'This computer is too slow for 5 pictures' });
  strain.note('a', false);
  assert.equal(strain.tooMany, 0);
  assert.equal(strain.mayRebuild(0), true);
  strain.note('a', true);
  leaves[0](); // who has gone stands no more
  assert.equal(strain.tooMany, 0);
});

test('those that have lost their decoders come one after the other', () => {
  const strain = new Strain();
  assert.deepEqual([0, 0, 10].map((now) => strain.turn(now)), [0, PAUSE_MS, 2 * PAUSE_MS - 10]);
  assert.equal(strain.turn(100_000), 0);
});
