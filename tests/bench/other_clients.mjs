#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Clients of other kinds than WebSocket viewers, for the benchmark: other_clients.mjs ADDRESS EACH CAMERAS [RTSP-ADDRESS]. A line
// of JSON when each of them has got something, then, when standard input ends, what they got and which had an error.
import { EVERY_CLIENT } from '../support/other_clients.mjs';

const LOOK_MS = 100;
const [address, each, cameras, rtsp] = process.argv.slice(2);
const names = cameras.split(',');
const clients = Object.entries(EVERY_CLIENT)
  .filter(([kind]) => kind !== 'rtsp' || rtsp)
  .flatMap(([kind, Kind]) => Array.from({ length: Number(each) }, (_, i) => ({
    kind, client: new Kind(kind === 'rtsp' ? rtsp : address, names[i % names.length]),
  })));
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const timer = setInterval(() => {
  if (!clients.every(({ client }) => client.error || client.got > 0)) return;
  clearInterval(timer);
  say({ event: 'ready', clients: clients.length });
}, LOOK_MS);

process.stdin.resume().on('end', async () => {
  clearInterval(timer);
  const got = {};
  for (const { kind, client } of clients) got[kind] = (got[kind] ?? 0) + client.got;
  const errors = clients.filter(({ client }) => client.error).map(({ kind, client }) => `${kind}: ${client.error.message}`);
  await Promise.all(clients.map(({ client }) => client.close()));
  say({ event: 'result', got, errors });
});
