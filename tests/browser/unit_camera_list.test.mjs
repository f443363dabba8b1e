// SPDX-License-Identifier: MIT
// The package's list of cameras: what a page is told, and that nothing is left.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { RingcastCameras } from '../../player/src/player/camera-list.js';
import { mockTimers, tick } from './support/clock.mjs';
import { FakeSocket, fakePage, settled } from './support/fakes.mjs';

const ROW = { name: 'front', state: 'streaming' };
let page;
beforeEach(() => {
  page = fakePage();
});

class Stand {
  log = [];
  #now = 0;

  constructor(context, options = {}) {
    mockTimers(context, ['setTimeout', 'setInterval']);
    context.mock.method(performance, 'now', () => this.#now);
    this.context = context;
    this.list = new RingcastCameras(options);
    for (const type of ['change', 'event', 'statechange']) this.list.addEventListener(type, ({ detail }) => this.log.push([type, detail]));
    this.list.start();
  }

  pass(ms) {
    this.#now += ms;
    tick(this.context, ms);
  }

  tell(message) {
    FakeSocket.last.receive(typeof message === 'string' ? message : JSON.stringify(message));
  }

  take() {
    return this.log.splice(0).map(([type, detail]) => (type === 'statechange' ? detail.state : type));
  }

  end() {
    this.list.stop();
    this.pass(60_000);
    assert.deepEqual([page.document.listeners, page.window.listeners, FakeSocket.live.length, page.network.pending], [0, 0, 0, 0]);
    assert.ok(FakeSocket.all.every(({ handlers }) => handlers === 0));
  }
}

test('a list, and what has changed in it, as the server tells them', (context) => {
  const it = new Stand(context, { src: '/cams' });
  assert.equal(FakeSocket.last.url, 'ws://server/cams/api/events');
  assert.equal(it.list.url, FakeSocket.last.url);
  it.list.start(); // once is enough
  assert.equal(FakeSocket.all.length, 1);
  FakeSocket.last.accept();
  it.tell({ cameras: [ROW, { name: 'yard', state: 'streaming' }], groups: [{ name: 'all', cameras: ['front'] }] });
  assert.deepEqual(it.list.cameras.map(({ name }) => name), ['front', 'yard']);
  assert.deepEqual([it.list.state, it.list.groups.length], ['following', 1]);
  assert.deepEqual(it.log.at(-1)[1].added, ['front', 'yard']);
  assert.deepEqual(it.take(), ['connecting', 'following', 'change']);
  it.tell({ cameras: [{ ...ROW, state: 'backoff' }, { name: 'gate' }] });
  const { added, removed, changed } = it.log.at(-1)[1];
  assert.deepEqual({ added, removed, changed }, { added: ['gate'], removed: ['yard'], changed: ['front'] });
  it.tell({ event: { camera: 'front', text: 'Car', for: 20 } });
  assert.deepEqual(it.log.at(-1), ['event', { camera: 'front', text: 'Car', for: 20 }]);
  it.tell({});
  it.tell({ news: 1 });
  assert.deepEqual(it.take(), ['change', 'event'], 'what is not known is passed over');
  it.end();
  assert.deepEqual([it.list.state, it.list.cameras.length], ['idle', 2]);
});

test('a connection that is lost, silent or talks nonsense is made again; the list stays meanwhile', (context) => {
  const it = new Stand(context);
  FakeSocket.last.accept();
  it.tell({ cameras: [ROW], groups: [] });
  it.take();
  FakeSocket.last.drop();
  assert.deepEqual([it.take(), it.list.cameras.length], [['reconnecting'], 1]);
  it.list.retry();
  FakeSocket.last.accept();
  it.tell({ cameras: [ROW], groups: [] });
  assert.deepEqual(it.take(), ['following', 'change']);
  for (let i = 0; i < 12; i++) it.pass(5000);
  assert.deepEqual(it.take(), ['reconnecting'], 'nothing was heard for long');
  it.pass(1000);
  FakeSocket.last.accept();
  it.tell('{');
  assert.deepEqual(it.take(), ['reconnecting']);
  it.end();
});

test('no connection yet is no reconnection; a token and a log-in that ends are as for a player', async (context) => {
  const tokens = ['one', 'two'];
  const it = new Stand(context, { token: () => tokens.shift() });
  await settled();
  FakeSocket.last.drop();
  assert.deepEqual(it.take(), ['connecting', 'connecting']);
  it.pass(1000);
  await settled();
  FakeSocket.last.accept();
  assert.ok(FakeSocket.last.protocols.includes('ringcast.token.one'));
  FakeSocket.last.drop(4401, 'log in again: expired');
  assert.deepEqual(it.take(), ['unauthorized']);
  it.pass(100);
  await settled();
  assert.ok(FakeSocket.last.protocols.includes('ringcast.token.two'), 'asked anew');
  FakeSocket.last.drop(4401, 'log in again: expired');
  it.list.token = 'three';
  assert.equal(it.list.token, 'three');
  assert.ok(FakeSocket.last.protocols.includes('ringcast.token.three'), 'at once');
  it.end();
});

test('it may be stopped in any event and by a signal, and begins anew', (context) => {
  const leaving = new AbortController();
  const it = new Stand(context, { signal: leaving.signal });
  it.list.addEventListener('statechange', ({ detail }) => detail.state === 'following' && it.list.stop(), { once: false });
  FakeSocket.last.accept();
  it.tell({ cameras: [ROW], groups: [] });
  assert.deepEqual(it.take(), ['connecting', 'following', 'idle'], 'no change after the stop');
  it.list.stop();
  it.list.retry();
  it.list.start();
  assert.equal(it.list.state, 'connecting');
  leaving.abort();
  assert.equal(it.list.state, 'idle');
  it.list.start();
  assert.equal(it.list.state, 'idle');
  it.end();
});
