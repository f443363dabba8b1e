// SPDX-License-Identifier: MIT
// A proxy of bytes that holds back each of them for a while, in both directions: a long way behind a server's own proxy.
import { once } from 'node:events';
import net from 'node:net';

export class FarProxy {
  /** PORT: of the server. MS: there and back. */
  constructor(port, ms) {
    this.sockets = new Set();
    this.timers = new Set();
    this.server = net.createServer((client) => {
      const server = net.connect({ host: '127.0.0.1', port });
      this.#carry(client, server, ms / 2);
      this.#carry(server, client, ms / 2);
    });
  }

  /** Returns its port. */
  async listen() {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this.server.address().port;
  }

  #carry(from, to, ms) {
    this.sockets.add(from);
    from.setNoDelay(true);
    from.on('data', (data) => this.#later(ms, () => to.writable && to.write(data)));
    from.on('close', () => to.destroy());
    from.on('error', () => to.destroy());
  }

  #later(ms, act) {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
    }, ms);
    this.timers.add(timer);
  }

  close() {
    for (const timer of this.timers) clearTimeout(timer);
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}
