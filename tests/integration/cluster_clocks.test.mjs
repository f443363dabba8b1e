// SPDX-License-Identifier: MIT
// Nodes whose clocks are an hour apart: one is an hour ahead, one an hour behind, by Debian's libfaketime. What they agree on holds, and what they show is as old as it is.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { hasRelay, natsServer, node } from '../support/cluster.mjs';
import { program } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const LONG_MS = 60_000;
const HOUR_S = 3600;
// How far the clock of a picture may be from what it should be: starts and machines that are slow are no clocks.
const NEAR_S = 600;

const libfaketime = readdirSync('/usr/lib')
  .map((name) => `/usr/lib/${name}/faketime/libfaketime.so.1`)
  .find((file) => existsSync(file));

/** A sanitizer must come first of all that is loaded. */
function sanitizer() {
  const libraries = execFileSync('ldd', [program('ringcastd')], { encoding: 'utf8' });
  return /=> (\S*lib[at]san\.so\S*)/.exec(libraries)?.[1];
}

/** What makes a program's wall clock go SECONDS ahead, and nothing else. */
const ahead = (seconds) => ({
  LD_PRELOAD: [sanitizer(), libfaketime].filter(Boolean).join(' '),
  FAKETIME: `${seconds < 0 ? '' : '+'}${seconds}s`,
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
});

function whyNotHere() {
  if (!hasRelay) return 'ringcast-relay was not built';
  if (!libfaketime) return 'there is no libfaketime: install the package faketime';
  const date = (env) => Number(execFileSync('date', ['+%s'], { env: { ...process.env, ...env }, encoding: 'utf8' }));
  if (Math.abs(date({ ...ahead(HOUR_S), LD_PRELOAD: libfaketime }) - date({}) - HOUR_S) >= 60) return 'libfaketime does not work here';
  // Debian 13's never returns from its own beginning if AddressSanitizer is there.
  const { status } = spawnSync(program('ringcastd'), ['--version'], { env: { ...process.env, ...ahead(HOUR_S) }, timeout: 20_000, killSignal: 'SIGKILL' });
  return status === 0 ? false : 'libfaketime does not work with this build of ringcastd';
}

/** The node that fetches the camera, once it is one and all agree. */
const ownerOf = (nodes) =>
  waitUntil('one node that fetches the camera', async () => {
    const own = [];
    for (const one of nodes) {
      const { state, node: from } = await one.camera('gate');
      if (from === null && state === 'streaming') own.push(one);
    }
    assert.ok(own.length <= 1, 'two nodes fetch it');
    return own[0];
  }, LONG_MS);

/** By how many seconds the clock of VIEWER's newest picture is ahead. */
const clockOf = ({ fragments }) => (fragments.at(-1).prft.wallMs - Date.now()) / 1000;

scenario('nodes whose clocks are an hour apart share cameras, keep leases, and show pictures that are as old as they are', async (stage) => {
  const camera = await stage.camera(['--camera', 'gate', '--camera', 'own']);
  const server = await natsServer(stage, 'hub', { more: `jetstream { store_dir: "${stage.file('jetstream')}" }` });
  const [gate, own] = camera.cameras;
  const shared = { name: 'gate', url: gate.url, nodes: ['a', 'b'], on_demand_idle: 1 };
  const cameras = { a: [shared, { name: 'own', url: own.url }], b: [shared, { name: 'own', url: 'ringcast://a/own', on_demand_idle: 1 }] };
  const offsets = { a: HOUR_S, b: -HOUR_S };
  const nodes = ['a', 'b'].map((name) => Object.assign(node(stage, name, server, cameras[name]).start({ env: ahead(offsets[name]) }), { nodeName: name }));
  const [a, b] = nodes;
  for (const one of nodes) await one.serving();

  // A camera of the node that is ahead, at the one that is behind: two hours are between them, and no picture is late.
  const near = stage.viewer(a, 'own');
  const far = stage.viewer(b, 'own');
  await near.more(30, LONG_MS);
  await far.more(60, LONG_MS);
  assert.ok(Math.abs(clockOf(near) - HOUR_S) < NEAR_S, `the clock of node a is ahead by ${clockOf(near)} s`);
  assert.ok(Math.abs(clockOf(far) - HOUR_S) < NEAR_S, 'a picture has the clock of the node that took it');
  const status = await b.status();
  assert.equal(status.programs.relay.counts.jumps, 0, 'nothing is taken for late');
  const { latency } = status.cameras.find(({ name }) => name === 'own');
  assert.ok(latency, 'node b measures how old its pictures are');
  const count = latency.counts.reduce((sum, each) => sum + each, 0);
  assert.ok(latency.sum_s / count < 60, `${latency.sum_s} s for ${count} pictures`);
  assert.ok(latency.sum_s >= 0);

  // Leases: through some of them nothing moves, a drain and a death move it.
  const first = await ownerOf(nodes);
  const pid = (await first.camera('gate')).pid;
  const viewers = nodes.map((one) => stage.viewer(one, 'gate'));
  for (const viewer of viewers) await viewer.more(150, LONG_MS); // ten seconds: four leases
  assert.equal(await ownerOf(nodes), first);
  assert.equal((await first.camera('gate')).pid, pid, 'it was not begun anew');
  const { stdout } = await a.ctl('cluster', 'nodes', '--json');
  assert.deepEqual(JSON.parse(stdout).nodes.map(({ name, status: said, silent_s: silent }) => [name, said, silent]).sort(), [['a', 'live', null], ['b', 'live', null]]);
  const second = nodes.find((one) => one !== first);
  assert.equal((await first.ctl('cluster', 'drain')).code, 0);
  await waitUntil('that it has moved', async () => (await ownerOf(nodes)) === second, LONG_MS);
  for (const viewer of viewers) {
    await viewer.more(15, LONG_MS);
    viewer.assertOpen();
  }
  assert.equal((await first.ctl('cluster', 'drain', '--off')).code, 0);
  const killed = second.processes();
  for (const each of killed) process.kill(each, 'SIGKILL');
  await waitUntil('that it has moved back', async () => (await ownerOf([first])) === first, LONG_MS);
  const left = viewers[nodes.indexOf(first)];
  await left.more(15, LONG_MS);
  left.assertOpen();
  await second.clear();
  // libfaketime's own, which a process that is killed leaves.
  for (const each of killed) for (const name of [`faketime_shm_${each}`, `sem.faketime_sem_${each}`]) rmSync(`/dev/shm/${name}`, { force: true });
}, { skip: whyNotHere(), limit: 300_000 });
