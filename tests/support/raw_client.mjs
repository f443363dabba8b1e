// SPDX-License-Identifier: MIT
// A client that sends what it is told, byte by byte: HTTP requests and WebSocket frames (RFC 6455) that no library would make.
// Plain and over TLS. It reads whole frames and answers, and notes how the connection ended.
import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import { within } from './wait.mjs';

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;
export const CONTINUATION = 0;

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * One frame. FIN, RSV (bits 0 to 7), MASK (four bytes, or null: not masked). LENGTH: what the header says, if that is not
 * the payload's. WIDTH: bits of the length, 7, 16 or 64; the shortest that will do if it is not given.
 */
export function frame(opcode, payload = '', { fin = true, rsv = 0, mask = randomBytes(4), length, width } = {}) {
  const data = Buffer.from(payload);
  const said = BigInt(length ?? data.length);
  const bits = width ?? (said < 126n ? 7 : said < 65536n ? 16 : 64);
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode, (mask ? 0x80 : 0) | (bits === 7 ? Number(said) : bits === 16 ? 126 : 127)];
  for (let shift = bits === 7 ? -1 : bits - 8; shift >= 0; shift -= 8) head.push(Number((said >> BigInt(shift)) & 255n));
  if (!mask) return Buffer.concat([Buffer.from(head), data]);
  const masked = data.map((byte, i) => byte ^ mask[i % 4]);
  return Buffer.concat([Buffer.from(head), mask, masked]);
}

/** A close frame with CODE and REASON (text or bytes). */
export function closeFrame(code, reason = '', options) {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return frame(CLOSE, Buffer.concat([head, Buffer.from(reason)]), options);
}

/** A request for a WebSocket at PATH. HEADERS replace those of the same name; null leaves one out, a list sends it several times. */
export function upgradeRequest(path, host, headers = {}, { method = 'GET', version = 'HTTP/1.1' } = {}) {
  const all = {
    Host: host,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => [value ?? []].flat().map((one) => `${name}: ${one}\r\n`));
  return `${method} ${path} ${version}\r\n${lines.join('')}\r\n`;
}

export class RawClient {
  /** ADDRESS: "http://…" or "https://…". OPTIONS: those of net.connect, such as localAddress. */
  constructor(address, options = {}) {
    const url = new URL(address);
    const to = { host: url.hostname, port: Number(url.port), ...options };
    this.host = url.host;
    this.input = Buffer.alloc(0);
    this.frames = []; // {fin, opcode, payload}, without fragments of pictures
    this.ended = false; // the server has closed its side, or the connection is lost
    this.waiting = [];
    this.socket = url.protocol === 'https:' ? tls.connect({ rejectUnauthorized: false, ...to }) : net.connect(to);
    this.socket.on('data', (data) => {
      this.input = Buffer.concat([this.input, data]);
      this.#wake();
    });
    for (const event of ['end', 'close', 'error']) {
      this.socket.on(event, () => {
        this.ended = true;
        this.#wake();
      });
    }
  }

  #wake() {
    for (const wake of this.waiting.splice(0)) wake();
  }

  /** Until something has come, or the connection has ended. */
  async news(what, limit) {
    await within(what, new Promise((resolve) => (this.ended ? resolve() : this.waiting.push(resolve))), limit);
  }

  send(data) {
    if (!this.ended) this.socket.write(data);
    return this;
  }

  /** The next HTTP answer: {status, headers, body}, or null: the connection ended without one. HEAD: it has no body. */
  async answer({ head = false, limit } = {}) {
    for (;;) {
      const end = this.input.indexOf(HEAD_END);
      if (end >= 0) {
        const [first, ...lines] = this.input.toString('latin1', 0, end).split('\r\n');
        const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1]);
        const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
        const length = head || status === 101 || status === 304 ? 0 : Number(headers['content-length'] ?? 0);
        if (this.input.length >= end + 4 + length || this.ended) {
          const body = this.input.toString('utf8', end + 4, end + 4 + length);
          this.input = this.input.subarray(end + 4 + length);
          return { status, headers, body };
        }
      }
      if (this.ended) return null;
      await this.news('an answer', limit);
    }
  }

  /** Asks for a WebSocket with REQUEST, and returns the answer. */
  async open(path, headers, line) {
    const key = headers?.['Sec-WebSocket-Key'] ?? randomBytes(16).toString('base64');
    this.send(upgradeRequest(path, this.host, { 'Sec-WebSocket-Key': key, ...headers }, line));
    const answer = await this.answer();
    if (answer?.status === 101) answer.accepted = answer.headers['sec-websocket-accept'] === createHash('sha1').update(`${key}${GUID}`).digest('base64');
    return answer;
  }

  #take() {
    const { input } = this;
    if (input.length < 2) return null;
    const short = input[1] & 0x7f;
    const head = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (input.length < head) return null;
    const length = short === 126 ? input.readUInt16BE(2) : short === 127 ? Number(input.readBigUInt64BE(2)) : short;
    if (input.length < head + length) return null;
    this.input = input.subarray(head + length);
    return { fin: input[0] >= 0x80, rsv: (input[0] >> 4) & 7, opcode: input[0] & 15, masked: input[1] >= 0x80, payload: input.subarray(head, head + length) };
  }

  /** The next frame that WANTED(frame) is true for; null when the connection has ended. */
  async frame(wanted = () => true, limit) {
    for (;;) {
      for (let next = this.#take(); next; next = this.#take()) if (wanted(next)) return next;
      if (this.ended) return null;
      await this.news('a frame', limit);
    }
  }

  /** Until the server has ended the connection. */
  async end(limit) {
    while (!this.ended) {
      this.input = Buffer.alloc(0);
      await this.news('the end of the connection', limit);
    }
  }

  close() {
    this.socket.destroy();
  }
}
