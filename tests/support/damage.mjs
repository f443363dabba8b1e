// SPDX-License-Identifier: MIT
// A corpus of damaged streams, made from a good one: each is what a camera with a broken encoder, or somebody who means harm, could send. The
// damage is inside NAL units (ITU-T H.264 and H.265, annex B), so that what carries them stays in order and it reaches the decoder.
import assert from 'node:assert/strict';
import { run } from './processes.mjs';
import { generator } from './random.mjs';

const SETS = { h264: [7, 8], hevc: [32, 33, 34] };
const isSlice = { h264: (type) => type === 1 || type === 5, hevc: (type) => type < 32 };
const typeOf = { h264: (unit) => unit[0] & 0x1f, hevc: (unit) => (unit[0] >> 1) & 0x3f };
const headOf = { h264: 1, hevc: 2 };

/** NAL units without their start codes. */
function unitsOf(stream) {
  const units = [];
  for (let at = stream.indexOf('\0\0\x01', 0, 'latin1'); at >= 0;) {
    const next = stream.indexOf('\0\0\x01', at + 3, 'latin1');
    let end = next < 0 ? stream.length : next;
    if (next >= 0 && stream[end - 1] === 0) end--;
    units.push(stream.subarray(at + 3, end));
    at = next;
  }
  return units;
}

/** Bytes that would look like a start code are changed, so that the damage stays in its unit. */
function contained(unit) {
  for (let i = 2; i < unit.length; i++) if (unit[i - 2] === 0 && unit[i - 1] === 0 && unit[i] <= 3) unit[i] = 0xff;
  if (unit.at(-1) === 0) unit[unit.length - 1] = 0x80;
  return unit;
}

const fill = (unit, from, to, random) => {
  for (let i = from; i < to; i++) unit[i] = Math.floor(random() * 256);
};

/** What is done to a slice; `head` bytes of it say what it is. */
const SLICES = {
  bits: (unit, head, random) => {
    for (let i = 0; i < 1 + unit.length / 50; i++) unit[head + Math.floor(random() * (unit.length - head))] ^= 1 << Math.floor(random() * 8);
    return unit;
  },
  heads: (unit, head, random) => {
    fill(unit, head, Math.min(unit.length, head + 6), random);
    return unit;
  },
  noise: (unit, head, random) => {
    fill(unit, head, unit.length, random);
    return unit;
  },
  ends: (unit, head, random) => unit.subarray(0, head + 1 + Math.floor(random() * Math.min(40, unit.length - head))),
  ones: (unit, head) => unit.fill(0xff, head + 1),
  long: (unit, head, random) => {
    const longer = Buffer.concat([unit, Buffer.alloc(20_000)]);
    fill(longer, unit.length, longer.length, random);
    return longer;
  },
};

/** Kinds of damage. `sets`: parameter sets that promise something else than what comes. */
export const DAMAGES = [...Object.keys(SLICES), 'sets', 'order'];

/** STREAM (annex B) of CODEC (h264, hevc) with damage of KIND; the same SEED gives the same damage. */
export function damaged(stream, codec, kind, seed) {
  const random = generator(seed);
  const units = unitsOf(stream);
  const damagedUnits = units.map((unit) => {
    const type = typeOf[codec](unit);
    const copy = Buffer.from(unit);
    if (kind in SLICES && isSlice[codec](type)) return contained(SLICES[kind](copy, headOf[codec], random));
    if (kind === 'sets' && SETS[codec].includes(type)) copy[copy.length - 1 - Math.floor(random() * Math.min(6, copy.length - 4))] ^= 1 << Math.floor(random() * 8);
    return kind === 'sets' ? contained(copy) : copy;
  });
  if (kind === 'order') { // what a picture refers to comes after it, or never
    for (let i = damagedUnits.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      const [a, b] = [damagedUnits[i], damagedUnits[j]];
      if (isSlice[codec](typeOf[codec](a)) && isSlice[codec](typeOf[codec](b))) [damagedUnits[i], damagedUnits[j]] = [b, a];
    }
  }
  return Buffer.concat(damagedUnits.flatMap((unit) => [Buffer.from([0, 0, 0, 1]), unit]));
}

/** A good stream of CODEC in annex B, with a keyframe every five pictures. */
export async function goodStream(file, codec) {
  const encoder = codec === 'hevc' ? ['-c:v', 'libx265', '-x265-params', 'log-level=none:keyint=5:bframes=0:pools=none'] : ['-c:v', 'libx264', '-x264-params', 'keyint=5:bframes=0'];
  const source = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-frames:v', '50', '-pix_fmt', 'yuv420p'];
  const made = await run('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...source, ...encoder, '-preset', 'ultrafast', '-f', codec === 'hevc' ? 'hevc' : 'h264', file]);
  assert.equal(made.code, 0, made.stderr);
}

const TICKS = 1_200_000 / 25; // of the raw streams' time base, for a picture

/** The annex B stream of FILE as MPEG-TS, in TARGET. Its pictures are not looked at. */
export async function wrapped(file, codec, target) {
  const made = await run('ffmpeg', ['-nostdin', '-v', 'fatal', '-y', '-framerate', '25', '-f', codec === 'hevc' ? 'hevc' : 'h264', '-i', file, '-c', 'copy', '-bsf:v', `setts=ts=N*${TICKS}`, '-f', 'mpegts', target]);
  return made.code === 0;
}
