// SPDX-License-Identifier: MIT
// A ring becomes as large as its camera needs while viewers and a recorder read it, and whatever is killed meanwhile.
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import { decode } from '../support/media.mjs';
import { buildDirectory, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const MIB = 1048576;
const FIRST = 0.75 * MIB; // what a ring begins with

// About 1.2 MB from keyframe to keyframe, every four seconds: more than a ring begins with.
const LARGE = ['--camera', 'cam1:size=320x180,fps=15,gop=60,bitrate=2500,noise=60'];

const kill = (pid) => process.kill(pid, 'SIGKILL');
const grown = ({ cameras }) => cameras[0].ring_size > FIRST;
// Until it is installed, the next ring has no name: ringcastd holds an object of /dev/shm without a link.
const pending = (ringcast) => readdirSync(`/proc/${ringcast.pid}/fd`).some((fd) => {
  try {
    const file = `/proc/${ringcast.pid}/fd/${fd}`;
    return readlinkSync(file).startsWith('/dev/shm/') && statSync(file).nlink === 0;
  } catch {
    return false; // closed meanwhile
  }
});
const offered = (ringcast) => waitUntil('the next ring', () => pending(ringcast), 30000);

async function start(stage, args = LARGE, settings = {}) {
  const camera = await stage.camera(args);
  return stage.ringcast(camera, {}, settings);
}

/** All of it arrived, plays, and nothing of the old ring is left. */
async function finish(stage, ringcast, viewer) {
  await viewer.more(20, 40000);
  viewer.assertOpen();
  viewer.assertConsecutive();
  assert.equal(viewer.inits.length, 1, 'the init segment is not sent again');
  assert.deepEqual(ringcast.rings(), [`ringcast.${ringcast.instance}.cam1`]);
  await decode(stage.file('viewer.mp4', viewer.recording()));
}

scenario('a ring grows under its readers', async (stage) => {
  const ringcast = await start(stage, LARGE, { fanout: { processes: 2 } });
  const viewers = [1, 2, 3, 4].map(() => stage.viewer(ringcast, 'cam1'));
  for (const viewer of viewers) await viewer.more(1);
  const { ring, ring_size: first, pid } = await ringcast.camera('cam1');
  assert.equal(first, FIRST, 'this is before it grew');
  const file = stage.file('recording.mp4');
  const recorder = run(path.join(buildDirectory, 'examples/ringcast-recorder-example'), [ring, file, '8']);
  const status = await ringcast.until('a larger ring', grown);
  assert.equal(status.cameras[0].pid, pid, 'the worker is the same');
  for (const viewer of viewers) await finish(stage, ringcast, viewer);
  const late = stage.viewer(ringcast, 'cam1');
  await late.more(20);
  late.assertConsecutive();
  assert.deepEqual((await recorder).stderr, '');
  assert.ok((await decode(file)) >= 8 * 15 - 1, 'the recording has every picture');
});

scenario('a first picture that is larger than the ring', async (stage) => {
  const ringcast = await start(stage, ['--camera', 'cam1:size=1280x720,fps=5,gop=50,bitrate=20000,noise=100']);
  const viewer = stage.viewer(ringcast, 'cam1');
  const [fragment] = await viewer.more(1);
  assert.ok(viewer.fragments[0].data.length > MIB / 4, `the picture has only ${fragment.data.length} bytes`);
  const { error, restarts, ring_size: size } = await ringcast.camera('cam1');
  assert.deepEqual([error, restarts], [null, 0]);
  assert.ok(size > FIRST);
});

scenario('kill -9 of the worker that has been given its next ring', async (stage) => {
  const ringcast = await start(stage);
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(1);
  const { pid } = await ringcast.camera('cam1');
  await offered(ringcast);
  kill(pid);
  await ringcast.until('a larger ring, with the next worker', (status) => grown(status) && status.cameras[0].pid !== pid);
  await finish(stage, ringcast, viewer);
});

scenario('kill -9 of the fan-out meanwhile', async (stage) => {
  const ringcast = await start(stage);
  await offered(ringcast);
  kill((await ringcast.status()).fanouts[0].pid);
  const viewer = stage.viewer(ringcast, 'cam1');
  await ringcast.until('a larger ring', grown);
  await finish(stage, ringcast, viewer);
});

scenario('kill -9 of ringcastd meanwhile', async (stage) => {
  const ringcast = await start(stage);
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(1);
  await offered(ringcast);
  kill(ringcast.pid);
  await waitUntil('its end', () => !ringcast.daemon.running);
  ringcast.start();
  await ringcast.until('a larger ring', grown);
  await finish(stage, ringcast, viewer);
});

scenario('the end meanwhile', async (stage) => {
  const ringcast = await start(stage);
  await offered(ringcast);
  await ringcast.stop();
});

scenario('a size that is configured, and one that is not enough', async (stage) => {
  const ringcast = await start(stage, LARGE, { ring_size: 2 * MIB });
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(70, 40000);
  viewer.assertConsecutive();
  assert.equal((await ringcast.camera('cam1')).ring_size, 2 * MIB);
  const camera = await stage.camera(['--camera', 'big:size=640x360,fps=5,gop=50,bitrate=10000,noise=100']);
  const small = stage.instance({ cameras: camera.cameras.map(({ name, url }) => ({ name, url })), ring_size_max: 262144 });
  small.start();
  const why = ({ cameras }) => /does not fit the ring; set a larger .*ring_size_max/.test(cameras[0].error ?? '');
  await small.until('an error that says so', why);
});
