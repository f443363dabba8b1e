// SPDX-License-Identifier: MIT
// Everything works for a user without privileges, beside an instance of root's.
import assert from 'node:assert/strict';
import { chownSync, mkdirSync } from 'node:fs';
import { run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const NOBODY = 65534;
const isRoot = process.getuid() === 0;

scenario('an instance of an ordinary user', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const cameras = [{ name: 'cam1', url: camera.url() }];
  const roots = stage.instance({ cameras }).start();
  const ringcast = stage.instance({ cameras });
  const { program, env } = stage.copyPrograms();
  const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  if (isRoot) {
    chownSync(ringcast.directory, NOBODY, NOBODY);
    chownSync(ringcast.config, NOBODY, NOBODY);
    mkdirSync(stage.file('home'));
  }
  ringcast.start({ ...user, binary: program('ringcastd'), env: { ...env, HOME: stage.file('home') } });
  await ringcast.streaming();
  await roots.streaming();
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(10);
  viewer.assertConsecutive();
  if (isRoot) {
    const other = await run(program('ringcastctl'), ['--config', roots.config, 'status'], { ...user, env });
    assert.notEqual(other.code, 0, "root's control socket is closed to others");
  }
});
