// SPDX-License-Identifier: MIT
// Killing one process touches nothing that is not its own.
import assert from 'node:assert/strict';
import { decode } from '../support/media.mjs';
import { commandName } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const kill = (pid) => process.kill(pid, 'SIGKILL');
const pids = (status) => Object.fromEntries(status.cameras.map(({ name, pid }) => [name, pid]));

scenario('the processes are apart and have their names', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = await stage.ringcast(camera);
  const status = await ringcast.status();
  assert.equal(status.pid, ringcast.pid);
  assert.equal(commandName(status.pid), 'ringcastd');
  assert.equal(commandName(status.fanouts[0].pid), 'ringcast-fanout');
  for (const { pid } of [status.template, ...status.cameras]) assert.equal(commandName(pid), 'ringcast-ingest');
  assert.equal(new Set([status.template.pid, ...Object.values(pids(status))]).size, 3);
});

scenario('kill -9 of one ingest', async (stage) => {
  const camera = await stage.camera(['--cameras', '3']);
  const ringcast = await stage.ringcast(camera);
  const viewers = camera.cameras.map(({ name }) => stage.viewer(ringcast, name));
  for (const viewer of viewers) await viewer.more(10);
  const [own, ...others] = viewers;
  for (let round = 1; round <= 3; round++) {
    const before = await ringcast.status();
    const had = own.fragments.length;
    const decoded = own.lastDecodeSeconds;
    kill(pids(before).cam1);
    await own.until('fragments of the next worker', ({ fragments }) => fragments.length > had + 20, 40000);
    own.assertOpen();
    assert.ok(own.lastDecodeSeconds > decoded, 'decode times go forward');
    const after = await ringcast.until('the restart to show', ({ cameras }) => cameras[0].restarts === round);
    assert.notEqual(pids(after).cam1, pids(before).cam1);
    assert.deepEqual([pids(after).cam2, pids(after).cam3], [pids(before).cam2, pids(before).cam3]);
    for (const other of others) await other.more(5);
  }
  own.assertConsecutive();
  for (const other of others) {
    other.assertOpen();
    other.assertConsecutive();
    assert.ok((await decode(stage.file(`${other.camera}.mp4`, other.recording()))) > 40);
  }
  await decode(stage.file('cam1.mp4', own.recording()));
});

scenario('kill -9 of the fan-out', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = await stage.ringcast(camera);
  const before = await ringcast.status();
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(10);
  kill(before.fanouts[0].pid);
  await viewer.until('the connection to break', ({ closed }) => closed);
  const again = stage.viewer(ringcast, 'cam1');
  await again.more(20, 40000);
  again.assertConsecutive();
  assert.ok(again.fragments[0].sequence >= viewer.fragments[0].sequence, 'it begins at the newest keyframe');
  assert.ok(again.fragments.at(-1).sequence > viewer.fragments.at(-1).sequence, 'the ring has gone on');
  const after = await ringcast.until('the restart to show', ({ fanouts }) => fanouts[0].restarts === 1);
  assert.notEqual(after.fanouts[0].pid, before.fanouts[0].pid);
  assert.equal(after.address, before.address);
  assert.deepEqual(pids(after), pids(before), 'the workers are the same');
  assert.ok(after.cameras.every(({ restarts }) => restarts === 0));
});

scenario('kill -9 of the fork server', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = await stage.ringcast(camera);
  const viewers = camera.cameras.map(({ name }) => stage.viewer(ringcast, name));
  for (const viewer of viewers) await viewer.more(10);
  const before = await ringcast.status();
  kill(before.template.pid);
  const after = await ringcast.until(
    'a new fork server',
    ({ template }) => template.state === 'running' && template.pid !== before.template.pid,
  );
  assert.equal(after.template.restarts, 1);
  assert.deepEqual(pids(after), pids(before), 'the workers are the same');
  for (const viewer of viewers) await viewer.more(10);
  kill(pids(after).cam2);
  const had = viewers[1].fragments.length;
  await viewers[1].until('fragments of the next worker', ({ fragments }) => fragments.length > had + 15, 40000);
  await viewers[0].more(5);
  for (const viewer of viewers) {
    viewer.assertOpen();
    viewer.assertConsecutive();
  }
});

scenario('ringcastctl restart', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = await stage.ringcast(camera);
  const viewers = camera.cameras.map(({ name }) => stage.viewer(ringcast, name));
  for (const viewer of viewers) await viewer.more(10);
  const before = await ringcast.status();
  const result = await ringcast.ctl('restart', 'cam2');
  assert.equal(result.code, 0, result.stderr);
  const after = await ringcast.until(
    'the new worker to stream',
    (status) => pids(status).cam2 && pids(status).cam2 !== pids(before).cam2 && status.cameras[1].state === 'streaming',
  );
  assert.equal(pids(after).cam1, pids(before).cam1);
  for (const viewer of viewers) {
    await viewer.more(20);
    viewer.assertOpen();
    viewer.assertConsecutive();
  }
  const wrong = await ringcast.ctl('restart', 'cam22');
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.stderr, /cam22/);
});
