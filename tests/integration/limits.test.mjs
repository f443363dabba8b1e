// SPDX-License-Identifier: MIT
// Limits for visitors: who is over one is told so, is counted, and nobody else notices.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import net from 'node:net';
import { RawClient } from '../support/raw_client.mjs';
import { program, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const GET = 'GET /api/cameras HTTP/1.1\r\nHost: x\r\n';

async function selfSigned(stage) {
  const made = await run(program('ringcastctl'), ['tls', 'self-signed', '127.0.0.1', '--output', stage.directory, '--json']);
  assert.equal(made.code, 0, made.stderr);
  const { certificate, key } = JSON.parse(made.stdout);
  return { tls: { certificate, key }, ca: readFileSync(certificate) };
}

/** One request on a connection of its own from FROM, an address of loopback: its status; null: none. */
async function ask(ringcast, request = `${GET}\r\n`, from = '127.0.0.1') {
  const client = new RawClient(ringcast.address, { localAddress: from });
  client.send(request);
  const answer = await client.answer();
  client.close();
  return answer && { ...answer, retry: answer.headers['retry-after'] };
}

async function reload(ringcast, limits) {
  ringcast.settings.limits = limits;
  ringcast.write();
  const result = await ringcast.ctl('reload');
  assert.equal(result.code, 0, result.stderr);
}

const refused = async (ringcast) => (await ringcast.status()).fanouts[0].refused;

scenario('rates and numbers, each address for itself', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = await stage.ringcast(camera, {}, { admin: '127.0.0.1:0', limits: { requests_per_address: 5 } });
  const viewer = stage.viewer(ringcast, 'cam1', { localAddress: '127.0.0.9' });
  await viewer.more(1);

  // Six at once: how many get through depends on how long they take, but some do not.
  const crowd = (from, count = 40) => Promise.all(Array.from({ length: count }, () => ask(ringcast, undefined, from)));
  let answers = await crowd('127.0.0.2');
  assert.ok(answers.filter(({ status }) => status === 200).length >= 5);
  const slowed = answers.find(({ status }) => status === 429);
  assert.ok(slowed, 'too many requests');
  assert.equal(slowed.retry, '1');
  assert.equal((await ask(ringcast, undefined, '127.0.0.3')).status, 200, 'another address does not notice');
  await waitUntil('the address to be served again', async () => (await ask(ringcast, undefined, '127.0.0.2')).status === 200);

  await reload(ringcast, { handshakes_per_address: 5 });
  answers = await crowd('127.0.0.4');
  assert.ok(answers.some((answer) => answer?.status === 429) && answers.filter((answer) => answer?.status === 200).length >= 5);
  assert.equal((await ask(ringcast, undefined, '127.0.0.5')).status, 200);

  await reload(ringcast, { handshakes: 5 });
  answers = [...(await crowd('127.0.0.4', 20)), ...(await crowd('127.0.0.5', 20))];
  assert.ok(answers.some((answer) => answer?.status === 503), 'too many in all');

  await reload(ringcast, { connections_per_address: 3, handshake_timeout: 100 });
  let idle = [];
  await ringcast.until('the connections', ({ fanouts }) => {
    idle = idle.filter((socket) => !socket.destroyed); // the limit of before may have met them
    while (idle.length < 3) {
      idle.push(net.connect({ host: '127.0.0.1', port: Number(new URL(ringcast.address).port), localAddress: '127.0.0.6' }));
      idle.at(-1).resume().on('error', () => {});
    }
    return fanouts[0].connections >= 4;
  });
  assert.equal((await ask(ringcast, undefined, '127.0.0.6')).status, 429);
  assert.equal((await ask(ringcast, undefined, '127.0.0.7')).status, 200);
  const { connections } = (await ringcast.status()).fanouts[0];
  assert.ok(connections >= 4);
  await reload(ringcast, { connections: 4, handshake_timeout: 100 });
  const answer = await waitUntil('no room', async () => {
    const now = await ask(ringcast, undefined, '127.0.0.7');
    return now?.status === 503 && now;
  });
  assert.equal(answer.retry, '1');
  for (const socket of idle) socket.destroy();
  await waitUntil('room', async () => (await ask(ringcast, undefined, '127.0.0.6'))?.status === 200);

  const counts = await waitUntil('the counts', async () => {
    const now = await refused(ringcast);
    return now.connections > 0 && now;
  });
  assert.deepEqual(Object.keys(counts).sort(), ['connections', 'connections_per_address', 'handshakes', 'handshakes_per_address', 'requests_per_address']);
  const { admin } = await ringcast.status();
  const metrics = await (await fetch(new URL('/metrics', admin))).text();
  assert.match(metrics, /ringcast_fanout_connections\{name="0"\} [1-9]/);
  for (const [limit, count] of Object.entries({ ...counts, header_bytes: 0 })) {
    const line = new RegExp(`ringcast_fanout_refused_total\\{name="0",limit="${limit}"\\} (\\d+)`).exec(metrics);
    assert.ok(Number(line?.[1]) >= count, limit);
  }
  assert.match(ringcast.log, /requests refused: \d+, the last of them from 127\.0\.0\.2: limits\.requests_per_address is 5/);
  assert.ok(ringcast.log.split('\n').filter((line) => /requests refused/.test(line)).length < 5, 'a line each 10 s');
  await viewer.more(1);
  viewer.assertConsecutive();
});

