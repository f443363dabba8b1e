// SPDX-License-Identifier: MIT
// Ports for programs that cannot tell which one they took.
import dgram from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';

const LOWEST = 10_000;

/** The lowest of the ports that the kernel gives to those who ask for any, and to every connection that goes out. */
const ephemeral = () => Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/)[0]);

/**
 * A port of 127.0.0.1 that was free a moment ago. The kernel gives it to nobody else meanwhile, as it would one of its own choice:
 * only another caller of this function could be faster.
 */
export async function freePort({ udp = false } = {}) {
  const above = ephemeral();
  for (;;) {
    const port = above > LOWEST ? LOWEST + Math.floor(Math.random() * (above - LOWEST)) : 0;
    const socket = udp ? dgram.createSocket('udp4').bind(port, '127.0.0.1') : net.createServer().listen(port, '127.0.0.1');
    try {
      await once(socket, 'listening');
    } catch (error) {
      if (error.code === 'EADDRINUSE') continue;
      throw error;
    }
    const taken = socket.address().port;
    socket.close();
    await once(socket, 'close');
    return taken;
  }
}
