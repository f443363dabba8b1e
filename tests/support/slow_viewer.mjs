// SPDX-License-Identifier: MIT
// A viewer whose link is slow: it reads so many bytes a second, from a small receive buffer, plain or over TLS, and notes how old
// each fragment is when it has come whole: by the server's clock, which is this machine's, and the fragment's own `prft` box.
// It watches over WebSocket, or reads the file that goes on.
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import { PING, PONG, frame, upgradeRequest } from './raw_client.mjs';
import { waitUntil } from './wait.mjs';

const STEP_MS = 20;
const READ_AT_ONCE = 4096;
const SINCE_1900_S = 2208988800;

/** Seconds since the capture that the fragment's first box, prft, tells (ISO/IEC 14496-12, 8.16.5); null: it has none. */
export function ageOf(fragment) {
  if (fragment.length < 28 || fragment.toString('latin1', 4, 8) !== 'prft') return null;
  return Date.now() / 1000 - (fragment.readUInt32BE(16) - SINCE_1900_S + fragment.readUInt32BE(20) / 2 ** 32);
}

/** The number of FRAGMENT, from its mfhd box. */
const sequenceOf = (fragment) => fragment.readUInt32BE(fragment.indexOf('mfhd', 0, 'latin1') + 8);

export class SlowViewer {
  /** `rate`: bytes a second. PATH that ends in .mp4: the file. `answers`: whether pings are answered. */
  constructor(address, path, { rate, answers = true }) {
    const url = new URL(address);
    this.url = url;
    this.path = path;
    this.rate = rate;
    this.answers = answers;
    this.isFile = path.endsWith('.mp4');
    this.ages = []; // { at, age }, both in seconds
    this.drops = 0; // what it was told; in a file: numbers that are not one more than the last
    this.taken = 0;
    this.ended = null;
    this.input = Buffer.alloc(0);
  }

  open() {
    const { hostname: host, port, protocol } = this.url;
    const raw = net.connect({ host, port: Number(port), highWaterMark: READ_AT_ONCE });
    this.socket = protocol === 'https:' ? tls.connect({ socket: raw, rejectUnauthorized: false, highWaterMark: READ_AT_ONCE }) : raw;
    this.socket.on('error', (error) => (this.ended ??= error.message));
    this.socket.on('close', () => (this.ended ??= 'closed'));
    const { host: name } = this.url;
    this.socket.write(
      this.isFile
        ? `GET ${this.path} HTTP/1.1\r\nHost: ${name}\r\n\r\n`
        : upgradeRequest(this.path, name, { 'Sec-WebSocket-Key': randomBytes(16).toString('base64') }),
    );
    this.began = performance.now();
    this.timer = setInterval(() => this.#read(), STEP_MS);
    return this;
  }

  close() {
    clearInterval(this.timer);
    this.socket.destroy();
  }

  get seconds() {
    return (performance.now() - this.began) / 1000;
  }

  #read() {
    let allowed = Math.floor(this.seconds * this.rate - this.taken);
    while (allowed > 0) {
      const data = this.socket.read(Math.min(allowed, this.socket.readableLength)) ?? this.socket.read(0);
      if (!data?.length) return;
      allowed -= data.length;
      this.taken += data.length;
      this.input = Buffer.concat([this.input, data]);
      this.#parse();
    }
  }

  #parse() {
    if (!this.head) {
      const end = this.input.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.head = this.input.toString('latin1', 0, end);
      this.input = this.input.subarray(end + 4);
    }
    if (this.isFile) this.#chunks();
    else this.#frames();
  }

  /** RFC 9112, 7.1; a chunk is a fragment, or the beginning of the file. */
  #chunks() {
    for (;;) {
      const head = this.input.indexOf('\r\n') + 2;
      const length = parseInt(this.input.toString('latin1', 0, head), 16);
      if (head < 2 || this.input.length < head + length + 2) return;
      const body = this.input.subarray(head, head + length);
      const age = ageOf(body);
      if (age !== null) {
        const sequence = sequenceOf(body);
        if (this.sequence !== undefined && sequence !== this.sequence + 1) this.drops++;
        this.sequence = sequence;
        this.ages.push({ at: this.seconds, age });
      }
      this.input = this.input.subarray(head + length + 2);
    }
  }

  #frames() {
    while (this.input.length >= 2) {
      const kind = this.input[1] & 127;
      const head = kind === 127 ? 10 : kind === 126 ? 4 : 2;
      if (this.input.length < head) return;
      const length = kind === 127 ? Number(this.input.readBigUInt64BE(2)) : kind === 126 ? this.input.readUInt16BE(2) : kind;
      if (this.input.length < head + length) return;
      this.#message(this.input[0] & 15, this.input.subarray(head, head + length));
      this.input = this.input.subarray(head + length);
    }
  }

  #message(opcode, body) {
    if (opcode === 1 && JSON.parse(body.toString()).type === 'drop') this.drops++;
    if (opcode === PING && this.answers) this.socket.write(frame(PONG, body));
    const age = opcode === 2 ? ageOf(body) : null;
    if (age !== null) this.ages.push({ at: this.seconds, age });
  }

  /** Waits until it has watched for SECONDS, and COUNT fragments of the time after SINCE have come. Returns their ages. */
  async watch(seconds, since, count) {
    const late = () => this.ages.filter(({ at }) => at > since).map(({ age }) => age);
    await waitUntil(`a slow viewer's fragments (${this.ended ?? 'open'})`, () => this.ended || (this.seconds > seconds && late().length >= count), 60000);
    if (this.ended) throw new Error(`the slow viewer's connection has ended: ${this.ended}`);
    return late().sort((a, b) => a - b);
  }
}
