// SPDX-License-Identifier: MIT
// Viewers come and go by the hundred and leave nothing in the fan-out. RINGCAST_CONNECTS: how many (default 300).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { processFigures } from '../support/process_figures.mjs';
import { buildDirectory, descriptors, quickReuse } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const CONNECTS = Number(process.env.RINGCAST_CONNECTS ?? 300);
const AT_ONCE = 20;
const WARM = 2 * AT_ONCE; // what is made once has been made
const GROWTH_KIB = /asan/.test(buildDirectory) ? 32_768 : 2048; // of the fan-out, whatever the number

/** One viewer that comes and goes; how depends on its NUMBER. */
async function visit(stage, ringcast, number) {
  const viewer = stage.viewer(ringcast, `cam${(number % 2) + 1}`, { keep: false });
  if (number % 5 === 4) {
    viewer.socket.on('error', () => {});
    viewer.socket.terminate(); // in the middle of the handshake
    viewer.error = undefined;
    return;
  }
  await viewer.until('a fragment', ({ fragments }) => fragments.length > 0, 40000);
  if (number % 5 === 3) viewer.socket.terminate();
  else await viewer.close();
}

/** A connection that says nothing, or half of something, and goes. */
async function knock(ringcast, text) {
  const { hostname, port } = new URL(ringcast.address);
  const socket = net.connect(Number(port), hostname);
  await once(socket, 'connect');
  if (text) socket.write(text);
  socket.destroy();
}

scenario('descriptors and viewer counts return to the start value', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = stage.instance({ cameras: camera.cameras.map(({ name, url }) => ({ name, url })) }).start({ env: quickReuse });
  await ringcast.streaming();
  for (let number = 0; number < WARM; number++) await visit(stage, ringcast, number);
  const idle = ({ cameras, fanouts }) => fanouts[0].viewers === 0 && cameras.every(({ viewers }) => viewers === 0);
  const before = await ringcast.until('no viewer', idle);
  const pid = before.fanouts[0].pid;
  const open = await waitUntil('the viewers to be gone', () => {
    const found = descriptors(pid);
    return found.length > 0 && found;
  });
  const { anonymous } = processFigures(pid);
  for (let done = 0; done < CONNECTS; done += AT_ONCE) {
    const numbers = Array.from({ length: AT_ONCE }, (_, index) => done + index);
    await Promise.all(numbers.map((number) => visit(stage, ringcast, number)));
    await knock(ringcast);
    await knock(ringcast, 'GET /live/cam1 HTTP/1.1\r\nHost: x\r\nUpgr');
    await knock(ringcast, '\x16\x03\x01garbage\r\n\r\n');
  }
  const after = await ringcast.until('no viewer again', idle);
  assert.equal(after.fanouts[0].pid, pid, 'the fan-out is the same process');
  await waitUntil(`${open.length} descriptors again`, () => descriptors(pid).length <= open.length).catch((error) => {
    throw new Error(`${error.message}: ${descriptors(pid).join(' ')}`);
  });
  const grown = processFigures(pid).anonymous - anonymous;
  console.log(`${CONNECTS} viewers: the fan-out had ${anonymous} KiB, and has ${grown} KiB more`);
  assert.ok(grown <= GROWTH_KIB, `it has ${grown} KiB more`);
  const counted = (await (await fetch(new URL('/api/cameras', ringcast.address))).json()).cameras;
  assert.deepEqual(counted.map(({ viewers }) => viewers), [0, 0]);
  const last = stage.viewer(ringcast, 'cam1');
  await last.more(10);
  last.assertConsecutive();
}, { limit: 120_000 + 20 * CONNECTS });

scenario('status counts viewers', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = await stage.ringcast(camera);
  const viewers = ['cam1', 'cam1', 'cam2'].map((name) => stage.viewer(ringcast, name));
  for (const viewer of viewers) await viewer.more(1);
  const counts = (wanted) => ({ cameras }) => cameras.map((c) => c.viewers).join() === wanted;
  await ringcast.until('two and one', counts('2,1'));
  await viewers[0].close();
  await ringcast.until('one and one', counts('1,1'));
});
