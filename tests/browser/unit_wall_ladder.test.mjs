// SPDX-License-Identifier: MIT
// How far down the ladder tiles are, and what counts as too much for a page: without a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FEW, FULL, KEY, Ladder, SMALL, STILL, stepsDown } from '../../player/src/wall/wall-ladder.js';
import { Load } from '../../player/src/wall/wall-load.js';

const tiles = (count, small = false) => Array.from({ length: count }, (_, i) => ({ name: `cam${i}`, large: i === 0, small }));
const count = (rungs, rung) => [...rungs.values()].filter((each) => each === rung).length;

/** A ladder whose clock is its seconds. */
function running(ladder) {
  let now = 0;
  return (strained, seconds = 1) => {
    let changes = 0;
    for (let i = 0; i < seconds; i++) changes += ladder.second((now += 1000), strained);
    return changes;
  };
}

test('the least important tile is the first to go down, and the large one stays', () => {
  const steps = stepsDown([{ name: 'hero', large: true, small: true }, { name: 'b', small: true }, { name: 'c' }, { name: 'd', small: true }]);
  assert.deepEqual(steps.map(({ name, rung }) => `${name} ${rung}`), ['d small', 'b small', 'd key', 'c key', 'b key']);
});

test('a page that is strained for seconds goes down, and up again when it is calm', () => {
  const ladder = new Ladder();
  ladder.arrange(tiles(16));
  const pass = running(ladder);
  assert.equal(pass(false, 60), 0);
  assert.equal(pass(true, 2), 0, 'a moment is not enough');
  assert.equal(pass(true), 1);
  assert.equal(count(ladder.rungs, KEY), 4);
  assert.equal(ladder.rungs.get('cam15'), KEY);
  assert.equal(ladder.rungs.get('cam11'), FULL);
  assert.equal(pass(true, 4), 0, 'a step is given time');
  assert.ok(pass(true, 60) >= 4, 'further down until nothing is left');
  assert.equal(count(ladder.rungs, KEY), 15);
  assert.equal(ladder.rungs.get('cam0'), FULL);
  pass(false, 300);
  assert.equal(count(ladder.rungs, FULL), 16);
});

test('small streams come before keyframes', () => {
  const ladder = new Ladder();
  ladder.arrange(tiles(16, true));
  const pass = running(ladder);
  pass(true, 3);
  assert.deepEqual([count(ladder.rungs, SMALL), count(ladder.rungs, KEY)], [8, 0]);
  pass(true, 60);
  assert.deepEqual([count(ladder.rungs, SMALL), count(ladder.rungs, KEY)], [0, 15]);
});

test('no tile loses its stream before all show keyframes only; then the least important one does first', () => {
  const ladder = new Ladder();
  const stills = tiles(16).map((tile) => ({ ...tile, still: tile.name !== 'cam15' }));
  ladder.arrange(stills);
  const pass = running(ladder);
  for (let second = 0; count(ladder.rungs, KEY) < 15 && second < 100; second++) pass(true);
  assert.deepEqual([count(ladder.rungs, KEY), count(ladder.rungs, STILL)], [15, 0], 'all of them');
  pass(true, 5);
  assert.deepEqual([...ladder.rungs].filter(([, rung]) => rung === STILL).map(([name]) => name), ['cam11', 'cam12', 'cam13', 'cam14'], 'cam15 has no pictures');
  pass(true, 60);
  assert.deepEqual([count(ladder.rungs, STILL), ladder.rungs.get('cam15'), ladder.rungs.get('cam0')], [14, KEY, FULL]);
  ladder.arrange(stills.slice(0, 15));
  assert.equal(count(ladder.rungs, STILL), 14, 'as much as before');
  pass(false, 300);
  assert.equal(count(ladder.rungs, FULL), 15);
});

test('pictures that the server learns to make change nothing by themselves', () => {
  const ladder = new Ladder();
  ladder.arrange(tiles(16));
  running(ladder)(true, 60);
  assert.equal(count(ladder.rungs, KEY), 15);
  ladder.arrange(tiles(16).map((tile) => ({ ...tile, still: true })));
  assert.deepEqual([count(ladder.rungs, KEY), count(ladder.rungs, STILL)], [15, 0]);
  assert.ok(count(new Ladder().arrange(tiles(200).map((tile) => ({ ...tile, still: true }))), STILL) === 0, 'a page of many begins with keyframes');
});

