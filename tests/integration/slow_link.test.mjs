// SPDX-License-Identifier: MIT
// Viewers whose links are slower than the camera get what is new, and are told what they miss: those over WebSocket that answer pings,
// those that answer none, and the readers of the file that goes on. What would make it old is what lies in buffers: at these
// rates the kernel's alone, as they are by default, hold a quarter of a minute.
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

const CAMERA = ['--noise', '40', '--fps', '25', '--gop', '25'];
const RATE = 100_000; // bytes a second, of a camera of 0.8 Mbit/s …
const LOW_RATE = 62_500; // … and of one of 0.5, whose keyframes alone take a slow link long
const bitrate = (rate) => ['--bitrate', String((rate * 8) / 1000)];

const PAGE = { old: OLD_S };
const SILENT = { old: 2 * OLD_S, answers: false }; // only its windows tell how quick it is; with a first burst of 256 KiB it is 10 to 12 s
const FILE = { old: 2 * OLD_S, file: true };

// A proxy beside ringcast and a viewer that is far away from it: the kernel takes them for near.
const FAR_MS = 500; // there and back
const FAR_SLACK_MS = 250;
const FAR_PATIENCE_MS = 20_000;
const FAR_ROUNDS = 3;
const FAR_WATCH_S = 3;

// A fan-out that stands still longer than any answer may take, and less than ringcastd waits for it.
const HELD_UP_MS = 2000;
const HELD_UP_TIMES = 4;
const HELD_UP_ROUNDS = 3;

const PARTS = [0.8, 0.4, 0.2];

async function selfSigned(stage) {
  const made = await run(program('ringcastctl'), ['tls', 'self-signed', '127.0.0.1', '--output', stage.directory, '--json']);
  assert.equal(made.code, 0, made.stderr);
  const { certificate, key } = JSON.parse(made.stdout);
  return { certificate, key };
}

function open(ringcast, rate, { old, file = false, answers = true }) {
  const viewer = new SlowViewer(ringcast.address, file ? '/stream/cam1.mp4' : '/live/cam1', { rate, answers });
  viewer.old = old;
  viewer.name = `${ringcast.address}, ${file ? 'file' : answers ? 'answers pings' : 'answers none'}, ${rate / 1000} kB/s`;
  return viewer.open();
}

/** New viewers of KINDS at RINGCAST, whose camera has RATE, watched from their beginning. Returns what is wrong with the age of their pictures; "": nothing. */
async function watch(ringcast, rate, kinds) {
  const quick = open(ringcast, 100 * rate, PAGE);
  const slow = kinds.flatMap((kind) => PARTS.map((part) => open(ringcast, rate * part, kind)));
  try {
    const [quickAges, ...ages] = await Promise.all([quick, ...slow].map((viewer) => viewer.watch(WATCH_S, 0, LEAST)));
    const sent = quick.taken / quick.seconds; // less than RATE where the camera's own encoder is slow
    for (const { name, rate: read, seconds, taken } of slow) assert.ok(taken > Math.min(read, sent) * seconds * 0.6, `${name}: ${taken} bytes in ${seconds} s, of ${sent} a second`);
    assert.equal(quick.drops, 0, 'who keeps up misses nothing');
    const wrong = slow.flatMap(({ name, rate: read, drops, seconds, old }, i) => {
      const [oldest, most] = [ages[i].at(-1), quickAges.at(-1) + old];
      const missed = (1 - read / rate) * seconds > most; // what may lie in buffers, where pictures may be so old, is not missed yet
      return [
        ...(oldest > most ? [`${name}: ${oldest} s old, where ${most} s would be in order`] : []),
        ...(missed && drops === 0 ? [`${name}: nothing was said of what is missing`] : []),
      ];
    });
    return wrong.join('\n');
  } finally {
    for (const viewer of [quick, ...slow]) viewer.close();
  }
}

async function check(ringcast, rate, kinds) {
  const failures = [];
  for (let round = 0; round < ROUNDS && failures.length === round; round++) {
    const wrong = await watch(ringcast, rate, kinds);
    if (wrong) failures.push(wrong);
  }
  assert.ok(failures.length < ROUNDS, `${ringcast.address}\n${failures.join('\n')}`);
}

scenario('slow links show what is new, plain and over TLS', async (stage) => {
  const camera = await stage.camera([...CAMERA, ...bitrate(RATE)]);
  const instances = [await stage.ringcast(camera), await stage.ringcast(camera, {}, { tls: await selfSigned(stage) })];
  await Promise.all(instances.map((ringcast) => check(ringcast, RATE, [PAGE])));
});

scenario('slow links show what is new of a camera with little, also as a file and without answers', async (stage) => {
  const ringcast = await stage.ringcast(await stage.camera([...CAMERA, ...bitrate(LOW_RATE)]));
  await check(ringcast, LOW_RATE, [PAGE, SILENT, FILE]);
});

scenario('a long way behind a proxy is not a slow link', async (stage) => {
  const camera = await stage.camera([...CAMERA, ...bitrate(RATE), '--gop', '75']);
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

/** How many fragments a new viewer of cam1 misses if the fan-out PID is held up, again and again, before it reads the viewer's answer to a ping. */
async function missedWhenHeldUp(stage, ringcast, pid) {
  const viewer = stage.viewer(ringcast, 'cam1', { keep: false, autoPong: false });
  let next = () => {};
  viewer.socket.on('ping', (data) => {
    if (data.length > 0) next();
    viewer.socket.pong(data, true);
  });
  await viewer.more(5);
  for (let time = 0; time < HELD_UP_TIMES; time++) {
    let began;
    next = () => {
      next = () => {};
      process.kill(pid, 'SIGSTOP');
      began = performance.now();
    };
    await waitUntil('a ping', () => began);
    await waitUntil('the fan-out to have stood still', () => performance.now() - began >= HELD_UP_MS).finally(() => process.kill(pid, 'SIGCONT'));
    await viewer.more(60);
  }
  viewer.assertOpen();
  const sequences = viewer.fragments.map(({ sequence }) => sequence);
  await viewer.close();
  return sequences.at(-1) - sequences[0] + 1 - sequences.length;
}

scenario('a fan-out that was held up does not take that for slowness of its viewer', async (stage) => {
  const camera = await stage.camera();
  const ringcast = await stage.ringcast(camera);
  const [{ pid }] = (await ringcast.status()).fanouts;
  const missed = [];
  do missed.push(await missedWhenHeldUp(stage, ringcast, pid));
  while (missed.at(-1) > 0 && missed.length < HELD_UP_ROUNDS);
  assert.equal(missed.at(-1), 0, `fragments missed in each round: ${missed}`);
});
