// SPDX-License-Identifier: MIT
// Keyframes only: what a small tile of a wall gets where a machine cannot decode everything. A player must be able to play it as it is.
import assert from 'node:assert/strict';
import { decode } from '../support/media.mjs';
import { scenario } from '../support/scenario.mjs';

const GOP = 6;

/** Seconds. */
const start = ({ video }) => Number(video.decodeTime) / video.timescale;
const length = ({ video }) => video.samples.reduce((sum, { duration }) => sum + duration, 0) / video.timescale;

scenario('keyframes alone, without sound, each of which lasts until the next; the others get what they always get', async (stage) => {
  const camera = await stage.camera(['--audio', 'aac', '--fps', '15', '--gop', String(GOP)]);
  const ringcast = await stage.ringcast(camera);
  const whole = stage.viewer(ringcast, 'cam1');
  await whole.tracks(2, 3 * GOP); // the distance of keyframes is known by then
  const from = whole.fragments.length;
  const key = stage.viewer(ringcast, 'cam1', { frames: 'key' });
  await key.more(8);
  await whole.more(GOP);

  assert.deepEqual(key.inits.at(-1).tracks.map(({ kind }) => kind), ['video']);
  const said = key.texts.filter(({ type }) => type === 'init').at(-1);
  assert.match(said.codecs, /^avc1\.[0-9A-F]{6}$/);
  assert.equal(said.mime, `video/mp4; codecs="${said.codecs}"`);
  assert.ok(key.fragments.every(({ keyframe, audio, video }) => keyframe && !audio && video.samples.length === 1));
  for (const [i, fragment] of key.fragments.slice(0, -1).entries()) {
    const gap = start(key.fragments[i + 1]) - start(fragment) - length(fragment);
    assert.ok(Math.abs(gap) < 0.1, `${gap} s between a keyframe's end and the next one`);
  }
  assert.ok(!key.texts.some(({ type }) => type === 'drop'), 'what is left out was not wanted');

  whole.assertConsecutive();
  for (const { sequence, video, keyframe } of key.fragments) {
    const same = whole.fragments.find((fragment) => fragment.sequence === sequence);
    if (!same) continue; // it has only just come
    assert.equal(same.video.decodeTime, video.decodeTime);
    assert.ok(keyframe && same.keyframe);
  }
  for (const fragment of whole.fragments.slice(from)) {
    assert.ok(length(fragment) < 0.2, `a fragment of ${length(fragment)} s for a viewer of everything`);
  }
  assert.ok(whole.fragments.slice(from).some(({ keyframe, audio }) => keyframe && audio), 'the sound of a keyframe');
  const pictures = key.generation.length;
  const file = stage.file('keyframes.mp4', key.recording());
  assert.equal(await decode(file), pictures);
});
