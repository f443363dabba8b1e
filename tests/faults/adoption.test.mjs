// SPDX-License-Identifier: MIT
// ringcastd is killed: everything it started goes on, and the next ringcastd takes it over without a frame missing.
import assert from 'node:assert/strict';
import { isAlive, program, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { sleep, waitUntil } from '../support/wait.mjs';

const pids = (status) => ({
  keeper: status.keeper.pid,
  fanouts: status.fanouts.map(({ pid }) => pid),
  cameras: status.cameras.map(({ pid }) => pid),
});

async function killSupervisor(ringcast) {
  ringcast.daemon.signal('SIGKILL');
  await ringcast.daemon.finish();
}

scenario('kill -9 of ringcastd, three times over', async (stage) => {
  const camera = await stage.camera(['--cameras', '3']);
  const ringcast = await stage.ringcast(camera);
  const viewers = camera.cameras.map(({ name }) => stage.viewer(ringcast, name));
  for (const viewer of viewers) await viewer.more(10);
  const before = await ringcast.status();
  for (let round = 0; round < 3; round++) {
    await killSupervisor(ringcast);
    for (const viewer of viewers) await viewer.more(15); // without a ringcastd, which is not missed
    const late = stage.viewer(ringcast, 'cam2');
    await late.more(5);
    await late.close();
    ringcast.start();
    const after = await ringcast.streaming();
    assert.deepEqual(pids(after), pids(before), 'the processes are the same');
    assert.equal(after.address, before.address);
    assert.deepEqual(after.cameras.map(({ restarts }) => restarts), [0, 0, 0]);
    assert.deepEqual(after.cameras.map(({ codecs }) => codecs), before.cameras.map(({ codecs }) => codecs));
    for (const viewer of viewers) await viewer.more(10);
    await ringcast.until('the viewers to be counted', ({ cameras }) => cameras.every((c) => c.viewers === 1));
  }
  for (const viewer of viewers) {
    viewer.assertOpen();
    viewer.assertConsecutive();
    assert.equal(viewer.inits.length, 1);
  }
  // What was taken over is still supervised.
  const { cameras, fanouts } = await ringcast.status();
  process.kill(cameras[0].pid, 'SIGKILL');
  const had = viewers[0].fragments.length;
  await viewers[0].until('fragments of the next worker', ({ fragments }) => fragments.length > had + 15, 40000);
  const replaced = await ringcast.until('the exit to show', (status) => status.cameras[0].last_exit && status.cameras[0].restarts === 1);
  assert.match(replaced.cameras[0].last_exit.reason, /ended/);
  process.kill(fanouts[0].pid, 'SIGKILL');
  await viewers[1].until('the connection to break', ({ closed }) => closed);
  const again = stage.viewer(ringcast, 'cam2');
  await again.more(10, 40000);
  await ringcast.stop();
});

scenario('kill -9 of the keeper, then of ringcastd; then of ringcastd as it starts', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = await stage.ringcast(camera);
  const viewers = camera.cameras.map(({ name }) => stage.viewer(ringcast, name));
  for (const viewer of viewers) await viewer.more(5);
  const before = await ringcast.status();
  assert.equal((await ringcast.ctl('reload')).code, 0); // the configuration with which the keeper began is gone
  process.kill(before.keeper.pid, 'SIGKILL');
  const restarted = await ringcast.until('another keeper', ({ keeper }) => keeper.state === 'running' && keeper.pid !== before.keeper.pid);
  assert.equal(restarted.keeper.restarts, 1);
  await killSupervisor(ringcast);
  for (const wait of [0, 20, 60, 150]) {
    ringcast.start();
    await sleep(wait); // any moment of its start will do
    await killSupervisor(ringcast);
  }
  ringcast.start();
  const after = await ringcast.streaming();
  assert.deepEqual(pids(after).cameras, pids(before).cameras, 'the workers are the same');
  assert.deepEqual(pids(after).fanouts, pids(before).fanouts, 'the fan-out is the same');
  for (const viewer of viewers) {
    await viewer.more(10);
    viewer.assertOpen();
    viewer.assertConsecutive();
  }
  await ringcast.stop();
});

scenario('a stopped keeper, a stopped worker', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = await stage.ringcast(camera);
  const viewers = camera.cameras.map(({ name }) => stage.viewer(ringcast, name));
  for (const viewer of viewers) await viewer.more(5);
  const before = await ringcast.status();
  process.kill(before.keeper.pid, 'SIGSTOP');
  await killSupervisor(ringcast);
  process.kill(before.cameras[0].pid, 'SIGSTOP');
  ringcast.start();
  const after = await ringcast.streaming();
  assert.equal(after.cameras[1].pid, before.cameras[1].pid);
  const replaced = await ringcast.until('the stopped worker to be replaced', ({ cameras }) => cameras[0].pid && cameras[0].pid !== before.cameras[0].pid);
  assert.match(replaced.cameras[0].last_exit.reason, /no sign of life/);
  const had = viewers[0].fragments.length;
  await viewers[0].until('fragments of the next worker', ({ fragments }) => fragments.length > had + 15, 40000);
  viewers[1].assertConsecutive();
  await ringcast.stop();
});

// What the keeper has cannot be got out of it: everything begins again, by itself.
scenario('a keeper that spins, and ringcastd killed before that is found out', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = await stage.ringcast(camera);
  const before = await ringcast.status();
  const spin = await run(program('../tests/ringcast-test-spin'), [String(before.keeper.pid)]);
  assert.equal(spin.code, 0, spin.stderr);
  await killSupervisor(ringcast);
  ringcast.start();
  const after = await ringcast.streaming();
  assert.ok(!isAlive(before.keeper.pid));
  for (const { pid } of before.cameras) assert.ok(!after.cameras.some((other) => other.pid === pid));
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(5);
});

scenario('a changed configuration is what counts', async (stage) => {
  const camera = await stage.camera(['--cameras', '3']);
  const ringcast = await stage.ringcast(camera);
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(5);
  const before = await ringcast.status();
  await killSupervisor(ringcast);
  const [cam1, cam2] = ringcast.settings.cameras;
  ringcast.settings.cameras = [cam1, { ...cam2, audio: false }];
  ringcast.write();
  ringcast.start();
  const after = await ringcast.until(
    'the changed one to be replaced',
    ({ cameras }) => cameras.length === 2 && cameras[1].state === 'streaming' && cameras[1].pid !== before.cameras[1].pid,
  );
  assert.equal(after.cameras[0].pid, before.cameras[0].pid);
  await waitUntil('the removed one to end', () => !isAlive(before.cameras[2].pid));
  assert.equal(ringcast.rings().length, 2);
  await viewer.more(5);
  viewer.assertConsecutive();
  await ringcast.stop();
});

scenario('without a next ringcastd everything ends after the lease', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = await stage.ringcast(camera);
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(5);
  const before = await ringcast.status();
  const begun = Date.now();
  await killSupervisor(ringcast);
  process.kill(before.cameras[1].pid, 'SIGSTOP'); // one that cannot end by itself
  await viewer.until('the close', ({ closed }) => closed, 45000);
  assert.ok(Date.now() - begun >= 29000, 'the cameras were kept for 30 s');
  viewer.assertConsecutive();
  await ringcast.assertNothingLeft();
});
