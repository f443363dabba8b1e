// SPDX-License-Identifier: MIT
// A short film as a live stream: ffmpeg makes it once, and it is then played in a loop with decode times that go on.

import { execFileSync } from 'node:child_process';
import { box, soundTraf } from './mp4.mjs';

const fourcc = (bytes, at) => bytes.toString('latin1', at + 4, at + 8);

function* boxes(bytes, from = 0, to = bytes.length) {
  for (let at = from; at < to; ) {
    const size = bytes.readUInt32BE(at);
    yield { type: fourcc(bytes, at), start: at, body: at + 8, end: at + size };
    at += size;
  }
}

function find(bytes, path, from = 0, to = bytes.length) {
  for (const box of boxes(bytes, from, to)) {
    if (box.type !== path[0]) continue;
    return path.length === 1 ? box : find(bytes, path.slice(1), box.body, box.end);
  }
  return null;
}

function splitFile(bytes) {
  const init = [];
  const fragments = [];
  for (const { type, start, end } of boxes(bytes)) {
    if (type === 'ftyp' || type === 'moov') init.push(bytes.subarray(start, end));
    else if (type === 'moof') fragments.push([bytes.subarray(start, end)]);
    else if (type === 'mdat') fragments.at(-1).push(bytes.subarray(start, end));
  }
  return { init: Buffer.concat(init), fragments: fragments.map((parts) => Buffer.concat(parts)) };
}

/** The codec string of RFC 6381 from the avcC box. */
function codecOf(init) {
  const avcC = init.indexOf('avcC', 0, 'latin1');
  return `avc1.${init.toString('hex', avcC + 5, avcC + 8).toUpperCase()}`;
}

const UNIT = 1024; // samples of a unit of AAC
const SOUND_RATE = 48_000;

/** The units of AAC in a stream of ADTS (ISO/IEC 13818-7, 6.2), without their headers. */
function unitsOf(adts) {
  const units = [];
  for (let at = 0; at + 7 < adts.length; ) {
    const length = ((adts[at + 3] & 3) << 11) | (adts[at + 4] << 3) | (adts[at + 5] >> 5);
    units.push(adts.subarray(at + 7, at + length));
    at += length;
  }
  return units;
}

export class Clip {
  /** `adts`: a stream of AAC at 48 kHz, if INIT has a second track for it. */
  constructor(file, { fps, gop, adts = null }) {
    const { init, fragments } = splitFile(file);
    this.init = init;
    this.fragments = adts ? fragments.filter((fragment) => trackOf(fragment) === 1) : fragments;
    this.fps = fps;
    this.gop = gop;
    this.units = adts && unitsOf(adts);
    this.codecs = adts ? `${codecOf(init)},mp4a.40.2` : codecOf(init);
    this.mime = `video/mp4; codecs="${this.codecs}"`;
    const mdhd = find(init, ['moov', 'trak', 'mdia', 'mdhd']);
    this.timescale = init.readUInt32BE(mdhd.body + 12);
  }

  isKeyframe(index) {
    return index % this.gop === 0;
  }

  /** Fragment `index` of the endless film, its decode time moved by `offset` seconds. */
  fragment(index, offset = 0, sequence = index) {
    const copy = Buffer.from(this.fragments[index % this.fragments.length]);
    copy.writeUInt32BE(sequence >>> 0, find(copy, ['moof', 'mfhd']).body + 4);
    const tfdt = find(copy, ['moof', 'traf', 'tfdt']);
    const time = Math.round((index / this.fps + offset) * this.timescale);
    if (copy[tfdt.body] === 1) copy.writeBigUInt64BE(BigInt(time), tfdt.body + 4);
    else copy.writeUInt32BE(time, tfdt.body + 4);
    return copy;
  }

  /** The same with its sound, whose units are replaced by `damage(unit)`. */
  soundFragment(index, offset = 0, sequence = index, damage = (unit) => unit) {
    const first = Math.ceil(((index / this.fps) * SOUND_RATE) / UNIT);
    const last = Math.ceil((((index + 1) / this.fps) * SOUND_RATE) / UNIT);
    const units = Array.from({ length: last - first }, (_, i) => damage(this.units[(first + i) % this.units.length]));
    const pictures = this.fragment(index, offset, sequence);
    const [moof, mdat] = [find(pictures, ['moof']), find(pictures, ['mdat'])];
    const traf = soundTraf({ start: first * UNIT + Math.round(offset * SOUND_RATE), unit: UNIT, units, moofSize: moof.end - moof.start, mdatSize: mdat.end - mdat.body });
    const trun = find(pictures, ['moof', 'traf', 'trun']);
    pictures.writeInt32BE(pictures.readInt32BE(trun.body + 8) + traf.length, trun.body + 8);
    return Buffer.concat([box('moof', pictures.subarray(moof.body, moof.end), traf), box('mdat', pictures.subarray(mdat.body, mdat.end), ...units)]);
  }
}

function trackOf(fragment) {
  return fragment.readUInt32BE(find(fragment, ['moof', 'traf', 'tfhd']).body + 4);
}

const ffmpeg = (...args) =>
  execFileSync('ffmpeg', ['-hide_banner', '-loglevel', 'error', ...args.flat(), 'pipe:1'], { maxBuffer: 256 << 20, stdio: ['ignore', 'pipe', 'inherit'] });

/** `source`: a source of libavfilter such as testsrc or testsrc2. `sound`: a tone in AAC beside it. */
export function makeClip({ width = 320, height = 180, fps = 25, gop = 25, seconds = 4, source = 'testsrc', sound = false } = {}) {
  const tone = ['-f', 'lavfi', '-i', `sine=sample_rate=${SOUND_RATE}:duration=${seconds}`];
  const aac = ['-c:a', 'aac', '-b:a', '64k'];
  const file = ffmpeg(
    ['-f', 'lavfi', '-i', `${source}=size=${width}x${height}:rate=${fps}:duration=${seconds}`, ...(sound ? tone : [])],
    ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', `${gop}`, '-bf', '0', ...(sound ? aac : [])],
    ['-sc_threshold', '0', '-threads', '1'],
    ['-f', 'mp4', '-movflags', 'frag_every_frame+empty_moov+default_base_moof'],
  );
  return new Clip(file, { fps, gop, adts: sound ? ffmpeg(tone, aac, ['-f', 'adts']) : null });
}
