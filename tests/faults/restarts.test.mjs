// SPDX-License-Identifier: MIT
// A camera's worker is started again, and the configuration loaded again, over and over: whatever stays has the same memory and descriptors as at
// first, and its viewer and those of other cameras stay.
//   RINGCAST_RESTARTS=N  how often (default 24; a camera that fails every five minutes is 288 a day)
import assert from 'node:assert/strict';
import { processFigures } from '../support/process_figures.mjs';
import { buildDirectory, quickReuse } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const RESTARTS = Number(process.env.RINGCAST_RESTARTS ?? 24);
const WARM = Math.ceil(RESTARTS / 4); // what is made once has been made
const ROUND_LIMIT_MS = 10_000;
const GROWTH_KIB = /asan/.test(buildDirectory) ? 32_768 : 512; // each process, over the whole run

scenario(`${RESTARTS} restarts of a worker, with as many reloads`, async (stage) => {
  const camera = await stage.camera(['--cameras', '3', '--size', '160x90']);
  const [first, second, guest] = camera.cameras.map(({ name, url }) => ({ name, url }));
  const ringcast = stage.instance({ cameras: [first, second] }).start({ env: quickReuse });
  await ringcast.streaming();
  const stays = stage.viewer(ringcast, first.name, { keep: false });
  const beside = stage.viewer(ringcast, second.name, { keep: false });
  await Promise.all([stays.more(5), beside.more(5)]);
  const began = performance.now();

  const lasting = async () => {
    const { fanouts, template, keeper } = await ringcast.status();
    return { ringcastd: ringcast.pid, 'fan-out': fanouts[0].pid, 'fork server': template.pid, keeper: keeper.pid };
  };
  const inventory = (pids) => Object.entries(pids).map(([name, pid]) => ({ name, pid, ...processFigures(pid) }));
  let before;
  for (let round = 1; round <= RESTARTS; round++) {
    const restarted = await ringcast.ctl('restart', first.name, '--wait');
    assert.equal(restarted.code, 0, restarted.stderr);
    ringcast.settings.cameras = round % 2 ? [first, second, guest] : [first, second]; // it comes and goes
    ringcast.write();
    const reloaded = await ringcast.ctl('reload', '--wait');
    assert.equal(reloaded.code, 0, reloaded.stderr);
    if (round === WARM + (WARM % 2)) before = inventory(await lasting());
  }
  ringcast.settings.cameras = [first, second];
  ringcast.write();
  assert.equal((await ringcast.ctl('reload', '--wait')).code, 0);

  const text = (all) => all.map(({ name, anonymous, descriptors, threads }) => `${name}: ${anonymous} KiB, ${descriptors} descriptors, ${threads} threads`).join('; ');
  // Connections of `ringcastctl` stay for a moment, so this asks the kernel alone.
  const pids = await lasting();
  const settled = await waitUntil('the descriptors of the start', () => {
    const now = inventory(pids);
    return now.every(({ descriptors }, i) => descriptors <= before[i].descriptors) && now;
  }).catch((error) => assert.fail(`${error.message}: ${text(before)}; now ${text(inventory(pids))}`));
  const seconds = (performance.now() - began) / 1000;
  console.log(`${RESTARTS} restarts and reloads in ${seconds.toFixed(0)} s. Early on: ${text(before)}. At last: ${text(settled)}`);
  for (const [i, { name, pid, anonymous, threads }] of settled.entries()) {
    assert.equal(pid, before[i].pid, `${name} is the same process`);
    assert.equal(threads, before[i].threads, name);
    assert.ok(anonymous - before[i].anonymous <= GROWTH_KIB, `${name} grew from ${before[i].anonymous} to ${anonymous} KiB`);
  }
  await stays.more(5);
  stays.assertOpen();
  await beside.more(5);
  beside.assertOpen();
  beside.assertConsecutive();
  assert.equal(ringcast.rings().length, 2);
  await ringcast.stop();
}, { limit: 120_000 + RESTARTS * ROUND_LIMIT_MS });
