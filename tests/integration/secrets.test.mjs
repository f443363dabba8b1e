// SPDX-License-Identifier: MIT
// A canary: a password that must be seen in nothing that ringcast writes, answers or shows.
import assert from 'node:assert/strict';
import { commandLine, environment } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const CANARY = 'Kanarie7391';

/** All that anyone can see of INSTANCE, by where it was seen. */
async function everything(ringcast, viewers) {
  const seen = new Map();
  for (const pid of [ringcast.pid, ...ringcast.children]) {
    try {
      seen.set(`/proc/${pid}/cmdline`, commandLine(pid));
      seen.set(`/proc/${pid}/environ`, environment(pid));
    } catch {
      // It has ended.
    }
  }
  for (const path of ['/', '/api/cameras', '/nothing-here']) {
    const answer = await fetch(new URL(path, ringcast.address));
    seen.set(path, JSON.stringify([...answer.headers]) + (await answer.text()));
  }
  for (const arguments_ of [['status'], ['status', '--json'], ['restart', 'nobody']]) {
    const { stdout, stderr } = await ringcast.ctl(...arguments_);
    seen.set(`ringcastctl ${arguments_.join(' ')}`, stdout + stderr);
  }
  for (const viewer of viewers) {
    const binary = [...viewer.inits, ...viewer.fragments].map(({ data }) => data.toString('latin1'));
    seen.set(`/live/${viewer.camera}`, JSON.stringify(viewer.texts) + binary.join(''));
  }
  return seen;
}

scenario('a password is seen nowhere', async (stage) => {
  const fierce = `${CANARY}:p@ss/w?rd#%41 "x\\y'&`;
  const mild = `${CANARY}@raw:1%zz`;
  const camera = await stage.camera(['--cameras', '3', '--user', 'ad min'], { password: fierce });
  const plain = await stage.camera(['--cameras', '1', '--user', 'admin', '--auth', 'basic'], { password: mild });
  const at = (url, user, password) => url.replace('://', `://${user}:${password}@`);
  const closed = 'rtsp://127.0.0.1:9/none';
  const cameras = [
    { name: 'field', url: camera.url(0), username: 'ad min', password: fierce },
    { name: 'encoded', url: at(camera.url(1), 'ad%20min', encodeURIComponent(fierce)) },
    { name: 'raw', url: at(plain.url(0), 'admin', mild) },
    { name: 'wrong', url: camera.url(2), username: 'ad min', password: `${fierce}-wrong` },
    { name: 'closed', url: at(closed, 'admin', mild) },
    { name: 'closed-field', url: closed, username: 'admin', password: fierce },
    { name: 'query', url: `${closed}?user=admin&password=${CANARY}` },
  ];
  const ringcast = stage.instance({ cameras, log_level: 'debug' }).start();
  const status = await ringcast.streaming(['field', 'encoded']);
  await ringcast.until('every other camera to give a reason', ({ cameras: found }) =>
    found.every(({ state, error }) => state === 'streaming' || error),
  );
  assert.equal(status.cameras.length, cameras.length);
  const viewers = cameras.map(({ name }) => stage.viewer(ringcast, name));
  for (const viewer of viewers) await viewer.until('a message', ({ texts }) => texts.length > 0);
  await viewers[0].more(5);
  await ringcast.ctl('restart', 'field');
  await viewers[0].more(20, 40000);
  const seen = await everything(ringcast, viewers);
  assert.ok(seen.size > 15);
  await ringcast.stop();
  seen.set('the log', ringcast.log);
  assert.ok(ringcast.log.length > 500, 'there is a log');
  const forms = [CANARY, encodeURIComponent(fierce), Buffer.from(`ad min:${fierce}`).toString('base64')];
  for (const [where, text] of seen) {
    for (const form of forms) assert.ok(!text.includes(form), `the canary is in ${where}`);
  }
});
