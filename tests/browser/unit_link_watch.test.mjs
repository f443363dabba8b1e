// SPDX-License-Identifier: MIT
// What an element does that may choose its stream: it looks whether there is a small one before it changes to it, and whether the
// large one gets through before it goes back. The players are fakes; the clock is the test's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LinkWatch } from '../../player/src/player/link-watch.js';
import { Scope } from '../../player/src/player/scope.js';
import { mockTimers, tick } from './support/clock.mjs';

const NO_CAMERA = 4404;

class FakePlayer extends EventTarget {
  targetDelay = 0;
  started = false;

  start() {
    this.started = true;
  }

  say(type, detail) {
    this.dispatchEvent(Object.assign(new Event(type), { detail }));
  }

  stats(late) {
    this.say('stats', { delay: late, age: late, silence: 0 });
  }
}

/** An element's part: the player in front, and those out of sight. */
class Bench {
  condition = 'live';
  opened = []; // { stream, player, scope }
  changes = [];

  constructor(context) {
    mockTimers(context, ['setTimeout']);
    context.mock.method(performance, 'now', () => this.now);
    this.context = context;
    this.now = 1000;
    this.watch = new LinkWatch({
      open: (stream, scope) => {
        const player = new FakePlayer();
        this.opened.push({ stream, player, scope });
        return player;
      },
      change: (stream) => {
        this.changes.push(stream);
        this.#follow();
      },
    });
    this.#follow();
  }

  #follow() {
    this.front?.scope.close();
    this.front = { player: new FakePlayer(), scope: new Scope() };
    this.watch.follow(this.front.player, this.front.scope, () => this.condition);
  }

  get trial() {
    return this.opened.find(({ scope }) => !scope.closed) ?? null;
  }

  pass(seconds, late, tried = late) {
    for (let i = 0; i < seconds; i++) {
      this.now += 1000;
      tick(this.context, 1000);
      this.front.player.stats(late);
      if (this.trial?.stream === 'main') this.trial.player.stats(tried);
    }
  }

  end() {
    this.watch.close();
    assert.equal(this.trial, null, 'nothing plays on');
  }
}

function bench(name, body) {
  test(name, (context) => {
    const one = new Bench(context);
    try {
      body(one);
    } finally {
      one.end();
    }
  });
}

function toSub(one) {
  one.pass(4, 5);
  one.trial.player.say('firstpicture', { seconds: 0.2 });
  assert.deepEqual(one.changes, ['sub']);
}

bench('the small stream is shown when it has a picture, and not before', (one) => {
  one.pass(30, 0.2);
  assert.equal(one.trial, null);
  one.pass(4, 5);
  assert.equal(one.trial.stream, 'sub');
  assert.ok(one.trial.player.started);
  assert.equal(one.watch.stream, 'main');
  one.trial.player.say('firstpicture', { seconds: 0.2 });
  assert.equal(one.watch.stream, 'sub');
  assert.deepEqual(one.changes, ['sub']);
  assert.equal(one.trial, null);
});

bench('gaps that the server tells of count, those of the browser do not', (one) => {
  for (let i = 0; i < 6; i++) {
    one.front.player.say('drop', { by: 'browser', fragments: 20 });
    one.pass(1, 0.2);
  }
  assert.equal(one.trial, null);
  for (let i = 0; i < 3; i++) {
    one.front.player.say('drop', { by: 'server', fragments: 20 });
    one.pass(1, 0.2);
  }
  assert.equal(one.trial.stream, 'sub');
});

bench('a camera without a small stream keeps the large one, and is asked again only much later', (one) => {
  one.pass(4, 5);
  one.trial.player.say('statechange', { state: 'reconnecting', close: NO_CAMERA });
  assert.equal(one.trial, null);
  one.pass(500, 5);
  assert.equal(one.opened.length, 1);
  assert.equal(one.watch.stream, 'main');
  one.pass(120, 5);
  assert.equal(one.opened.length, 2);
});

bench('a small stream that brings no picture is let go', (one) => {
  one.pass(4, 5);
  assert.ok(one.trial);
  one.pass(15, 5);
  assert.equal(one.trial, null);
  one.pass(90, 5);
  assert.equal(one.opened.length, 2, 'and looked for again a minute later');
});

bench('the large stream comes back when it gets through out of sight', (one) => {
  toSub(one);
  one.pass(29, 0.2);
  assert.equal(one.trial, null);
  one.pass(3, 0.2);
  assert.equal(one.trial.stream, 'main');
  one.pass(10, 0.2);
  assert.deepEqual(one.changes, ['sub', 'main']);
  assert.equal(one.trial, null);
});

bench('a large stream that does not get through is not shown', (one) => {
  toSub(one);
  one.pass(31, 0.2);
  assert.equal(one.trial.stream, 'main');
  one.trial.player.say('drop', { by: 'server', fragments: 20 });
  one.pass(1, 0.2);
  assert.equal(one.trial, null);
  one.pass(31, 0.2);
  assert.equal(one.trial, null, 'it is tried again later than the first time');
  one.pass(31, 0.2);
  assert.equal(one.trial.stream, 'main');
  one.trial.player.say('statechange', { state: 'reconnecting' });
  assert.equal(one.trial, null);
  assert.deepEqual(one.changes, ['sub']);
});

bench('a camera that is away says nothing about the link', (one) => {
  one.condition = 'offline';
  one.pass(60, 30);
  assert.equal(one.trial, null);
});

bench('a page that is hidden ends what is tried', (one) => {
  one.pass(4, 5);
  one.trial.player.say('statechange', { state: 'idle', reason: 'hidden' });
  assert.equal(one.trial, null);
  one.pass(4, 5);
  assert.equal(one.trial.stream, 'sub', 'and it is looked for again at once');
});
