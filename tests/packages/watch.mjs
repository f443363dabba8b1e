// SPDX-License-Identifier: MIT
// watch.mjs [--pause MS] ADDRESS FPS STOP-FILE CAMERA...: a viewer of each camera. Prints "watching" when each has pictures, stays until
// STOP-FILE exists, and then requires that every viewer has had every picture over one connection; with --pause, that none of them was
// without a picture for longer than MS.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Watcher } from '../support/watcher.mjs';
import { waitUntil } from '../support/wait.mjs';

const { values, positionals } = parseArgs({ options: { pause: { type: 'string' } }, allowPositionals: true });
const [address, fps, stop, ...cameras] = positionals;
const mayPause = values.pause === undefined ? null : Number(values.pause);
const watchers = cameras.map((camera) => new Watcher(address, camera, Number(fps)));
try {
  await waitUntil('pictures at every viewer', () => watchers.every((w) => w.firstAfter(0)), 60000);
  console.log('watching');
  await waitUntil('the end', () => existsSync(stop), 300000);
  const end = performance.now();
  await waitUntil('pictures at every viewer, still', () => watchers.every((w) => w.firstAfter(end)), 60000);
  for (const watcher of watchers) {
    const { connections, camera } = watcher;
    const fragments = connections.flatMap((connection) => connection.fragments);
    const longest = Math.round(Math.max(...fragments.slice(1).map(({ at }, i) => at - fragments[i].at)));
    // After another node has taken a camera over, times run at up to twice their pace for a while, until they are right again.
    const holes = watcher.holes().filter(({ step }) => mayPause === null || step > 2.5 / Number(fps));
    const missing = holes.reduce((sum, { step }) => sum + Math.max(1, Math.round(step * Number(fps)) - 1), 0);
    if (mayPause === null) {
      assert.ifError(connections[0].error);
      assert.equal(connections.length, 1, `${camera}: the connection was lost`);
      assert.equal(missing, 0, `${camera}: pictures are missing`);
    } else {
      assert.ok(longest <= mayPause, `${camera}: no picture for ${longest} ms`);
    }
    const more = connections.length > 1 ? `, ${connections.length} connections` : '';
    console.log(`${camera}: ${fragments.length} pictures, ${missing || 'none'} missing, the longest pause ${longest} ms${more}`);
  }
} finally {
  for (const watcher of watchers) await watcher.end();
}
