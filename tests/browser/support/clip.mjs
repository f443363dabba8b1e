// A short film as a live stream: ffmpeg makes it once, and it is then played for ever with decode times that go on.

import { execFileSync } from 'node:child_process';

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

export class Clip {
  constructor(file, { fps, gop }) {
    const { init, fragments } = splitFile(file);
    this.init = init;
    this.fragments = fragments;
    this.fps = fps;
    this.gop = gop;
    this.codecs = codecOf(init);
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
}

/** `source`: a source of libavfilter such as testsrc or testsrc2. */
export function makeClip({ width = 320, height = 180, fps = 25, gop = 25, seconds = 4, source = 'testsrc' } = {}) {
  const file = execFileSync('ffmpeg', [
    ...['-hide_banner', '-loglevel', 'error', '-f', 'lavfi'],
    ...['-i', `${source}=size=${width}x${height}:rate=${fps}:duration=${seconds}`],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', `${gop}`, '-bf', '0'],
    ...['-sc_threshold', '0', '-threads', '1'],
    ...['-f', 'mp4', '-movflags', 'frag_every_frame+empty_moov+default_base_moof', 'pipe:1'],
  ], { maxBuffer: 256 << 20, stdio: ['ignore', 'pipe', 'inherit'] });
  return new Clip(file, { fps, gop });
}
