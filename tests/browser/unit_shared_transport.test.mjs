// SPDX-License-Identifier: MIT
// The connection that all players of a page share (docs/reference/websocket.md), with fakes.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Pass } from '../../player/src/player/pass.js';
import { LINGER_MS, SharedTransport, makeTransport, sharedConnections } from '../../player/src/player/shared-transport.js';
import { Transport } from '../../player/src/player/transport.js';
import { mockTimers, tick } from './support/clock.mjs';
import { FakeSocket, fakePage } from './support/fakes.mjs';

beforeEach(() => {
  fakePage();
});

let servers = 0;

/** A server of its own for each test, and transports to cameras of it, each with what it has heard. */
function setUp(context) {
  mockTimers(context, ['setTimeout']);
  const base = `ws://server${++servers}/cams`;
  const open = [];
  const watch = (path) => {
    const url = `${base}/live/${path}`;
    const heard = [];
    const transport = new SharedTransport(url, {
      onopen: () => heard.push('open'),
      ontext: (text) => heard.push(JSON.parse(text)),
      onbinary: (bytes) => heard.push([...bytes]),
      onlost: ({ reason, retryMs, close }) => heard.push(['lost', reason, close, retryMs]),
      onrefused: ({ reason }) => heard.push(['refused', reason]),
    }, new Pass(url));
    transport.open();
    open.push(transport);
    return { transport, heard };
  };
  const finish = () => {
    for (const transport of open) transport.close();
    tick(context, LINGER_MS);
    assert.equal(sharedConnections(), 0, 'nothing is left');
    assert.equal(FakeSocket.live.length, 0);
  };
  return { base, watch, finish };
}

/** A test with a server of its own, after which nothing may be left. */
function shared(name, body) {
  test(name, (context) => {
    const { finish, ...server } = setUp(context);
    body(context, server);
    finish();
  });
}

/** The connection comes about, with a server that does not read what the address asks for. */
function accept(context) {
  tick(context, 0);
  FakeSocket.last.accept();
  FakeSocket.last.receive('{"type":"hello","version":1,"subscriptions":512}');
}

/** What the address of the last connection asks for. */
const begun = () => JSON.parse(new URL(FakeSocket.last.url).searchParams.get('begin'));

const fragment = (number, ...bytes) => new Uint8Array([0, 0, 0, number, ...bytes]).buffer;
const said = (type) => FakeSocket.last.sent.filter((message) => message.type === type);

shared('cameras share a socket, each with a number, and each gets what is its own', (context, { base, watch }) => {
  const front = watch('front%20door');
  const back = watch('back?stream=sub&frames=key');
  tick(context, 0);
  assert.equal(FakeSocket.all.length, 1);
  assert.equal(FakeSocket.last.url.split('?')[0], `${base}/live`);
  assert.deepEqual(FakeSocket.last.protocols, ['ringcast.bundle.1']);
  assert.equal(front.transport.connected, false);
  accept(context);
  assert.deepEqual(FakeSocket.last.sent, [
    { type: 'subscribe', id: 1, camera: 'front door', stream: 'main', frames: 'all' },
    { type: 'subscribe', id: 2, camera: 'back', stream: 'sub', frames: 'key' },
  ]);
  assert.ok(front.transport.connected && back.transport.connected);
  FakeSocket.last.receive('{"id":2,"type":"state","state":"streaming","error":null}');
  FakeSocket.last.receive(fragment(1, 7, 8));
  FakeSocket.last.receive(fragment(2, 9));
  FakeSocket.last.receive(fragment(3, 9)); // of nobody
  FakeSocket.last.receive(new ArrayBuffer(2));
  assert.deepEqual(front.heard, ['open', [7, 8]]);
  assert.deepEqual(back.heard, ['open', { id: 2, type: 'state', state: 'streaming', error: null }, [9]]);
  const late = watch('late');
  assert.deepEqual(late.heard, ['open']);
  assert.equal(said('subscribe').at(-1).id, 3);
  front.transport.send('{"type":"pause"}');
  assert.deepEqual(said('pause'), [{ type: 'pause', id: 1 }]);
});

