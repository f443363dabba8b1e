// SPDX-License-Identifier: MIT
// The cameras of a whole cluster (`ringcastctl cluster apply`): every node takes a new version as it takes a reload, and refuses one that it cannot have;
// nothing of how a camera is fetched is to be seen by who has NATS.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, readFileSync, readdirSync, statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { hasRelay, natsServer, node } from '../support/cluster.mjs';
import { NatsClient } from '../support/nats_server.mjs';
import { configuration } from '../support/ringcast.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const SKIP = hasRelay ? false : 'ringcast-relay was not built';
const LIMIT = { skip: SKIP, limit: 240_000 };
const CANARY = 'Kanarie7391';
const SUBJECT = '$KV.ringcast-test.config';
const SLOW_MS = 60_000;

/** All that goes over the server, as who has it sees it. */
async function listen(server) {
  const chunks = [];
  const socket = net.connect(server.port, server.host);
  socket.on('data', (data) => {
    chunks.push(data);
    if (data.includes('PING\r\n')) socket.write('PONG\r\n');
  });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write('CONNECT {"verbose":false,"headers":true}\r\nSUB > 1\r\n');
  socket.unref();
  return { seen: () => Buffer.concat(chunks).toString('latin1'), close: () => socket.destroy() };
}

/** The texts that were put into the bucket, in order. */
const versions = ({ seen }) => [...seen().matchAll(/(\{"v":1,"cluster":"test".*\n[\w-]+)\r\n/g)].map(([, text]) => text);

/** Everything in the files below DIRECTORY. */
function contents(directory) {
  return readdirSync(directory).map((name) => {
    const file = path.join(directory, name);
    return statSync(file).isDirectory() ? contents(file) : readFileSync(file, 'latin1');
  }).join('\n');
}

function keyFile(stage, name, digits) {
  const file = stage.file(name, `${digits.repeat(4)}\n`);
  chmodSync(file, 0o600);
  return file;
}

async function cluster(stage, { b = {}, cameras = {} } = {}) {
  const camera = await stage.camera(['--cameras', '3', '--user', 'admin'], { password: CANARY });
  const store = stage.file('jetstream');
  const server = await natsServer(stage, 'hub', { more: `jetstream { store_dir: "${store}" }\ndebug: true\ntrace: true` });
  const key = keyFile(stage, 'config.key', '0123456789abcdef');
  const wire = await listen(server);
  const settings = (name, more) => ({ cluster: { name: 'test', node: name, nats: [server.url], ...more } });
  const nodes = [
    node(stage, 'a', server, cameras.a ?? [], settings('a', { config_key: key })).start(),
    node(stage, 'b', server, cameras.b ?? [], settings('b', { config_key: key, ...b })).start(),
  ];
  for (const one of nodes) await one.serving();
  const at = (index, more) => ({ url: camera.url(index), username: 'admin', password: CANARY, ...more });
  let files = 0;
  /** A file with these cameras, for `apply`. */
  const file = (...list) => stage.file(`cameras${files++}.conf`, configuration({ cameras: list }));
  return { camera, store, server, key, wire, nodes, at, file };
}

const central = async (one) => JSON.parse((await one.ctl('cluster', 'status', '--json')).stdout).central;

/** Applies FILE at node ONE, when that knows what is there. */
async function apply(one, file, ...options) {
  await waitUntil('what the bucket has', async () => (await central(one)).watched, SLOW_MS);
  return one.ctl('cluster', 'apply', file, ...options);
}

async function applied(one, file, ...options) {
  const result = await apply(one, file, ...options);
  assert.equal(result.code, 0, result.stderr);
  return result.stdout;
}

const has = (one, version) => waitUntil(`version ${version}`, async () => {
  const found = await central(one);
  assert.equal(found.version, version, JSON.stringify(found));
  return found.refused === null;
}, SLOW_MS);

const refuses = (one, words) => waitUntil(`that it refuses: ${words}`, async () => words.test((await central(one)).refused ?? ''), SLOW_MS);

const names = async (one) => (await one.status()).cameras.map(({ name }) => name);

/** Process ids of CAMERA's workers, one for each node. */
const workers = (nodes, name) => Promise.all(nodes.map(async (one) => (await one.camera(name)).pid));

scenario('cameras are added, changed and removed at all nodes, and those that are not touched go on', async (stage) => {
  const { nodes, wire, at, file, store, server, camera } = await cluster(stage, { cameras: { b: [{ name: 'own', url: 'rtsp://127.0.0.1:9/' }] } });
  const [a, b] = nodes;
  const front = { name: 'front', nodes: ['a', 'b'], on_demand_idle: 600, ...at(0) };
  const gate = { name: 'gate', nodes: ['b'], ...at(1), sub: at(2) };
  const first = file(front, gate);

  assert.match(await applied(a, first, '--dry-run'), /^added front\nadded gate\n0 unchanged\nnothing was applied, and nothing is there\n$/);
  assert.deepEqual(await names(a), []);
  assert.match(await applied(a, first), /^added front\nadded gate\n0 unchanged\nversion 1 is there/);
  for (const one of nodes) {
    await has(one, 1);
    const viewer = stage.viewer(one, 'front');
    await viewer.more(3, SLOW_MS); // somebody looks on, so that it has a worker at the node that does not fetch it, too
  }
  await b.streaming(['gate', 'gate/sub']);
  assert.deepEqual(await names(b), ['own', 'front', 'gate', 'gate/sub']);
  assert.equal((await b.camera('gate')).source, 'cluster');
  await waitUntil('each node\'s version, at the other one', async () => {
    const { nodes: found } = JSON.parse((await a.ctl('cluster', 'nodes', '--json')).stdout);
    return found.length === 2 && found.every(({ version, refused }) => version === 1 && !refused);
  }, SLOW_MS);

  // Only what has changed begins anew.
  const before = await workers(nodes, 'front');
  assert.ok(before.every((pid) => pid > 0));
  const gateBefore = (await b.camera('gate')).pid;
  assert.match(await applied(b, file(front, { ...gate, audio: false })), /^changed gate\n1 unchanged\nversion 2 is there/);
  for (const one of nodes) await has(one, 2);
  await b.until('the changed camera', ({ cameras }) => cameras.some(({ name, state, pid }) => name === 'gate' && state === 'streaming' && pid !== gateBefore));
  assert.deepEqual(await workers(nodes, 'front'), before);
  assert.match(await applied(a, file(front, { ...gate, audio: false })), /nothing was applied; version 2 is there/);

  assert.match(await applied(a, file(front)), /^removed gate\n1 unchanged\nversion 3 is there/);
  for (const one of nodes) await has(one, 3);
  await waitUntil('that it is gone', async () => (await names(b)).join() === 'own,front' && (await names(a)).join() === 'front');
  assert.deepEqual(await workers(nodes, 'front'), before);

  // What is wrong is said with its line, before anything is sent; and no node's own camera may have the same name.
  const wrong = await a.ctl('cluster', 'apply', stage.file('wrong.conf', 'cameras = (\n  { name = "front"; url = "rtsp://h/"; }\n);\n'));
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /wrong\.conf:2: cameras\[0\]\.nodes: missing; name the nodes/);
  const twice = file(front, { name: 'own', nodes: ['a'], ...at(1) });
  const refused = await apply(b, twice);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /ringcast\.conf:\d+: cameras\[0\]\.name: "own" is also the name of a camera of the whole cluster/);
  await has(b, 3);
  await applied(a, twice);
  await has(a, 4);
  await refuses(b, /version 4: .*"own" is also the name/);
  assert.equal((await central(b)).version, 3);
  assert.deepEqual(await workers(nodes, 'front'), before);
  assert.match((await b.ctl('cluster', 'status')).stdout, /NOT taken as they are in the bucket: version 4/);
  await waitUntil('that the others see it', async () => /\nb .* 3, not the newest/.test((await a.ctl('cluster', 'nodes')).stdout), SLOW_MS);
  await applied(a, file(front));
  for (const one of nodes) await has(one, 5);

  const shown = await a.ctl('cluster', 'config');
  assert.match(shown.stdout, /^the cluster's cameras: version 5, applied by \S+ at node a, \d{4}-\d\d-\d\d /);
  assert.match(shown.stdout, /\nfront +a,b +rtsp:\/\/127\.0\.0\.1:\d+ +no\n/);

  // Who has NATS sees names, and nothing else.
  const logs = [...nodes.map(({ log }) => log), server.log].join('\n');
  const outside = { wire: wire.seen(), store: contents(store), logs, shown: shown.stdout };
  assert.ok(versions(wire).length >= 5 && outside.store.includes('"front"'), 'what is looked through is there');
  for (const [where, text] of Object.entries(outside)) {
    assert.ok(!text.includes(CANARY), `${where} has the password`);
    if (where !== 'logs' && where !== 'shown') assert.ok(!text.includes(`:${camera.port}/`), `${where} has the camera's address`);
  }
  for (const one of nodes) assert.ok(!contents(one.state).includes(CANARY), 'what a node keeps is sealed');
  wire.close();
}, LIMIT);

