// SPDX-License-Identifier: MIT
// Debian's nats-server with a directory and ports of its own, and a client of its protocol that sees and sends bytes.
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { freePort } from './ports.mjs';
import { Running } from './processes.mjs';
import { waitUntil } from './wait.mjs';

export class NatsServer {
  /** NAME: what the server calls itself. LEAF_OF: the server whose leaf node it is. MORE: further lines of its configuration. */
  constructor(directory, name, { leafOf, more = '', host = '127.0.0.1', binary = 'nats-server', port } = {}) {
    Object.assign(this, { directory: path.join(directory, name), name, leafOf, more, host, binary, port });
    mkdirSync(this.directory, { recursive: true });
  }

  /** Chooses the ports, once: a server that is started again has the same ones. */
  async choose() {
    this.port ??= await freePort();
    this.http ??= await freePort();
    this.leaf ??= await freePort();
    return this;
  }

  async start() {
    await this.choose();
    const file = path.join(this.directory, 'nats.conf');
    const leaves = this.leafOf ? `remotes = [ { url: "nats://${this.leafOf.host}:${this.leafOf.leaf}" } ]` : `listen: "${this.host}:${this.leaf}"`;
    writeFileSync(file, `server_name: ${this.name}
listen: "${this.host}:${this.port}"
http: "${this.host}:${this.http}"
leafnodes {
  ${leaves}
  reconnect: 1
}
ping_interval: "2s"
${this.more}
`);
    this.process = new Running(this.binary, ['-c', file]);
    await waitUntil(`nats-server ${this.name}`, () => {
      if (!this.process.running) throw new Error(`it has ended: ${this.process.log}`);
      return this.look('varz');
    });
    return this;
  }

  get url() {
    return `nats://${this.host}:${this.port}`;
  }

  /** What the server tells of itself: "varz", "leafz", "subsz", … */
  async look(what) {
    const answer = await fetch(`http://${this.host}:${this.http}/${what}`);
    return answer.json();
  }

  get log() {
    return this.process?.log ?? '';
  }

  async stop(signal = 'SIGTERM') {
    if (this.process?.running) await this.process.stop(signal);
  }
}

/** The protocol of NATS by hand: text lines, and payloads of a length that the line says. */
export class NatsClient {
  messages = []; // {subject, reply, data}

  #rest = Buffer.alloc(0);

  constructor(server) {
    this.socket = net.connect(server.port, server.host);
    this.socket.on('data', (data) => this.#read(data));
    this.socket.on('error', (error) => (this.error = error));
  }

  async ready() {
    await once(this.socket, 'connect');
    this.socket.write('CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\nPING\r\n');
    await waitUntil('the server of NATS', () => this.pong);
    return this;
  }

  #read(data) {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (let end; (end = this.#rest.indexOf('\r\n')) >= 0; ) {
      const words = this.#rest.toString('latin1', 0, end).split(' ');
      if (words[0] === 'MSG') {
        const size = Number(words.at(-1));
        if (this.#rest.length < end + 2 + size + 2) return;
        this.messages.push({ subject: words[1], reply: words.length > 4 ? words[3] : null, data: this.#rest.subarray(end + 2, end + 2 + size) });
        this.#rest = this.#rest.subarray(end + 2 + size + 2);
        continue;
      }
      if (words[0] === 'PING') this.socket.write('PONG\r\n');
      if (words[0] === 'PONG') this.pong = true;
      if (words[0] === '-ERR') this.refused = words.join(' ');
      this.#rest = this.#rest.subarray(end + 2);
    }
  }

  subscribe(subject, id = 1) {
    this.socket.write(`SUB ${subject} ${id}\r\n`);
  }

  publish(subject, data, reply = '') {
    this.socket.write(Buffer.concat([Buffer.from(`PUB ${subject} ${reply} ${data.length}\r\n`), data, Buffer.from('\r\n')]));
  }

  /** Everything that was sent before has reached the server. */
  async flush() {
    this.pong = false;
    this.socket.write('PING\r\n');
    await waitUntil('the server of NATS', () => this.pong);
  }

  async close() {
    if (this.socket.destroyed) return;
    this.socket.end();
    await once(this.socket, 'close');
  }
}
