// SPDX-License-Identifier: MIT
// A camera whose pictures change their size in flight: another generation, and viewers go on over the same connection.
import assert from 'node:assert/strict';
import { decode, probe } from '../support/media.mjs';
import { scenario } from '../support/scenario.mjs';

const LIMIT_MS = 40_000;
const SIZES = [[192, 128], [320, 180], [160, 96]];
const FRAMES = 20;

/** All that VIEWER received of its INITth init segment, decoded: {size, frames}. */
async function decoded(stage, viewer, init) {
  const fragments = viewer.fragments.filter((fragment) => fragment.init === init);
  const file = stage.file(`${viewer.camera}${init}.mp4`, Buffer.concat([viewer.inits[init - 1].data, ...fragments.map(({ data }) => data)]));
  assert.equal(await decode(file), fragments.length, `${viewer.camera}: every frame of size ${init} decodes`);
  const video = (await probe(file)).find(({ codec_type }) => codec_type === 'video');
  return [video.width, video.height];
}

/** Decode times never go back, across init segments either. */
function assertForward({ camera, fragments }) {
  for (let i = 1; i < fragments.length; i++) {
    const [a, b] = [fragments[i - 1].video, fragments[i].video];
    assert.ok(b.decodeTime * BigInt(a.timescale) > a.decodeTime * BigInt(b.timescale), `${camera}: fragment ${i} goes forward`);
  }
}

async function changeSizes(stage, ringcast, camera, name) {
  const viewer = stage.viewer(ringcast, name);
  const enough = (init) => ({ fragments }) => fragments.filter((fragment) => fragment.init === init).length >= FRAMES;
  await viewer.until('the first size', enough(1), LIMIT_MS);
  for (let i = 1; i < SIZES.length; i++) {
    const before = viewer.fragments.at(-1).video;
    assert.equal(await camera.command(`size=${SIZES[i].join('x')} ${name}`), 1, 'one connection to the camera');
    await viewer.until(`size ${i + 1}`, enough(i + 1), LIMIT_MS);
    assert.ok(viewer.fragments.at(-1).video.decodeTime > before.decodeTime);
  }
  viewer.assertOpen();
  await viewer.close();
  assert.equal(viewer.inits.length, SIZES.length, 'an init segment for each size');
  viewer.assertConsecutive();
  assertForward(viewer);
  const announced = viewer.texts.filter(({ type }) => type === 'init');
  assert.deepEqual(announced.map(({ width, height }) => [width, height]), SIZES);
  assert.deepEqual(announced.map(({ generation }) => generation - announced[0].generation), [0, 1, 2]);
  for (let i = 0; i < SIZES.length; i++) assert.deepEqual(await decoded(stage, viewer, i + 1), SIZES[i]);
  assert.ok(viewer.states.every(({ state }) => state === 'streaming'), `its states were ${viewer.states.map(({ state }) => state)}`);
}

scenario('pictures of another size, in H.264 over TCP and H.265 over UDP', async (stage) => {
  const first = `size=${SIZES[0].join('x')}`;
  const camera = await stage.camera(['--camera', `avc:${first},audio=aac`, '--camera', `hevc:${first},codec=h265`]);
  const cameras = camera.cameras.map(({ name, url }) => ({ name, url, transport: name === 'hevc' ? 'udp' : 'tcp' }));
  const ringcast = stage.instance({ cameras }).start();
  await ringcast.streaming();
  await Promise.all(cameras.map(({ name }) => changeSizes(stage, ringcast, camera, name)));
  const { cameras: after } = await ringcast.status();
  assert.deepEqual(after.map(({ state }) => state), ['streaming', 'streaming']);
}, { limit: 4 * LIMIT_MS });
