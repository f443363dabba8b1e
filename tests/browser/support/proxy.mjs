// SPDX-License-Identifier: MIT
// A reverse proxy as a user would put it before ringcast: the user's pages, and ringcast for all else, on one address.

import { createServer, request as ask } from 'node:http';
import { connect } from 'node:net';
import { extname } from 'node:path';

const TYPES = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.html': 'text/html; charset=utf-8' };

const STEP_MS = 20;

export class Proxy {
  #http = createServer((request, response) => this.#answer(request, response));
  #sockets = new Set();
  #target;
  #pages;
  #policy;
  rate = Infinity; // bytes a second that all WebSockets together may bring to the browser
  #passed = 0; // bytes in this step
  #step = 0;

  /** PAGES: path → text, shown below /example/ under the Content-Security-Policy POLICY; all else is TARGET's (an address). */
  constructor(target, pages, policy) {
    this.#target = new URL(target);
    this.#pages = pages;
    this.#policy = policy;
  }

  get url() {
    return `http://127.0.0.1:${this.#http.address().port}/`;
  }

  async start() {
    this.#http.on('connection', (socket) => this.#keep(socket));
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    await new Promise((resolve) => this.#http.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop() {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #keep(socket) {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
  }

  #answer(request, response) {
    const { pathname } = new URL(request.url, this.url);
    const page = pathname.startsWith('/example/') ? this.#pages[pathname.slice('/example/'.length)] : undefined;
    if (page !== undefined) {
      response.writeHead(200, { 'Content-Type': TYPES[extname(pathname)], 'Content-Security-Policy': this.#policy });
      response.end(page);
      return;
    }
    const { hostname, port } = this.#target;
    const { method, url: path, headers } = request;
    const forwarded = ask({ hostname, port, method, path, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    request.pipe(forwarded);
  }

  /** What comes FROM one side goes TO the other, no quicker than the rate allows. */
  #forward(from, to) {
    from.on('data', (data) => {
      to.write(data);
      const step = Math.floor(performance.now() / STEP_MS);
      if (step !== this.#step) {
        this.#passed = Math.max(0, this.#passed - ((step - this.#step) * STEP_MS * this.rate) / 1000);
        this.#step = step;
      }
      this.#passed += data.length;
      if (this.#passed <= (this.rate * STEP_MS) / 1000) return;
      from.pause();
      setTimeout(() => from.resume(), Math.min(1000, (this.#passed / this.rate) * 1000));
    });
    from.on('end', () => to.end());
  }

  /** Byte for byte, both ways. */
  #upgrade(request, socket, head) {
    const { hostname, port } = this.#target;
    const other = connect(Number(port), hostname);
    this.#keep(other);
    const lines = request.rawHeaders.map((text, i) => (i % 2 ? `${text}\r\n` : `${text}: `));
    other.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join('')}\r\n`);
    other.write(head);
    socket.pipe(other);
    this.#forward(other, socket);
    socket.on('close', () => other.destroy());
    other.on('close', () => socket.destroy());
  }
}
