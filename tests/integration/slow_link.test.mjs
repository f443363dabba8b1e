// SPDX-License-Identifier: MIT
// Viewers whose links are slower than the camera get what is new, and are told what they miss. What would make it old is
// what lies in buffers: at these rates the kernel's alone, as they are by default, hold a quarter of a minute.
import assert from 'node:assert/strict';
import { FarProxy } from '../support/far_proxy.mjs';
import { run, program } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { SlowViewer } from '../support/slow_viewer.mjs';
import { waitUntil } from '../support/wait.mjs';

const WATCH_S = 14; // from the first byte on: nothing is known of a viewer then, and what is sent to it may take long
const ROUNDS = 3; // a busy machine may starve a viewer of one of them
const LEAST = 5;
const OLD_S = 4; // three seconds and a group of pictures; and what a viewer whose link is quick sees at the same time: the machine may be busy

const RATE = 100_000; // of the camera, bytes a second
const CAMERA = ['--bitrate', '800', '--noise', '40', '--fps', '25', '--gop', '25'];

// A proxy beside ringcast and a viewer that is far away from it: the kernel takes them for near.
const FAR_MS = 500; // there and back
const FAR_SLACK_MS = 250;
const FAR_PATIENCE_MS = 20_000;
const FAR_ROUNDS = 3;
const FAR_WATCH_S = 3;

const PARTS = [0.8, 0.4, 0.2];

async function selfSigned(stage) {
  const made = await run(program('ringcastctl'), ['tls', 'self-signed', '127.0.0.1', '--output', stage.directory, '--json']);
  assert.equal(made.code, 0, made.stderr);
  const { certificate, key } = JSON.parse(made.stdout);
  return { certificate, key };
}

/** New viewers at RINGCAST, watched from their beginning. Returns what is wrong with the age of their pictures; "": nothing. */
async function watch(ringcast) {
  const quick = new SlowViewer(ringcast.address, '/live/cam1', { rate: 100 * RATE }).open();
  const slow = PARTS.map((part) => new SlowViewer(ringcast.address, '/live/cam1', { rate: RATE * part }).open());
  try {
    const [quickAges, ...ages] = await Promise.all([quick, ...slow].map((viewer) => viewer.watch(WATCH_S, 0, LEAST)));
    for (const { rate, drops, seconds, taken } of slow) {
      const what = `${ringcast.address} at ${rate / 1000} kB/s`;
      assert.ok(drops > 0, `${what}: nothing was said of what is missing`);
      assert.ok(taken > rate * seconds * 0.6, `${what}: ${taken} bytes in ${seconds} s`);
    }
    assert.equal(quick.drops, 0, 'who keeps up misses nothing');
    const oldest = quickAges.at(-1) + OLD_S;
    const old = slow.map(({ rate }, i) => [rate, ages[i].at(-1)]).filter(([, age]) => age > oldest);
    return old.map(([rate, age]) => `${rate / 1000} kB/s: ${age} s old, where ${oldest} s would be in order`).join('\n');
  } finally {
    for (const viewer of [quick, ...slow]) viewer.close();
  }
}

async function check(ringcast) {
  const failures = [];
  for (let round = 0; round < ROUNDS && failures.length === round; round++) {
    const wrong = await watch(ringcast);
    if (wrong) failures.push(wrong);
  }
  assert.ok(failures.length < ROUNDS, `${ringcast.address}\n${failures.join('\n')}`);
}

scenario('slow links show what is new, plain and over TLS', async (stage) => {
  const camera = await stage.camera(CAMERA);
  const instances = [await stage.ringcast(camera), await stage.ringcast(camera, {}, { tls: await selfSigned(stage) })];
  await Promise.all(instances.map(check));
});

scenario('a long way behind a proxy is not a slow link', async (stage) => {
  const camera = await stage.camera([...CAMERA, '--gop', '75']);
  const ringcast = await stage.ringcast(camera);
  const far = new FarProxy(Number(new URL(ringcast.address).port), FAR_MS);
  const proxied = `http://127.0.0.1:${await far.listen()}`;
  try {
    for (let round = 0; round < FAR_ROUNDS; round++) {
      const viewer = new SlowViewer(proxied, '/live/cam1', { rate: 100 * RATE }).open();
      try {
        await waitUntil('a picture that is no older than its way', () => viewer.ages.some(({ age }) => age < (FAR_MS / 2 + FAR_SLACK_MS) / 1000), FAR_PATIENCE_MS);
        await viewer.watch(viewer.seconds + FAR_WATCH_S, 0, LEAST);
        assert.equal(viewer.drops, 0, 'nothing is left out');
      } finally {
        viewer.close();
      }
    }
  } finally {
    far.close();
  }
});
