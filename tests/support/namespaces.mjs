// SPDX-License-Identifier: MIT
// Machines that are network namespaces of this one, on a bridge of their own: links can be cut, made one-way, and counted. Needs root, iproute2 and nsenter(1).
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { program } from './processes.mjs';

let networks = 0;

function run(command, ...args) {
  execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

const ip = (...args) => run('ip', ...args);

/** The command that runs another one in a namespace. That of ip(8) mounts things, which a root directory that is not a mount point, as in a chroot, does not allow. */
const inside = (space) => ['nsenter', `--net=/run/netns/${space}`];

/** Whether namespaces can be made here; if not, why. */
export function whyNoNamespaces() {
  if (process.getuid() !== 0) return 'network namespaces need root';
  const name = `rct${process.pid}`;
  try {
    ip('netns', 'add', name);
    try {
      run(...inside(name), 'ip', 'link', 'set', 'lo', 'up');
    } finally {
      ip('netns', 'del', name);
    }
    return false;
  } catch (error) {
    return `network namespaces cannot be made here: ${String(error.stderr ?? error.message).trim()}`;
  }
}

export class Network {
  #names = [];

  #servers = [];
  #sockets = new Set(); // of those servers

  /** A bridge, at address 254 of a network that only this process has. */
  constructor(stage) {
    const number = networks++;
    this.tag = `rc${process.pid}${number ? `x${number}` : ''}`;
    this.prefix = `10.${200 + (process.pid >> 8 & 15)}.${process.pid & 255}`;
    this.stage = stage;
    ip('link', 'add', this.tag, 'type', 'bridge');
    ip('addr', 'add', `${this.prefix}.254/24`, 'dev', this.tag);
    ip('link', 'set', this.tag, 'up');
    stage.running.unshift({ name: 'the network', running: true, log: '', stop: async () => (this.clear(), { code: 0, signal: null }) });
  }

  /** Machine NAME, one letter: its address. */
  add(name) {
    const [space, address] = [`${this.tag}${name}`, `${this.prefix}.${this.#names.length + 1}`];
    this.#names.push(name);
    ip('netns', 'add', space);
    ip('link', 'add', space, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
    ip('link', 'set', space, 'master', this.tag, 'up');
    run(...inside(space), 'ip', 'link', 'set', 'lo', 'up');
    run(...inside(space), 'ip', 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    run(...inside(space), 'ip', 'link', 'set', 'eth0', 'up');
    return address;
  }

  /** A program that runs BINARY in the machine NAME, with the arguments that it gets. */
  binary(name, binary = program('ringcastd')) {
    const file = this.stage.file(`in-${name}-${binary.split('/').at(-1)}`, `#!/bin/sh\nexec ${inside(`${this.tag}${name}`).join(' ')} ${binary} "$@"\n`);
    execFileSync('chmod', ['+x', file]);
    return file;
  }

  /** The cable of machine NAME. */
  cut(name, on = true) {
    ip('link', 'set', `${this.tag}${name}`, on ? 'down' : 'up');
  }

  /** What NAME sends to OTHER is lost; what comes from there still arrives. */
  deafen(name, other, on = true) {
    const address = `${this.prefix}.${this.#names.indexOf(other) + 1}`;
    run(...inside(`${this.tag}${name}`), 'ip', 'route', on ? 'add' : 'del', 'blackhole', `${address}/32`);
  }

  /** Bytes that came to machine NAME over its cable. */
  received(name) {
    const [, counts] = new RegExp(`^ *${this.tag}${name}: *(.*)$`, 'm').exec(readFileSync('/proc/self/net/dev', 'utf8'));
    return Number(counts.split(/ +/)[8]); // what was transmitted, behind eight counts of what was received
  }

  /** PORT of this machine's loopback, for the others: {host, port}. */
  async offer(port) {
    const server = net.createServer((socket) => {
      const to = net.connect(port, '127.0.0.1');
      for (const [one, other] of [[socket, to], [to, socket]]) {
        this.#sockets.add(one);
        one.on('close', () => this.#sockets.delete(one));
        one.pipe(other);
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroy());
      }
    }).listen(0, `${this.prefix}.254`);
    this.#servers.push(server);
    await new Promise((resolve) => server.once('listening', resolve));
    return { host: `${this.prefix}.254`, port: server.address().port };
  }

  clear() {
    for (const server of this.#servers.splice(0)) server.close();
    for (const socket of this.#sockets) socket.destroy(); // what is on its way to a machine that is gone would be for many minutes
    for (const name of this.#names.splice(0)) ip('netns', 'del', `${this.tag}${name}`);
    try {
      ip('link', 'del', this.tag);
    } catch {
      // It has gone already.
    }
  }
}
