// SPDX-License-Identifier: MIT
// A client of go2rtc's WebSocket protocol, written after what go2rtc's own player does: {"type","value"} as text, and what it gets in
// binary messages goes into one source buffer in the order in which it comes.
import WebSocket from 'ws';
import { boxes } from './mp4.mjs';
import { waitUntil } from './wait.mjs';

/** What a browser that plays everything sends. */
export const ALL = 'avc1.640029,avc1.64002A,avc1.640033,hvc1.1.6.L153.B0,mp4a.40.2,mp4a.40.5,flac,opus';

const within = (data, box) => boxes(data, box.start, box.end);
const find = (data, box, type) => within(data, box).filter((one) => one.type === type);

export class Go2rtcClient {
  /** ADDRESS: of the server; QUERY: "src=front". OPTIONS: those of ws. */
  constructor(address, query, options = {}) {
    const url = new URL(`api/ws?${query}`, address);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.texts = [];
    this.binaries = [];
    this.socket = new WebSocket(url, options);
    this.socket.on('message', (data, binary) => (binary ? this.binaries.push(data) : this.texts.push(JSON.parse(data.toString()))));
    this.socket.on('close', (code) => (this.closed = code));
    this.socket.on('error', (error) => (this.error = error));
    this.socket.on('unexpected-response', (request, response) => {
      this.status = response.statusCode;
      response.resume();
      request.destroy();
    });
  }

  async open() {
    await waitUntil('the answer to the handshake', () => this.status || this.socket.readyState === WebSocket.OPEN || this.closed);
    return this;
  }

  /** VALUE may be absent. */
  say(type, value) {
    this.socket.send(JSON.stringify({ type, value }));
    return this;
  }

  async answer(type = 'mse', count = 1) {
    const found = () => this.texts.filter((text) => text.type === type);
    await waitUntil(`an answer ${type}`, () => found().length >= count);
    return found()[count - 1].value;
  }

  async more(count) {
    const wanted = this.binaries.length + count;
    await waitUntil(`${count} more messages`, () => this.closed !== undefined || this.binaries.length >= wanted);
    if (this.binaries.length < wanted) throw new Error(`closed with ${this.closed}`);
  }

  get inits() {
    return this.binaries.filter((data) => data.toString('latin1', 4, 8) === 'ftyp');
  }

  /** The tracks of the newest init segment, as handlers: ['vide', 'soun']. */
  get tracks() {
    const data = this.inits.at(-1);
    const moov = boxes(data).find(({ type }) => type === 'moov');
    return find(data, moov, 'trak').map((trak) => {
      const [hdlr] = find(data, find(data, trak, 'mdia')[0], 'hdlr');
      return data.toString('latin1', hdlr.start + 8, hdlr.start + 12);
    });
  }

  /** Of each fragment, by track: [{1: 22500n, 2: 4000n}]. */
  get times() {
    const fragments = this.binaries.filter((data) => data.toString('latin1', 4, 8) !== 'ftyp');
    return fragments.map((data) => {
      const moof = boxes(data).find(({ type }) => type === 'moof');
      return Object.fromEntries(find(data, moof, 'traf').map((traf) => {
        const [tfhd] = find(data, traf, 'tfhd');
        const [tfdt] = find(data, traf, 'tfdt');
        const time = data[tfdt.start] === 1 ? data.readBigUInt64BE(tfdt.start + 4) : BigInt(data.readUInt32BE(tfdt.start + 4));
        return [data.readUInt32BE(tfhd.start + 4), time];
      }));
    });
  }

  close() {
    this.socket.terminate();
  }
}
