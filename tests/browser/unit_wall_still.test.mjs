// SPDX-License-Identifier: MIT
// A still picture in the place of a stream: when the server is asked for it, what a tile says meanwhile, and that nothing is left. Without a browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scope } from '../../player/src/player/scope.js';
import { Still, Turns } from '../../player/src/wall/wall-still.js';
import { mockTimers, tick } from './support/clock.mjs';
import { Target, fakePage } from './support/fakes.mjs';

const ROW = { state: 'streaming', poster: '/snapshot/gate.jpg?stream=sub' };
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A canvas, a server that answers as a test says, and counts of what is held. */
class Stand {
  answers = []; // each a status, or { status, tag, age }
  asked = []; // { url, headers of the answer }
  bitmaps = 0; // that are in memory and not on the canvas
  painted = 0;
  changes = 0;
  scope = new Scope();
  #now = 0;

  constructor(context, { turns = new Turns(2) } = {}) {
    fakePage();
    mockTimers(context, ['setTimeout']);
    context.mock.method(performance, 'now', () => this.#now);
    this.context = context;
    Object.defineProperty(globalThis, 'document', { value: Object.assign(new Target(), { hidden: false }), configurable: true });
    globalThis.fetch = (url, { signal, cache }) => this.#answer(url, signal, cache);
    globalThis.createImageBitmap = async () => {
      this.bitmaps++;
      return { width: 160, height: 90, close: () => this.bitmaps-- };
    };
    this.canvas = { hidden: true, width: 0, height: 0, getContext: () => ({ setTransform: () => {}, drawImage: () => this.painted++ }) };
    this.still = new Still(this.canvas, this.scope, () => this.changes++, turns);
    this.still.width = 150;
    this.still.row = ROW;
  }

  #answer(url, signal, cache) {
    const next = this.answers.shift() ?? 200;
    const { status, tag = null, age = 0.5, hang = false } = typeof next === 'number' ? { status: next } : next;
    this.asked.push(url);
    assert.equal(cache, 'no-cache');
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')));
      if (hang) return;
      if (status === 0) reject(new TypeError('no network'));
      const headers = new Map([['ETag', tag], ['Ringcast-Picture-Age', String(age)]]);
      resolve({ status, headers: { get: (name) => headers.get(name) }, body: { cancel: async () => {} }, blob: async () => ({}) });
    });
  }

  async pass(ms) {
    this.#now += ms;
    tick(this.context, ms);
    for (let i = 0; i < 4; i++) await settle();
  }

  /** Closes everything, and looks whether anything is left. */
  async end() {
    this.scope.close();
    await this.pass(60_000);
    assert.equal(this.scope.size, 0);
    assert.equal(document.listeners, 0);
    assert.equal(this.bitmaps, 0);
    assert.deepEqual([this.canvas.width, this.canvas.height, this.canvas.hidden], [0, 0, true], 'the picture’s memory');
  }
}


test('a picture is asked for at once, and again every three seconds; the stream is needed until it is there', async (context) => {
  const it = new Stand(context);
  assert.equal(it.asked.length, 0);
  it.still.wanted = true;
  assert.deepEqual([it.still.settled, it.still.condition], [false, null]);
  await it.pass(0);
  assert.deepEqual(it.asked, ['snapshot/gate.jpg?stream=sub&width=160']);
  assert.deepEqual([it.still.settled, it.still.condition.name, it.painted], [true, 'still', 1]);
  assert.equal(it.still.age, 0.5);
  assert.equal(it.still.picture, it.canvas);
  await it.pass(2999);
  assert.equal(it.asked.length, 1);
  await it.pass(1);
  assert.deepEqual([it.asked.length, it.painted, it.changes], [2, 2, 2]);
  await it.end();
});

test('the picture that is shown is not painted again, and its age is the server’s', async (context) => {
  const it = new Stand(context);
  it.answers = [{ status: 200, tag: '"a"', age: 1 }, { status: 200, tag: '"a"', age: 4 }, { status: 200, tag: '"b"', age: 0.2 }];
  it.still.wanted = true;
  await it.pass(0);
  await it.pass(3000);
  assert.deepEqual([it.painted, it.still.age], [1, 4]);
  await it.pass(3000);
  assert.deepEqual([it.painted, it.still.age], [2, 0.2]);
  await it.end();
});

