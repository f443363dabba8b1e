// SPDX-License-Identifier: MIT
// A camera that is VLC: an RTSP server that shares no code with gst-rtsp-server. It sends over UDP only and refuses TCP
// with 461.
import assert from 'node:assert/strict';
import { chmodSync, existsSync } from 'node:fs';
import net from 'node:net';
import { decode, probe } from '../support/media.mjs';
import { freePort } from '../support/ports.mjs';
import { run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const VLC = '/usr/bin/cvlc';
const NOBODY = 65534;
const LIMIT_MS = 60_000;
const FRAMES = 60; // once all tracks are there: the sound may come later than the pictures

const answers = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1');
  socket.once('connect', () => { socket.destroy(); resolve(true); }).once('error', () => resolve(false));
});

/** VLC serving a clip again and again, with ENCODERS of ffmpeg. It does not run as root. Returns the URL. */
async function serve(stage, name, encoders) {
  const clip = stage.file(`${name}.mp4`);
  chmodSync(stage.directory, 0o755);
  const sources = ['-f', 'lavfi', '-i', 'testsrc=size=192x128:rate=25,format=yuv420p', '-f', 'lavfi', '-i', 'sine'];
  const made = await run('ffmpeg', ['-v', 'error', '-nostdin', ...sources, '-t', '20', '-g', '25', ...encoders, clip], { limit: LIMIT_MS });
  assert.equal(made.code, 0, made.stderr);
  const port = await freePort();
  const url = `rtsp://127.0.0.1:${port}/${name}`;
  const user = process.getuid() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const args = ['--ignore-config', '--no-plugins-cache', clip, '--loop', '--sout-keep', '--sout', `#rtp{sdp=${url}}`];
  const vlc = stage.start(VLC, args, { ...user, env: { HOME: '/nonexistent' }, cwd: '/' });
  await waitUntil('VLC to serve', () => vlc.running && answers(port), LIMIT_MS);
  return { url, vlc };
}

const CODECS = {
  avc: { encoders: ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-c:a', 'aac'], streams: ['h264', 'aac'] },
  hevc: { encoders: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:bframes=0', '-tag:v', 'hvc1', '-an'], streams: ['hevc'] },
};

for (const [name, { encoders, streams }] of Object.entries(CODECS)) {
  scenario(`VLC sends ${name} over UDP, found by itself`, async (stage) => {
    const { url, vlc } = await serve(stage, name, encoders);
    const ringcast = stage.instance({ cameras: [{ name, url, transport: 'auto' }, { name: 'stubborn', url, transport: 'tcp' }] }).start();
    await ringcast.streaming([name]);
    const viewer = stage.viewer(ringcast, name);
    await viewer.tracks(streams.length, FRAMES, LIMIT_MS);
    await viewer.close();
    viewer.assertConsecutive();
    const file = stage.file('seen.mp4', viewer.recording());
    assert.equal(await decode(file), viewer.fragments.filter(({ init }) => init === viewer.inits.length).length);
    assert.deepEqual((await probe(file)).map(({ codec_name }) => codec_name), streams);
    await ringcast.until('the refusal to be told', ({ cameras }) => /461/.test(JSON.stringify(cameras.find((camera) => camera.name === 'stubborn'))));
    await ringcast.stop();
    await vlc.stop();
  }, { limit: 3 * LIMIT_MS, skip: existsSync(VLC) ? false : 'there is no VLC' });
}
