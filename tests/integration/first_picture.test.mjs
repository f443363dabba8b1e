// SPDX-License-Identifier: MIT
// Invariant R6: a new viewer starts at once, from the newest keyframe in the ring.
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.mjs';

const FPS = 15;
const GOP_S = 10;

// A keyframe is at least this far away when the viewer comes; ten times what a slow machine needs.
const BEFORE_NEXT_KEYFRAME_S = 4;

scenario('a picture at once in the middle of a long GOP', async (stage) => {
  const camera = await stage.camera(['--cameras', '1', '--gop', String(GOP_S * FPS)]);
  const ringcast = await stage.ringcast(camera);
  const first = stage.viewer(ringcast, 'cam1');
  const isKeyframe = ({ keyframe }) => keyframe;
  await first.until('two seconds after a keyframe', ({ fragments }) => {
    const after = fragments.length - 1 - fragments.map(isKeyframe).lastIndexOf(true);
    return after >= 2 * FPS && after <= (GOP_S - BEFORE_NEXT_KEYFRAME_S) * FPS;
  }, 40000);
  const live = first.fragments.at(-1).sequence;
  const late = stage.viewer(ringcast, 'cam1');
  await late.until('the first fragment', ({ fragments }) => fragments.length > 0, 5000);
  const waited = late.fragments[0].at - late.started;
  assert.ok(waited < 2000, `the first fragment came after ${waited} ms`);
  assert.ok(late.fragments[0].keyframe);
  assert.ok(late.fragments[0].sequence < live, 'it is the keyframe that had already gone by');
  await late.until('the live edge', ({ fragments }) => fragments.at(-1).sequence > live + FPS);
  late.assertConsecutive();
  first.assertConsecutive();
});
