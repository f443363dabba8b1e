// SPDX-License-Identifier: MIT
// The sandbox of the real processes: what the kernel says of each, and that a layer that is missing is named.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { descendants } from '../support/processes.mjs';
import { mappedRings } from '../support/rings.mjs';
import { scenario } from '../support/scenario.mjs';

const isRoot = process.getuid() === 0;
const PTRACE = 1n << 19n;

const field = (pid, name) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
const coreLimit = (pid) => /^Max core file size\s+(\S+)\s+(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8')).slice(1);

async function everyRole(stage, settings = {}) {
  const camera = await stage.camera(['--cameras', '2']);
  const cameras = camera.cameras.map(({ name, url }) => ({ name, url }));
  const ringcast = stage.instance({ cameras, admin: '127.0.0.1:0', fanout: { processes: 2 }, ...settings }).start();
  await ringcast.streaming();
  const status = await ringcast.until('all services to run', (now) =>
    [...now.fanouts, now.template, now.keeper, now.exporter].every(({ state }) => state === 'running'));
  return { ringcast, status };
}

const confined = (status) => [...status.cameras, ...status.fanouts, status.template, status.exporter];

scenario('every process is in its sandbox', async (stage) => {
  const { ringcast, status } = await everyRole(stage);
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(5);
  const all = [...confined(status), status.keeper, { pid: status.pid, sandbox: status.sandbox }];
  assert.deepEqual(new Set(descendants(status.pid)), new Set(all.map(({ pid }) => pid).filter((pid) => pid !== status.pid)));
  for (const { pid, sandbox } of all) {
    assert.ok(['no-new-privs', 'capabilities', 'limits', 'not-dumpable'].every((layer) => sandbox.includes(layer)), `${pid}: ${sandbox}`);
    assert.equal(field(pid, 'NoNewPrivs'), '1');
    assert.deepEqual(coreLimit(pid), ['0', '0']);
    assert.equal(BigInt(`0x${field(pid, 'CapEff')}`) & PTRACE, 0n);
    assert.equal(field(pid, 'CapInh'), '0000000000000000');
    assert.equal(field(pid, 'CapAmb'), '0000000000000000');
  }
  for (const { pid, sandbox } of confined(status)) {
    assert.ok(sandbox.includes('seccomp'), `${pid}: ${sandbox}`);
    assert.equal(field(pid, 'Seccomp'), '2');
    assert.equal(field(pid, 'CapEff'), '0000000000000000');
    assert.equal(field(pid, 'CapPrm'), '0000000000000000');
  }
  // A fan-out has no way to write a ring.
  for (const { pid } of status.fanouts) {
    const maps = mappedRings(pid, `ringcast.${ringcast.instance}.`);
    assert.ok(maps.length >= 2);
    assert.ok(maps.every(({ permissions }) => permissions === 'r--s'), JSON.stringify(maps));
  }
  // A worker maps its own ring and no other's.
  for (const { pid } of status.cameras) {
    const rings = new Set(mappedRings(pid).map(({ path }) => path));
    assert.equal(rings.size, 1, [...rings].join(' '));
  }
  const table = await ringcast.ctl('status');
  assert.match(table.stdout, /^sandbox: .*seccomp/m);
}, { skip: isRoot ? false : 'only root may look into processes that are not dumpable' });

scenario('"off" is off, and said', async (stage) => {
  const { ringcast, status } = await everyRole(stage, { sandbox: 'off' });
  assert.deepEqual(status.sandbox, []);
  for (const { pid, sandbox } of confined(status)) {
    assert.deepEqual(sandbox, []);
    assert.equal(field(pid, 'Seccomp'), field(process.pid, 'Seccomp'));
  }
  assert.match(ringcast.log, /sandbox: off by configuration/);
});
