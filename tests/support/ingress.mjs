// SPDX-License-Identifier: MIT
// Home Assistant's ingress, as its core and its Supervisor do it together: a path with a token that is left away, the visitor's
// address and host in headers, and WebSockets that are two connections with messages copied between them. At / is the page that
// shows the add-on in a frame.
import http from 'node:http';
import { once } from 'node:events';
import WebSocket, { WebSocketServer } from 'ws';

const OWN = new Set(['content-length', 'content-encoding', 'transfer-encoding', 'x-remote-user-name']);
const OF_THE_HANDSHAKE = /^sec-websocket-(extensions|protocol|version|key)$/;

export class Ingress {
  #server;
  #sockets = new WebSocketServer({ noServer: true });
  #upstream;
  #user;
  path = '/api/hassio_ingress/Zq3_v-0Ab1Cd2Ef3';

  /** UPSTREAM: the add-on's address, "http://127.0.0.1:8080/". USER: whom Home Assistant has logged in; null: nobody is named. */
  constructor(upstream, user = null) {
    this.#upstream = upstream;
    this.#user = user;
    this.#server = http.createServer((request, response) => this.#forward(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#join(request, socket, head));
  }

  async open() {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    this.origin = `http://127.0.0.1:${this.#server.address().port}`;
    this.address = `${this.origin}${this.path}/`;
    return this;
  }

  async close() {
    for (const client of this.#sockets.clients) client.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What the add-on is asked for, or null. */
  #target({ url }) {
    return url.startsWith(`${this.path}/`) ? new URL(url.slice(this.path.length + 1), this.#upstream) : null;
  }

  #headers({ headers, socket }) {
    const passed = Object.entries(headers).filter(([name]) => !OWN.has(name) && !OF_THE_HANDSHAKE.test(name));
    const before = headers['x-forwarded-for'];
    const visitor = socket.remoteAddress;
    return {
      ...(this.#user === null ? {} : { 'x-remote-user-name': this.#user }),
      ...Object.fromEntries(passed),
      'x-ingress-path': this.path,
      'x-forwarded-for': `${before ? `${before}, ` : ''}${visitor}, 127.0.0.1`,
      'x-forwarded-host': headers.host,
      'x-forwarded-proto': 'http',
    };
  }

  #forward(request, response) {
    const target = this.#target(request);
    if (request.url === '/') {
      response.setHeader('Content-Type', 'text/html');
      response.end(`<!doctype html><title>Home</title><link rel="icon" href="data:,"><iframe src="${this.path}/" width="1200" height="700"></iframe>`);
      return;
    }
    if (!target) {
      response.writeHead(404).end();
      return;
    }
    // A connection of its own: a kept one may be closed by the add-on at the very moment at which it is used again.
    const onward = http.request(target, { method: request.method, agent: false, headers: this.#headers(request) }, (answer) => {
      const headers = { ...answer.headers };
      delete headers['transfer-encoding'];
      if (headers['content-type']) headers['content-type'] = headers['content-type'].split(';')[0];
      response.writeHead(answer.statusCode, headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  }

  /** The visitor is let in before the add-on is asked. */
  #join(request, socket, head) {
    const target = this.#target(request);
    if (!target) {
      socket.destroy();
      return;
    }
    const protocols = request.headers['sec-websocket-protocol']?.split(',').map((protocol) => protocol.trim()) ?? [];
    this.#sockets.handleUpgrade(request, socket, head, (visitor) => {
      target.protocol = 'ws:';
      const { connection, upgrade, ...headers } = this.#headers(request);
      const onward = new WebSocket(target, protocols, { headers, perMessageDeflate: false });
      const early = [];
      const end = (other) => (code) => (code >= 3000 || code === 1000 ? other.close(code) : other.terminate());
      visitor.on('message', (data, isBinary) => (onward.readyState === WebSocket.OPEN ? onward.send(data, { binary: isBinary }) : early.push([data, isBinary])));
      onward.on('open', () => early.splice(0).forEach(([data, binary]) => onward.send(data, { binary })));
      onward.on('message', (data, isBinary) => visitor.send(data, { binary: isBinary }));
      visitor.on('close', end(onward)).on('error', () => onward.terminate());
      onward.on('close', end(visitor)).on('error', () => visitor.terminate());
    });
  }
}
