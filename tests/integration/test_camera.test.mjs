// SPDX-License-Identifier: MIT
// The test camera itself: what the other tests believe about it.
import assert from 'node:assert/strict';
import { run } from '../support/processes.mjs';
import { RtspClient } from '../support/rtsp_client.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const LEAKS = { leaks: true }; // are looked for

const probe = async (url) => {
  const entries = 'stream=codec_name,width,height,r_frame_rate';
  const args = ['-v', 'error', '-rtsp_transport', 'tcp', '-show_entries', entries, '-of', 'json', url];
  const result = await run('ffprobe', args);
  return { ...result, streams: result.code === 0 ? JSON.parse(result.stdout).streams : [] };
};

scenario('cameras send what they are told to', async (stage) => {
  const camera = await stage.camera(['--camera', 'a:audio=aac', '--camera', 'b:codec=h265,size=128x96,fps=10'], LEAKS);
  const a = await probe(camera.url(0));
  assert.deepEqual(a.streams.map((s) => s.codec_name).sort(), ['aac', 'h264']);
  const video = a.streams.find((s) => s.codec_name === 'h264');
  assert.deepEqual([video.width, video.height, video.r_frame_rate], [320, 180, '15/1']);
  const b = await probe(camera.url(1));
  assert.deepEqual(b.streams.map((s) => [s.codec_name, s.width, s.height]), [['hevc', 128, 96]]);
});

scenario('a password is asked for', async (stage) => {
  const password = 'p@ss:w/rd%41';
  for (const auth of ['basic', 'digest']) {
    const camera = await stage.camera(['--cameras', '1', '--user', 'viewer', '--auth', auth], { password, ...LEAKS });
    assert.match((await probe(camera.url())).stderr, /401/);
    const url = camera.url().replace('://', `://viewer:${encodeURIComponent(password)}@`);
    assert.equal((await probe(url)).streams.length, 1);
  }
});

scenario('faults on command', async (stage) => {
  const camera = await stage.camera(['--cameras', '1'], LEAKS);
  await camera.command('off cam1');
  assert.match((await probe(camera.url())).stderr, /404/);
  await camera.command('on cam1');
  assert.equal((await probe(camera.url())).streams.length, 1);
  await assert.rejects(camera.command('fly cam1'), /no such command/);
  await assert.rejects(camera.command('drop cam2'), /no such camera/);
  await assert.rejects(camera.command('size=7x5 cam1'), /no such command/);
  await waitUntil('the one who asked to be gone', async () => (await camera.command('clients cam1')) === 0);
});

scenario('who comes in the middle changes nothing for who is there', async (stage) => {
  const camera = await stage.camera(['--cameras', '1', '--gop', '1000'], LEAKS);
  const first = await new RtspClient(camera.url()).play('npt=0.000-');
  await waitUntil('the first keyframe', () => first.keyframes === 1);
  const second = await new RtspClient(camera.url()).play('npt=0.000-');
  await waitUntil('pictures', () => second.pictures > 15);
  assert.deepEqual([first.keyframes, second.keyframes], [1, 0], 'the encoder goes on');
  await first.close();
  await second.close();
});
