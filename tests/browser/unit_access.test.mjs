// SPDX-License-Identifier: MIT
// How a player proves who is watching: by the browser's cookie or by a token, what it does when the server refuses that, and
// that it neither hammers nor leaves anything behind.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { ASK_TIMEOUT_MS, DOUBT_MS, REFUSED_MS, watchAccess } from '../../player/src/player/access.js';
import { conditionOf } from '../../player/src/player/condition.js';
import { Pass, REFUSALS_LAST_MS, TOKEN_TIMEOUT_MS } from '../../player/src/player/pass.js';
import { resetTimers, tick } from './support/clock.mjs';
import { FakeSocket, NOTHING, fakePage, settled } from './support/fakes.mjs';
import { Stand } from './support/stand.mjs';

const EXPIRED = 'log in again: expired';

let page;
beforeEach(() => {
  page = fakePage();
  page.network.status = 200;
});

/** Lets time pass in steps, and promises be heard in between. */
async function pass(it, ms, step = 250) {
  for (let rest = ms; rest > 0; rest -= step) {
    it.tick(Math.min(step, rest));
    await settled();
  }
}

/** Lets time pass until there is a connection or an attempt at one. */
async function connection(it, ms) {
  await settled();
  for (let rest = ms; rest > 0 && FakeSocket.live.length === 0; rest -= 50) await pass(it, 50, 50);
  assert.equal(FakeSocket.live.length, 1, `an attempt within ${ms} ms`);
}

const asked = () => page.network.requests.map(([address]) => address);
const refusals = (it) => it.details('unauthorized');

test('without a token no subprotocol is offered, with one it is beside ringcast', (context) => {
  const plain = new Stand(context);
  plain.player.start();
  assert.deepEqual(plain.socket.protocols, ['ringcast', 'ringcast.reasons']);
  plain.player.stop();
  plain.player.token = 'rct_0123abcd_x-Y';
  plain.player.start();
  assert.deepEqual(plain.socket.protocols, ['ringcast', 'ringcast.reasons', 'ringcast.token.rct_0123abcd_x-Y']);
  plain.player.stop();
  assert.deepEqual(page.books(plain.video), NOTHING);
});

