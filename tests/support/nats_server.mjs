// SPDX-License-Identifier: MIT
// Debian's nats-server with a directory and ports of its own, and a client of its protocol that sees and sends bytes; with TLS and keys, if they are given.
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { publicKey, signWith } from './nkeys.mjs';
import { freePort } from './ports.mjs';
import { Running } from './processes.mjs';
import { waitUntil } from './wait.mjs';

export class NatsServer {
  /**
   * NAME: what the server calls itself. LEAF_OF: the server whose leaf node it is, LEAF_USER: as which user, with its password. MORE: further lines of its
   * configuration. TLS: the lines of its group, for nodes and leaf nodes.
   */
  constructor(directory, name, { leafOf, leafUser, more = '', tls: protection, host = '127.0.0.1', binary = 'nats-server', port } = {}) {
    Object.assign(this, { directory: path.join(directory, name), name, leafOf, leafUser, more, protection, host, binary, port });
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
    const protection = this.protection ? `tls { ${this.protection} }\n` : '';
    writeFileSync(file, `server_name: ${this.name}
listen: "${this.host}:${this.port}"
http: "${this.host}:${this.http}"
leafnodes {
  ${this.#leaves()}
  reconnect: 1
}
ping_interval: "2s"
${protection}${this.more}
`);
    this.process = new Running(this.binary, ['-c', file]);
    await waitUntil(`nats-server ${this.name}`, () => {
      if (!this.process.running) throw new Error(`it has ended: ${this.process.log}`);
      return this.process.log.includes('Server is ready'); // it listens for clients last
    });
    return this;
  }

  #leaves() {
    if (!this.leafOf) return `listen: "${this.host}:${this.leaf}"\n  ${this.protection ? `tls { ${this.protection} }` : ''}`;
    const { host, leaf, protection } = this.leafOf;
    return `remotes = [ { url: "${protection ? 'tls' : 'nats'}://${this.leafUser ? `${this.leafUser}@` : ''}${host}:${leaf}"${protection ? `, tls { ${protection} }` : ''} } ]`;
  }

  get url() {
    return `${this.protection ? 'tls' : 'nats'}://${this.host}:${this.port}`;
  }

  /** The configuration file is read again, with what it includes. */
  reload() {
    process.kill(this.process.pid, 'SIGHUP');
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

  refusals = []; // what the server said that it forbids

  #rest = Buffer.alloc(0);

  /** SEED: of the user's nkey. CA: in PEM, who signed the server's certificate. */
  constructor(server, { seed, ca } = {}) {
    Object.assign(this, { seed, ca });
    this.#use(net.connect(server.port, server.host));
  }

  #use(socket) {
    this.socket = socket;
    socket.on('data', (data) => this.#read(data));
    socket.on('error', (error) => (this.error = error));
  }

  async ready() {
    await waitUntil('the server of NATS', () => this.info ?? this.error);
    if (this.ca) {
      const plain = this.socket.removeAllListeners('data');
      this.#use(tls.connect({ socket: plain, ca: this.ca, checkServerIdentity: () => undefined }));
      await once(this.socket, 'secureConnect');
    }
    this.socket.write(`CONNECT ${JSON.stringify({ verbose: false, pedantic: false, headers: true, no_responders: true, ...this.#who() })}\r\nPING\r\n`);
    await waitUntil('the server of NATS', () => this.pong ?? this.refused ?? this.error);
    this.socket.unref(); // a test that fails ends without it
    return this;
  }

  #who() {
    if (!this.seed) return {};
    return { nkey: publicKey(this.seed), sig: signWith(this.seed, Buffer.from(this.info.nonce)).toString('base64url') };
  }

  #read(data) {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (let end; (end = this.#rest.indexOf('\r\n')) >= 0; ) {
      const words = this.#rest.toString('latin1', 0, end).split(' ');
      if (words[0] === 'MSG' || words[0] === 'HMSG') {
        const size = Number(words.at(-1));
        if (this.#rest.length < end + 2 + size + 2) return;
        const headers = words[0] === 'HMSG' ? Number(words.splice(-2, 1)[0]) : 0; // bytes of headers, which come first and are left out
        this.messages.push({ subject: words[1], reply: words.length > 4 ? words[3] : null, data: this.#rest.subarray(end + 2 + headers, end + 2 + size) });
        this.#rest = this.#rest.subarray(end + 2 + size + 2);
        continue;
      }
      if (words[0] === 'PING') this.socket.write('PONG\r\n');
      if (words[0] === 'PONG') this.pong = true;
      if (words[0] === 'INFO') this.info = JSON.parse(words.slice(1).join(' '));
      if (words[0] === '-ERR') this.refusals.push(this.refused = words.join(' '));
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
    this.socket.ref().end();
    await once(this.socket, 'close');
  }
}
