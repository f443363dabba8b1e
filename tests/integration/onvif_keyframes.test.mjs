// SPDX-License-Identifier: MIT
// A camera whose keyframes are far apart, met in the middle: asked by ONVIF (SetSynchronizationPoint), it sends one at once. The encoder of the
// test camera is the same for all clients, so a first one, which began it, sees to it that ringcast comes late.
import assert from 'node:assert/strict';
import { OnvifDevice } from '../support/onvif_device.mjs';
import { RtspClient } from '../support/rtsp_client.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const GOP = 900; // pictures, which is a minute: more than any of these waits
const CAMERA = ['--fps', '15', '--gop', `${GOP}`, '--size', '160x90'];
const LOGIN = { username: 'admin', password: 'canary & 7b"' };
const LIMIT_MS = 40_000;

/** A camera that somebody watches already, and its device, which knows it as the profile `main`; OPTIONS: of the device. */
async function watched(stage, options = {}) {
  const camera = await stage.camera(CAMERA);
  const first = await new RtspClient(camera.url()).play();
  await waitUntil('its first pictures', () => first.pictures >= 5);
  const asked = [];
  const device = await new OnvifDevice({
    ...LOGIN, profiles: [{ token: 'main' }, { token: 'other' }],
    onKeyframe: (token) => {
      asked.push(token);
      if (token === 'main') camera.command('keyframe cam1').catch(() => {});
    },
    ...options,
  }).start();
  return { camera, first, device, asked };
}

async function withWatched(stage, options, body) {
  const all = await watched(stage, options);
  try {
    return await body(all);
  } finally {
    await all.first.close();
    await all.device.stop();
  }
}

const configured = ({ camera, device }, fragment = '', extra = {}) => ({
  cameras: [{ name: 'front', url: camera.url(), ...LOGIN, onvif: `http://${device.address}/onvif/device_service${fragment}`, ...extra }],
});

scenario('a camera is asked for a keyframe where the worker waits for one, by either service, with the log-in of the settings', async (stage) => {
  for (const [fragment, options, asked] of [
    ['#main', {}, ['main']],
    ['', {}, ['main', 'other']],
    ['#main', { media2: false, services: false, login: 'digest' }, ['main']],
  ]) {
    await withWatched(stage, options, async (all) => {
      const ringcast = stage.instance(configured(all, fragment)).start();
      await ringcast.streaming(undefined, LIMIT_MS);
      const at = (words) => Date.parse(ringcast.log.split('\n').find((line) => line.includes(words)).split(' ')[0]);
      console.log(`pictures ${at(': streaming ') - at(': connected: ')} ms after the connection, with a keyframe a minute`);
      assert.equal(all.device.refused, 0);
      await waitUntil('every profile', () => all.asked.length >= asked.length);
      assert.deepEqual(all.asked, asked);
      assert.equal(all.device.bodies.join('').includes('canary'), false, 'the password did not go out');
      const viewer = stage.viewer(ringcast, 'front');
      await viewer.more(30);
      assert.deepEqual(all.asked, asked, 'while pictures come, it is left alone');
      assert.equal(ringcast.log.includes('canary'), false);
      await ringcast.stop();
    });
  }
}, { limit: 4 * LIMIT_MS });

scenario('one that refuses the log-in is asked once, until its settings change', async (stage) => {
  await withWatched(stage, { password: 'other' }, async (all) => {
    const ringcast = stage.instance(configured(all, '#main')).start();
    const told = /camera front: it could not be asked by ONVIF for a keyframe: refuses the username or password.*; it is not asked again before its settings change/;
    await waitUntil('the refusal', () => told.test(ringcast.log), LIMIT_MS);
    await ringcast.until('the next moments at which it would be asked', ({ cameras: [one] }) => /waiting for a keyframe, [6-9]/.test(one.error ?? ''), LIMIT_MS);
    assert.equal(all.device.refused, 1, 'cameras lock users out');
    assert.deepEqual(all.asked, []);
    all.device.options.password = 'right';
    ringcast.settings.cameras[0].password = 'right';
    ringcast.write();
    assert.equal((await ringcast.ctl('reload')).code, 0);
    await ringcast.streaming(undefined, LIMIT_MS);
    assert.deepEqual(all.asked, ['main']);
    await ringcast.stop();
  });
}, { limit: 4 * LIMIT_MS });

scenario('a device that does not answer costs nothing but its process, which ends with ringcastd', async (stage) => {
  await withWatched(stage, { answers: { GetServices: () => {} } }, async (all) => {
    const ringcast = stage.instance(configured(all)).start();
    await waitUntil('the question', () => all.device.asked.includes('GetServices'), LIMIT_MS);
    const other = all.first.pictures;
    await waitUntil('pictures meanwhile', () => all.first.pictures > other + 5);
    assert.equal((await ringcast.status()).cameras[0].restarts, 0);
    await ringcast.stop(); // which checks that nothing is left
  });
}, { limit: 2 * LIMIT_MS });
