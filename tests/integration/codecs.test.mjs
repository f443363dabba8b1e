// What a viewer receives of every codec decodes without an error, every frame of it. RINGCAST_CODECS_SECONDS watches
// for longer.
import assert from 'node:assert/strict';
import { decode, probe } from '../support/media.mjs';
import { run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const FPS = 25;
const FRAMES = Math.ceil(Number(process.env.RINGCAST_CODECS_SECONDS ?? 3) * FPS);
// A sound that begins a little after the pictures is no fault.
const HEARD_MIN = 0.6;
const LIMIT_MS = 60_000 + FRAMES * 60;

/** Watches camera NAME, and returns its fragments and streams once all of them are decoded. */
async function watch(stage, ringcast, name) {
  const viewer = stage.viewer(ringcast, name);
  await viewer.until(`${FRAMES} fragments`, ({ fragments }) => fragments.length >= FRAMES, LIMIT_MS);
  await viewer.close();
  viewer.assertConsecutive();
  const { fragments } = viewer;
  for (const { prft, video } of fragments) {
    assert.equal(prft.mediaTime, video.decodeTime + BigInt(video.samples[0].offset), 'prft names the frame by when it is shown');
  }
  const file = stage.file(`${name}.mp4`, viewer.recording());
  assert.equal(await decode(file), fragments.length, `${name}: as many frames as fragments`);
  const streams = await probe(file);
  return { fragments, streams: streams.map(({ codec_name }) => codec_name) };
}

const lasts = (parts) => parts.reduce((sum, { samples, timescale }) => sum + samples.reduce((all, { duration }) => all + duration, 0) / timescale, 0);
const heard = ({ fragments }) => lasts(fragments.flatMap(({ audio }) => audio ?? [])) / lasts(fragments.map(({ video }) => video));
const reordered = ({ fragments }) => fragments.filter(({ video }) => video.samples[0].offset !== 0).length / fragments.length;

scenario('video with B-frames, over TCP and UDP, and every kind of sound', async (stage) => {
  const small = 'size=192x128,fps=25,gop=25';
  const camera = await stage.camera([
    '--camera', `ahead:${small},b-frames=2,audio=opus`,
    '--camera', `hevc:${small},codec=h265,b-frames=2,audio=pcmu`,
    '--camera', `linear:${small},audio=l16`,
    '--camera', `wide:${small},audio=g722`,
    '--camera', `mux:${small},audio=latm`,
    '--camera', `access:${small},audio=aac`,
    '--camera', `law:${small},audio=pcma`,
    '--camera', `adaptive:${small},audio=g726`,
  ]);
  const extra = { hevc: { transport: 'udp' }, linear: { audio_codec: 'opus' }, wide: { audio_codec: 'aac', transport: 'udp' } };
  const cameras = camera.cameras.map(({ name, url }) => ({ name, url, ...extra[name] }));
  const ringcast = stage.instance({ cameras }).start();
  await ringcast.streaming();
  const names = cameras.map(({ name }) => name);
  const seen = await Promise.all(names.map((name) => watch(stage, ringcast, name)));
  const watched = Object.fromEntries(names.map((name, i) => [name, seen[i]]));
  assert.deepEqual(watched.ahead.streams, ['h264', 'opus']);
  assert.deepEqual(watched.hevc.streams, ['hevc', 'flac']);
  assert.deepEqual(watched.linear.streams, ['h264', 'opus']);
  assert.deepEqual(watched.wide.streams, ['h264', 'aac']);
  assert.deepEqual(watched.mux.streams, ['h264', 'aac']);
  assert.deepEqual(watched.access.streams, ['h264', 'aac']);
  assert.deepEqual(watched.law.streams, ['h264', 'flac']);
  assert.deepEqual(watched.adaptive.streams, ['h264', 'flac']);
  for (const name of names) assert.ok(heard(watched[name]) > HEARD_MIN, `${name}: sound for ${heard(watched[name])} of the pictures' time`);
  for (const name of ['ahead', 'hevc']) assert.ok(reordered(watched[name]) > 0.4, `${name}: B-frames`);
  const late = watched.linear.fragments.map(({ prft }) => Date.now() - prft.wallMs);
  assert.ok(late.every((ms) => ms >= 0 && ms < LIMIT_MS), 'prft is of today');
}, { limit: 2 * LIMIT_MS });

scenario('a file, again and again', async (stage) => {
  const file = stage.file('clip.mkv');
  const sources = ['-f', 'lavfi', '-i', 'testsrc=size=192x128:rate=25:duration=1', '-f', 'lavfi', '-i', 'sine=duration=1'];
  const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-c:a', 'pcm_mulaw', '-ar', '8000'];
  const made = await run('ffmpeg', ['-v', 'error', '-nostdin', ...sources, ...codecs, file], { limit: 20_000 });
  assert.equal(made.code, 0, made.stderr);
  const ringcast = stage.instance({ cameras: [{ name: 'clip', url: `file://${file}` }] }).start();
  await ringcast.streaming();
  const { streams, fragments } = await watch(stage, ringcast, 'clip');
  assert.deepEqual(streams, ['h264', 'flac']);
  assert.ok(fragments.every(({ prft }) => !prft.captured), 'a file was captured at no time');
}, { limit: 2 * LIMIT_MS });
