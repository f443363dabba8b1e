// SPDX-License-Identifier: MIT
// A proxy between a camera and ringcast-ingest that can break RTSP anywhere. It uses interleaved TCP to
// the camera; its client may ask for the same or for UDP, which it makes from the interleaved packets.
//
// `proxy.fault` decides what breaks. It is an object whose functions are all optional and may change at any time:
//   accept(connection)            a new client; true: the fault handles it and nothing is forwarded
//   answer(request, connection)   a request; the text or bytes returned are sent instead of forwarding it, with true nothing is sent
//   reply(text, connection)       the head of an answer from the camera; returns the head to pass on instead
//   packet(packet, connection)    a packet from the camera; returns the packets to pass on, in order
// A packet is {channel, data, rtcp, video}; if it has `wire`, that is sent as it is, over TCP without any framing.
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { ofKeyframe, parseRtp } from './rtp.mjs';
import { waitUntil } from './wait.mjs';

const INTERLEAVED = 0x24; // '$'
const TICK_MS = 20; // between the portions of a throttled connection

/** Cuts the bytes of an RTSP connection into messages {text, body} and interleaved packets {channel, data}. */
class Splitter {
  #rest = Buffer.alloc(0);

  *push(bytes) {
    this.#rest = this.#rest.length ? Buffer.concat([this.#rest, bytes]) : bytes;
    for (let item; (item = this.#next()); ) yield item;
  }

  #take(size) {
    const bytes = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return bytes;
  }

  #next() {
    const rest = this.#rest;
    if (rest[0] === INTERLEAVED) {
      if (rest.length < 4 || rest.length < 4 + rest.readUInt16BE(2)) return null;
      return { channel: rest[1], data: this.#take(4 + rest.readUInt16BE(2)).subarray(4) };
    }
    const head = rest.indexOf('\r\n\r\n');
    if (head < 0) return null;
    const text = rest.toString('latin1', 0, head + 4);
    const body = Number(/^content-length: *(\d+)/im.exec(text)?.[1] ?? 0);
    if (rest.length < head + 4 + body) return null;
    this.#take(head + 4);
    return { text, body: this.#take(body) };
  }
}

/** The way of bytes to the client: at once, held back, or at a rate. */
class Outlet {
  #queue = [];
  #rate = Infinity;
  #timer;

  constructor(socket) {
    this.socket = socket;
  }

  write(bytes) {
    if (this.#rate === Infinity) this.socket.write(bytes);
    else this.#queue.push(bytes);
  }

  /** Bytes a second; 0 holds everything back, Infinity passes everything on. */
  throttle(rate) {
    this.#rate = rate;
    clearInterval(this.#timer);
    if (rate === Infinity) this.#send(Infinity);
    else if (rate > 0) this.#timer = setInterval(() => this.#send(Math.max(1, Math.round((rate * TICK_MS) / 1000))), TICK_MS);
  }

  #send(size) {
    const all = Buffer.concat(this.#queue);
    if (all.length) this.socket.write(all.subarray(0, size));
    this.#queue = all.length > size ? [all.subarray(size)] : [];
  }

  end() {
    clearInterval(this.#timer);
  }
}

export class Connection {
  #fromClient = new Splitter();
  #fromCamera = new Splitter();
  #setups = new Map(); // CSeq of a SETUP over UDP: its channel
  #clientPorts = new Map(); // channel: port of the client's, over UDP
  #methods = new Map(); // CSeq: method
  #asked = new Map(); // CSeq: when the request was forwarded

  constructor(proxy, client) {
    this.proxy = proxy;
    this.client = client;
    this.accepted = performance.now();
    this.requests = []; // methods, in order
    this.thought = 0; // ms that the camera took for all its answers together
    this.keyframes = []; // when the last packet of each was passed on
    this.outlet = new Outlet(client);
    client.on('error', () => {});
    client.on('close', () => this.#end());
    client.on('data', (bytes) => this.#clientSays(bytes));
    client.on('end', () => client.end());
  }

  get udp() {
    return this.#clientPorts.size > 0;
  }

  open() {
    this.camera = net.connect({ port: this.proxy.target.port, host: this.proxy.target.hostname, noDelay: true });
    this.camera.on('error', () => {});
    this.camera.on('data', (bytes) => this.#cameraSays(bytes));
    this.camera.on('close', () => this.client.end());
  }

  #end() {
    this.ended = performance.now();
    this.outlet.end();
    this.camera?.destroy();
    this.proxy.connections.delete(this);
  }

  #clientSays(bytes) {
    for (const { text, channel, data } of this.#fromClient.push(bytes)) {
      if (text) this.#request(text);
      else this.proxy.reports.push({ channel, data });
      if (!text) this.#toCamera(Buffer.concat([Buffer.from([INTERLEAVED, channel, data.length >> 8, data.length & 0xff]), data]));
    }
  }

  #toCamera(bytes) {
    if (this.camera && !this.camera.destroyed) this.camera.write(bytes);
  }

  #request(text) {
    const method = text.slice(0, text.indexOf(' '));
    const request = { method, text, sequence: /^cseq: *(\d+)/im.exec(text)?.[1] };
    this.requests.push(method);
    this.#methods.set(request.sequence, method);
    this.#asked.set(request.sequence, performance.now());
    const answer = this.proxy.fault.answer?.(request, this);
    if (answer === true) return;
    if (answer !== undefined) this.outlet.write(Buffer.from(answer));
    else this.#toCamera(this.#overTcp(request));
  }

  /** A SETUP over UDP becomes one over TCP. */
  #overTcp({ text, sequence }) {
    const ports = /client_port=(\d+)-(\d+)/.exec(text);
    if (!ports) return text;
    const channel = this.#clientPorts.size;
    this.#setups.set(sequence, channel);
    this.#clientPorts.set(channel, Number(ports[1])).set(channel + 1, Number(ports[2]));
    return text.replace(/^transport:.*$/im, `Transport: RTP/AVP/TCP;unicast;interleaved=${channel}-${channel + 1}`);
  }

  #overUdp(text) {
    const channel = this.#setups.get(/^cseq: *(\d+)/im.exec(text)?.[1]);
    if (channel === undefined || !/^transport:/im.test(text)) return text;
    const client = `${this.#clientPorts.get(channel)}-${this.#clientPorts.get(channel + 1)}`;
    const server = `${this.proxy.ports[channel]}-${this.proxy.ports[channel + 1]}`;
    return text.replace(/^transport:.*$/im, `Transport: RTP/AVP;unicast;client_port=${client};server_port=${server};source=127.0.0.1`);
  }

  #cameraSays(bytes) {
    for (const { text, body, channel, data } of this.#fromCamera.push(bytes)) {
      if (!text) {
        this.#packet({ channel, data, rtcp: channel % 2 === 1, video: channel < 2 });
        continue;
      }
      const sequence = /^cseq: *(\d+)/im.exec(text)?.[1];
      const playing = this.#methods.get(sequence) === 'PLAY';
      this.thought += performance.now() - (this.#asked.get(sequence) ?? performance.now());
      const said = this.proxy.fault.reply?.(text, this) ?? text;
      this.outlet.write(Buffer.concat([Buffer.from(this.#overUdp(said), 'latin1'), body]));
      if (playing) this.played ??= performance.now();
    }
  }

  #packet(packet) {
    for (const passed of this.proxy.fault.packet?.(packet, this) ?? [packet]) this.pass(passed);
    if (!packet.video || packet.rtcp) return;
    this.inKeyframe ||= ofKeyframe(packet.data);
    if (!parseRtp(packet.data).marker) return;
    if (this.inKeyframe) this.keyframes.push(performance.now());
    this.inKeyframe = false;
  }

  /** Sends PACKET to the client, over the transport that it asked for. */
  pass({ channel, data, wire }) {
    if (this.udp) {
      this.proxy.sockets[channel].send(wire ?? data, this.#clientPorts.get(channel), '127.0.0.1');
      return;
    }
    const head = Buffer.from([INTERLEAVED, channel, data.length >> 8, data.length & 0xff]);
    this.outlet.write(wire ?? Buffer.concat([head, data]));
  }

  /** Closes the connection, or resets it; after the bytes LAST. */
  cut({ reset = false, last } = {}) {
    if (reset) this.client.resetAndDestroy();
    else this.client.end(last);
    this.camera?.destroy();
  }
}

export class RtspProxy {
  /** URL: the camera's. */
  constructor(url) {
    this.target = new URL(url);
    this.fault = {};
    this.connections = new Set();
    this.count = 0; // connections so far
    this.reports = []; // {channel, data}: RTCP of its clients
  }

  async listen() {
    this.sockets = await Promise.all(
      Array.from({ length: 4 }, async (_, channel) => {
        const socket = dgram.createSocket('udp4', (data) => this.reports.push({ channel, data }));
        socket.bind(0, '127.0.0.1');
        await once(socket, 'listening');
        return socket;
      }),
    );
    this.ports = this.sockets.map((socket) => socket.address().port);
    await this.accept();
    return this;
  }

  get url() {
    return `rtsp://127.0.0.1:${this.port}${this.target.pathname}`;
  }

  /** The newest connection. */
  get connection() {
    return [...this.connections].at(-1);
  }

  /** Listens, on the same port as before. */
  async accept() {
    await waitUntil('the port of a proxy', async () => {
      const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (client) => this.#take(client));
      server.listen(this.port ?? 0, '127.0.0.1');
      await once(server, 'listening');
      this.server = server;
      return true;
    });
    this.port = this.server.address().port;
  }

  /** Stops listening; connections stay. */
  refuse() {
    this.server.close();
  }

  #take(client) {
    const connection = new Connection(this, client);
    this.connections.add(connection);
    this.count++;
    if (!this.fault.accept?.(connection)) connection.open();
    this.onConnection?.(connection);
  }

  cut(options) {
    for (const connection of this.connections) connection.cut(options);
  }

  close() {
    this.server.close();
    for (const connection of this.connections) connection.cut({ reset: true });
    for (const socket of this.sockets) socket.close();
  }
}
