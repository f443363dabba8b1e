// SPDX-License-Identifier: MIT
// Nodes of a cluster on one machine: each a ringcast instance with its own relay, and NATS between them.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import net from 'node:net';
import { boxes } from './mp4.mjs';
import { program } from './processes.mjs';
import { NatsServer } from './nats_server.mjs';

/** ringcast-relay is an optional part. */
export const hasRelay = existsSync(program('ringcast-relay'));

/** A server of NATS that ends with STAGE. */
export async function natsServer(stage, name, options) {
  const server = await new NatsServer(stage.directory, name, options).start();
  stage.running.push({
    name: `nats-server ${name}`,
    get running() { return server.process.running; },
    get log() { return server.log; },
    stop: (signal) => server.stop(signal).then(() => ({ code: 0, signal: null })),
  });
  return server;
}

/** Node NAME, at SERVER, with CAMERAS; not started yet. */
export const node = (stage, name, server, cameras, settings = {}) =>
  stage.instance({ cameras, cluster: { name: 'test', node: name, nats: [server.url] }, ...settings });

// Of a prft box, after version, flags and track.
const NTP = 8;

/** What tells one picture from all others: its media and its wall clock, which no node changes. */
export function pictureOf({ data }) {
  const hash = createHash('sha256');
  for (const { type, start, end } of boxes(data)) {
    if (type === 'mdat') hash.update(data.subarray(start, end));
    if (type === 'prft') hash.update(data.subarray(start + NTP, start + NTP + 8));
  }
  return hash.digest('hex');
}

/**
 * How the pictures that came to a viewer over a node lie in those that came to one at the camera's node: where the first one is, and how many are
 * missing or twice after it. Pictures that only one of the two has at its ends do not count.
 */
export function comparePictures(here, there) {
  const at = new Map(there.map((fragment, i) => [pictureOf(fragment), i]));
  const places = here.map((fragment) => at.get(pictureOf(fragment)));
  const first = places.findIndex((place) => place !== undefined);
  const known = places.slice(first).filter((place) => place !== undefined);
  let missing = 0, twice = 0;
  for (let i = 1; i < known.length; i++) {
    if (known[i] <= known[i - 1]) twice++;
    else missing += known[i] - known[i - 1] - 1;
  }
  return { first, common: known.length, missing, twice };
}

/** A way to SERVER on which the first subscription to what begins with SUBJECT is lost, as if other servers did not know of it; what was lost is in its `lost`. */
export async function forgetfulWay(server, subject) {
  const way = { lost: null };
  const subscription = new RegExp(`SUB ${subject.replaceAll('.', '\\.')}\\S* +\\d+\r\n`);
  const sockets = new Set();
  const proxy = net.createServer((client) => {
    const onward = net.connect({ host: '127.0.0.1', port: server.port });
    for (const [from, to] of [[client, onward], [onward, client]]) {
      sockets.add(from);
      from.on('close', () => to.destroy());
      from.on('error', () => to.destroy());
    }
    onward.pipe(client);
    client.on('data', (data) => {
      const text = data.toString('latin1');
      const found = way.lost === null && subscription.exec(text);
      if (found) way.lost = found[0];
      onward.write(found ? Buffer.from(text.replace(found[0], ''), 'latin1') : data);
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  way.url = `nats://127.0.0.1:${proxy.address().port}`;
  way.close = () => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  };
  return way;
}
