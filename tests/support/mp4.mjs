// SPDX-License-Identifier: MIT
// The parts of ISO/IEC 14496-12 that are needed to check what a viewer receives. Throws on malformed boxes.

const NON_SYNC_SAMPLE = 0x00010000;

/** The boxes of BUFFER from START to END: [{type, start, end}] of their payloads. */
export function boxes(buffer, start = 0, end = buffer.length) {
  const found = [];
  for (let at = start; at < end; ) {
    if (at + 8 > end) throw new Error(`a box header is cut off at ${at}`);
    const size = buffer.readUInt32BE(at);
    const type = buffer.toString('latin1', at + 4, at + 8);
    if (size < 8 || at + size > end) throw new Error(`box ${type} at ${at} has size ${size}, ${end - at} are there`);
    found.push({ type, start: at + 8, end: at + size });
    at += size;
  }
  return found;
}

const all = (buffer, box, type) => boxes(buffer, box.start, box.end).filter((child) => child.type === type);

function one(buffer, box, type) {
  const found = all(buffer, box, type);
  if (found.length !== 1) throw new Error(`${found.length} boxes ${type}`);
  return found[0];
}

const whole = (buffer) => ({ start: 0, end: buffer.length });

function parseTrack(buffer, trak) {
  const tkhd = one(buffer, trak, 'tkhd');
  const mdia = one(buffer, trak, 'mdia');
  const mdhd = one(buffer, mdia, 'mdhd');
  const hdlr = one(buffer, mdia, 'hdlr');
  return {
    id: buffer.readUInt32BE(tkhd.start + (buffer[tkhd.start] === 1 ? 20 : 12)),
    timescale: buffer.readUInt32BE(mdhd.start + (buffer[mdhd.start] === 1 ? 20 : 12)),
    kind: { vide: 'video', soun: 'audio' }[buffer.toString('latin1', hdlr.start + 8, hdlr.start + 12)],
  };
}

/** An init segment: {tracks: [{id, timescale, kind, defaultFlags}]}. */
export function parseInit(buffer) {
  const types = boxes(buffer).map((box) => box.type);
  if (types.join() !== 'ftyp,moov') throw new Error(`an init segment of ${types}`);
  const moov = one(buffer, whole(buffer), 'moov');
  const tracks = all(buffer, moov, 'trak').map((trak) => parseTrack(buffer, trak));
  for (const trex of all(buffer, one(buffer, moov, 'mvex'), 'trex')) {
    const track = tracks.find((candidate) => candidate.id === buffer.readUInt32BE(trex.start + 4));
    if (!track) throw new Error('a trex without a track');
    track.defaultFlags = buffer.readUInt32BE(trex.start + 20);
  }
  return { tracks };
}

function parseTfhd(buffer, tfhd) {
  const flags = buffer.readUInt32BE(tfhd.start) & 0xffffff;
  const header = { track: buffer.readUInt32BE(tfhd.start + 4) };
  let at = tfhd.start + 8;
  if (flags & 0x000001) at += 8;
  if (flags & 0x000002) at += 4;
  if (flags & 0x000008) {
    header.defaultDuration = buffer.readUInt32BE(at);
    at += 4;
  }
  if (flags & 0x000010) {
    header.defaultSize = buffer.readUInt32BE(at);
    at += 4;
  }
  if (flags & 0x000020) header.defaultFlags = buffer.readUInt32BE(at);
  return header;
}

function parseTrun(buffer, trun, header) {
  const flags = buffer.readUInt32BE(trun.start) & 0xffffff;
  const count = buffer.readUInt32BE(trun.start + 4);
  let at = trun.start + 8;
  let firstFlags;
  const samples = [];
  const next = () => (at += 4) && buffer.readUInt32BE(at - 4);
  if (flags & 0x000001) at += 4;
  if (flags & 0x000004) firstFlags = next();
  for (let i = 0; i < count; i++) {
    const duration = flags & 0x000100 ? next() : header.defaultDuration;
    const size = flags & 0x000200 ? next() : header.defaultSize;
    const own = flags & 0x000400 ? next() : i === 0 && firstFlags !== undefined ? firstFlags : header.defaultFlags;
    const offset = flags & 0x000800 ? next() | 0 : 0;
    samples.push({ duration, size, flags: own, offset });
  }
  if (at > trun.end) throw new Error('a trun is cut off');
  return samples;
}

function parseTraf(buffer, traf, tracks) {
  const header = parseTfhd(buffer, one(buffer, traf, 'tfhd'));
  const track = tracks.find((candidate) => candidate.id === header.track);
  if (!track) throw new Error(`a fragment of track ${header.track}, which the init segment does not have`);
  header.defaultFlags ??= track.defaultFlags;
  const tfdt = one(buffer, traf, 'tfdt');
  const decodeTime = buffer[tfdt.start] === 1 ? buffer.readBigUInt64BE(tfdt.start + 4) : BigInt(buffer.readUInt32BE(tfdt.start + 4));
  const samples = all(buffer, traf, 'trun').flatMap((trun) => parseTrun(buffer, trun, header));
  return { kind: track.kind, timescale: track.timescale, decodeTime, samples };
}

const NTP_UNIX_OFFSET_S = 2208988800;

/** The producer reference time (8.16.5): {captured, wallMs, mediaTime}. */
function parsePrft(buffer, prft) {
  const at = prft.start;
  if (prft.end - at !== 24 || buffer[at] !== 1) throw new Error('a prft of another version');
  const flags = buffer.readUInt32BE(at) & 0xffffff;
  const wallMs = (buffer.readUInt32BE(at + 8) - NTP_UNIX_OFFSET_S + buffer.readUInt32BE(at + 12) / 2 ** 32) * 1000;
  return { captured: flags === 24, wallMs, mediaTime: buffer.readBigUInt64BE(at + 16) };
}

/** A fragment (`prft` + `moof` + `mdat`) of the stream that INIT began: {sequence, keyframe, prft, video, audio}. */
export function parseFragment(buffer, init) {
  const types = boxes(buffer).map((box) => box.type).filter((type) => type !== 'styp' && type !== 'prft');
  if (types.join() !== 'moof,mdat') throw new Error(`a fragment of ${types}`);
  const moof = one(buffer, whole(buffer), 'moof');
  const mdat = one(buffer, whole(buffer), 'mdat');
  const parts = all(buffer, moof, 'traf').map((traf) => parseTraf(buffer, traf, init.tracks));
  const video = parts.find((part) => part.kind === 'video');
  const audio = parts.find((part) => part.kind === 'audio');
  const bytes = parts.flatMap((part) => part.samples).reduce((sum, sample) => sum + sample.size, 0);
  const hidden = all(buffer, moof, 'free').length > 0; // the server has left the sound out, whose bytes are still there
  if (hidden ? bytes > mdat.end - mdat.start : bytes !== mdat.end - mdat.start) throw new Error(`samples of ${bytes} bytes in an mdat of ${mdat.end - mdat.start}`);
  return {
    sequence: buffer.readUInt32BE(one(buffer, moof, 'mfhd').start + 4),
    prft: all(buffer, whole(buffer), 'prft').map((prft) => parsePrft(buffer, prft))[0],
    keyframe: video !== undefined && (video.samples[0].flags & NON_SYNC_SAMPLE) === 0,
    video,
    audio,
  };
}