scenario('of two operators at once the second is told; an old version that somebody puts back is refused', async (stage) => {
  const { nodes, at, file, server, wire } = await cluster(stage);
  const [a, b] = nodes;
  const camera = (name) => ({ name, nodes: ['a'], on_demand: true, ...at(0) });
  await applied(a, file(camera('one')), '--over', '0');
  for (const one of nodes) await has(one, 1);

  const both = await Promise.all(nodes.map((one, i) => apply(one, file(camera(`two${i}`)), '--over', '1')));
  const told = both.filter(({ code }) => code !== 0);
  assert.equal(told.length, 1, JSON.stringify(both));
  assert.match(told[0].stderr, /somebody else has applied cameras at the same time|version 2 is there, applied by/);
  for (const one of nodes) await has(one, 2);

  // One that does not know yet what the other one has done.
  const { pid } = (await b.status()).programs.relay;
  process.kill(pid, 'SIGSTOP');
  const late = (async () => {
    try {
      await applied(a, file(camera('three')));
      return b.ctl('cluster', 'apply', file(camera('four')));
    } finally {
      setTimeout(() => process.kill(pid, 'SIGCONT'), 200);
    }
  })();
  const second = await late;
  assert.equal(second.code, 1, JSON.stringify(second));
  assert.match(second.stderr, /somebody else has applied cameras at the same time/);
  for (const one of nodes) await has(one, 3);
  assert.deepEqual(await names(b), ['three']);

  // Who has NATS puts version 1 back, and then something else.
  const client = await new NatsClient(server).ready();
  client.publish(SUBJECT, Buffer.from(versions(wire)[0], 'latin1'));
  for (const one of nodes) await refuses(one, /it is version 1, and this node has had version 3/);
  client.publish(SUBJECT, Buffer.from('{"v":1}\n'));
  for (const one of nodes) await refuses(one, /it is no configuration of this cluster/);
  client.publish(SUBJECT, Buffer.from(versions(wire).find((text) => text.includes('"three"')).replace('"version":3', '"version":4'), 'latin1'));
  for (const one of nodes) await refuses(one, /sealed with another key than this node has, or changed/);
  assert.deepEqual(await names(b), ['three']);
  assert.match(await applied(b, file(camera('five'))), /version 4 is there/);
  for (const one of nodes) await has(one, 4);
  await client.close();
  wire.close();
}, LIMIT);

