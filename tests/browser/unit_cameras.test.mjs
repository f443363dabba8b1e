// SPDX-License-Identifier: MIT
// The list of cameras: told while that works, asked for while it does not, and what a log-in that has ended does to both.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { CameraList } from '../../player/src/wall/cameras.js';
import { mockTimers, tick } from './support/clock.mjs';
import { FakeSocket, fakePage, settled } from './support/fakes.mjs';

const LIST = { cameras: [{ name: 'front' }], groups: [] };
const LOG_IN = 4401;

let page;
beforeEach(() => {
  page = fakePage();
  Object.assign(page.network, { status: 200, body: LIST });
});

/** A list that is open, and a clock that only the test moves. */
class Stand {
  lists = 0;
  events = [];
  refusals = 0;
  #now = 0;

  constructor(context) {
    mockTimers(context, ['setTimeout', 'setInterval']);
    context.mock.method(performance, 'now', () => this.#now);
    this.context = context;
    this.list = new CameraList({
      onlist: () => this.lists++,
      onevent: (event) => this.events.push(event),
      onerror: () => {},
      onrefused: () => this.refusals++,
    });
    this.list.open();
  }

  get asked() {
    return page.network.requests.length;
  }

  async pass(ms) {
    for (let rest = ms; rest > 0; rest -= 250) {
      this.#now += Math.min(rest, 250);
      tick(this.context, Math.min(rest, 250));
      await settled();
    }
  }

  close() {
    this.list.close();
    assert.deepEqual([page.document.listeners, page.window.listeners, FakeSocket.live.length, page.network.pending], [0, 0, 0, 0]);
    assert.ok(FakeSocket.all.every(({ handlers }) => handlers === 0));
  }
}

test('once it is told the list is not asked for, and events come', async (context) => {
  const it = new Stand(context);
  await settled();
  assert.deepEqual([it.lists, FakeSocket.all.length], [1, 0], 'the connection for the pictures comes first');
  await it.pass(500);
  assert.equal(FakeSocket.last.url.href, 'ws://server/api/events');
  FakeSocket.last.receive(JSON.stringify(LIST));
  FakeSocket.last.receive('{');
  FakeSocket.last.receive(JSON.stringify({ event: { camera: 'front' } }));
  await it.pass(40_000);
  assert.deepEqual([it.lists, it.asked, it.events], [2, 1, [{ camera: 'front' }]]);
  it.close();
});

test('where nobody is told it goes on to be asked for, and is tried to be told more and more seldom', async (context) => {
  const it = new Stand(context);
  await settled();
  const tries = () => FakeSocket.all.length;
  const within = async (ms) => {
    const before = tries();
    for (let rest = ms; rest > 0; rest -= 250) {
      for (const socket of FakeSocket.live) socket.drop();
      await it.pass(250);
    }
    return tries() - before;
  };
  const [first, ...later] = [await within(30_000), await within(60_000), await within(60_000), await within(60_000)];
  assert.ok(first >= 3, `${first} tries in half a minute`);
  assert.ok(later.every((count) => count <= 2), `${later} tries in a minute each`);
  assert.ok(it.asked >= 60, 'every three seconds');
  it.close();
});

test('after a log-in it is told again at once, however often that has failed before', async (context) => {
  const it = new Stand(context);
  await settled();
  for (let i = 0; i < 36; i++) { // to a browser the refusal of a visitor whose log-in has ended looks like any failure
    for (const socket of FakeSocket.live) socket.drop();
    await it.pass(3000);
  }
  page.network.status = 401;
  await it.pass(3000);
  assert.equal(it.refusals, 1);
  const { length } = FakeSocket.all;
  const { asked } = it;
  await it.pass(5000);
  assert.deepEqual([FakeSocket.all.length, it.asked], [length, asked], 'nobody is asked before the log-in');
  page.network.status = 200;
  it.list.ask();
  await settled();
  assert.equal(FakeSocket.all.length, length + 1);

  FakeSocket.last.receive(JSON.stringify(LIST));
  FakeSocket.last.drop(LOG_IN, 'log in again: expired');
  assert.equal(it.refusals, 2);
  it.list.ask();
  await settled();
  assert.equal(FakeSocket.all.length, length + 2);
  it.close();
});

test('a server that is silent for long is left, and a page that cannot be seen neither asks nor follows', async (context) => {
  const it = new Stand(context);
  await settled();
  await it.pass(500);
  FakeSocket.last.receive(JSON.stringify(LIST));
  const [first] = FakeSocket.all;
  await it.pass(50_500);
  assert.equal(first.closed, true);
  assert.ok(it.asked >= 2);
  page.hide(true);
  const { asked } = it;
  await it.pass(20_000);
  assert.deepEqual([it.asked, FakeSocket.live.length], [asked, 0]);
  page.hide(false);
  await settled();
  assert.equal(it.asked, asked + 1);
  it.close();
});
