// SPDX-License-Identifier: MIT
// Checks what viewers receive with FFmpeg's programs, which share no code with the writers under test.
import assert from 'node:assert/strict';
import { run } from './processes.mjs';

const DECODE_LIMIT_MS = 60000;

/** ffprobe's streams of FILE. */
export async function probe(file) {
  const args = ['-v', 'error', '-count_packets', '-show_streams', '-of', 'json', file];
  const result = await run('ffprobe', args, { limit: DECODE_LIMIT_MS });
  assert.equal(result.code, 0, `ffprobe: ${result.stderr}`);
  return JSON.parse(result.stdout).streams;
}

/** Decodes FILE completely; fails if the decoder reports anything. Returns the number of video frames. */
export async function decode(file) {
  // The frames keep their own times: rounded to a frame rate, two could coincide, which is not a fault of the stream.
  const times = ['-fps_mode', 'passthrough', '-enc_time_base', '-1'];
  const args = ['-nostdin', '-v', 'error', '-xerror', '-err_detect', 'explode', '-i', file, ...times, '-f', 'null', '-'];
  const result = await run('ffmpeg', ['-progress', 'pipe:1', ...args], { limit: DECODE_LIMIT_MS });
  assert.equal(result.code, 0, `ffmpeg: ${result.stderr}`);
  assert.equal(result.stderr, '', 'ffmpeg has no complaint');
  return Number([...result.stdout.matchAll(/^frame=\s*(\d+)/gm)].at(-1)[1]);
}
