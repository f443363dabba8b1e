// SPDX-License-Identifier: MIT
// Single pictures over HTTP, made by a program that runs only while somebody asks.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import http from 'node:http';
import { descriptors } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { sleep, waitUntil } from '../support/wait.mjs';

// For so long a question waits for an answer, with room for what the test does meanwhile.
const PATIENCE_MS = 8500;

const address = (ringcast, name, query = '') => new URL(`snapshot/${name}.jpg${query}`, ringcast.address);
const picture = (ringcast, name, query, options = {}) =>
  fetch(address(ringcast, name, query), { ...options, headers: { connection: 'close', ...options.headers } });

/** The pixels of a JPEG as another program decodes them. */
function pixels(jpeg) {
  const args = ['-v', 'error', '-i', 'pipe:0', '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'];
  return execFileSync('ffmpeg', args, { input: jpeg, maxBuffer: 1 << 28 });
}

/** Width and height, from the frame header (ITU-T T.81, B.2.2). */
function sizeOf(jpeg) {
  for (let at = 2; at < jpeg.length; at += 2 + jpeg.readUInt16BE(at + 2)) {
    if (jpeg[at + 1] >= 0xc0 && jpeg[at + 1] <= 0xc2) return [jpeg.readUInt16BE(at + 7), jpeg.readUInt16BE(at + 5)];
  }
  throw new Error('no frame header');
}

async function shot(ringcast, name, query) {
  const response = await picture(ringcast, name, query);
  const body = Buffer.from(await response.arrayBuffer());
  assert.equal(response.status, 200, body.toString('latin1', 0, 200));
  assert.equal(response.headers.get('content-type'), 'image/jpeg');
  return { body, size: sizeOf(body), age: Number(response.headers.get('ringcast-picture-age')), etag: response.headers.get('etag'), response };
}

scenario('a picture is made once, for as many as ask', async (stage) => {
  // Each stream has one keyframe, for who comes first; it is to be kept for as long as the test takes.
  const camera = await stage.camera(['--names', 'front,small', '--size', '640x360', '--fps', '10', '--gop', '10000']);
  const [{ url }, second] = camera.cameras;
  const settings = { ring_size: 16 << 20, limits: { requests_per_address: 0 } };
  const ringcast = stage.instance({ cameras: [{ name: 'front', url, sub: { url: second.url } }], ...settings }).start();
  await ringcast.streaming(['front', 'front/sub']);
  assert.equal((await ringcast.status()).programs.snapshot, null, 'nothing runs before somebody asks');
  const [{ poster, sub }] = (await (await fetch(new URL('api/cameras', ringcast.address))).json()).cameras;
  assert.deepEqual([poster, sub.poster], ['/snapshot/front.jpg', '/snapshot/front.jpg?stream=sub']);

  const first = await shot(ringcast, 'front');
  assert.deepEqual(first.size, [640, 360]);
  assert.equal(first.response.headers.get('cache-control'), 'private, max-age=1');
  assert.ok(first.age > 0 && first.age < 60, `its age is ${first.age} s`);
  assert.ok(Math.abs(new Date(first.response.headers.get('last-modified')) - Date.now() + first.age * 1000) < 5000);

  // The keyframe is the newest one all the time.
  const many = await Promise.all(Array.from({ length: 60 }, () => shot(ringcast, 'front')));
  for (const { body, etag } of many) assert.ok(etag === first.etag && body.equals(first.body));
  const { programs: { snapshot: { counts } } } = await ringcast.until('all answers to be counted', ({ programs }) => programs.snapshot.counts?.answers === 61);
  assert.deepEqual(counts, { decoded: 1, encoded: 1, failed: 0, answers: 61 });
  assert.equal(pixels(first.body).length, 640 * 360 * 3);
  const known = await picture(ringcast, 'front', '', { headers: { 'if-none-match': first.etag } });
  assert.deepEqual([known.status, known.headers.get('etag'), (await known.text()).length], [304, first.etag, 0]);
  const head = await picture(ringcast, 'front', '', { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(first.body.length)]);
  const small = await shot(ringcast, 'front', '?width=100');
  assert.deepEqual(small.size, [100, 56]);
  assert.deepEqual((await shot(ringcast, 'front', '?width=8000')).size, [640, 360], 'it is never made larger');
  assert.notEqual(small.etag, first.etag);
  assert.deepEqual((await shot(ringcast, 'front', '?stream=sub')).size, [640, 360]);

  // The newest picture is newer than the keyframe, and the next one another one.
  const fresh = await shot(ringcast, 'front', '?fresh');
  assert.ok(fresh.age < first.age + 10 && fresh.etag !== first.etag);
  const newer = await waitUntil('another picture', async () => {
    const next = await shot(ringcast, 'front', '?fresh=1');
    return next.etag !== fresh.etag && next;
  });
  assert.ok(!newer.body.equals(fresh.body));

  for (const query of ['?width=15', '?width=8193', '?width=', '?width=1e3', '?width=-1', '?fresh=maybe', '?width=%ff']) {
    const wrong = await picture(ringcast, 'front', query);
    assert.equal(wrong.status, 400, query);
    assert.match(await wrong.text(), /width must|fresh must|query/);
  }
  for (const [name, query] of [['nobody', ''], ['front', '?stream=other'], ['', ''], ['front.jpg', '']]) {
    assert.equal((await picture(ringcast, name, query)).status, 404, `${name}${query}`);
  }
  assert.equal((await picture(ringcast, 'front', '', { method: 'POST' })).status, 405);
  await ringcast.stop();
});