scenario('a node that starts without NATS has the cameras that it had; one with another key goes on with them; one without sees them at the others', async (stage) => {
  const { nodes: [a, b], at, file, server, wire, key } = await cluster(stage);
  const edge = node(stage, 'c', server, [], { cluster: { name: 'test', node: 'c', nats: [server.url], central_cameras: true } }).start();
  await edge.serving();
  await applied(a, file({ name: 'gate', nodes: ['b'], ...at(1), sub: at(2) }, { name: 'front', nodes: ['a', 'c'], ...at(0) }));
  for (const one of [a, b, edge]) await has(one, 1);

  const viewer = stage.viewer(edge, 'gate');
  const small = stage.viewer(edge, 'gate', { stream: 'sub' });
  await viewer.more(5, SLOW_MS);
  await small.more(5, SLOW_MS);
  assert.equal((await edge.camera('gate')).node, 'b');
  const front = stage.viewer(edge, 'front');
  await front.more(5, SLOW_MS);
  assert.equal((await edge.camera('front')).node, 'a', 'who has no key fetches nothing itself');
  const shown = await edge.ctl('cluster', 'config');
  assert.match(shown.stdout, /; this node has no key to them\n/);
  assert.match(shown.stdout, /\ngate +b +sealed +yes\n/);
  const cannot = await edge.ctl('cluster', 'apply', file());
  assert.match(cannot.stderr, /this node has no key to the cameras of the cluster/);
  for (const one of [viewer, small, front]) await one.close();

  await server.stop('SIGKILL');
  await b.stop();
  b.start();
  await b.streaming(['gate', 'gate/sub'], SLOW_MS); // it alone may fetch it
  assert.deepEqual((await names(b)).sort(), ['front', 'gate', 'gate/sub']);
  assert.equal((await central(b)).version, 1);
  const unknown = await b.ctl('cluster', 'apply', file());
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /what the cluster's bucket has is not known at this moment/);
  await server.start();

  // Another key, by a reload: what was there stays until it can be opened.
  const other = keyFile(stage, 'other.key', 'fedcba9876543210');
  const { pid } = await b.camera('gate');
  b.settings.cluster.config_key = stage.file('missing.key');
  b.write();
  const missing = await b.ctl('reload');
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /cluster\.config_key: .*missing\.key: /);
  b.settings.cluster.config_key = key;
  b.write();
  assert.equal((await b.ctl('reload')).code, 0);
  assert.equal((await b.camera('gate')).pid, pid);
  b.settings.cluster.config_key = other;
  b.write();
  assert.equal((await b.ctl('reload')).code, 0);
  await refuses(b, /sealed with another key/);
  assert.equal((await b.camera('gate')).pid, pid, 'it goes on while keys are changed');
  b.settings.cluster.config_key = key;
  b.write();
  assert.equal((await b.ctl('reload')).code, 0);
  await has(b, 1);
  await b.streaming(['gate', 'gate/sub'], SLOW_MS);
  wire.close();
}, LIMIT);
