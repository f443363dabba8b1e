// SPDX-License-Identifier: MIT
// Reads what the player needs from ISO base media boxes (ISO/IEC 14496-12): the tracks of an init segment,
// and sequence, decode time, random access and capture time of a fragment. Every length is checked before it is used.

export class FormatError extends Error {
  name = 'FormatError';
}

const NON_SYNC_SAMPLE = 0x10000;

const TFHD_BASE_DATA_OFFSET = 0x1;
const TFHD_DESCRIPTION_INDEX = 0x2;
const TFHD_DURATION = 0x8;
const TFHD_SIZE = 0x10;
const TFHD_FLAGS = 0x20;

const TRUN_DATA_OFFSET = 0x1;
const TRUN_FIRST_FLAGS = 0x4;
const TRUN_DURATION = 0x100;
const TRUN_SIZE = 0x200;
const TRUN_FLAGS = 0x400;
const TRUN_COMPOSITION = 0x800;

const FREE = [0x66, 0x72, 0x65, 0x65]; // ISO/IEC 14496-12, 8.1.2

const PRFT_BY_CAMERA = 24; // flags of ISO/IEC 14496-12, 8.16.5: the moment of capture, by a clock that others share
const NTP_UNIX_S = 2_208_988_800; // from 1900 to 1970
const NTP_ERA_S = 2 ** 32;

/** Reads big-endian numbers from one box and never beyond its end. */
class Reader {
  constructor(view, at, end) {
    this.view = view;
    this.at = at;
    this.end = end;
  }

  take(bytes) {
    const at = this.at;
    if (bytes > this.end - at) throw new FormatError('a box ends too early');
    this.at += bytes;
    return at;
  }

  u32() {
    return this.view.getUint32(this.take(4));
  }

  u64() {
    return Number(this.view.getBigUint64(this.take(8)));
  }

  type() {
    const at = this.take(4);
    return String.fromCharCode(...new Uint8Array(this.view.buffer, this.view.byteOffset + at, 4));
  }

  /** Version and flags of a full box. */
  full() {
    const word = this.u32();
    return { version: word >>> 24, flags: word & 0xffffff };
  }

  /** The boxes inside this one, one by one. */
  *boxes() {
    while (this.at < this.end) {
      const start = this.at;
      let size = this.u32();
      const type = this.type();
      if (size === 1) size = this.u64();
      else if (size === 0) size = this.end - start;
      if (size < this.at - start || size > this.end - start) {
        throw new FormatError(`box ${JSON.stringify(type)} has a wrong length`);
      }
      yield { type, nameAt: start + 4, body: new Reader(this.view, this.at, start + size) };
      this.at = start + size;
    }
  }

  find(type) {
    for (const box of this.boxes()) if (box.type === type) return box.body;
    throw new FormatError(`there is no ${type} box`);
  }
}

const reader = (bytes) =>
  new Reader(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.byteLength);

/** Whether a message is an init segment: the first box is `ftyp` or `moov`. */
export function isInitSegment(bytes) {
  if (bytes.byteLength < 8) return false;
  const type = String.fromCharCode(...bytes.subarray(4, 8));
  return type === 'ftyp' || type === 'moov';
}

function readTrack(trak) {
  const track = { id: 0, kind: '', timescale: 0, flags: 0, duration: 0, names: [] };
  for (const { type, body } of trak.boxes()) {
    if (type === 'tkhd') {
      const { version } = body.full();
      body.take(version === 1 ? 16 : 8);
      track.id = body.u32();
    } else if (type === 'mdia') {
      for (const inner of body.boxes()) {
        if (inner.type === 'mdhd') {
          const { version } = inner.body.full();
          inner.body.take(version === 1 ? 16 : 8);
          track.timescale = inner.body.u32();
        } else if (inner.type === 'hdlr') {
          inner.body.take(8);
          track.kind = inner.body.type();
        }
      }
    }
  }
  if (!track.id || !track.timescale) throw new FormatError('a track has no id or no timescale');
  return track;
}

/**
 * The tracks of an init segment, by track id: `{ id, kind: 'vide' | 'soun', timescale, flags, duration, names }`. `names`
 * are the offsets of the names of the boxes that belong to this track only.
 */
export function parseInit(bytes) {
  const tracks = new Map();
  const defaults = [];
  for (const { type, nameAt, body } of reader(bytes).find('moov').boxes()) {
    if (type === 'trak') {
      const track = readTrack(body);
      track.names.push(nameAt);
      tracks.set(track.id, track);
    } else if (type === 'mvex') {
      for (const inner of body.boxes()) if (inner.type === 'trex') defaults.push(inner);
    }
  }
  for (const { nameAt, body: trex } of defaults) {
    trex.full();
    const track = tracks.get(trex.u32());
    trex.u32();
    const duration = trex.u32();
    trex.u32();
    const flags = trex.u32();
    if (!track) continue;
    Object.assign(track, { duration, flags });
    track.names.push(nameAt);
  }
  if (tracks.size === 0) throw new FormatError('the init segment has no track');
  return tracks;
}

/** Turns the boxes whose names are at the offsets NAMES into free space: nothing moves, and their contents are no longer read. */
export function blank(bytes, names, from = 0) {
  for (const at of names) bytes.set(FREE, from + at);
}