scenario('nothing is left of the program when nobody asks', async (stage) => {
  const camera = await stage.camera(['--names', 'front', '--fps', '25', '--gop', '10']);
  process.env.RINGCAST_IDLE_MS = '1500'; // idle after a moment
  const ringcast = await stage.ringcast(camera);
  delete process.env.RINGCAST_IDLE_MS;
  const { fanouts: [fanout], keeper } = await ringcast.status();
  const pids = [ringcast.pid, fanout.pid, keeper.pid];
  // Connections of ringcastctl come and go: what counts is the least.
  const least = async () => {
    const samples = [];
    for (let i = 0; i < 20; i++) {
      samples.push(pids.map((pid) => descriptors(pid).length));
      await sleep(50);
    }
    return pids.map((_, i) => Math.min(...samples.map((sample) => sample[i])));
  };
  const before = await least();
  for (let i = 0; i < 3; i++) {
    await shot(ringcast, 'front');
    const { programs: { snapshot } } = await ringcast.until('the program', ({ programs }) => programs.snapshot?.pid);
    await ringcast.until('the end of the program', ({ programs }) => programs.snapshot.state === 'stopped');
    await waitUntil('its process to be gone', () => !existsSync(`/proc/${snapshot.pid}`));
  }
  await waitUntil('as many descriptors as before', async () => (await least()).every((count, i) => count <= before[i]));
  const { programs: { snapshot } } = await ringcast.status();
  assert.deepEqual([snapshot.starts, snapshot.restarts, snapshot.pid], [3, 0, null]);
  await ringcast.stop();
});

scenario('a client that goes is forgotten, and a program that dies costs one question nothing', async (stage) => {
  const camera = await stage.camera(['--names', 'front', '--fps', '25', '--gop', '10']);
  const ringcast = stage.instance({ cameras: [{ ...camera.cameras[0], on_demand: true, on_demand_idle: 1 }] }).start();
  await ringcast.serving();
  await ringcast.until('the camera to sleep', ({ cameras }) => cameras[0].state === 'idle');

  // A sleeping camera is woken, and the picture is of now.
  const woken = await shot(ringcast, 'front');
  assert.ok(woken.age < 5, `the picture of a camera that slept is ${woken.age} s old`);
  await ringcast.until('the camera to sleep again', ({ cameras }) => cameras[0].state === 'idle');

  // While the camera has no pictures, questions wait.
  await camera.command('pause front');
  const gone = http.get(address(ringcast, 'front'));
  gone.on('error', () => {});
  const asked = performance.now();
  const waiting = picture(ringcast, 'front');
  const { programs: { snapshot: { pid } } } = await ringcast.until('the camera to be woken', ({ cameras, programs }) => cameras[0].state === 'starting' && programs.snapshot.pid);
  gone.destroy();
  process.kill(pid, 'SIGKILL');
  await ringcast.until('another program', ({ programs }) => programs.snapshot.state === 'running' && programs.snapshot.pid !== pid);
  await camera.command('resume front');
  const answer = await waiting;
  const late = performance.now() - asked > PATIENCE_MS; // the machine is too slow for it: nothing is known then
  assert.ok(answer.status === 200 || late, `${answer.status} ${await answer.text()}`);
  await waitUntil('a picture from the new program', async () => (await picture(ringcast, 'front')).status === 200);
  await ringcast.stop();
});

scenario('without a picture there is 503, with words', async (stage) => {
  const camera = await stage.camera(['--names', 'front,back', '--fps', '25', '--gop', '10']);
  const [front, back] = camera.cameras;
  const ringcast = stage.instance({ cameras: [front, { ...back, enabled: false }] }).start();
  await ringcast.streaming(['front']);
  const disabled = await picture(ringcast, 'back');
  assert.deepEqual([disabled.status, disabled.headers.get('retry-after')], [503, '2']);
  assert.match(await disabled.text(), /camera is disabled/);
  await shot(ringcast, 'front');
  await camera.command('off front');
  await camera.command('drop front');
  await ringcast.until('the camera to be away', ({ cameras }) => cameras[0].state !== 'streaming');
  const away = await picture(ringcast, 'front');
  assert.equal(away.status, 503, 'the last picture from before is none');
  assert.match(await away.text(), /no picture/);
  await ringcast.stop();
});