test('4401: the player asks who it is and goes on at once if another tab has logged in', async (context) => {
  const it = new Stand(context);
  it.play();
  it.socket.drop(4401, EXPIRED);
  assert.equal(it.player.state, 'unauthorized');
  assert.deepEqual(refusals(it), [{ reason: 'expired', retryMs: null }]);
  await settled();
  assert.deepEqual(asked(), ['http://server/api/session']);
  await pass(it, 300);
  assert.equal(FakeSocket.live.length, 1);
  it.socket.accept();
  assert.equal(it.player.state, 'buffering');
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('4401 and no log-in: twenty players make one request in a long while, and all heal by it', async (context) => {
  const first = new Stand(context);
  const players = [first, ...Array.from({ length: 19 }, () => new Stand(null))];
  for (const it of players) it.player.start();
  while (FakeSocket.live.some(({ readyState }) => readyState === 0)) for (const socket of FakeSocket.live) if (socket.readyState === 0) socket.accept();
  page.network.status = 401;
  for (const socket of FakeSocket.live) socket.drop(4401, EXPIRED);
  await settled();
  assert.equal(asked().length, 1);
  const sockets = FakeSocket.all.length;
  await pass(first, 5 * REFUSED_MS, 5000);
  assert.ok(asked().length >= 4 && asked().length <= 8, `${asked().length} requests in five minutes`);
  assert.equal(FakeSocket.all.length, sockets, 'no connection is tried');
  page.network.status = 200;
  await pass(first, 1.3 * REFUSED_MS, 5000);
  for (let i = 0; i < 20; i++) {
    for (const socket of FakeSocket.live) if (socket.readyState === 0) socket.accept();
    await pass(first, 50, 50);
  }
  assert.equal(FakeSocket.live.length, 20);
  for (const { player } of players) {
    assert.equal(player.state, 'buffering');
    player.stop();
  }
  assert.deepEqual(page.books(first.video), NOTHING);
  const requests = asked().length;
  await pass(first, 2 * REFUSED_MS, 5000);
  assert.equal(asked().length, requests, 'nobody asks any more');
});

test('a 401 before the connection looks like any failure to a browser: the player asks', async (context) => {
  const it = new Stand(context);
  page.network.status = 401;
  it.player.start();
  it.socket.drop(1006);
  assert.equal(it.player.state, 'connecting');
  await settled();
  assert.equal(it.player.state, 'unauthorized');
  assert.equal(refusals(it)[0].reason, 'not logged in');
  const sockets = FakeSocket.all.length;
  await pass(it, REFUSED_MS / 2, 1000);
  assert.equal(FakeSocket.all.length, sockets);
  page.network.status = 200;
  it.player.retry();
  assert.equal(FakeSocket.all.length, sockets + 1, 'the page says that the visitor has logged in');
  it.socket.accept();
  assert.equal(it.player.state, 'buffering');
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('a player that fails while others know already that nobody is logged in does not ask again', async (context) => {
  page.network.status = 401;
  const first = new Stand(context);
  const second = new Stand(null);
  first.player.start();
  second.player.start();
  const [a, b] = FakeSocket.all;
  a.drop();
  await settled();
  b.drop();
  await settled();
  assert.deepEqual([first.player.state, second.player.state], ['unauthorized', 'unauthorized']);
  assert.equal(asked().length, 1);
  for (const { player } of [first, second]) player.stop();
  assert.deepEqual(page.books(first.video), NOTHING);
});

test('a server that is away, or has no log-in, is no refusal', async (context) => {
  for (const status of [null, 500, 404, 403]) {
    page.network.status = status;
    const it = new Stand(context);
    it.player.start();
    it.socket.drop();
    await settled();
    assert.equal(it.player.state, 'connecting', `${status}`);
    it.player.stop();
    assert.deepEqual(page.books(it.video), NOTHING);
    context.mock.restoreAll();
    resetTimers(context);
  }
});

test('4401 while the server cannot be asked: it asks again soon, and at once when the browser is back on line', async (context) => {
  const it = new Stand(context);
  it.play();
  page.network.status = null;
  it.socket.drop(4401, EXPIRED);
  await pass(it, 3 * DOUBT_MS);
  assert.ok(asked().length >= 3 && asked().length <= 5, `${asked().length}`);
  page.network.status = 200;
  page.window.fire('online');
  await connection(it, 300);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('a question without an answer is given up, and stopping does not wait for it', async (context) => {
  const it = new Stand(context);
  it.play();
  page.network.held = [];
  it.socket.drop(4401, EXPIRED);
  await settled();
  assert.equal(page.network.pending, 1);
  await pass(it, ASK_TIMEOUT_MS + 250);
  assert.equal(page.network.pending, 0);
  await pass(it, 2 * DOUBT_MS);
  assert.equal(page.network.pending, 1);
  it.player.stop();
  await settled();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('a session that does not hold: no loop at the speed of the network', async (context) => {
  const it = new Stand(context);
  it.play();
  for (let i = 0; i < 8; i++) {
    it.socket.drop(4401, EXPIRED);
    await connection(it, 15_000);
    it.socket.accept();
  }
  const before = FakeSocket.all.length;
  it.socket.drop(4401, EXPIRED);
  await pass(it, 5000);
  assert.equal(FakeSocket.all.length, before, 'the pauses have grown');
  it.player.stop();
});

test('the function is asked for the first connection, and not for the next one that works', async (context) => {
  const given = [];
  const it = new Stand(context, { token: async () => given[given.push(`t${given.length}`) - 1] });
  it.player.start();
  assert.equal(FakeSocket.all.length, 0);
  await settled();
  assert.deepEqual(it.socket.protocols, ['ringcast', 'ringcast.reasons', 'ringcast.token.t0']);
  it.socket.accept();
  it.socket.drop();
  await pass(it, 300);
  assert.deepEqual(it.socket.protocols, ['ringcast', 'ringcast.reasons', 'ringcast.token.t0']);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
  assert.equal(given.length, 1);
});

test('4401: the function is asked once at once, then ever more slowly', async (context) => {
  const times = [];
  const it = new Stand(context, {
    token: () => {
      times.push(it.clock);
      return `t${times.length}`;
    },
  });
  it.player.start();
  await settled();
  it.socket.accept();
  for (let i = 0; i < 9; i++) {
    it.socket.drop(4401, EXPIRED);
    assert.equal(it.player.state, 'unauthorized');
    await connection(it, REFUSALS_LAST_MS);
    it.socket.accept();
  }
  assert.equal(times.length, 10);
  const retries = refusals(it).map(({ retryMs }) => retryMs);
  assert.equal(retries[0], 0);
  assert.ok(retries[1] >= 1000 && retries[1] <= 2000);
  assert.ok(retries.slice(-3).every((ms) => ms >= REFUSALS_LAST_MS / 2 && ms <= REFUSALS_LAST_MS));
  assert.equal(asked().length, 0, 'the server has said it itself');
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('a token that the server refuses before the connection: it asks with the token, then the function', async (context) => {
  let count = 0;
  const it = new Stand(context, { src: 'https://nvr:8443/cams/', credentials: 'include', token: () => `t${++count}` });
  it.player.start();
  await settled();
  page.network.status = 401;
  it.socket.drop();
  await settled();
  const [address, { headers, credentials }] = page.network.requests[0];
  assert.equal(address, 'https://nvr:8443/cams/api/session');
  assert.deepEqual([headers, credentials], [{ Authorization: 'Bearer t1' }, 'include']);
  await pass(it, 50, 50);
  assert.deepEqual(it.socket.protocols, ['ringcast', 'ringcast.reasons', 'ringcast.token.t2']);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('where the answer may not be read, the next connection has a fresh token, too', async (context) => {
  let count = 0;
  const it = new Stand(context, { token: () => `t${++count}` });
  page.network.status = null;
  it.player.start();
  await settled();
  it.socket.drop();
  await connection(it, 300);
  assert.deepEqual(it.socket.protocols, ['ringcast', 'ringcast.reasons', 'ringcast.token.t2']);
  it.player.stop();
});

test('a string is tried again with growing pauses; another one that the page sets is tried at once', async (context) => {
  const it = new Stand(context, { token: 'old' });
  it.connect();
  it.socket.drop(4401, 'log in again: revoked');
  assert.equal(refusals(it)[0].reason, 'revoked');
  assert.ok(refusals(it)[0].retryMs >= 1000);
  it.player.token = 'new';
  assert.deepEqual(it.socket.protocols, ['ringcast', 'ringcast.reasons', 'ringcast.token.new']);
  assert.equal(it.player.token, 'new');
  it.socket.accept();
  it.socket.drop(4401, 'log in again: revoked');
  await connection(it, 2000);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('a function that throws, gives nothing or does not answer: said in words, tried again, and it is in no text', async (context) => {
  const cases = [
    [() => { throw new Error('the back end is away'); }, 'no token: the back end is away'],
    [async () => { throw new Error('nobody is logged in'); }, 'no token: nobody is logged in'],
    [async () => undefined, 'no token: the function gave none'],
    [() => new Promise(() => {}), 'no token: the function gave none in time'],
  ];
  for (const [token, words] of cases) {
    const it = new Stand(context, { token });
    it.player.start();
    await pass(it, TOKEN_TIMEOUT_MS + 250);
    const [{ reason, retryMs }] = refusals(it);
    assert.equal(reason, words);
    assert.ok(retryMs >= 1000);
    const before = refusals(it).length;
    await pass(it, 2 * TOKEN_TIMEOUT_MS);
    assert.ok(refusals(it).length > before, 'it is asked again');
    it.player.stop();
    assert.deepEqual(page.books(it.video), NOTHING);
    context.mock.restoreAll();
    resetTimers(context);
  }
});

test('a token with characters that a header does not carry is not told to anybody', (context) => {
  const it = new Stand(context, { token: 'secret with spaces' });
  it.player.start();
  tick(context, 0);
  const [, detail] = it.details('statechange').map((each) => [each.state, each]).at(-1);
  assert.equal(detail.reason, 'the token has characters that cannot be sent');
  assert.ok(!JSON.stringify(it.events).includes('secret'));
  it.player.stop();
  assert.throws(() => new Pass('ws://server/live/x', { token: 7 }), TypeError);
});

test('stopped while the function is asked: no connection, and its answer is not used', async (context) => {
  let give;
  const it = new Stand(context, { token: () => new Promise((resolve) => (give = resolve)) });
  it.player.start();
  await settled();
  it.player.stop();
  give('late');
  await settled();
  assert.equal(FakeSocket.all.length, 0);
  it.player.start();
  await settled();
  it.player.token = 'by-hand';
  give('late');
  await pass(it, 50, 50);
  assert.deepEqual(it.socket.protocols, ['ringcast', 'ringcast.reasons', 'ringcast.token.by-hand']);
  it.player.stop();
});

test('hidden while the visitor must log in: nothing is fetched, and on return it is asked again', async (context) => {
  const it = new Stand(context);
  it.play();
  page.network.status = 401;
  page.hide(true);
  await pass(it, 6000);
  it.socket.drop(4401, EXPIRED);
  await settled();
  assert.equal(it.player.state, 'idle');
  const requests = asked().length;
  await pass(it, 3 * REFUSED_MS, 5000);
  assert.equal(asked().length, requests);
  page.network.status = 200;
  page.hide(false);
  await connection(it, 300);
  it.socket.accept();
  assert.equal(it.player.state, 'buffering');
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('no question where there is no address for it, and a refusal is still waited out', async (context) => {
  const it = new Stand(context, { url: 'ws://server/some/where' });
  it.connect();
  it.socket.drop(4401, EXPIRED);
  assert.ok(refusals(it)[0].retryMs > 0);
  await connection(it, 2000);
  it.socket.drop();
  await settled();
  assert.equal(asked().length, 0);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('those who watch the log-in share one Access, which goes with the last of them', async () => {
  const heard = [];
  const watcher = (name) => ({ onrefused: () => heard.push(`${name} refused`), ongranted: (session) => heard.push(`${name} ${session?.user}`) });
  const one = watchAccess('http://server/api/session', 'same-origin', watcher('one'));
  const two = watchAccess('http://server/api/session', 'same-origin', watcher('two'));
  const other = watchAccess('http://server/cams/api/session', 'same-origin', watcher('other'));
  assert.equal(one.access, two.access);
  one.access.refuse();
  one.access.refuse();
  assert.ok(two.access.refused && !other.access.refused);
  one.access.grant({ user: 'anna' });
  assert.deepEqual(heard, ['one refused', 'two refused', 'one anna', 'two anna']);
  page.network.body = 'no JSON';
  one.access.check();
  one.access.check();
  await settled();
  assert.equal(asked().length, 1, 'one question at a time');
  assert.equal(heard.at(-1), 'two undefined');
  one.access.refuse();
  one.release();
  two.release();
  two.release();
  other.release();
  assert.equal(page.document.listeners + page.window.listeners, 0);
  one.access.refuse();
  one.access.check();
  assert.equal(asked().length, 1, 'nobody is interested');
  assert.notEqual(watchAccess('http://server/api/session', 'same-origin', watcher('three')).access, one.access);
});

test('what people read', () => {
  const camera = { state: 'streaming', error: null };
  const of = (facts) => conditionOf({ camera, ...facts });
  assert.deepEqual(of({ state: 'unauthorized', reason: 'expired', retryMs: null }), { name: 'unauthorized', label: 'Log in again', text: 'The log-in has expired' });
  assert.equal(of({ state: 'unauthorized', reason: 'not logged in', retryMs: null }).text, '');
  assert.equal(of({ state: 'unauthorized', reason: 'wrong user or password', retryMs: null }).text, 'Wrong user or password');
  assert.equal(of({ state: 'unauthorized', reason: 'expired', retryMs: 0, lost: true }).name, 'reconnecting');
  assert.deepEqual(of({ state: 'reconnecting', close: 4404, lost: true }).label, 'No such camera');
});
