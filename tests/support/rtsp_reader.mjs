// SPDX-License-Identifier: MIT
// An RTSP client that keeps what it gets: answers with their headers, RTP packets and sender reports, over TCP or UDP. It decodes
// nothing; it puts pictures together from packets (RFC 6184, 7798), so that they can be compared with others byte by byte.
import { createHash } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { waitUntil } from './wait.mjs';

const FRAME = 4;
const RTP_HEADER = 12;
const NTP_UNIX = 2208988800;

const hash = (algorithm, text) => createHash(algorithm).update(text).digest('hex');

export class RtspReader {
  /** USER and PASSWORD: of URL, or of the options. SCHEME: "Digest" with ALGORITHM (MD5, SHA-256), or "Basic". */
  constructor(url, { user, password, scheme = 'Basic', algorithm = 'MD5', udp = false } = {}) {
    Object.assign(this, { url, user, password, scheme, algorithm, udp });
    this.buffer = Buffer.alloc(0);
    this.sequence = 0;
    this.replies = [];
    this.packets = []; // of the video: {number, time, marker, payload, at}
    this.reports = []; // of the video: {ntp (seconds since 1970), time, after (how many packets)}
    this.closed = false;
    this.sockets = [];
  }

  async connect() {
    const { hostname, port } = new URL(this.url);
    this.socket = net.connect(Number(port), hostname);
    this.socket.on('data', (data) => this.#receive(data)).on('error', () => {}).on('close', () => (this.closed = true));
    await once(this.socket, 'connect');
    return this;
  }

  /** Sends METHOD; resolves to {status, headers (lower-case names; those that come twice joined by "\n"), body}. */
  async send(method, url = this.url, headers = {}) {
    const lines = [`${method} ${url} RTSP/1.0`, `CSeq: ${++this.sequence}`];
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
    if (this.session) lines.push(`Session: ${this.session}`);
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    const wanted = this.sequence;
    await waitUntil(`an answer to ${method}`, () => this.closed || this.replies.some(({ headers: { cseq } }) => Number(cseq) === wanted));
    const reply = this.replies.find(({ headers: { cseq } }) => Number(cseq) === wanted);
    if (!reply) throw new Error(`the connection ended at ${method}`);
    return reply;
  }

  /** The same; answers a challenge once. */
  async request(method, url = this.url, headers = {}) {
    const first = await this.send(method, url, { ...headers, ...this.#authorization(method, url) });
    if (first.status !== 401 || this.user === undefined) return first;
    this.challenges = first.headers['www-authenticate'].split('\n');
    return this.send(method, url, { ...headers, ...this.#authorization(method, url) });
  }

  #authorization(method, uri) {
    if (this.challenges === undefined) return {};
    if (this.scheme === 'Basic') return { Authorization: `Basic ${Buffer.from(`${this.user}:${this.password}`).toString('base64')}` };
    const challenge = this.challenges.find((line) => line.startsWith('Digest') && line.includes(`algorithm=${this.algorithm}`));
    if (!challenge) return {};
    const nonce = /nonce="([^"]*)"/.exec(challenge)[1], realm = /realm="([^"]*)"/.exec(challenge)[1];
    const of = this.algorithm === 'MD5' ? 'md5' : 'sha256';
    const secret = hash(of, `${this.user}:${realm}:${this.password}`);
    const response = hash(of, `${secret}:${nonce}:${hash(of, `${method}:${uri}`)}`);
    const fields = [`username="${this.user}"`, `realm="${realm}"`, `nonce="${nonce}"`, `uri="${uri}"`, `response="${response}"`, `algorithm=${this.algorithm}`];
    return { Authorization: `Digest ${fields.join(', ')}` };
  }

  /** Connects, and plays the video. */
  async play() {
    await this.connect();
    const description = await this.request('DESCRIBE', this.url, { Accept: 'application/sdp' });
    if (description.status !== 200) throw new Error(`DESCRIBE: ${description.status}`);
    this.sdp = description.body;
    this.hevc = /a=rtpmap:\d+ H265/.test(this.sdp);
    const control = /m=video[^]*?a=control:(\S+)/.exec(this.sdp)[1];
    const base = description.headers['content-base'] ?? `${this.url}/`;
    const track = control.startsWith('rtsp:') ? control : `${base}${control}`;
    const setup = await this.request('SETUP', track, { Transport: await this.#transport() });
    if (setup.status !== 200) throw new Error(`SETUP: ${setup.status}`);
    this.transport = setup.headers.transport;
    this.session = setup.headers.session.split(';')[0];
    this.playing = await this.request('PLAY');
    if (this.playing.status !== 200) throw new Error(`PLAY: ${this.playing.status}`);
    return this;
  }

  async #transport() {
    if (!this.udp) return 'RTP/AVP/TCP;unicast;interleaved=0-1';
    for (let port = 20000 + 2 * Math.floor(Math.random() * 10000); this.sockets.length < 2; port += 2) {
      const pair = [dgram.createSocket('udp4'), dgram.createSocket('udp4')];
      const bound = await Promise.all(pair.map((socket, index) => new Promise((resolve) => {
        socket.once('error', () => resolve(false)).bind(port + index, '127.0.0.1', () => resolve(true));
      })));
      if (bound.includes(false)) {
        for (const [index, socket] of pair.entries()) if (bound[index]) socket.close();
        continue;
      }
      pair[0].setRecvBufferSize(4 << 20);
      pair[0].on('message', (packet) => this.#packet(packet));
      pair[1].on('message', (packet) => this.#report(packet));
      this.sockets.push(...pair);
      this.port = port;
    }
    return `RTP/AVP;unicast;client_port=${this.port}-${this.port + 1}`;
  }

  #receive(data) {
    this.buffer = Buffer.concat([this.buffer, data]);
    while (this.#takeFrame() || this.#takeReply());
  }

  #takeFrame() {
    if (this.buffer[0] !== 0x24 || this.buffer.length < FRAME) return false;
    const end = FRAME + this.buffer.readUInt16BE(2);
    if (this.buffer.length < end) return false;
    const packet = Buffer.from(this.buffer.subarray(FRAME, end));
    if (this.buffer[1] === 0) this.#packet(packet);
    if (this.buffer[1] === 1) this.#report(packet);
    this.buffer = this.buffer.subarray(end);
    return true;
  }

  #takeReply() {
    const head = this.buffer[0] === 0x24 ? -1 : this.buffer.indexOf('\r\n\r\n');
    if (head < 0) return false;
    const lines = this.buffer.toString('latin1', 0, head).split('\r\n');
    const headers = {};
    for (const line of lines.slice(1)) {
      const [, name, value] = /^([^:]+): *(.*)$/.exec(line);
      const key = name.toLowerCase();
      headers[key] = headers[key] === undefined ? value : `${headers[key]}\n${value}`;
    }
    const end = head + 4 + Number(headers['content-length'] ?? 0);
    if (this.buffer.length < end) return false;
    this.replies.push({ status: Number(lines[0].split(' ')[1]), headers, body: this.buffer.toString('utf8', head + 4, end) });
    this.buffer = this.buffer.subarray(end);
    return true;
  }

  #packet(packet) {
    this.packets.push({ number: packet.readUInt16BE(2), time: packet.readUInt32BE(4), ssrc: packet.readUInt32BE(8), marker: (packet[1] & 0x80) !== 0, payload: packet.subarray(RTP_HEADER) });
  }

  #report(packet) {
    if (packet[1] !== 200) return;
    this.reports.push({ ntp: packet.readUInt32BE(8) - NTP_UNIX + packet.readUInt32BE(12) / 2 ** 32, time: packet.readUInt32BE(16), after: this.packets.length });
  }

  /** Whole pictures so far: {time, units: [Buffer of a NAL unit], end (index of its last packet), keyframe}. */
  pictures() {
    const pictures = [];
    let units = [];
    for (const [index, { time, marker, payload }] of this.packets.entries()) {
      this.#takeUnits(payload, units);
      if (!marker) continue;
      pictures.push({ time, units, end: index, keyframe: units.some((unit) => this.#isKey(unit)) });
      units = [];
    }
    return pictures;
  }

  #isKey(unit) {
    const type = this.hevc ? (unit[0] >> 1) & 0x3f : unit[0] & 0x1f;
    return this.hevc ? type >= 16 && type <= 21 : type === 5;
  }

  #takeUnits(payload, units) {
    const head = this.hevc ? 2 : 1;
    const type = this.hevc ? (payload[0] >> 1) & 0x3f : payload[0] & 0x1f;
    if (type === (this.hevc ? 49 : 28)) { // a part of a unit
      const part = payload[head];
      const inner = part & (this.hevc ? 0x3f : 0x1f);
      const first = this.hevc ? Buffer.from([(payload[0] & 0x81) | (inner << 1), payload[1]]) : Buffer.from([(payload[0] & 0xe0) | inner]);
      if (part & 0x80) units.push(first);
      if (units.length > 0) units[units.length - 1] = Buffer.concat([units.at(-1), payload.subarray(head + 1)]);
    } else if (type === (this.hevc ? 48 : 24)) { // several units
      for (let at = head; at + 2 <= payload.length;) {
        const length = payload.readUInt16BE(at);
        units.push(payload.subarray(at + 2, at + 2 + length));
        at += 2 + length;
      }
    } else {
      units.push(payload);
    }
  }

  async close() {
    for (const socket of this.sockets.splice(0)) socket.close();
    if (!this.socket || this.closed) return;
    this.socket.destroy();
    await waitUntil('the connection to end', () => this.closed);
  }
}
