// SPDX-License-Identifier: MIT
// What comes after years, or after half a day, at once: a ring's counters are set to shortly before they leave 32 bits, as a worker that is started
// again finds them, and every kind of viewer goes on across that.
//   sequence of the fragments   2^32 after 5 years at 25 pictures a second
//   media time at 90 kHz        2^32 after 13 hours
//   positions, in bytes         2^32 after 2 hours at 5 Mbit/s
//   wake-ups                    2^32 after 5 years
//   number of the generation    0 is left out after 2^32 - 1 changes of the stream
import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readSync, writeSync } from 'node:fs';
import { EVERY_CLIENT } from '../support/other_clients.mjs';
import { isAlive, program } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const AT = { capacity: 24, intent: 512, newest: 576, sequence: 600, end: 608, wake: 616, generation: 640 }; // docs/reference/ring.md
const WRAP = 2n ** 32n;
const RATE = 90_000n; // of media time
const NS_PER_SECOND = 1_000_000_000n;
const ALIGN = 64n;
const AHEAD_S = 12n; // until the counters wrap: every viewer is there by then, also on a busy machine
const FPS = 15n;
const RING = 262_144;
const LIMIT_MS = 120_000;
const hasRtsp = existsSync(program('ringcast-rtsp')); // an optional part
const KINDS = Object.entries(EVERY_CLIENT).filter(([kind]) => kind !== 'rtsp' || hasRtsp);

/** Sets the counters of the ring in FILE, which no writer has now, to AHEAD_S before they wrap; GENERATION: the newest one. */
function turnOn(file, generation) {
  const ring = openSync(file, 'r+');
  const put = (offset, value, width = 8) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    writeSync(ring, bytes, 0, width, offset);
  };
  const capacity = Buffer.alloc(8);
  readSync(ring, capacity, 0, 8, AT.capacity);
  const size = capacity.readBigUInt64LE();
  // `newest` is where no entry is: that is damage, and the next writer begins three laps beyond the furthest position.
  const intent = WRAP - (WRAP % size) - 5n * size;
  put(AT.intent, intent);
  put(AT.newest, intent + ALIGN);
  put(AT.sequence, WRAP - AHEAD_S * FPS);
  put(AT.end, (WRAP * NS_PER_SECOND) / RATE - AHEAD_S * NS_PER_SECOND);
  put(AT.wake, WRAP - AHEAD_S * FPS, 4);
  put(AT.generation, generation, 4);
  closeSync(ring);
}

/** Kills the camera's worker, and lets the next one find the ring as if it were years old, and GENERATION the newest. */
async function age(ringcast, name, generation) {
  const { pid } = await ringcast.camera(name);
  ringcast.daemon.signal('SIGSTOP');
  process.kill(pid, 'SIGKILL');
  await waitUntil('the end of the worker', () => !isAlive(pid));
  const [ring] = ringcast.rings();
  turnOn(`/dev/shm/${ring}`, generation);
  ringcast.daemon.signal('SIGCONT');
  await ringcast.until('the next worker', ({ cameras: [one] }) => one.pid && one.pid !== pid && one.state === 'streaming');
}

/** Where the worker is in its ring, as soon as it has told. */
const ringOf = (ringcast) => waitUntil('the first figures', async () => {
  const { ring_head: head, ring_generation: generation } = (await ringcast.status()).cameras[0];
  return generation !== undefined && { head, generation };
});

scenario('sequence, media time, positions, wake-ups and generations leave 32 bits, and nobody notices', async (stage) => {
  const camera = await stage.camera(['--camera', `front:fps=${FPS},gop=${FPS},size=320x180,bitrate=600,noise=60,audio=aac`]);
  const settings = { go2rtc: true, ring_size: RING, ...(hasRtsp && { rtsp: { listen: '127.0.0.1:0' } }) };
  const ringcast = await stage.ringcast(camera, {}, settings);
  const { rtsp } = await ringcast.status();
  // Numbers of generations come again after 2^32 of them only, so the fan-out must not remember those that are next.
  for (const generation of [WRAP / 2n, WRAP - 1n]) {
    await age(ringcast, 'front', generation);
    const before = stage.viewer(ringcast, 'front');
    await before.more(3);
    await before.close();
  }

  const viewer = stage.viewer(ringcast, 'front', { keep: false });
  const late = stage.viewer(ringcast, 'front', { keep: false, frames: 'key' });
  const others = KINDS.map(([kind, Kind]) => ({ kind, client: new Kind(kind === 'rtsp' ? rtsp : ringcast.address, 'front') }));
  try {
    const [first] = await viewer.more(1);
    assert.ok(BigInt(first.sequence) > WRAP - AHEAD_S * FPS && first.sequence < Number(WRAP), `${first.sequence}`);
    assert.ok(first.video.decodeTime < WRAP && first.video.decodeTime > WRAP - 2n * AHEAD_S * RATE, `${first.video.decodeTime}`);
    const { generation } = await ringOf(ringcast);
    assert.ok(generation >= 1 && generation < 10, `0 is left out, and ${generation} is the next`);
    const over = (fragments) => fragments.at(-1)?.sequence < 2 ** 31 && fragments.at(-1).video.decodeTime > WRAP;
    await viewer.until('the wrap of sequence and time', ({ fragments }) => over(fragments), LIMIT_MS);
    await waitUntil('that of the positions', async () => (await ringOf(ringcast)).head > Number(WRAP), LIMIT_MS);
    const before = others.map(({ client }) => client.got);
    await viewer.more(30);
    viewer.assertOpen();
    viewer.assertConsecutive();
    await late.until('keyframes beyond it', ({ fragments }) => over(fragments));
    for (const [i, { kind, client }] of others.entries()) {
      await waitUntil(`${kind} beyond it`, () => client.error ?? client.got > before[i] + 2, 60_000);
      assert.equal(client.error, null, `${kind}: ${client.error?.stack}`);
    }
    const { restarts, state } = await ringcast.camera('front');
    assert.deepEqual([restarts, state], [2, 'streaming']);
  } finally {
    await Promise.all(others.map(({ client }) => client.close()));
  }
  await viewer.close();
  await late.close();
  await ringcast.stop();
}, { limit: 4 * LIMIT_MS });
