// SPDX-License-Identifier: MIT
// Clients of every kind at once, beside WebSocket viewers: those get every fragment as if they were alone, and when the last
// client has gone, ringcast is as it was before the first. RINGCAST_ROUNDS, RINGCAST_VIEWERS and RINGCAST_EACH make it as large
// as docs/benchmarks.md has it.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { EVERY_CLIENT } from '../support/other_clients.mjs';
import { descendants, descriptors, program, quickReuse } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const ROUNDS = Number(process.env.RINGCAST_ROUNDS ?? 2);
const VIEWERS = Number(process.env.RINGCAST_VIEWERS ?? 8); // of WebSockets, over all cameras
const EACH = Number(process.env.RINGCAST_EACH ?? 4); // clients of each other kind
const CAMERAS = 4;
const ENOUGH = 3; // of what each client gets in a round
const IDLE_MS = 1000;
const GROWTH = 4_000_000; // bytes of ringcastd and the fan-out over all rounds; those of one allocator's arenas
const SANITIZED_GROWTH = 40_000_000;
const hasRtsp = existsSync(program('ringcast-rtsp')); // an optional part
const KINDS = Object.entries(EVERY_CLIENT).filter(([kind]) => kind !== 'rtsp' || hasRtsp);

const anonymous = (pid) => Number(/^Pss_Anon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) * 1024;
const shared = (instance) => readdirSync('/dev/shm').filter((name) => name.startsWith(`ringcast.${instance}.`)).length;
const isSanitized = () => readFileSync(program('ringcast-fanout')).includes('__asan_init');

/** What there is of RINGCAST while nobody watches: processes and their descriptors, and shared memory. */
function inventory(ringcast, status) {
  const lasting = [ringcast.pid, ...status.fanouts.map(({ pid }) => pid)];
  return {
    processes: descendants(ringcast.pid).length,
    descriptors: lasting.map((pid) => descriptors(pid).length),
    shared: shared(ringcast.instance),
  };
}

const isQuiet = ({ cameras, programs }) => cameras.every(({ viewers }) => viewers === 0) && Object.values(programs).every((one) => !one?.pid);

async function round(stage, ringcast, number) {
  const { rtsp } = await ringcast.status();
  const camera = (i) => `cam${(i % CAMERAS) + 1}`;
  const viewers = Array.from({ length: VIEWERS }, (_, i) => stage.viewer(ringcast, camera(i), { keep: false }));
  await Promise.all(viewers.map((viewer) => viewer.more(1)));
  const others = KINDS.flatMap(([kind, Kind]) => Array.from({ length: EACH }, (_, i) => (
    { kind, camera: camera(i), client: new Kind(kind === 'rtsp' ? rtsp : ringcast.address, camera(i)) })));
  try {
    for (const { kind, camera: name, client } of others) {
      await waitUntil(`${kind} of ${name} in round ${number}`, () => client.error ?? client.got >= ENOUGH, 60_000);
      assert.equal(client.error, null, `${kind} of ${name}: ${client.error?.stack}`);
    }
    for (const viewer of viewers) viewer.assertOpen();
  } finally {
    await Promise.all(others.map(({ client }) => client.close()));
  }
  await Promise.all(viewers.map((viewer) => viewer.close()));
  for (const viewer of viewers) viewer.assertConsecutive();
}

scenario(`${ROUNDS} times ${EACH} clients of every kind beside ${VIEWERS} viewers: nothing is missed, and nothing stays`, async (stage) => {
  const camera = await stage.camera(['--cameras', `${CAMERAS}`, '--gop', '25']);
  const cameras = camera.cameras.map(({ name, url }) => ({ name, url }));
  const ringcast = stage.instance({ cameras, go2rtc: true, ...(hasRtsp && { rtsp: { listen: '127.0.0.1:0' } }) }).start({ env: { RINGCAST_IDLE_MS: `${IDLE_MS}`, ...quickReuse } });
  await ringcast.streaming();
  await round(stage, ringcast, 0); // what is made once has been made
  const first = await ringcast.until('rest', isQuiet, 60_000);
  const before = inventory(ringcast, first);
  const lasting = [ringcast.pid, ...first.fanouts.map(({ pid }) => pid)];
  const memory = lasting.map(anonymous);
  for (let i = 1; i <= ROUNDS; i++) {
    await round(stage, ringcast, i);
    const status = await ringcast.until('rest', isQuiet, 60_000);
    await waitUntil(`the start again after round ${i}: ${JSON.stringify(before)}`, () => {
      const now = inventory(ringcast, status);
      return now.processes === before.processes && now.shared === before.shared && now.descriptors.every((count, j) => count <= before.descriptors[j]);
    }, 20_000).catch((error) => assert.fail(`${error.message}, now ${JSON.stringify(inventory(ringcast, status))}`));
    assert.deepEqual(status.fanouts.map(({ pid }) => pid), first.fanouts.map(({ pid }) => pid), 'the same fan-outs');
  }
  const grown = lasting.map((pid, i) => anonymous(pid) - memory[i]);
  console.log(`${ROUNDS} rounds: ringcastd and fan-outs grew by ${grown.map((bytes) => (bytes / 1e6).toFixed(2)).join(' and ')} MB`);
  for (const bytes of grown) assert.ok(bytes < (isSanitized() ? SANITIZED_GROWTH : GROWTH), `${grown}`);
}, { limit: 120_000 + ROUNDS * 30_000 });
