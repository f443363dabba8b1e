// SPDX-License-Identifier: MIT
// Several fan-outs on one socket: viewers spread over them, and one that is killed or hung is no other's concern.
import assert from 'node:assert/strict';
import http from 'node:http';
import { availableParallelism } from 'node:os';
import { json } from 'node:stream/consumers';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const VIEWERS = 24;

/** COUNT viewers of the camera, one after the other, each with its first fragment. */
async function watch(stage, ringcast, count) {
  const viewers = [];
  while (viewers.length < count) {
    viewers.push(stage.viewer(ringcast, 'cam1'));
    await viewers.at(-1).more(1);
  }
  return viewers;
}

const open = (viewers) => viewers.filter((viewer) => !viewer.closed);
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const perFanout = (status) => status.fanouts.map(({ viewers }) => viewers);

/** What /api/cameras says, on a connection of its own, which any of the fan-outs may answer. */
function viewersSaid(ringcast) {
  return new Promise((resolve, reject) => {
    http
      .get(new URL('/api/cameras', ringcast.address), { agent: false }, async (answer) => {
        resolve((await json(answer)).cameras[0].viewers);
      })
      .on('error', reject);
  });
}

async function start(stage, processes) {
  const camera = await stage.camera(['--cameras', '1']);
  return stage.ringcast(camera, {}, { fanout: { processes } });
}

scenario('viewers spread, and a death costs its own viewers only', async (stage) => {
  const ringcast = await start(stage, 3);
  const viewers = await watch(stage, ringcast, VIEWERS);
  const before = await ringcast.until('all to be counted', ({ cameras }) => cameras[0].viewers === VIEWERS);
  assert.equal(new Set(before.fanouts.map(({ pid }) => pid)).size, 3);
  assert.equal(sum(perFanout(before)), VIEWERS);
  for (const count of perFanout(before)) assert.ok(count >= VIEWERS / 6, `they do not spread: ${perFanout(before)}`);
  await waitUntil('every fan-out to know of all viewers', async () => {
    const counts = await Promise.all(Array.from({ length: 12 }, () => viewersSaid(ringcast)));
    return counts.every((count) => count === VIEWERS);
  });
  process.kill(before.fanouts[1].pid, 'SIGKILL');
  await waitUntil('its viewers to be gone', () => open(viewers).length === VIEWERS - before.fanouts[1].viewers);
  const late = await watch(stage, ringcast, 3);
  const after = await ringcast.until(
    'a new fan-out',
    ({ fanouts, cameras }) => fanouts[1].state === 'running' && cameras[0].viewers === open(viewers).length + 3,
  );
  assert.deepEqual(after.fanouts.map(({ restarts }) => restarts), [0, 1, 0]);
  for (const index of [0, 2]) assert.equal(after.fanouts[index].pid, before.fanouts[index].pid);
  assert.equal(after.cameras[0].pid, before.cameras[0].pid);
  const all = [...open(viewers), ...late];
  await Promise.all(all.map((viewer) => viewer.more(10)));
  for (const viewer of all) viewer.assertConsecutive();
  const most = await watch(stage, ringcast, VIEWERS);
  const end = await ringcast.until('the new one to have viewers', ({ fanouts }) => fanouts[1].viewers > 0);
  assert.equal(end.fanouts[1].restarts, 1);
  for (const viewer of most) viewer.assertOpen();
});

scenario('a fan-out that hangs holds no connect up', async (stage) => {
  const ringcast = await start(stage, 2);
  const status = await ringcast.status();
  process.kill(status.fanouts[0].pid, 'SIGSTOP');
  const viewers = await watch(stage, ringcast, 6);
  await Promise.all(viewers.map((viewer) => viewer.more(5)));
  for (const viewer of viewers) viewer.assertConsecutive();
  process.kill((await ringcast.status()).fanouts[0].pid, 'SIGCONT');
});

scenario('one for each core', async (stage) => {
  const ringcast = await start(stage, 'auto');
  assert.equal((await ringcast.status()).fanouts.length, Math.min(availableParallelism(), 64));
  const [viewer] = await watch(stage, ringcast, 1);
  await viewer.more(5);
  viewer.assertConsecutive();
});
