// SPDX-License-Identifier: MIT
// Who is let in, and names that want to be markup.
import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import { scenario } from '../support/scenario.mjs';

const refused = async (stage, ringcast, camera, options) => {
  const viewer = stage.viewer(ringcast, camera, options);
  await viewer.until('a refusal', ({ status }) => status);
  return viewer.status;
};

scenario('origins', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = await stage.ringcast(camera);
  const own = new URL(ringcast.address);
  const neighbour = `http://${own.hostname}:${Number(own.port) + 1}`;
  for (const origin of ['http://evil.example', `http://${own.hostname}`, `${own.origin}.evil.example`, 'null', neighbour]) {
    assert.equal(await refused(stage, ringcast, 'cam1', { origin }), 403, origin);
  }
  // A page behind a proxy that does TLS says https.
  for (const origin of [own.origin, `https://${own.host}`, undefined]) await stage.viewer(ringcast, 'cam1', { origin }).more(2);
  const host = `localhost:${own.port}`;
  await stage.viewer(ringcast, 'cam1', { origin: `http://${host}`, headers: { host } }).more(2);
});

scenario('an unknown camera', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = await stage.ringcast(camera);
  for (const name of ['cam2', 'CAM1', 'cam1/', '..', '%00', 'cam1%']) {
    assert.equal(await refused(stage, ringcast, name), 404, name);
  }
  const request = http.get(new URL('/live/cam1', ringcast.address));
  const [response] = await once(request, 'response');
  response.resume();
  assert.ok(response.statusCode >= 400 && response.statusCode < 500, 'a plain GET is refused');
  for (const method of ['POST', 'PUT', 'DELETE']) {
    const answer = await fetch(new URL('/api/cameras', ringcast.address), { method });
    assert.ok(answer.status === 405 || answer.status === 404, `${method}: ${answer.status}`);
  }
});

scenario('names that want to be something else', async (stage) => {
  const names = ['<img src=x onerror=alert(1)>', 'Höf 門 🚪', '"; DROP', "a'b&c?d#e%41", '-rf *'];
  const camera = await stage.camera(['--cameras', String(names.length)]);
  const cameras = names.map((name, index) => ({ name, url: camera.url(index) }));
  const ringcast = stage.instance({ cameras }).start();
  const status = await ringcast.streaming();
  assert.deepEqual(status.cameras.map(({ name }) => name), names);
  assert.equal(new Set(ringcast.rings()).size, names.length, 'each has a ring of its own');
  const listed = (await (await fetch(new URL('/api/cameras', ringcast.address))).json()).cameras;
  assert.deepEqual(listed.map(({ name }) => name), names);
  for (const { live } of listed) assert.doesNotMatch(live, /[<>"' ?#]/);
  for (const { name, live } of listed) {
    assert.equal(decodeURIComponent(live), `/live/${name}`);
    const viewer = stage.viewer(ringcast, name);
    await viewer.more(5);
    viewer.assertConsecutive();
  }
  const table = await ringcast.ctl('status');
  assert.equal(table.code, 0);
  for (const name of names) assert.ok(table.stdout.includes(name), name);
});
