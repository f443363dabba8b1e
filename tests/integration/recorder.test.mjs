// SPDX-License-Identifier: MIT
// The recorder of docs/examples, on the ring of a real camera: a second reader needs no second session.
import assert from 'node:assert/strict';
import path from 'node:path';
import { decode, probe } from '../support/media.mjs';
import { buildDirectory, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const SECONDS = 3;
// A busy machine may encode fewer than the camera's 15 pictures a second.
const PICTURES_MIN = SECONDS * 5;
const recorder = path.join(buildDirectory, 'examples/ringcast-recorder-example');

scenario('a recording plays', async (stage) => {
  const camera = await stage.camera(['--cameras', '1', '--audio', 'aac']);
  const ringcast = await stage.ringcast(camera);
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(1);
  const { ring } = await ringcast.camera('cam1');
  const file = stage.file('front.mp4');
  const result = await run(recorder, [ring, file, String(SECONDS)]);
  assert.deepEqual([result.code, result.stderr], [0, '']);
  assert.ok((await decode(file)) >= PICTURES_MIN);
  const streams = await probe(file);
  assert.deepEqual(streams.map((stream) => stream.codec_name), ['h264', 'aac']);
  assert.equal(await camera.command('clients cam1'), 1, 'the camera has one session');
  viewer.assertConsecutive();
});

scenario('a camera that is not there', async (stage) => {
  const result = await run(recorder, ['/ringcast.nobody.nothing', stage.file('none.mp4'), '1']);
  assert.notEqual(result.code, 0);
  assert.notEqual(result.stderr, '');
});
