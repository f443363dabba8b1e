// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Backoff } from '../../player/src/player/backoff.js';
import { Pass } from '../../player/src/player/pass.js';
import { BACKOFF_FIRST_MS, BACKOFF_LAST_MS, ConnectGate, Transport } from '../../player/src/player/transport.js';
import { mockTimers, resetTimers, tick } from './support/clock.mjs';
import { FakeSocket, fakePage, settled } from './support/fakes.mjs';

let page;
beforeEach(() => {
  page = fakePage();
});

const LIVE = 'ws://server/live/front';

function setUp(context, { gate = new ConnectGate(), pass = new Pass(LIVE), ...handlers } = {}) {
  mockTimers(context, ['setTimeout']);
  const heard = [];
  const transport = new Transport(LIVE, {
    onopen: () => heard.push('open'),
    ontext: (text) => heard.push(`text ${text}`),
    onbinary: (data) => heard.push(`binary ${data.byteLength}`),
    onlost: ({ reason, retryMs, close }) => heard.push(['lost', reason, retryMs, close]),
    onrefused: ({ reason, retryMs }) => heard.push(['refused', reason, retryMs]),
    ...handlers,
  }, pass, gate);
  transport.open();
  return { transport, heard, gate };
}

const losses = (heard) => heard.filter(([kind]) => kind === 'lost');

test('messages come through, by kind', (context) => {
  const { heard } = setUp(context);
  FakeSocket.last.accept();
  FakeSocket.last.receive('{}');
  FakeSocket.last.receive(new ArrayBuffer(3));
  assert.deepEqual(heard, ['open', 'text {}', 'binary 3']);
});

test('a server that never answers is left after ten seconds and tried again', (context) => {
  const { heard } = setUp(context);
  const first = FakeSocket.last;
  tick(context, 9_999);
  assert.equal(first.closed, undefined);
  tick(context, 1);
  assert.equal(first.closed, true);
  assert.equal(first.handlers, 0);
  assert.equal(losses(heard)[0][1], 'the server does not answer');
  tick(context, 250);
  assert.equal(FakeSocket.live.length, 1);
});

test('it comes back after a loss, ever more patiently, and never gives up', (context) => {
  const { heard } = setUp(context);
  for (let i = 0; i < 40; i++) {
    FakeSocket.last.drop();
    for (let ms = 0; ms < 15_000 && FakeSocket.live.length === 0; ms += 50) tick(context, 50);
    assert.equal(FakeSocket.live.length, 1, `attempt ${i}`);
  }
  const delays = losses(heard).map(([, , ms]) => ms);
  assert.ok(delays[0] >= 125 && delays[0] <= 250);
  assert.ok(Math.max(...delays) <= 15_000);
  assert.ok(delays.slice(-5).every((ms) => ms >= 7_500));
});

test('after a healthy spell the first pause is short again', () => {
  const backoff = new Backoff(BACKOFF_FIRST_MS, BACKOFF_LAST_MS);
  for (let i = 0; i < 10; i++) backoff.next();
  backoff.reset();
  assert.ok(backoff.next() <= 250);
});

test('pauses differ, so that a thousand pages do not come at once', () => {
  const delays = new Set(Array.from({ length: 50 }, () => new Backoff(BACKOFF_FIRST_MS, BACKOFF_LAST_MS).next()));
  assert.ok(delays.size > 40);
});

test('closed while waiting, connecting, open, and twice: nothing stays', (context) => {
  for (const reach of [() => {}, () => FakeSocket.last.accept(), () => FakeSocket.last.drop()]) {
    const { transport } = setUp(context);
    reach();
    transport.close();
    transport.close();
    tick(context, 60_000);
    assert.equal(FakeSocket.live.length, 0);
    assert.equal(FakeSocket.last.handlers, 0);
    assert.equal(page.window.listeners, 0);
    resetTimers(context);
  }
});

test('a handler may close the transport', (context) => {
  for (const on of ['onopen', 'ontext', 'onbinary', 'onlost']) {
    let closed = null;
    const { transport } = setUp(context, { [on]: () => closed() });
    closed = () => transport.close();
    const socket = FakeSocket.last;
    socket.accept();
    socket.receive('{}');
    socket.receive(new ArrayBuffer(1));
    socket.drop();
    tick(context, 60_000);
    assert.equal(FakeSocket.live.length, 0, on);
    resetTimers(context);
  }
});

test('a late event of a socket that was left is not heard', (context) => {
  const { transport, heard } = setUp(context);
  const first = FakeSocket.last;
  first.accept();
  transport.reconnect('why not');
  first.receive('late');
  first.drop();
  assert.deepEqual(heard.map((item) => item[0]), ['o', 'lost']);
});

test('back on line, it does not wait for its turn', (context) => {
  setUp(context);
  for (let i = 0; i < 10; i++) {
    FakeSocket.last.drop();
    tick(context, 15_000);
  }
  FakeSocket.last.drop();
  assert.equal(FakeSocket.live.length, 0);
  page.window.fire('online');
  assert.equal(FakeSocket.live.length, 1);
  page.window.fire('online');
  assert.equal(FakeSocket.live.length, 1, 'one socket at a time');
  tick(context, 9_000);
  assert.equal(FakeSocket.live.length, 1, 'the old pause is over');
});

test('an address that no socket takes is a loss, not an exception', (context) => {
  FakeSocket.refuses = true;
  const { heard } = setUp(context);
  tick(context, 0);
  assert.equal(losses(heard).length, 1);
});

test('six connect at a time, in order; places come back on success, loss and leaving', (context) => {
  const gate = new ConnectGate(6);
  const all = Array.from({ length: 10 }, () => {
    const it = setUp(context, { gate });
    resetTimers(context);
    return it;
  });
  assert.equal(FakeSocket.all.length, 6);
  FakeSocket.all[0].accept();
  assert.equal(FakeSocket.all.length, 7);
  FakeSocket.all[1].drop();
  assert.equal(FakeSocket.all.length, 8);
  all[2].transport.close();
  assert.equal(FakeSocket.all.length, 9);
  all[9].transport.close();
  all[3].transport.close();
  assert.equal(FakeSocket.all.length, 9, 'who left the queue is not served');
  for (const { transport } of all) transport.close();
  let served = 0;
  const leave = Array.from({ length: 7 }, () => gate.enter(() => served++));
  assert.equal(served, 6, 'all places are free again');
  leave[0]();
  leave[0]();
  assert.equal(served, 7);
});