function readFragmentHeader(tfhd, tracks) {
  const { flags } = tfhd.full();
  const track = tracks.get(tfhd.u32());
  if (!track) throw new FormatError('a fragment of an unknown track');
  if (flags & TFHD_BASE_DATA_OFFSET) tfhd.u64();
  if (flags & TFHD_DESCRIPTION_INDEX) tfhd.u32();
  const duration = flags & TFHD_DURATION ? tfhd.u32() : track.duration;
  if (flags & TFHD_SIZE) tfhd.u32();
  return { track, duration, flags: flags & TFHD_FLAGS ? tfhd.u32() : track.flags };
}

/** Duration of a run in timescale units, and the flags of its first sample. */
function readRun(trun, defaults) {
  const { flags } = trun.full();
  const count = trun.u32();
  if (flags & TRUN_DATA_OFFSET) trun.u32();
  let first = flags & TRUN_FIRST_FLAGS ? trun.u32() : defaults.flags;
  const perSample = [TRUN_DURATION, TRUN_SIZE, TRUN_FLAGS, TRUN_COMPOSITION].filter((bit) => flags & bit);
  if (perSample.length === 0) return { count, duration: count * defaults.duration, flags: first };
  if (count * perSample.length * 4 > trun.end - trun.at) throw new FormatError('a trun box is too short');
  let duration = 0;
  for (let i = 0; i < count; i++) {
    if (!(flags & TRUN_DURATION)) duration += defaults.duration;
    for (const bit of perSample) {
      const value = trun.u32();
      if (bit === TRUN_DURATION) duration += value;
      else if (bit === TRUN_FLAGS && i === 0) first = value;
    }
  }
  return { count, duration, flags: first };
}

function readTrackFragment(traf, tracks) {
  let header = null;
  const result = { track: null, start: 0, duration: 0, samples: 0, keyframe: false };
  for (const { type, body } of traf.boxes()) {
    if (type === 'tfhd') {
      header = readFragmentHeader(body, tracks);
      result.track = header.track;
    } else if (type === 'tfdt' && header) {
      const { version } = body.full();
      result.start = (version === 1 ? body.u64() : body.u32()) / header.track.timescale;
    } else if (type === 'trun' && header) {
      const run = readRun(body, header);
      if (result.samples === 0 && run.count > 0) result.keyframe = !(run.flags & NON_SYNC_SAMPLE);
      result.samples += run.count;
      result.duration += run.duration / header.track.timescale;
    }
  }
  if (!header) throw new FormatError('a track fragment has no tfhd box');
  return result;
}

/** When the picture at media time `time` was captured: `{ time, at, by }`, `at` in ms since 1970; null if it says nothing. */
function readCapture(prft, tracks) {
  const { version, flags } = prft.full();
  const track = tracks.get(prft.u32());
  const seconds = prft.u32() - NTP_UNIX_S;
  const fraction = prft.u32() / NTP_ERA_S;
  const time = version === 1 ? prft.u64() : prft.u32();
  if (!track || (seconds === 0 && fraction === 0)) return null;
  const at = ((seconds < 0 ? seconds + NTP_ERA_S : seconds) + fraction) * 1000;
  return { time: time / track.timescale, at, by: flags === PRFT_BY_CAMERA ? 'camera' : 'server' };
}

function addSound(sound, { start, duration, samples }, nameAt) {
  const end = start + duration;
  const unit = samples > 0 ? duration / samples : 0;
  return sound ? { ...sound, end, names: [...sound.names, nameAt] } : { names: [nameAt], start, end, unit };
}

function readMovieFragment(moof, tracks) {
  let sequence = 0;
  let lead = null;
  let sound = null;
  for (const { type, nameAt, body } of moof.boxes()) {
    if (type === 'mfhd') {
      body.full();
      sequence = body.u32();
    } else if (type === 'traf') {
      const part = readTrackFragment(body, tracks);
      if (!lead || part.track.kind === 'vide') lead = part;
      if (part.track.kind === 'soun') sound = addSound(sound, part, nameAt);
    }
  }
  if (!lead) throw new FormatError('a fragment has no track');
  return { sequence, lead, sound };
}

/**
 * One message of a live stream, `prft` + `moof` + `mdat`. Times are seconds on the stream's own timeline and are those of
 * the video track where there is one: `{ bytes, sequence, start, end, keyframe, samples, capture, sound }`, where `capture`
 * is `{ time, at, by }` or null. `sound` is `{ start, end, unit, names }` or null: when it is heard, how long one of its units is, and
 * the offsets of the names of the boxes that describe it.
 */
export function parseFragment(bytes, tracks) {
  let capture = null;
  for (const { type, body } of reader(bytes).boxes()) {
    if (type === 'prft') {
      capture = readCapture(body, tracks);
    } else if (type === 'moof') {
      const { sequence, lead, sound } = readMovieFragment(body, tracks);
      const { start, duration, keyframe, samples } = lead;
      return { bytes, sequence, start, end: start + duration, keyframe, samples, capture, sound };
    }
  }
  throw new FormatError('there is no moof box');
}
