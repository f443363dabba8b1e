// SPDX-License-Identifier: MIT
// Builds small init segments and fragments, valid or not, for tests that do not need pictures in them.

const bytes = (...values) => Buffer.from(values);
const u32 = (...values) => Buffer.concat(values.map((value) => {
  const part = Buffer.alloc(4);
  part.writeUInt32BE(value >>> 0);
  return part;
}));
const u64 = (value) => {
  const part = Buffer.alloc(8);
  part.writeBigUInt64BE(BigInt(value));
  return part;
};

export function box(type, ...content) {
  const body = Buffer.concat(content);
  return Buffer.concat([u32(body.length + 8), Buffer.from(type, 'latin1'), body]);
}

const fullBox = (type, version, flags, ...content) =>
  box(type, bytes(version, flags >> 16, (flags >> 8) & 255, flags & 255), ...content);

function trak({ id, kind, timescale }) {
  const tkhd = fullBox('tkhd', 0, 3, u32(0, 0, id, 0, 0), Buffer.alloc(60));
  const mdhd = fullBox('mdhd', 1, 0, u64(0), u64(0), u32(timescale), u64(0), u32(0));
  const hdlr = fullBox('hdlr', 0, 0, u32(0), Buffer.from(kind, 'latin1'), Buffer.alloc(13));
  return box('trak', tkhd, box('mdia', mdhd, hdlr));
}

export const VIDEO = { id: 1, kind: 'vide', timescale: 90000 };
export const AUDIO = { id: 2, kind: 'soun', timescale: 48000 };

/** `trexFlags`: default sample flags of every track. */
export function initSegment(tracks = [VIDEO], { trexFlags = 0 } = {}) {
  const trex = tracks.map(({ id }) => fullBox('trex', 0, 0, u32(id, 1, 3600, 0, trexFlags)));
  const mvhd = fullBox('mvhd', 0, 0, Buffer.alloc(96));
  const moov = box('moov', mvhd, ...tracks.map(trak), box('mvex', ...trex));
  return Buffer.concat([box('ftyp', Buffer.from('iso6\0\0\0\0iso6', 'latin1')), moov]);
}

const SYNC = 0x02000000;
const NON_SYNC = 0x01010000;

/** One video frame. `flagsIn`: which box carries the sample flags: tfhd, first (of trun), sample (of trun) or trex. */
export function videoTraf({ start, duration = 3600, keyframe, flagsIn = 'sample', count = 1 }) {
  const flags = keyframe ? SYNC : NON_SYNC;
  const tfhd = fullBox('tfhd', 0, 0x20000 | 0x8 | (flagsIn === 'tfhd' ? 0x20 : 0), u32(1, duration), flagsIn === 'tfhd' ? u32(flags) : u32());
  const tfdt = fullBox('tfdt', 1, 0, u64(Math.round(start * VIDEO.timescale)));
  const perSample = 0x200 | (flagsIn === 'sample' ? 0x400 : 0);
  const samples = Array.from({ length: count }, () => u32(4, ...(flagsIn === 'sample' ? [flags] : [])));
  const trun = fullBox('trun', 0, 0x1 | perSample | (flagsIn === 'first' ? 0x4 : 0), u32(count, 100), flagsIn === 'first' ? u32(flags) : u32(), ...samples);
  return box('traf', tfhd, tfdt, trun);
}

export function audioTraf({ start, count = 2 }) {
  const tfhd = fullBox('tfhd', 0, 0x20000 | 0x28, u32(2, 1024, SYNC));
  const tfdt = fullBox('tfdt', 0, 0, u32(Math.round(start * AUDIO.timescale)));
  const trun = fullBox('trun', 0, 0x201, u32(count, 200), ...Array.from({ length: count }, () => u32(16)));
  return box('traf', tfhd, tfdt, trun);
}

/**
 * Sound behind the pictures of a fragment whose `moof` box was MOOFSIZE bytes long without it and whose `mdat` holds MDATSIZE: UNITS, each
 * UNIT samples long, from START (in samples) on.
 */
export function soundTraf({ start, unit, units, moofSize, mdatSize }) {
  const make = (dataOffset) => {
    const tfhd = fullBox('tfhd', 0, 0x20000 | 0x28, u32(2, unit, SYNC));
    const tfdt = fullBox('tfdt', 1, 0, u64(start));
    return box('traf', tfhd, tfdt, fullBox('trun', 0, 0x201, u32(units.length, dataOffset), ...units.map(({ length }) => u32(length))));
  };
  return make(moofSize + make(0).length + 8 + mdatSize);
}

/** Of the video track; `at`: ms since 1970; `flags` 24: by the camera's clock, 2: by the server's. */
export function prft({ at, time, flags = 24, version = 1, track = VIDEO.id, timescale = VIDEO.timescale }) {
  const ntp = (at / 1000 + 2_208_988_800) % 2 ** 32;
  const media = Math.round(time * timescale);
  return fullBox('prft', version, flags, u32(track, Math.floor(ntp), Math.floor((ntp % 1) * 2 ** 32)), version === 1 ? u64(media) : u32(media));
}

export function fragment({ sequence = 1, ...video }, ...more) {
  const moof = box('moof', fullBox('mfhd', 0, 0, u32(sequence)), videoTraf(video), ...more);
  const capture = video.capture ? [prft(video.capture)] : [];
  return Buffer.concat([...capture, moof, box('mdat', Buffer.alloc(video.payload ?? 64))]);
}

/** As the browser hands it over. */
export function arrayBuffer(buffer) {
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength);
}
