// SPDX-License-Identifier: MIT
// ringcastctl viewers and kick, over one fan-out and several, and with one that does not answer.
import assert from 'node:assert/strict';
import { run, program } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const KICKED = { code: 4000, reason: 'closed by the operator' };

async function list(ringcast, ...args) {
  const { code, stdout, stderr } = await ringcast.ctl('viewers', ...args, '--json');
  return { code, stderr, ...JSON.parse(stdout) };
}

async function watch(stage, ringcast, camera, count) {
  const viewers = [];
  while (viewers.length < count) {
    viewers.push(stage.viewer(ringcast, camera));
    await viewers.at(-1).more(1);
  }
  return viewers;
}

const portOf = (viewer) => String(viewer.socket._socket.localPort);

scenario('who watches, and one of them is sent away', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = await stage.ringcast(camera);
  assert.deepEqual(await list(ringcast), { code: 0, stderr: '', viewers: [], missing: [] });
  const [first, second] = await watch(stage, ringcast, 'cam1', 2);
  const [third] = await watch(stage, ringcast, 'cam2', 1);
  const all = await list(ringcast);
  const { fanouts } = await ringcast.status();
  assert.equal(all.code, 0);
  assert.deepEqual(all.viewers.map(({ camera: name }) => name), ['cam1', 'cam1', 'cam2']);
  for (const entry of all.viewers) {
    assert.match(entry.id, new RegExp(`^${fanouts[0].pid}-\\d+$`));
    assert.match(entry.address, /^127\.0\.0\.1:\d+$/);
    assert.ok(entry.since_s >= 0 && entry.since_s < 60);
    assert.ok(entry.sent_bytes > 500 && entry.buffered_bytes >= 0, JSON.stringify(entry));
    assert.equal(entry.dropped, 0);
    assert.ok(entry.rtt_ms > 0 && entry.rtt_ms < 10000);
    assert.ok(['live', 'behind', 'waiting', 'slow'].includes(entry.state)); // slow: this machine is busy
  }
  assert.equal(new Set(all.viewers.map(({ id }) => id)).size, 3);
  const one = await list(ringcast, 'cam2');
  assert.deepEqual(one.viewers.map(({ id }) => id), [all.viewers[2].id]);
  assert.match((await ringcast.ctl('viewers')).stdout, /^ID +CAMERA +ADDRESS [^]*cam2 +127\.0\.0\.1:\d+ /);

  const { id } = all.viewers.find(({ address }) => address.endsWith(`:${portOf(second)}`));
  const kicked = await ringcast.ctl('kick', id);
  assert.deepEqual([kicked.code, kicked.stdout], [0, '1 closed\n']);
  await second.until('the end', ({ closed }) => closed);
  assert.deepEqual(second.closed, KICKED);
  const again = await ringcast.ctl('kick', id);
  assert.equal(again.code, 1);
  assert.match(again.stderr, new RegExp(`no viewer ${id}`));
  const byCamera = await ringcast.ctl('kick', '--camera', 'cam2', '--json');
  assert.equal(JSON.parse(byCamera.stdout).viewers, 1);
  await third.until('the end', ({ closed }) => closed);
  assert.deepEqual(third.closed, KICKED);
  assert.equal((await ringcast.ctl('kick', '--camera', 'cam2')).stdout, '0 closed\n');
  await first.more(5);
  first.assertOpen();
  first.assertConsecutive();

  for (const [args, code, message] of [
    [['kick'], 2, /id of a viewer/],
    [['kick', id, '--camera', 'cam1'], 2, /id of a viewer/],
    [['kick', 'everybody'], 1, /"viewer" is the id/],
    [['kick', '1-1'], 1, /its fan-out has ended/],
    [['kick', '--camera', 'cam3'], 1, /no camera is called "cam3"; did you mean/],
    [['viewers', 'cam3'], 1, /no camera is called/],
    [['viewers', '--wait'], 2, /no option/],
  ]) {
    const result = await ringcast.ctl(...args);
    assert.equal(result.code, code, `${args}: ${result.stderr}`);
    assert.match(result.stderr, message);
  }
  const nobody = await run(program('ringcastctl'), ['--socket', stage.file('none.sock'), 'viewers']);
  assert.equal(nobody.code, 3);
  assert.match(nobody.stderr, /none\.sock/);
});

scenario('more viewers than a page holds', async (stage) => {
  const COUNT = 260;
  const camera = await stage.camera(['--cameras', '1', '--size', '160x90', '--fps', '5', '--gop', '5']);
  const ringcast = await stage.ringcast(camera);
  const viewers = Array.from({ length: COUNT }, () => stage.viewer(ringcast, 'cam1', { keep: false }));
  await Promise.all(viewers.map((viewer) => viewer.more(1, 60000)));
  const all = await list(ringcast);
  assert.equal(all.viewers.length, COUNT);
  assert.equal(new Set(all.viewers.map(({ id }) => id)).size, COUNT);
  assert.deepEqual(new Set(all.viewers.map(({ address }) => address.split(':')[1])), new Set(viewers.map(portOf)));
  const kicked = await ringcast.ctl('kick', '--camera', 'cam1');
  assert.equal(kicked.stdout, `${COUNT} closed\n`, kicked.stderr);
  for (const viewer of viewers) await viewer.until('the end', ({ closed }) => closed?.code === KICKED.code);
});

scenario('several fan-outs, and one of them hangs', async (stage) => {
  const COUNT = 8;
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = await stage.ringcast(camera, {}, { fanout: { processes: 2 } });
  await watch(stage, ringcast, 'cam1', COUNT);
  const all = await list(ringcast);
  const { fanouts } = await ringcast.status();
  const [first, second] = fanouts.map(({ pid }) => all.viewers.filter(({ id }) => id.startsWith(`${pid}-`)).length);
  assert.ok(first > 0 && second > 0 && first + second === COUNT);
  process.kill(fanouts[1].pid, 'SIGSTOP'); // it is found out and killed after 3 s
  const part = await list(ringcast);
  assert.equal(part.code, 4);
  assert.match(part.stderr, /fan-out 1 did not answer/);
  assert.deepEqual(part.missing, [1]);
  assert.equal(part.viewers.length, first);
  await ringcast.until('another fan-out', (status) => status.fanouts[1].state === 'running' && status.fanouts[1].restarts === 1);
  const rest = await list(ringcast);
  assert.equal(rest.code, 0);
  assert.deepEqual(rest.viewers.map(({ id }) => id), part.viewers.map(({ id }) => id));
});
