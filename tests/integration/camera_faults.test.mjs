// SPDX-License-Identifier: MIT
// A camera that goes away comes back by itself; its viewers stay, its neighbours notice nothing.
import assert from 'node:assert/strict';
import { decode } from '../support/media.mjs';
import { scenario } from '../support/scenario.mjs';

const BACK_LIMIT_MS = 60000;

async function twoCameras(stage) {
  const camera = await stage.camera(['--cameras', '2'], { leaks: true });
  const ringcast = await stage.ringcast(camera);
  const [own, other] = camera.cameras.map(({ name }) => stage.viewer(ringcast, name));
  await own.more(10);
  await other.more(10);
  return { camera, ringcast, own, other };
}

async function assertRecovered(stage, { own, other }) {
  await own.more(20, BACK_LIMIT_MS);
  await other.more(5);
  for (const viewer of [own, other]) {
    viewer.assertOpen();
    viewer.assertConsecutive();
    await decode(stage.file(`${viewer.camera}.mp4`, viewer.recording()));
  }
}

scenario('its connection is dropped', async (stage) => {
  const scene = await twoCameras(stage);
  const pid = (await scene.ringcast.camera('cam1')).pid;
  assert.equal(await scene.camera.command('drop cam1'), 1);
  const had = scene.own.fragments.length;
  await scene.own.until('fragments again', ({ fragments }) => fragments.length > had + 15, BACK_LIMIT_MS);
  assert.equal((await scene.ringcast.camera('cam1')).pid, pid, 'its worker reconnects and is not started again');
  await assertRecovered(stage, scene);
});

scenario('it is away and comes back', async (stage) => {
  const scene = await twoCameras(stage);
  await scene.camera.command('off cam1');
  const status = await scene.ringcast.until('the state to show it', ({ cameras }) => cameras[0].state !== 'streaming');
  await scene.ringcast.until('a reason to show', ({ cameras }) => cameras[0].error);
  assert.equal(status.cameras[1].state, 'streaming');
  await scene.own.until('the viewer to be told', ({ texts }) =>
    texts.some((text) => text.type === 'state' && text.state !== 'streaming'),
  );
  await scene.other.more(30);
  scene.own.assertOpen();
  await scene.camera.command('on cam1');
  await scene.ringcast.streaming(['cam1']);
  await assertRecovered(stage, scene);
  assert.equal(scene.own.texts.filter((text) => text.type === 'state').at(-1).state, 'streaming');
});

scenario('it was never there, and then it is', async (stage) => {
  const camera = await stage.camera(['--cameras', '2'], { leaks: true });
  await camera.command('off cam2');
  const cameras = camera.cameras.map(({ name, url }) => ({ name, url }));
  const ringcast = stage.instance({ cameras }).start();
  await ringcast.streaming(['cam1']);
  const viewer = stage.viewer(ringcast, 'cam2');
  await viewer.until('the state', ({ texts }) => texts.some((text) => text.type === 'state'));
  assert.equal(viewer.inits.length, 0);
  const { error } = await ringcast.until('a reason', (status) => status.cameras[1].error).then((s) => s.cameras[1]);
  assert.match(error, /404|not found/i);
  const found = await (await fetch(new URL('/api/cameras', ringcast.address))).json();
  assert.equal(found.cameras[1].codecs, null);
  await camera.command('on cam2');
  await viewer.more(10, BACK_LIMIT_MS);
  viewer.assertConsecutive();
});

scenario('it hangs with its connection up', async (stage) => {
  const scene = await twoCameras(stage);
  await scene.camera.command('pause cam1');
  await scene.ringcast.until('the state to show it', ({ cameras }) => cameras[0].state !== 'streaming', 40000);
  await scene.other.more(10);
  await scene.camera.command('resume cam1');
  await scene.ringcast.streaming(['cam1']);
  await assertRecovered(stage, scene);
});

scenario('the camera program dies and another takes its port', async (stage) => {
  const scene = await twoCameras(stage);
  await scene.camera.stop('SIGKILL');
  await scene.ringcast.until('the states to show it', ({ cameras }) => cameras.every(({ state }) => state !== 'streaming'));
  await stage.camera(['--cameras', '2', '--port', String(scene.camera.port)], { leaks: true });
  await scene.ringcast.streaming();
  await assertRecovered(stage, scene);
});
