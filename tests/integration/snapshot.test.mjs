// SPDX-License-Identifier: MIT
// Single pictures over HTTP, made by a program that runs only while somebody asks.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

// The program is idle after a moment.
process.env.RINGCAST_IDLE_MS = '1500';

scenario('the program for pictures is started by a question, and ends when there is none', async (stage) => {
  const camera = await stage.camera(['--fps', '25', '--gop', '25']);
  const ringcast = stage.instance({ cameras: camera.cameras }).start();
  await ringcast.streaming();
  const name = camera.cameras[0].name;
  const before = await ringcast.status();
  assert.equal(before.programs.snapshot, null);

  const response = await fetch(new URL(`snapshot/${name}.jpg`, ringcast.address));
  assert.equal(response.status, 503);
  assert.equal(response.headers.get('retry-after'), '2');
  assert.match(await response.text(), /no picture/);
  assert.equal((await fetch(new URL('snapshot/nobody.jpg', ringcast.address))).status, 404);
  assert.equal((await fetch(new URL(`snapshot/${name}.png`, ringcast.address))).status, 404);
  assert.equal((await fetch(new URL(`snapshot/${name}.jpg?stream=sub`, ringcast.address))).status, 404);

  const running = await ringcast.until('the program', ({ programs }) => programs.snapshot?.state === 'running');
  await ringcast.until('the end of the program', ({ programs }) => programs.snapshot.state === 'stopped');
  await waitUntil('its process to be gone', () => !existsSync(`/proc/${running.programs.snapshot.pid}`));
  assert.equal((await fetch(new URL(`snapshot/${name}.jpg`, ringcast.address))).status, 503);
  assert.equal((await ringcast.status()).programs.snapshot.starts, 2);
  await ringcast.stop();
});
