// SPDX-License-Identifier: MIT
// Cameras are added, removed and changed while ringcastd runs: what did not change loses no frame.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { Running, program } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const names = (status) => status.cameras.map(({ name }) => name);
const pids = (status) => Object.fromEntries(status.cameras.map(({ name, pid }) => [name, pid]));

async function ok(promise) {
  const result = await promise;
  assert.equal(result.code, 0, result.stderr);
  return result;
}

scenario('reload under load with 20 cameras', async (stage) => {
  const camera = await stage.camera(['--cameras', '20', '--size', '160x90', '--fps', '10', '--gop', '10']);
  const ringcast = await stage.ringcast(camera);
  const viewers = camera.cameras.map(({ name }) => stage.viewer(ringcast, name));
  for (const viewer of viewers) await viewer.more(3);
  const before = await ringcast.status();
  const all = ringcast.settings.cameras;

  // cam2 leaves, cam3 changes, cam4 is disabled, one is new; by SIGHUP.
  ringcast.settings.cameras = [
    ...all.filter(({ name }) => !['cam2'].includes(name)).map((c) => (c.name === 'cam3' ? { ...c, audio: false } : c.name === 'cam4' ? { ...c, enabled: false } : c)),
    { name: 'new one', url: camera.url(1) },
  ];
  ringcast.write();
  ringcast.daemon.signal('SIGHUP');
  const after = await ringcast.until(
    'the new configuration',
    (status) =>
      !names(status).includes('cam2') &&
      status.cameras.some(({ name, state }) => name === 'new one' && state === 'streaming') &&
      status.cameras.some(({ name, state, pid }) => name === 'cam3' && state === 'streaming' && pid !== pids(before).cam3) &&
      status.cameras.some(({ name, state }) => name === 'cam4' && state === 'disabled'),
  );
  await viewers[1].until('the close', ({ closed }) => closed);
  await viewers[2].more(10);
  const same = viewers.filter(({ camera: name }) => !['cam2', 'cam3', 'cam4'].includes(name));
  for (const viewer of same) {
    await viewer.more(5);
    viewer.assertOpen();
    viewer.assertConsecutive();
    assert.equal(pids(after)[viewer.camera], pids(before)[viewer.camera]);
  }
  assert.equal(after.cameras.length, 20);

  // A file with errors changes nothing and is told by line and field.
  ringcast.write(`${readFileSync(ringcast.config, 'utf8')}\nlisten_on = 1;\n`);
  const wrong = await ringcast.ctl('reload');
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.stderr, /ringcast\.conf:\d+: listen_on: unknown setting/);
  ringcast.settings.instance = 'other';
  ringcast.write();
  const fixed = await ringcast.ctl('reload');
  assert.notEqual(fixed.code, 0);
  assert.match(fixed.stderr, /instance cannot change/);
  ringcast.settings.instance = ringcast.instance;
  assert.deepEqual(pids(await ringcast.status()), pids(after));

  // And back.
  ringcast.settings.cameras = all;
  ringcast.write();
  await ok(ringcast.ctl('reload'));
  await ringcast.streaming();
  for (const viewer of same) {
    await viewer.more(5);
    viewer.assertOpen();
    viewer.assertConsecutive();
  }
  assert.equal(ringcast.rings().length, 20);
});

scenario('commands change cameras, and the changes last', async (stage) => {
  const camera = await stage.camera(['--cameras', '3']);
  const cameras = camera.cameras.slice(0, 2).map(({ name, url }) => ({ name, url }));
  const ringcast = stage.instance({ cameras }).start();
  await ringcast.streaming();
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(3);
  const file = readFileSync(ringcast.config, 'utf8');
  const events = new Running(program('ringcastctl'), ['--config', ringcast.config, 'events', '--follow', '--json']);
  stage.running.push(events);
  const told = () => events.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));

  await ringcast.until('events to be heard', () => {
    ringcast.ctl('camera', 'set', 'cam2', 'audio=false');
    ringcast.ctl('camera', 'set', 'cam2', 'audio=true');
    return told().some(({ event }) => event === 'camera-changed');
  });
  await ok(ringcast.ctl('camera', 'add', 'cam3', `url=${camera.url(2)}`));
  await ringcast.streaming(['cam1', 'cam2', 'cam3']);
  assert.notEqual((await ringcast.ctl('camera', 'add', 'cam3', `url=${camera.url(2)}`)).code, 0);
  const wrong = await ringcast.ctl('camera', 'set', 'cam3', 'transport=pigeon');
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.stderr, /transport: unknown value "pigeon"/);
  await ok(ringcast.ctl('camera', 'disable', 'cam2'));
  await ringcast.until('cam2 to be disabled', (status) => status.cameras[1].state === 'disabled' && status.cameras[1].pid === null);
  assert.equal(readFileSync(ringcast.config, 'utf8'), file, "the user's file is not touched");
  const [state] = readdirSync(ringcast.state);
  assert.equal(state, `${ringcast.instance}.json`);
  assert.equal(statSync(path.join(ringcast.state, state)).mode & 0o777, 0o600);
  await events.until('the events', () => ['camera-added', 'camera-state', 'camera-exit'].every((kind) => told().some(({ event }) => event === kind)));
  const seqs = told().map(({ seq }) => seq);
  assert.deepEqual(seqs, seqs.map((_, i) => seqs[0] + i), 'no event is missing');
  events.signal('SIGINT');
  await events.finish();
  stage.running.pop();

  const before = await ringcast.status();
  ringcast.daemon.signal('SIGKILL');
  await ringcast.daemon.finish();
  ringcast.start();
  await ringcast.streaming(['cam1', 'cam3']);
  const after = await ringcast.until('all of them', (status) => status.cameras.length === 3 && status.cameras.some(({ name, state: s }) => name === 'cam2' && s === 'disabled'));
  assert.deepEqual(pids(after), pids(before));
  assert.deepEqual(Object.fromEntries(after.cameras.map(({ name, source }) => [name, source])), { cam1: 'file', cam2: 'changed', cam3: 'added' });
  await ok(ringcast.ctl('camera', 'enable', 'cam2'));
  await ok(ringcast.ctl('camera', 'remove', 'cam3'));
  await ringcast.streaming(['cam1', 'cam2']);
  await ringcast.until('cam3 to be gone', (status) => !names(status).includes('cam3'));
  await viewer.more(5);
  viewer.assertOpen();
  viewer.assertConsecutive();
  await ringcast.stop();
});

scenario('a camera on demand sleeps until somebody watches', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = stage.instance({
    cameras: camera.cameras.map(({ name, url }) => ({ name, url, on_demand: name === 'cam2', on_demand_idle: 1 })),
  });
  ringcast.start();
  await ringcast.streaming(['cam1']);
  const asleep = ({ cameras }) => cameras[1].state === 'idle' && cameras[1].pid === null;
  await ringcast.until('cam2 to sleep', asleep);
  for (let round = 0; round < 2; round++) {
    const viewer = stage.viewer(ringcast, 'cam2');
    const begun = performance.now();
    await viewer.more(1);
    const took = performance.now() - begun;
    console.log(`first picture of a sleeping camera after ${took.toFixed(0)} ms`);
    assert.ok(took < 5000, `the first picture took ${took} ms`);
    await viewer.more(10);
    viewer.assertConsecutive();
    await viewer.close();
    await ringcast.until('cam2 to sleep again', asleep);
  }
  const { cameras } = await ringcast.status();
  assert.equal(cameras[1].last_exit.reason, 'exited with code 0');
  assert.equal(cameras[1].error, null);
});