test('what was too much is tried again later each time', () => {
  const ladder = new Ladder();
  ladder.arrange(tiles(16));
  const pass = running(ladder);
  pass(true, 3);
  const waits = [];
  for (let round = 0; round < 4; round++) {
    let waited = 0;
    while (pass(false) === 0) waited++;
    waits.push(waited);
    while (pass(true) === 0);
  }
  for (let i = 1; i < waits.length; i++) assert.ok(waits[i] > 1.5 * waits[i - 1], `${waits}`);
});

test('a page of many begins with keyframes for most; one of few is left alone', () => {
  const many = new Ladder();
  const rungs = many.arrange(tiles(200));
  assert.ok(count(rungs, FULL) >= 32 && count(rungs, FULL) <= 64, `${count(rungs, FULL)} in full`);
  assert.equal(rungs.get('cam199'), KEY);
  running(many)(false, 600);
  assert.equal(count(many.rungs, FULL), 200);
  const few = new Ladder();
  few.arrange(tiles(FEW));
  assert.equal(running(few)(true, 60), 0);
  assert.equal(count(few.rungs, FULL), FEW);
});

test('another arrangement keeps the share that is down, and what was before the page was hidden is forgotten', () => {
  const ladder = new Ladder();
  ladder.arrange(tiles(17));
  const pass = running(ladder);
  pass(true, 3);
  assert.equal(ladder.taken, 4);
  ladder.arrange(tiles(33));
  assert.equal(ladder.taken, 8);
  ladder.arrange([]);
  ladder.arrange(tiles(17));
  assert.equal(ladder.taken, 0);
  pass(true, 2);
  ladder.forget();
  assert.equal(pass(true, 2), 0);
});

test('many tiles that come at once do not all begin in full, whatever was shown before', () => {
  const ladder = new Ladder();
  for (const fewer of [4, 17]) {
    ladder.arrange(tiles(fewer));
    assert.equal(ladder.taken, 0);
    assert.ok(count(ladder.arrange(tiles(200)), FULL) <= 64, `after ${fewer}`);
    ladder.arrange(tiles(4));
  }
  ladder.arrange(tiles(200));
  running(ladder)(false, 600);
  assert.equal(count(ladder.arrange(tiles(201)), FULL), 200, 'what the page bore it goes on to bear');
});

const fine = { delay: 0.2, target: 0.3, framesDecoded: 0, framesDropped: 0, tooMany: 0 };

test('too much is what players, the thread or the decoders cannot do', () => {
  const load = new Load();
  const [a, b] = [{}, {}];
  assert.equal(load.judge(16), false, 'nothing happened');
  load.report('a', a, { ...fine, delay: 3 }, 0);
  assert.equal(load.judge(16), false, 'one that is behind has its own reasons');
  load.report('a', a, { ...fine, delay: 3 }, 0);
  load.report('b', b, { ...fine, delay: 3 }, 0);
  assert.equal(load.judge(16), true, 'two are behind although their pictures are there');
  load.report('a', a, { ...fine, delay: 3 }, 3);
  load.report('b', b, { ...fine, delay: 3, target: 2.5 }, 0);
  assert.equal(load.judge(16), false, 'they are where they should be');
  load.report('a', a, { ...fine, tooMany: 16 }, 0);
  assert.equal(load.judge(16), true, 'several stand still');
  load.took(60);
  load.took(300);
  assert.equal(load.judge(16), false);
  load.took(650);
  assert.equal(load.judge(16), true, 'the thread was taken');
  load.report('a', a, { ...fine, framesDecoded: 100, framesDropped: 0 }, 0);
  load.judge(16);
  load.report('a', a, { ...fine, framesDecoded: 200, framesDropped: 10 }, 0);
  assert.equal(load.judge(16), false);
  load.report('a', a, { ...fine, framesDecoded: 300, framesDropped: 60 }, 0);
  assert.equal(load.judge(16), true, 'half of the pictures were dropped');
  load.report('a', {}, { ...fine, framesDecoded: 900, framesDropped: 800 }, 0);
  assert.equal(load.judge(16), false, 'another video counts from its own beginning');
});
