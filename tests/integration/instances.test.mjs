// SPDX-License-Identifier: MIT
// Several instances live on one machine.
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.mjs';

scenario('two instances side by side', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const cameras = [{ name: 'cam1', url: camera.url() }];
  const first = stage.instance({ cameras }).start();
  const second = stage.instance({ cameras }).start();
  await first.streaming();
  await second.streaming();
  assert.notEqual(first.address, second.address);
  const survivor = stage.viewer(second, 'cam1');
  await survivor.more(5);
  await stage.viewer(first, 'cam1').more(5);
  await first.stop();
  await survivor.more(10);
  survivor.assertConsecutive();
});

scenario('the instance name comes from the runtime directory', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = stage.instance({ cameras: [{ name: 'cam1', url: camera.url() }] });
  delete ringcast.settings.instance;
  ringcast.write();
  ringcast.start();
  const status = await ringcast.streaming();
  ringcast.instance = status.instance;
  assert.equal(ringcast.rings().length, 1);
  assert.equal(status.cameras[0].ring, `/${ringcast.rings()[0]}`);
});

scenario('the same instance cannot run twice', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = await stage.ringcast(camera);
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(5);
  const second = stage.instance({ ...ringcast.settings }).start();
  const result = await second.daemon.finish();
  assert.notEqual(result.code, 0);
  assert.equal(result.signal, null);
  assert.match(second.daemon.stderr, /run|lock|already/i);
  await viewer.more(10);
  viewer.assertConsecutive();
  await ringcast.status();
});
