// SPDX-License-Identifier: MIT
// Which of two streams a link gets through: the state machine, in its own time.
import assert from 'node:assert/strict';
import test from 'node:test';
import { lateness } from '../../player/src/player/condition.js';
import { LinkChoice } from '../../player/src/player/link-choice.js';

class Link {
  now = 1000;
  trials = []; // when they began, in seconds
  choice = new LinkChoice();

  /** SECONDS in which the shown stream, and the one that is tried, are so late; `drops`: a gap each so many seconds. */
  pass(seconds, { late = 0.3, drops = 0, tried = 0.3, triedDrops = false } = {}) {
    for (let i = 1; i <= seconds; i++) {
      this.now += 1000;
      if (drops && i % drops === 0) this.choice.dropped(this.now);
      const before = this.choice.trying;
      this.choice.report(this.now, late);
      if (!before && this.choice.trying) this.trials.push(this.now / 1000);
      if (this.choice.trying) this.choice.tried(this.now, { late: tried, dropped: triedDrops });
    }
    return this.choice;
  }
}

test('a good link keeps the large stream, a hiccup too', () => {
  const link = new Link();
  assert.equal(link.pass(600).stream, 'main');
  assert.equal(link.pass(3, { late: 9 }).stream, 'main');
  assert.equal(link.pass(60).stream, 'main');
  assert.equal(link.pass(120, { drops: 15 }).stream, 'main', 'a gap now and then');
});

test('pictures that stay late, and gaps that go on, mean the small stream', () => {
  assert.equal(new Link().pass(4, { late: 3 }).stream, 'sub');
  assert.equal(new Link().pass(12, { drops: 4 }).stream, 'sub');
});

test('pictures that seem hours old are a clock that was set', () => {
  assert.equal(new Link().pass(60, { late: 3600 }).stream, 'main');
});

test('the large stream is tried after times that grow, and comes back when it gets through', () => {
  const link = new Link();
  link.pass(4, { late: 5 });
  link.pass(3000, { triedDrops: true });
  assert.equal(link.choice.stream, 'sub');
  const waits = link.trials.slice(1).map((at, i) => at - link.trials[i]);
  assert.deepEqual(waits.slice(0, 6), [60, 120, 240, 480, 600, 600], 'seconds between two trials');
  link.pass(1200);
  assert.equal(link.choice.stream, 'main', 'the link is good again');
});

test('a trial ends when the small stream suffers', () => {
  const link = new Link();
  link.pass(4, { late: 5 });
  while (!link.choice.trying) link.pass(1);
  link.pass(1, { late: 4, tried: 4 });
  assert.equal(link.choice.trying, false);
  assert.equal(link.choice.stream, 'sub');
});

test('a link that is good only for a moment does not flap', () => {
  const link = new Link();
  let changes = 0;
  let shown = 'main';
  for (let second = 0; second < 3600; second++) {
    const { stream } = link.pass(1, link.choice.stream === 'main' ? { late: 4 } : {});
    if (stream !== shown) changes++;
    shown = stream;
  }
  assert.ok(changes >= 4 && changes <= 24, `${changes} changes in an hour`);
});

test('lateness is that of the worst figure', () => {
  assert.equal(lateness({ delay: 0.2, silence: 0.1, age: 12 }, 0), 12);
  assert.equal(lateness({ delay: 3, silence: 0.1, age: null }, 0), 3);
  assert.equal(lateness({ delay: 5.2, silence: 0.1, age: 5.4 }, 5), 5.4 - 5);
  assert.equal(lateness({ delay: null, silence: 7, age: null }, 0), 7);
});
