// SPDX-License-Identifier: MIT
// live.mjs ADDRESS CAMERA COUNT FILE: a viewer of CAMERA at ADDRESS, which checks all that it receives. It requires COUNT fragments in one
// piece, puts them into FILE, and has FFmpeg decode it without a complaint. Prints what came.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { LiveViewer } from '../support/live_viewer.mjs';
import { decode } from '../support/media.mjs';

const PATIENCE_MS = 120_000;

const [address, camera, count, file] = process.argv.slice(2);
const viewer = new LiveViewer(address, camera);
try {
  await viewer.until('the first fragment', () => viewer.fragments.length > 0, PATIENCE_MS);
  const first = (performance.now() - viewer.started) / 1000;
  await viewer.more(Number(count) - viewer.fragments.length, PATIENCE_MS);
  viewer.assertConsecutive();
  viewer.assertOpen();
  const pictures = viewer.generation.length;
  writeFileSync(file, viewer.recording());
  assert.equal(await decode(file), pictures);
  const { codecs } = viewer.texts.find(({ type }) => type === 'init');
  console.log(`${camera}: ${codecs}, first picture after ${first.toFixed(1)} s, ${pictures} pictures in one piece, which FFmpeg decodes`);
} finally {
  await viewer.close();
}
