// SPDX-License-Identifier: MIT
// A camera's ring is filled with nonsense while it is served, and cut off: the fan-out goes on, and other cameras' viewers see
// every frame. The ring's own readers are tested alone in tests/process/ring; here it is the whole fan-out.
import assert from 'node:assert/strict';
import path from 'node:path';
import { buildDirectory, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const ROUNDS = Number(process.env.RINGCAST_HOSTILE_ROUNDS ?? 6);
const SEED = Number(process.env.RINGCAST_HOSTILE_SEED ?? Math.floor(Math.random() * 2 ** 31));
const SCRIBBLE_SECONDS = 2;

scenario(`a hostile writer, seed ${SEED}`, async (stage) => {
  console.log(`RINGCAST_HOSTILE_SEED=${SEED}`);
  const camera = await stage.camera(['--cameras', '2', '--gop', '5']);
  const ringcast = await stage.ringcast(camera);
  const others = [stage.viewer(ringcast, 'cam2'), stage.viewer(ringcast, 'cam2')];
  for (const viewer of others) await viewer.more(5);
  const before = await ringcast.status();
  for (let round = 0; round < ROUNDS; round++) {
    // Its own viewers are there, so that the fan-out reads it; what they get is their camera's business.
    const last = round === ROUNDS - 1;
    // Its own worker is not meant to survive that its ring is cut off, so it is not there in the last round.
    if (last) assert.equal((await ringcast.ctl('camera', 'disable', 'cam1')).code, 0);
    const own = Array.from({ length: 3 }, () => stage.viewer(ringcast, 'cam1'));
    const result = await run(path.join(buildDirectory, 'tests/ringcast-test-scribble'), [
      before.cameras[0].ring,
      String(SEED + round),
      String(SCRIBBLE_SECONDS),
      ...(last ? ['truncate'] : []),
    ]);
    assert.equal(result.code, 0, result.stderr);
    if (last) own.push(...Array.from({ length: 3 }, () => stage.viewer(ringcast, 'cam1'))); // who join a ring that was cut off
    for (const viewer of others) await viewer.more(10);
    for (const viewer of own) viewer.socket.terminate();
  }
  const after = await ringcast.status();
  assert.deepEqual(after.fanouts.map(({ pid, restarts }) => [pid, restarts]), before.fanouts.map(({ pid }) => [pid, 0]), 'the fan-out is the same');
  assert.equal(after.cameras[1].pid, before.cameras[1].pid);
  for (const viewer of others) {
    viewer.assertOpen();
    viewer.assertConsecutive();
  }
});