shared('what is wanted when the connection is made is asked for in its address, which saves a way there and back', (context, { watch }) => {
  const front = watch('front%20door');
  const gone = watch('gone');
  const back = watch('back?stream=sub');
  tick(context, 0);
  const asked = [
    { type: 'subscribe', id: 1, camera: 'front door', stream: 'main', frames: 'all' },
    { type: 'subscribe', id: 2, camera: 'gone', stream: 'main', frames: 'all' },
    { type: 'subscribe', id: 3, camera: 'back', stream: 'sub', frames: 'all' },
  ];
  assert.deepEqual(begun(), asked);
  gone.transport.close();
  const late = watch('late');
  FakeSocket.last.accept();
  assert.deepEqual(said('unsubscribe'), [{ type: 'unsubscribe', id: 2 }]);
  assert.deepEqual(said('subscribe').map(({ id, camera }) => [id, camera]), [[4, 'late']]);
  FakeSocket.last.receive('{"type":"hello","version":1,"subscriptions":512,"begun":2}');
  assert.deepEqual(said('subscribe')[1], asked[2], 'what the server did not take is said');
  FakeSocket.last.receive(fragment(1, 7));
  FakeSocket.last.receive(fragment(3, 8));
  assert.deepEqual([front.heard, back.heard, late.heard, gone.heard], [['open', [7]], ['open', [8]], ['open'], []]);
  FakeSocket.last.drop();
  tick(context, 250);
  assert.deepEqual(begun().map(({ id, camera }) => [id, camera]), [[5, 'front door'], [6, 'back'], [7, 'late']]);
  FakeSocket.last.accept();
  FakeSocket.last.receive('{"type":"hello","version":1,"subscriptions":512,"begun":3}');
  assert.deepEqual(FakeSocket.last.sent, []);
});

shared('an address is not longer than a proxy lets through', (context, { watch }) => {
  for (let i = 0; i < 40; i++) watch(`camera%20${i}`);
  tick(context, 0);
  assert.ok(begun().length >= 8 && FakeSocket.last.url.length < 4000, `${begun().length} cameras, ${FakeSocket.last.url.length} characters`);
  FakeSocket.last.accept();
  FakeSocket.last.receive(JSON.stringify({ type: 'hello', version: 1, subscriptions: 512, begun: begun().length }));
  assert.equal(said('subscribe').length, 40 - begun().length);
});

shared('who leaves is unsubscribed, the last one ends the connection, and who comes soon finds it', (context, { watch }) => {
  const front = watch('front');
  const back = watch('back');
  accept(context);
  front.transport.close();
  assert.deepEqual(said('unsubscribe'), [{ type: 'unsubscribe', id: 1 }]);
  FakeSocket.last.receive(fragment(1, 7)); // was under way
  assert.deepEqual(front.heard, ['open']);
  back.transport.close();
  tick(context, LINGER_MS - 1);
  const again = watch('back');
  tick(context, LINGER_MS);
  assert.equal(FakeSocket.all.length, 1);
  assert.deepEqual(said('subscribe').map(({ id }) => id), [1, 2, 3]);
  assert.deepEqual(again.heard, ['open']);
});

shared('a camera that ends is asked for again after a while, and the others do not notice', (context, { watch }) => {
  const front = watch('front');
  const back = watch('back');
  accept(context);
  FakeSocket.last.receive('{"type":"ended","id":1,"code":4404,"reason":"no such camera"}');
  assert.deepEqual(front.heard[1].slice(0, 3), ['lost', 'no such camera', 4404]);
  assert.equal(front.transport.connected, false);
  tick(context, 250);
  assert.equal(said('subscribe').at(-1).id, 3);
  assert.deepEqual(front.heard.at(-1), 'open');
  FakeSocket.last.receive('{"type":"ended","id":3,"code":4404,"reason":"no such camera"}');
  front.transport.retry();
  assert.equal(said('subscribe').at(-1).id, 4);
  assert.deepEqual(back.heard, ['open']);
  assert.equal(FakeSocket.all.length, 1);
});

shared('a connection that is lost is lost for all, once, and comes back for all', (context, { watch }) => {
  const cameras = ['a', 'b', 'c'].map(watch);
  accept(context);
  FakeSocket.last.drop();
  for (const { heard } of cameras) assert.deepEqual(heard[1].slice(0, 2), ['lost', 'the connection was lost']);
  tick(context, 250);
  assert.equal(FakeSocket.live.length, 1);
  accept(context);
  assert.deepEqual(said('subscribe').map(({ id }) => id), [4, 5, 6]);
  for (const { heard } of cameras) assert.equal(heard.at(-1), 'open');
  FakeSocket.last.drop(4401, 'log in again: expired');
  for (const { heard } of cameras) assert.deepEqual(heard.at(-1), ['refused', 'expired']);
});

