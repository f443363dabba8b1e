// SPDX-License-Identifier: MIT
// Damaged pictures, through the real program that decodes them: each question is answered, with a picture or with 503, whatever becomes of
// that program; another camera has its pictures meanwhile, and viewers over WebSockets do not notice.
// RINGCAST_DAMAGED=N: N cameras of each codec instead of as many as there are kinds of damage.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { DAMAGES, damaged, goodStream, wrapped } from '../support/damage.mjs';
import { scenario } from '../support/scenario.mjs';

const COUNT = Number(process.env.RINGCAST_DAMAGED ?? DAMAGES.length);
const SEED = Number(process.env.RINGCAST_SEED ?? 1);
const QUERIES = ['', '?fresh', '?width=64', '?fresh&width=100'];

async function ask(ringcast, name, query) {
  const response = await fetch(new URL(`snapshot/${name}.jpg${query}`, ringcast.address), { headers: { connection: 'close' } });
  const body = Buffer.from(await response.arrayBuffer());
  return { status: response.status, retry: response.headers.get('retry-after'), body };
}

/** A camera for each kind of damage and codec. */
async function corpus(stage) {
  const cameras = [];
  for (const codec of ['h264', 'hevc']) {
    const good = stage.file(`good.${codec}`);
    await goodStream(good, codec);
    const stream = readFileSync(good);
    for (let i = 0; i < COUNT; i++) {
      const kind = DAMAGES[i % DAMAGES.length];
      const name = `${codec}-${kind}-${i}`;
      const [bad, file] = [stage.file(`${name}.bin`, damaged(stream, codec, kind, SEED + i)), stage.file(`${name}.ts`)];
      if (await wrapped(bad, codec, file)) cameras.push({ name, url: pathToFileURL(file).href });
    }
  }
  return cameras;
}

scenario('damaged pictures cost their own camera a picture, and nobody else anything', async (stage) => {
  const cameras = await corpus(stage);
  assert.ok(cameras.length >= 1.5 * COUNT, `${cameras.length} streams`);
  const camera = await stage.camera(['--names', 'good', '--fps', '10', '--gop', '10']);
  const settings = { limits: { requests_per_address: 0 } };
  const ringcast = stage.instance({ cameras: [...camera.cameras.map(({ name, url }) => ({ name, url })), ...cameras], ...settings }).start();
  await ringcast.streaming(['good']);
  const first = await ringcast.until('most damaged streams to be in their rings', (status) => status.cameras.filter(({ state }) => state === 'streaming').length > cameras.length / 2);
  const viewer = stage.viewer(ringcast, 'good', { keep: false });
  await viewer.more(1);

  const statuses = new Map();
  const there = first.cameras.filter(({ name, state }) => name !== 'good' && state === 'streaming'); // what ingest takes to be a stream
  await Promise.all(there.map(async ({ name }) => {
    for (const query of QUERIES) {
      const { status, retry, body } = await ask(ringcast, name, query);
      assert.ok(status === 200 || status === 503, `${name}${query}: ${status}`);
      if (status === 503) assert.ok(Number(retry) > 0 && body.length > 0, `${name}${query}: when to ask again, and why`);
      else assert.equal(body.readUInt16BE(0), 0xffd8, `${name}${query}`);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  }));
  assert.ok(statuses.get(200) > 0 && statuses.get(503) > 0, `decoders make pictures of some damage, and not of all: ${[...statuses]}`);
  const good = await ask(ringcast, 'good', '?fresh');
  assert.equal(good.status, 200, good.body.toString('latin1', 0, 200));
  await viewer.more(10);
  viewer.assertOpen();
  await viewer.close();
  viewer.assertConsecutive();
  const last = await ringcast.status();
  assert.ok(last.programs.snapshot.counts.failed > 0, 'the damage has reached the decoder');
  const lasting = ({ fanouts, cameras: all, pid }) => [pid, ...fanouts.map((one) => one.pid), all.find(({ name }) => name === 'good').pid];
  assert.deepEqual(lasting(last), lasting(first), 'no process but that of the pictures is another one');
  console.log(JSON.stringify({ cameras: cameras.length, answers: Object.fromEntries(statuses), snapshot: last.programs.snapshot }));
  await ringcast.stop();
}, { limit: 300_000 });
