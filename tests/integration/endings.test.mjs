// SPDX-License-Identifier: MIT
// However it ends, nothing stays behind.
import assert from 'node:assert/strict';
import { descendants, isAlive } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

async function running(stage) {
  const camera = await stage.camera(['--cameras', '2', '--audio', 'aac']);
  const ringcast = await stage.ringcast(camera);
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(5);
  assert.equal(ringcast.rings().length, 2);
  return { camera, ringcast, viewer };
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  scenario(`${signal}`, async (stage) => {
    const { camera, ringcast, viewer } = await running(stage);
    await ringcast.stop(signal);
    await viewer.until('the close', ({ closed }) => closed);
    assert.equal(viewer.closed.code, 1001, 'going away');
    await waitUntil('the camera to be left', async () => (await camera.command('clients cam1')) === 0);
  });
}

scenario('Ctrl-C: the whole process group gets the signal', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const cameras = camera.cameras.map(({ name, url }) => ({ name, url }));
  const ringcast = stage.instance({ cameras }).start({ detached: true });
  await ringcast.streaming();
  process.kill(-ringcast.pid, 'SIGINT');
  assert.deepEqual(await ringcast.daemon.finish(), { code: 0, signal: null });
  await ringcast.assertNothingLeft();
});

scenario('ringcastctl stop', async (stage) => {
  const { ringcast } = await running(stage);
  const result = await ringcast.ctl('stop');
  assert.equal(result.code, 0, result.stderr);
  assert.deepEqual(await ringcast.daemon.finish(), { code: 0, signal: null });
  await ringcast.assertNothingLeft();
  const after = await ringcast.ctl('status');
  assert.notEqual(after.code, 0);
  assert.match(after.stderr, /control\.sock/, 'the error says which socket was tried');
});

scenario('SIGTERM while its cameras are out of reach', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  await camera.command('off cam1');
  const cameras = [{ name: 'cam1', url: camera.url() }, { name: 'closed', url: 'rtsp://127.0.0.1:9/x' }];
  const ringcast = stage.instance({ cameras }).start();
  await ringcast.serving();
  await ringcast.until('reasons', ({ cameras: found }) => found.every(({ error }) => error));
  await ringcast.stop();
});

scenario('SIGTERM right after the start', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  for (const limit of [0, 30, 100, 300]) {
    const ringcast = stage.instance({ cameras: [{ name: 'cam1', url: camera.url() }] }).start();
    const begun = Date.now();
    await waitUntil('the moment', () => Date.now() - begun >= limit);
    for (const pid of descendants(ringcast.pid)) ringcast.children.add(pid);
    const result = await ringcast.daemon.stop();
    // Before its handlers are there, SIGTERM ends it the plain way: nothing has been made by then.
    assert.ok(result.code === 0 || result.signal === 'SIGTERM', JSON.stringify(result));
    await ringcast.assertNothingLeft();
  }
});

scenario('kill -9 of everything, then a new start', async (stage) => {
  const { ringcast } = await running(stage);
  const children = descendants(ringcast.pid);
  assert.ok(children.length >= 4, `fan-out, template and two workers: ${children}`);
  ringcast.daemon.signal('SIGKILL');
  await ringcast.daemon.finish();
  for (const pid of children) process.kill(pid, 'SIGKILL'); // the keeper too: nothing can be taken over
  await waitUntil('the children to end', () => !children.some(isAlive), 40000);
  const stale = ringcast.rings();
  assert.equal(stale.length, 2, 'rings were left');
  ringcast.start();
  await ringcast.streaming();
  assert.equal(ringcast.rings().length, 2, `the stale rings (${stale}) were swept`);
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(10);
  viewer.assertConsecutive();
  await ringcast.stop();
});
