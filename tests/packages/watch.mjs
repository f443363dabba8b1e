// SPDX-License-Identifier: MIT
// watch.mjs ADDRESS FPS STOP-FILE CAMERA...: a viewer of each camera. Prints "watching" when each has pictures, stays until
// STOP-FILE exists, and then requires that every viewer has had every picture over one connection.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { Watcher } from '../support/watcher.mjs';
import { waitUntil } from '../support/wait.mjs';

const [address, fps, stop, ...cameras] = process.argv.slice(2);
const watchers = cameras.map((camera) => new Watcher(address, camera, Number(fps)));
try {
  await waitUntil('pictures at every viewer', () => watchers.every((w) => w.firstAfter(0)), 60000);
  console.log('watching');
  await waitUntil('the end', () => existsSync(stop), 300000);
  const end = performance.now();
  await waitUntil('pictures at every viewer, still', () => watchers.every((w) => w.firstAfter(end)), 60000);
  for (const watcher of watchers) {
    const [{ fragments, error }] = watcher.connections;
    assert.ifError(error);
    assert.equal(watcher.connections.length, 1, `${watcher.camera}: the connection was lost`);
    assert.deepEqual(watcher.holes(), [], `${watcher.camera}: pictures are missing`);
    const longest = Math.max(...fragments.slice(1).map(({ at }, i) => at - fragments[i].at));
    console.log(`${watcher.camera}: ${fragments.length} pictures, none missing, the longest pause ${Math.round(longest)} ms`);
  }
} finally {
  for (const watcher of watchers) await watcher.end();
}
