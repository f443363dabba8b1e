// SPDX-License-Identifier: MIT
// What a viewer receives of every codec decodes without an error, and is every frame that the camera made.
//   RINGCAST_CODECS_SECONDS=N    watches for longer
//   RINGCAST_CODECS_TABLE=FILE   appends a row of a Markdown table for each camera
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { decode, probe } from '../support/media.mjs';
import { run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const FPS = 25;
const FRAMES = Math.ceil(Number(process.env.RINGCAST_CODECS_SECONDS ?? 3) * FPS);
// A sound that begins a little after the pictures is no fault.
const HEARD_MIN = 0.6;
const LIMIT_MS = 60_000 + FRAMES * 60;
const TABLE = process.env.RINGCAST_CODECS_TABLE;
const REORDERED = 2; // B-frames that the encoder still has in the last pause, though a later frame has been sent
const QUIET_MS = 2000; // of a paused camera: what was on the way has arrived

const PICTURES = {
  plain: { sends: 'audio=none', streams: ['h264'] },
  ahead: { sends: 'b-frames=2,audio=opus', streams: ['h264', 'opus'], reorders: true },
  behind: { sends: 'b-frames=2,audio=none', settings: { transport: 'udp' }, streams: ['h264'], reorders: true },
  high: { sends: 'codec=h265,audio=aac', streams: ['hevc', 'aac'] },
  hevc: { sends: 'codec=h265,b-frames=2,audio=pcmu', settings: { transport: 'udp' }, streams: ['hevc', 'flac'], reorders: true },
};

const SOUNDS = {
  access: { sends: 'audio=aac', streams: ['h264', 'aac'] },
  mux: { sends: 'audio=latm', streams: ['h264', 'aac'] },
  law: { sends: 'audio=pcma', streams: ['h264', 'flac'] },
  linear: { sends: 'audio=l16', settings: { audio_codec: 'opus' }, streams: ['h264', 'opus'] },
  wide: { sends: 'audio=g722', settings: { audio_codec: 'aac', transport: 'udp' }, streams: ['h264', 'aac'] },
  adaptive: { sends: 'audio=g726', streams: ['h264', 'flac'] },
};

/** Closes VIEWER, and returns its fragments and streams once all of them are decoded. */
async function decoded(stage, viewer) {
  await viewer.close();
  viewer.assertConsecutive();
  const { generation: fragments, camera } = viewer;
  for (const { prft, video } of fragments) {
    assert.equal(prft.mediaTime, video.decodeTime + BigInt(video.samples[0].offset), 'prft names the frame by when it is shown');
  }
  const file = stage.file(`${camera}.mp4`, viewer.recording());
  assert.equal(await decode(file), fragments.length, `${camera}: as many frames as fragments`);
  const streams = await probe(file);
  return { fragments, streams: streams.map(({ codec_name }) => codec_name) };
}

const enough = (viewer, count) => viewer.until(`${count} fragments`, ({ fragments }) => fragments.length >= count, LIMIT_MS);

/** Pauses camera NAME: how many frames it has made, and how many VIEWER has of them, while nothing is on the way. */
async function pause(camera, name, viewer) {
  await camera.command(`pause ${name}`);
  await viewer.until('the pause', ({ fragments }) => performance.now() - fragments.at(-1).at > QUIET_MS, LIMIT_MS);
  return { made: await camera.frames(name), received: viewer.fragments.length };
}

/** When frames are shown, in order. */
const shown = (fragments) => fragments.map(({ video }) => (Number(video.decodeTime) + video.samples[0].offset) / video.timescale).sort((a, b) => a - b);

/** Packets of camera NAME that have not come: over UDP a busy machine drops some, which is no fault of ours. */
const lost = async (ringcast, name) => (await ringcast.camera(name)).lost;

/** Every frame of FRAMES between two pauses of the camera. Returns what was seen, decoded. TRIES: once more if packets were lost. */
async function watchAll(stage, ringcast, camera, name, { streams, settings }, tries = 3) {
  const viewer = stage.viewer(ringcast, name);
  await viewer.tracks(streams.length, FPS, LIMIT_MS);
  const before = await lost(ringcast, name);
  const first = await pause(camera, name, viewer);
  await camera.command(`resume ${name}`);
  await enough(viewer, first.received + FRAMES);
  const last = await pause(camera, name, viewer);
  await viewer.close();
  await camera.command(`resume ${name}`);
  const made = last.made - first.made;
  const received = last.received - first.received;
  const missing = (await lost(ringcast, name)) - before;
  const seen = await decoded(stage, viewer);
  if (missing > 0) {
    assert.equal(settings?.transport, 'udp', `${name}: ${missing} packets are lost`);
    if (tries > 1) return watchAll(stage, ringcast, camera, name, { streams, settings }, tries - 1);
    assert.ok(received <= made, `${name}: ${received} of ${made} frames, with ${missing} packets lost`);
    return { ...seen, made, received };
  }
  assert.equal(received, made, `${name}: the camera's number of frames`);
  const times = shown(seen.fragments).slice(0, -REORDERED);
  const steps = times.slice(1).map((time, i) => time - times[i]).filter((step) => Math.abs(step - 1 / FPS) > 0.5 / FPS);
  assert.equal(steps.length, 1, `${name}: frames one interval apart, but for the first pause: ${steps}`);
  return { ...seen, made, received };
}

const lasts = (parts) => parts.reduce((sum, { samples, timescale }) => sum + samples.reduce((all, { duration }) => all + duration, 0) / timescale, 0);
const heard = ({ fragments }) => lasts(fragments.flatMap(({ audio }) => audio ?? [])) / lasts(fragments.map(({ video }) => video));
const reordered = ({ fragments }) => fragments.filter(({ video }) => video.samples[0].offset !== 0).length / fragments.length;

function row({ sends, settings = {} }, { made, received, streams, fragments }) {
  const sound = lasts(fragments.flatMap(({ audio }) => audio ?? []));
  const pictures = lasts(fragments.map(({ video }) => video));
  const cells = [sends, settings.transport ?? 'tcp', streams.join(', '), made, received, fragments.length, `${pictures.toFixed(1)} s`, `${sound.toFixed(1)} s`];
  return `| ${cells.join(' | ')} |\n`;
}

/** Watches CAMERAS, {name: {sends, settings, streams, reorders}}, all at the same time. */
async function watchCameras(stage, cameras) {
  const names = Object.keys(cameras);
  const each = names.flatMap((name) => ['--camera', `${name}:size=192x128,fps=25,gop=25,${cameras[name].sends}`]);
  const camera = await stage.camera(each);
  const settings = camera.cameras.map(({ name, url }) => ({ name, url, ...cameras[name].settings }));
  const ringcast = stage.instance({ cameras: settings }).start();
  await ringcast.streaming(undefined, LIMIT_MS);
  const seen = await Promise.all(names.map((name) => watchAll(stage, ringcast, camera, name, cameras[name])));
  names.forEach((name, i) => check(name, cameras[name], seen[i]));
}

function check(name, camera, seen) {
  assert.deepEqual(seen.streams, camera.streams, name);
  if (!/none/.test(camera.sends)) assert.ok(heard(seen) > HEARD_MIN, `${name}: sound for ${heard(seen)} of the pictures' time`);
  if (camera.reorders) assert.ok(reordered(seen) > 0.4, `${name}: B-frames`);
  const late = seen.fragments.map(({ prft }) => Date.now() - prft.wallMs);
  assert.ok(late.every((ms) => ms >= 0 && ms < LIMIT_MS), `${name}: prft is of today`);
  if (TABLE) appendFileSync(TABLE, row(camera, seen));
}

scenario('H.264 and H.265, with B-frames and without, over TCP and UDP', (stage) => watchCameras(stage, PICTURES), { limit: 2 * LIMIT_MS });

scenario('every kind of sound', (stage) => watchCameras(stage, SOUNDS), { limit: 2 * LIMIT_MS });

scenario('a file, again and again', async (stage) => {
  const file = stage.file('clip.mkv');
  const sources = ['-f', 'lavfi', '-i', 'testsrc=size=192x128:rate=25:duration=1', '-f', 'lavfi', '-i', 'sine=duration=1'];
  const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-c:a', 'pcm_mulaw', '-ar', '8000'];
  const made = await run('ffmpeg', ['-v', 'error', '-nostdin', ...sources, ...codecs, file], { limit: 20_000 });
  assert.equal(made.code, 0, made.stderr);
  const ringcast = stage.instance({ cameras: [{ name: 'clip', url: `file://${file}` }] }).start();
  await ringcast.streaming();
  const viewer = stage.viewer(ringcast, 'clip');
  await viewer.tracks(2, FRAMES, LIMIT_MS);
  const { streams, fragments } = await decoded(stage, viewer);
  assert.deepEqual(streams, ['h264', 'flac']);
  assert.ok(fragments.every(({ prft }) => !prft.captured), 'a file was captured at no time');
}, { limit: 2 * LIMIT_MS });