test('where the server has none there are words, and the picture when it comes', async (context) => {
  const it = new Stand(context);
  it.answers = [503, 0, 200];
  it.still.wanted = true;
  await it.pass(0);
  assert.equal(it.still.settled, false, 'once is not enough');
  await it.pass(10_000);
  assert.deepEqual([it.still.settled, it.still.condition.name, it.still.condition.label], [true, 'unseen', 'No picture']);
  assert.equal(it.still.picture, null);
  await it.pass(10_000);
  assert.equal(it.still.condition.name, 'still');
  await it.end();
});

test('an old picture is not passed off as a new one: after two failures there are words over it', async (context) => {
  const it = new Stand(context);
  it.answers = [200, 503, 503];
  it.still.wanted = true;
  await it.pass(0);
  await it.pass(3000);
  assert.equal(it.still.condition.name, 'still');
  await it.pass(10_000);
  assert.equal(it.still.condition.name, 'unseen');
  assert.equal(it.still.picture, it.canvas, 'the last picture is there, dimmed');
  await it.end();
});

test('a log-in that has ended, a camera that is not there any more, and one that is away are said in their words', async (context) => {
  const it = new Stand(context);
  it.answers = [200, 401, 404];
  it.still.wanted = true;
  await it.pass(0);
  await it.pass(3000);
  assert.equal(it.still.condition.name, 'unauthorized');
  await it.pass(10_000);
  assert.deepEqual([it.still.condition.name, it.still.condition.label], ['offline', 'No such camera']);
  const asked = it.asked.length;
  it.still.row = { ...ROW, state: 'backoff' };
  assert.match(it.still.condition.label, /^Offline since /);
  await it.pass(60_000);
  assert.equal(it.asked.length, asked, 'nothing is asked for meanwhile');
  it.still.row = ROW;
  await it.pass(0);
  assert.equal(it.asked.length, asked + 1);
  await it.end();
});

test('out of sight nothing is asked for, and what is on its way is given up', async (context) => {
  const it = new Stand(context);
  it.answers = [{ hang: true }];
  it.still.wanted = true;
  await it.pass(0);
  it.still.width = 0;
  await it.pass(30_000);
  assert.equal(it.asked.length, 1);
  it.still.width = 150;
  await it.pass(0);
  assert.equal(it.asked.length, 2);
  document.hidden = true;
  document.fire('visibilitychange');
  await it.pass(30_000);
  assert.equal(it.asked.length, 2);
  document.hidden = false;
  document.fire('visibilitychange');
  await it.pass(0);
  assert.equal(it.asked.length, 3);
  await it.end();
});

test('the picture stays until the stream has its own', async (context) => {
  const it = new Stand(context);
  it.still.wanted = true;
  await it.pass(0);
  it.still.drop();
  assert.equal(it.still.shown, true, 'not while it is wanted');
  it.still.wanted = false;
  assert.deepEqual([it.still.settled, it.still.shown, it.still.condition.name], [false, true, 'still']);
  await it.pass(30_000);
  assert.equal(it.asked.length, 1);
  it.still.drop();
  assert.deepEqual([it.still.shown, it.still.condition, it.canvas.hidden, it.canvas.width], [false, null, true, 0]);
  await it.end();
});

test('a server that does not answer is not waited for longer than it takes to wake a camera', async (context) => {
  const it = new Stand(context);
  it.answers = [{ hang: true }, { hang: true }];
  it.still.wanted = true;
  await it.pass(0);
  await it.pass(12_000);
  await it.pass(10_000);
  await it.pass(12_000);
  assert.equal(it.still.condition.name, 'unseen');
  await it.end();
});

test('a page asks for two pictures at once; who goes leaves the queue', async () => {
  const turns = new Turns(2);
  const running = [];
  const ask = (name) => turns.ask(() => new Promise((resolve) => running.push({ name, resolve })));
  const names = () => running.map(({ name }) => name);
  ask('a');
  ask('b');
  const leave = ask('c');
  ask('d');
  await settle();
  assert.deepEqual(names(), ['a', 'b']);
  leave();
  running[0].resolve();
  await settle();
  assert.deepEqual(names(), ['a', 'b', 'd']);
});
