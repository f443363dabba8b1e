// SPDX-License-Identifier: MIT
// Camera to viewer, end to end: order of the messages, no gap, and a stream that decodes.
import assert from 'node:assert/strict';
import { decode, probe } from '../support/media.mjs';
import { scenario } from '../support/scenario.mjs';

const FRAMES = 60;

async function watch(stage, ringcast, name, count = FRAMES) {
  const viewer = stage.viewer(ringcast, name);
  await viewer.until(`${count} fragments`, ({ fragments }) => fragments.length >= count, 60000);
  const binary = viewer.messages.filter((message) => message === 'init' || message === 'fragment');
  assert.equal(binary[0], 'init', 'the init segment comes before fragments');
  assert.ok(viewer.fragments[0].keyframe, 'the first fragment is a keyframe');
  viewer.assertConsecutive();
  const file = stage.file(`${name}.mp4`, viewer.recording());
  assert.ok((await decode(file)) >= count - 2, 'every frame decodes');
  return { viewer, streams: await probe(file) };
}

scenario('H.264 without sound', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = await stage.ringcast(camera);
  const { viewer, streams } = await watch(stage, ringcast, 'cam1');
  const init = viewer.texts.find((text) => text.type === 'init');
  assert.match(init.codecs, /^avc1\.[0-9A-F]{6}$/i);
  assert.equal(init.mime, `video/mp4; codecs="${init.codecs}"`);
  assert.deepEqual([init.width, init.height], [320, 180]);
  assert.deepEqual(streams.map((s) => [s.codec_name, s.width, s.height]), [['h264', 320, 180]]);
  const state = viewer.texts.find((text) => text.type === 'state');
  assert.equal(state?.state, 'streaming');

  const span = viewer.lastDecodeSeconds - Number(viewer.fragments[0].video.decodeTime) / viewer.fragments[0].video.timescale;
  const fps = (viewer.fragments.length - 1) / span;
  assert.ok(Math.abs(fps - 15) < 1.5, `decode times are those of 15 frames a second, not ${fps}`);
});

scenario('H.264 with AAC, and with the sound left out', async (stage) => {
  const camera = await stage.camera(['--names', 'loud,quiet', '--audio', 'aac']);
  const cameras = [
    { name: 'loud', url: camera.url(0) },
    { name: 'quiet', url: camera.url(1), audio: false },
  ];
  const ringcast = stage.instance({ cameras }).start();
  await ringcast.streaming();
  await ringcast.until('the sound, which may come a keyframe later', (status) => status.cameras.find(({ name }) => name === 'loud').audio === 'aac');
  const loud = await watch(stage, ringcast, 'loud');
  assert.match(loud.viewer.texts.find((text) => text.type === 'init').codecs, /^avc1\.\w{6},mp4a\.40\.2$/);
  assert.deepEqual(loud.streams.map((s) => s.codec_name), ['h264', 'aac']);
  const heard = loud.viewer.fragments.filter((fragment) => fragment.audio).length;
  assert.ok(heard > FRAMES / 4, `sound is in ${heard} of ${loud.viewer.fragments.length} fragments`);
  assert.ok(loud.viewer.fragments.every((fragment) => fragment.video), 'there is video in every fragment');
  const quiet = await watch(stage, ringcast, 'quiet');
  assert.match(quiet.viewer.texts.find((text) => text.type === 'init').codecs, /^avc1\.\w{6}$/);
  assert.deepEqual(quiet.streams.map((s) => s.codec_name), ['h264']);
});

scenario('H.265', async (stage) => {
  const camera = await stage.camera(['--cameras', '1', '--codec', 'h265', '--size', '192x128', '--fps', '10', '--gop', '10']);
  const ringcast = await stage.ringcast(camera);
  const { viewer, streams } = await watch(stage, ringcast, 'cam1', 40);
  assert.match(viewer.texts.find((text) => text.type === 'init').codecs, /^hvc1\./);
  assert.deepEqual(streams.map((s) => [s.codec_name, s.width, s.height]), [['hevc', 192, 128]]);
});

scenario('the API and the wall', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = await stage.ringcast(camera);
  const answer = await fetch(new URL('/api/cameras', ringcast.address));
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type'), /^application\/json/);
  assert.equal(answer.headers.get('cache-control'), 'no-cache');
  const { cameras } = await answer.json();
  assert.deepEqual(cameras.map(({ name, live }) => [name, live]), [['cam1', '/live/cam1'], ['cam2', '/live/cam2']]);
  for (const found of cameras) {
    assert.equal(found.state, 'streaming');
    assert.deepEqual([found.width, found.height], [320, 180]);
    assert.equal(found.mime, `video/mp4; codecs="${found.codecs}"`);
  }
  const page = await fetch(ringcast.address);
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-type'), /^text\/html/);
  const script = await fetch(new URL('/ringcast-player.js', ringcast.address));
  assert.equal(script.status, 200);
  assert.match(script.headers.get('content-type'), /javascript/);
  assert.equal((await fetch(new URL('/../../etc/passwd', ringcast.address))).status, 404);
  assert.equal((await fetch(new URL('/%2e%2e/%2e%2e/etc/passwd', ringcast.address))).status, 404);
});