scenario('sizes and times, plain and over TLS', async (stage) => {
  const { tls } = await selfSigned(stage);
  const camera = await stage.camera(['--cameras', '1']);
  const limits = { header_bytes: 4096, handshake_timeout: 1 };
  const ringcast = await stage.ringcast(camera, {}, { limits });
  for (const secure of [false, true]) {
    if (secure) {
      ringcast.settings.tls = tls;
      await reload(ringcast, limits);
      ringcast.address = (await ringcast.status()).address;
    }
    const viewer = stage.viewer(ringcast, 'cam1', { rejectUnauthorized: false });
    await viewer.more(1);
    const upgrade = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    const statusOf = async (request) => (await ask(ringcast, request))?.status ?? null;
    assert.equal(await statusOf(`${GET}X-Filler: ${'x'.repeat(3500)}\r\n\r\n`), 200);
    assert.equal(await statusOf(`${GET}X-Filler: ${'x'.repeat(5000)}\r\n\r\n`), 431);
    assert.equal(await statusOf(`${GET}${'X-Filler: x\r\n'.repeat(600)}\r\n`), 431);
    assert.equal(await statusOf(`GET /live/cam1 HTTP/1.1\r\nHost: x\r\n${upgrade}X-Filler: ${'x'.repeat(5000)}\r\n\r\n`), 431);
    assert.equal(await statusOf(`${GET}X-Filler: ${'x'.repeat(1 << 20)}\r\n\r\n`), 431);
    // Half a request, and none.
    assert.equal(await statusOf(GET), 408);
    const silent = net.connect(Number(new URL(ringcast.address).port), '127.0.0.1').resume();
    await once(silent, 'close');
    const slow = new RawClient(ringcast.address);
    const drip = setInterval(() => slow.send('X'), 50);
    slow.send(GET);
    assert.equal((await slow.answer())?.status, 408, 'a byte now and then does not help');
    clearInterval(drip);
    slow.close();
    // A connection that has had its answer may be silent for longer.
    const kept = new RawClient(ringcast.address);
    for (let i = 0; i < 2; i++) {
      kept.send(`${GET}\r\n`);
      assert.equal((await kept.answer()).status, 200);
      const other = net.connect(Number(new URL(ringcast.address).port), '127.0.0.1').resume();
      await once(other, 'close'); // which takes the time
    }
    kept.close();
    await reload(ringcast, {});
    assert.equal(await statusOf(`GET /${'x'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`), 414);
    assert.equal(await statusOf(`GET /?${'x'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`), 414);
    assert.equal(await statusOf(`GET /?${'x'.repeat(7000)} HTTP/1.1\r\nHost: x\r\n\r\n`), 200);
    assert.equal(await statusOf(`GET /?${'x'.repeat(1 << 20)} HTTP/1.1\r\nHost: x\r\n\r\n`), 431);
    await viewer.more(1);
    viewer.assertConsecutive();
    await viewer.close();
  }
  await waitUntil('the counts', async () => {
    const counts = await refused(ringcast);
    return counts.header_bytes >= 8 && counts.handshake_timeout >= 6;
  });
});

scenario('streams of one user', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = stage.instance({
    cameras: camera.cameras.map(({ name, url }) => ({ name, url })),
    auth: {},
    limits: { viewers_per_user: 2, handshake_timeout: 1 },
  });
  const tokens = [];
  for (const name of ['wall', 'door']) {
    const made = await ringcast.ctl('token', '--camera', '*', '--ttl', '1h', '--name', name);
    assert.equal(made.code, 0, made.stderr);
    tokens.push(made.stdout.trim());
  }
  ringcast.start();
  await ringcast.streaming();
  const watch = (token) => stage.viewer(ringcast, 'cam1', { headers: { Authorization: `Bearer ${token}` } });
  const [first, second] = [watch(tokens[0]), watch(tokens[0])];
  for (const viewer of [first, second]) await viewer.more(1);
  const third = watch(tokens[0]);
  await third.until('the end', ({ closed }) => closed);
  assert.deepEqual(third.closed, { code: 1013, reason: 'too many streams of this user' });
  const other = watch(tokens[1]);
  await other.more(30); // longer than a request may take
  await first.close();
  await waitUntil('a place', async () => {
    const next = watch(tokens[0]);
    await next.until('an answer', ({ closed, fragments }) => closed || fragments.length > 0);
    return !next.closed;
  });
  for (const viewer of [second, other]) {
    viewer.assertOpen();
    viewer.assertConsecutive();
  }
  await waitUntil('the count', async () => (await refused(ringcast)).viewers_per_user >= 1);
});