shared('one camera from which nothing comes does not cost the others their connection', (context, { watch }) => {
  const front = watch('front');
  const back = watch('back');
  accept(context);
  FakeSocket.last.receive(fragment(2, 1));
  front.transport.reconnect('nothing came for too long');
  assert.deepEqual(said('unsubscribe'), [{ type: 'unsubscribe', id: 1 }]);
  assert.deepEqual(front.heard.at(-1).slice(0, 2), ['lost', 'nothing came for too long']);
  assert.deepEqual(back.heard, ['open', [1]]);
  tick(context, 250);
  assert.equal(front.heard.at(-1), 'open');
});

shared('the time is asked for once for all that want it', (context, { watch }) => {
  const cameras = ['a', 'b', 'c'].map(watch);
  accept(context);
  for (const { transport } of cameras.slice(0, 2)) transport.send('{"type":"time","client":1}');
  assert.equal(said('time').length, 1);
  FakeSocket.last.receive('{"type":"time","client":1,"server_ms":5}');
  assert.deepEqual(cameras.map(({ heard }) => heard.length), [2, 2, 1]);
  cameras[2].transport.send('{"type":"time","client":2}');
  tick(context, 250);
  assert.equal(said('time').length, 2);
});

shared('where only connections of one camera come about, each has its own', (context, { base, watch }) => {
  const front = watch('front');
  const back = watch('back');
  tick(context, 0);
  FakeSocket.last.drop();
  tick(context, 250);
  FakeSocket.last.drop();
  const probe = FakeSocket.last; // beside the next attempt
  assert.equal(probe.url, `${base}/live/front`);
  assert.equal(front.heard.at(-1)[0], 'lost');
  probe.accept();
  assert.deepEqual(FakeSocket.live.map(({ url }) => url), [`${base}/live/front`, `${base}/live/back`]);
  for (const socket of FakeSocket.live) socket.accept();
  assert.deepEqual([front.heard.at(-1), back.heard.at(-1)], ['open', 'open']);
  const later = watch('later');
  assert.equal(FakeSocket.last.url, `${base}/live/later`);
  assert.equal(later.transport.connected, false);
});

shared('a server that is away is waited for, with one connection', (context, { base, watch }) => {
  ['a', 'b'].map(watch);
  tick(context, 0);
  for (let i = 0; i < 6; i++) {
    for (const socket of FakeSocket.live) socket.drop();
    for (let ms = 0; ms < 15_000 && FakeSocket.live.length === 0; ms += 50) tick(context, 50);
    assert.ok(FakeSocket.live.length <= 2, 'the shared one, and one that finds out');
  }
  tick(context, 15_000);
  const shared = FakeSocket.live.find(({ url }) => url.startsWith(`${base}/live?`));
  shared.accept();
  assert.deepEqual(FakeSocket.live, [shared]);
  assert.equal(JSON.parse(new URL(shared.url).searchParams.get('begin')).length, 2);
});

shared('who looks back has a connection of its own from then on', (context, { base, watch }) => {
  const front = watch('front');
  const back = watch('back');
  accept(context);
  const hub = FakeSocket.last;
  front.transport.send('{"type":"look","ago":30,"for":4}');
  assert.deepEqual(hub.sent.filter(({ type }) => type === 'look' || type === 'unsubscribe'), [{ type: 'unsubscribe', id: 1 }]);
  assert.equal(FakeSocket.last.url, `${base}/live/front`);
  assert.equal(front.transport.connected, false);
  FakeSocket.last.accept();
  assert.deepEqual(front.heard, ['open', 'open']);
  front.transport.send('{"type":"look","ago":30,"for":4}');
  assert.deepEqual(said('look'), [{ type: 'look', ago: 30, for: 4 }]);
  assert.ok(back.transport.connected && hub !== FakeSocket.last);
});

test('a token, and another address, have connections of their own', () => {
  const handlers = {};
  const pass = new Pass('ws://server/live/front');
  assert.ok(makeTransport('ws://server/live/front', handlers, pass, { shared: true }) instanceof SharedTransport);
  assert.ok(makeTransport('ws://server/live/front', handlers, pass, { shared: true, token: 'x' }) instanceof Transport);
  assert.ok(makeTransport('ws://server/live/front', handlers, pass, {}) instanceof Transport);
});
