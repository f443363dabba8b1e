// SPDX-License-Identifier: MIT
// Which node takes a camera: the one at the site that it prefers, and else the one that has least to do by what its cameras send and by its CPUs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { hasRelay, natsServer, node } from '../support/cluster.mjs';
import { program } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const LONG_MS = 60_000;

/** Why a node cannot be shown another /proc/stat than the machine's; false: it can. */
function whyNotHere() {
  if (!hasRelay) return 'ringcast-relay was not built';
  if (process.getuid() !== 0) return 'another /proc/stat needs root';
  try {
    execFileSync('unshare', ['--mount', 'mount', '--bind', '/proc/loadavg', '/proc/stat'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'nothing can be mounted here';
  }
}

/** A machine for one node, whose CPUs are idle until it is told otherwise: nodes on one machine would else be busy at the same time. */
class Machine {
  #ticks = [0, 1000];

  constructor(stage, name) {
    this.stat = stage.file(`stat-${name}`);
    this.#write();
    this.binary = stage.file(`ringcastd-${name}`, `#!/bin/sh\nexec unshare --mount sh -c 'mount --bind ${this.stat} /proc/stat && exec ${program('ringcastd')} "$@"' ringcastd "$@"\n`);
    execFileSync('chmod', ['+x', this.binary]);
  }

  #write() {
    writeFileSync(this.stat, `cpu  ${this.#ticks[0]} 0 0 ${this.#ticks[1]} 0 0 0 0 0 0\n`.padEnd(80));
  }

  /** All CPUs are in use, until the end of the test. */
  busy() {
    const timer = setInterval(() => {
      this.#ticks[0] += 50;
      if (existsSync(this.stat)) this.#write();
      else clearInterval(timer);
    }, 50);
    timer.unref();
  }
}

function member(stage, name, server, cameras, more = {}) {
  const machine = new Machine(stage, name);
  const one = node(stage, name, server, cameras, { cluster: { name: 'test', node: name, nats: [server.url], ...more } });
  return Object.assign(one, { nodeName: name, machine, begin: () => one.start({ binary: machine.binary }) });
}

const jetstream = (stage) => natsServer(stage, 'hub', { more: `jetstream { store_dir: "${stage.file('jetstream')}" }` });

/** The name of the one of NODES that fetches CAMERA, or null. */
async function ownerOf(nodes, camera) {
  for (const one of nodes) {
    const { state, node: from } = await one.camera(camera);
    if (from === null && state === 'streaming') return one.nodeName;
  }
  return null;
}

const settles = (nodes, camera, name) =>
  waitUntil(`${camera} at node ${name}`, async () => (await ownerOf(nodes, camera)) === name, LONG_MS);

/** What ONE knows of node NAME. */
async function known(one, name) {
  const { stdout } = await one.ctl('cluster', 'nodes', '--json');
  return JSON.parse(stdout).nodes?.find((each) => each.name === name);
}

const SKIP = whyNotHere();

scenario('a camera goes to a node of the site that it prefers, as long as there is one that has room', async (stage) => {
  const camera = await stage.camera(['--camera', 'gate', '--camera', 'door', '--camera', 'yard']);
  const server = await jetstream(stage);
  const [gate, door, yard] = camera.cameras.map(({ name, url }) => ({ name, url, nodes: ['a', 'b'] }));
  const cameras = [{ ...gate, site: 'hall' }, { ...door, site: 'out' }, { ...yard, site: 'out' }];
  const nodes = [member(stage, 'a', server, cameras, { site: 'out', limit: 1 }), member(stage, 'b', server, cameras, { site: 'hall' })];
  for (const one of nodes) one.begin();
  for (const one of nodes) await one.serving();
  await settles(nodes, 'gate', 'b');
  await waitUntil('each camera at a node', async () => (await ownerOf(nodes, 'door')) && (await ownerOf(nodes, 'yard')), LONG_MS);
  const out = [await ownerOf(nodes, 'door'), await ownerOf(nodes, 'yard')];
  assert.deepEqual(out.sort(), ['a', 'b'], 'node a has room for one');
  await waitUntil('the sites', async () => (await known(nodes[0], 'b'))?.site === 'hall' && (await known(nodes[1], 'a'))?.site === 'out', LONG_MS);
  const drained = await nodes[0].ctl('cluster', 'drain');
  assert.equal(drained.code, 0, drained.stderr);
  for (const { name } of cameras) await settles(nodes, name, 'b');

  // A preference that a reload brings moves nothing by itself, and holds for the next choice.
  nodes[1].settings.cameras = nodes[0].settings.cameras = cameras.map((each) => ({ ...each, site: 'out' }));
  for (const one of nodes) {
    one.write();
    assert.equal((await one.ctl('reload')).code, 0);
  }
  await nodes[0].ctl('cluster', 'drain', '--off');
  await waitUntil('that node a takes cameras again', async () => (await known(nodes[1], 'a'))?.status === 'live', LONG_MS);
  assert.equal(await ownerOf(nodes, 'gate'), 'b');
}, { skip: SKIP, limit: 240_000 });

scenario('the node takes a camera that has least to do, by what its cameras send, and by its CPUs', async (stage) => {
  const camera = await stage.camera(['--camera', 'next', '--camera', 'big:bitrate=4000,noise=60', '--camera', 'small:bitrate=100']);
  const server = await jetstream(stage);
  const wanted = { next: ['a', 'b', 'c'], big: ['a'], small: ['b'] };
  const cameras = camera.cameras.map(({ name, url }) => ({ name, url, nodes: wanted[name] }));
  const [a, b, c] = ['a', 'b', 'c'].map((name) => member(stage, name, server, cameras));
  c.begin();
  await c.serving();
  await settles([c], 'next', 'c');
  for (const one of [a, b]) one.begin();
  for (const one of [a, b]) await one.serving();
  await waitUntil('what the cameras of node a send', async () => (await known(c, 'a'))?.kbps > 2500, LONG_MS);
  await waitUntil('what the camera of node b sends', async () => (await known(c, 'b'))?.kbps > 20, LONG_MS);
  const [big, small] = [await known(c, 'a'), await known(c, 'b')];
  assert.ok(small.kbps < 1000, `${small.kbps} kbit/s`);
  assert.deepEqual([big.cpu, small.cpu], [0, 0]);
  const { bitrate } = await a.camera('big');
  assert.ok(Math.abs(big.kbps - bitrate / 1000) < bitrate / 1000, `node a says ${big.kbps} kbit/s, its status ${bitrate} bit/s`);
  await c.ctl('cluster', 'drain');
  await settles([a, b, c], 'next', 'b');

  // Node c has nothing to do now but for its CPUs.
  await c.ctl('cluster', 'drain', '--off');
  c.machine.busy();
  await waitUntil('the CPUs of node c', async () => (await known(b, 'c'))?.cpu >= 950 && (await known(b, 'c')).status === 'live', LONG_MS);
  await b.ctl('cluster', 'drain');
  await settles([a, b, c], 'next', 'a');
}, { skip: SKIP, limit: 240_000 });
