// SPDX-License-Identifier: MIT
// The smallest RTSP client that can measure when a camera's first keyframe is whole. No other client can be faster.
// H.264 over TCP, without a password.
import { once } from 'node:events';
import net from 'node:net';

const INTERLEAVED_HEADER = 4;
const RTP_HEADER = 12;
const [IDR, FU_A] = [5, 28];

export class RtspClient {
  constructor(url) {
    this.url = url;
    this.started = performance.now();
    this.buffer = Buffer.alloc(0);
    this.sequence = 0;
    this.inKeyframe = false;
    this.firstKeyframe = null; // when its last packet arrived
    this.pictures = 0; // whole ones
    this.keyframes = 0; // those of them that are keyframes
    const { hostname, port } = new URL(url);
    this.socket = net.connect(Number(port), hostname);
    this.socket.on('data', (data) => this.#receive(data));
    this.socket.on('error', (error) => (this.error = error));
  }

  /** Connects, up to PLAY; pictures come from then on. RANGE: that of PLAY, if any. */
  async play(range) {
    const description = await this.#request('DESCRIBE', this.url, 'Accept: application/sdp');
    const media = description.slice(description.indexOf('m=video'));
    const control = /a=control:(\S+)/.exec(media)[1];
    const track = /^rtsp:/.test(control) ? control : `${this.url}/${control}`;
    const setup = await this.#request('SETUP', track, 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1');
    this.session = /^Session: *([^;\r]+)/im.exec(setup)[1];
    await this.#request('PLAY', this.url, range && `Range: ${range}`);
    return this;
  }

  async #request(method, url, header) {
    const lines = [`${method} ${url} RTSP/1.0`, `CSeq: ${++this.sequence}`];
    if (header) lines.push(header);
    if (this.session) lines.push(`Session: ${this.session}`);
    const reply = new Promise((resolve, reject) => {
      this.reply = resolve;
      this.socket.once('close', () => reject(this.error ?? new Error(`the camera closed at ${method}`)));
    });
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    const text = await reply;
    if (!/^RTSP\/1.0 200/.test(text)) throw new Error(`${method}: ${text.split('\r\n')[0]}`);
    return text;
  }

  #receive(data) {
    this.buffer = Buffer.concat([this.buffer, data]);
    while (this.#takePacket() || this.#takeReply());
  }

  #takePacket() {
    if (this.buffer[0] !== 0x24 || this.buffer.length < INTERLEAVED_HEADER) return false;
    const end = INTERLEAVED_HEADER + this.buffer.readUInt16BE(2);
    if (this.buffer.length < end) return false;
    if (this.buffer[1] === 0) this.#packet(this.buffer.subarray(INTERLEAVED_HEADER, end));
    this.buffer = this.buffer.subarray(end);
    return true;
  }

  #takeReply() {
    const head = this.buffer[0] === 0x24 ? -1 : this.buffer.indexOf('\r\n\r\n');
    if (head < 0) return false;
    const length = Number(/^Content-Length: *(\d+)/im.exec(this.buffer.toString('latin1', 0, head + 2))?.[1] ?? 0);
    const end = head + 4 + length;
    if (this.buffer.length < end) return false;
    this.reply(this.buffer.toString('latin1', 0, end));
    this.buffer = this.buffer.subarray(end);
    return true;
  }

  #packet(packet) {
    const payload = packet.subarray(RTP_HEADER);
    const kind = payload[0] & 0x1f;
    const nal = kind === FU_A ? payload[1] & 0x1f : kind;
    const begins = kind !== FU_A || (payload[1] & 0x80) !== 0;
    if (nal === IDR && begins) this.inKeyframe = true;
    if (!(packet[1] & 0x80)) return;
    this.pictures++;
    if (!this.inKeyframe) return;
    this.keyframes++;
    this.inKeyframe = false;
    this.firstKeyframe ??= performance.now();
  }

  async close() {
    if (this.socket.destroyed) return;
    if (this.session) this.socket.write(`TEARDOWN ${this.url} RTSP/1.0\r\nCSeq: ${++this.sequence}\r\nSession: ${this.session}\r\n\r\n`);
    this.socket.end();
    const timer = setTimeout(() => this.socket.destroy(), 2000);
    await once(this.socket, 'close');
    clearTimeout(timer);
  }
}
