// SPDX-License-Identifier: MIT
// Refused log-ins, counted at the camera: cameras lock accounts, so all streams of a host, all workers and every ringcastd
// share what they know of them. The camera is behind a proxy that sees who was refused.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { RtspProxy } from '../support/rtsp_proxy.mjs';
import { scenario } from '../support/scenario.mjs';
import { sleep, waitUntil } from '../support/wait.mjs';

const RIGHT = 'Kanarie7391';
const WRONG = 'Kanarie-wrong';

// The first hold of credentials that have never worked, less what a slow machine may take to say so.
const FIRST_HOLD_MS = 30000;

// Long enough for a worker that would connect again, which it would do within a second.
const QUIET_MS = 3000;

const AT_MOST = 5; // in ten minutes

/** A camera with a password, and a proxy that notes when a request with credentials was refused. */
async function locked(stage) {
  const camera = await stage.camera(['--cameras', '1', '--user', 'admin'], { password: RIGHT });
  const proxy = await new RtspProxy(camera.url(0)).listen();
  proxy.refused = [];
  proxy.fault = {
    answer: (request, connection) => {
      connection.asks = /^authorization:/im.test(request.text);
    },
    reply: (text, connection) => {
      if (connection.asks && text.startsWith('RTSP/1.0 401')) proxy.refused.push(performance.now());
      return text;
    },
  };
  return proxy;
}

const failed = (camera) => camera.state === 'failed' && /refuses the username or password \(401\), 1 log-in since .*; next try at .*locked the account/.test(camera.error);

/** Kills a ringcastd, and starts another one, which takes over. */
async function killAndRestart(ringcast) {
  ringcast.daemon.signal('SIGKILL');
  await ringcast.daemon.exited;
  ringcast.start();
}

scenario('a wrong password costs one log-in, whatever is restarted, until it is corrected', async (stage) => {
  const proxy = await locked(stage);
  try {
    const names = ['front', 'north', 'east', 'south', 'west'];
    const cameras = (password) => names.map((name) => ({ name, url: proxy.url, username: 'admin', password, ...(name === 'front' ? { sub: proxy.url } : {}) }));
    const ringcast = stage.instance({ cameras: cameras(WRONG) }).start();
    const all = (check) => (status) => status.cameras.length === names.length + 1 && status.cameras.every(check);
    await ringcast.until('every stream to be held', all(failed));
    const began = proxy.refused[0];
    const early = () => performance.now() - began < FIRST_HOLD_MS - 1000;
    const assertQuiet = (what, count) => {
      assert.ok(proxy.refused.length === 1 || !early(), `${what}: ${proxy.refused.length} refused log-ins`);
      assert.ok(proxy.count === count || !early(), `${what}: ${proxy.count - count} new connections`);
      assert.ok(proxy.refused.length <= 2, `${what}: ${proxy.refused.length} refused log-ins`);
    };
    assertQuiet('six streams', proxy.count);

    const count = proxy.count;
    const before = (await ringcast.status()).cameras;
    for (const { pid } of before) process.kill(pid, 'SIGKILL');
    await ringcast.until('the next workers to be held', all((camera) => failed(camera) && !before.some(({ pid }) => pid === camera.pid)));
    assertQuiet('workers are killed', count);

    const workers = (await ringcast.status()).cameras.map(({ pid }) => pid);
    await killAndRestart(ringcast);
    const after = await ringcast.until('the next ringcastd to know it', all(failed));
    assert.deepEqual(after.cameras.map(({ pid }) => pid), workers, 'the workers are the same');
    assertQuiet('ringcastd is killed', count);

    await ringcast.stop();
    ringcast.start();
    await ringcast.until('ringcastd to remember it', all(failed));
    await sleep(QUIET_MS);
    assertQuiet('ringcastd is started again', count);

    const file = path.join(ringcast.state, `${ringcast.instance}.logins.json`);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.ok(!readFileSync(file, 'utf8').includes('Kanarie'), 'the file has the password');

    // The operator's wish counts for all streams of the host, and costs one log-in.
    const tried = proxy.refused.length;
    assert.equal((await ringcast.ctl('restart', 'front')).code, 0);
    await waitUntil('another try', () => proxy.refused.length > tried);
    await ringcast.until('every stream to be held again', all((camera) => camera.state === 'failed' && /[23] log-ins since/.test(camera.error)));
    assert.ok(proxy.refused.length <= tried + 1 || !early(), `${proxy.refused.length - tried} refused log-ins`);

    ringcast.settings.cameras = cameras(RIGHT);
    ringcast.write();
    assert.equal((await ringcast.ctl('reload')).code, 0);
    await ringcast.streaming([...names, 'front/sub']);
    assert.ok(proxy.refused.length <= AT_MOST - 1, `${proxy.refused.length} refused log-ins`);
    assert.ok(!ringcast.log.includes('Kanarie'), 'the log has the password');
    await ringcast.stop();
  } finally {
    await proxy.close();
  }
});

scenario('a password that is changed at the camera is refused five times at most, whoever is impatient', async (stage) => {
  const proxy = await locked(stage);
  try {
    const camera = { name: 'front', url: proxy.url, username: 'admin', password: RIGHT };
    const ringcast = stage.instance({ cameras: [{ ...camera, sub: proxy.url }] }).start();
    await ringcast.streaming(['front', 'front/sub']);
    const usual = proxy.fault;
    let nonces = 0;
    proxy.fault = {
      ...usual,
      answer: (request, connection) => {
        usual.answer(request, connection);
        if (request.method === 'OPTIONS') return undefined;
        if (connection.asks) proxy.refused.push(performance.now());
        return `RTSP/1.0 401 Unauthorized\r\nCSeq: ${request.sequence}\r\nWWW-Authenticate: Digest realm="r", nonce="${nonces++}"\r\n\r\n`;
      },
    };
    for (const connection of proxy.connections) connection.cut();
    const capped = ({ state, error }) => state === 'failed' && /5 in 10 minutes at most; next try at/.test(error);
    for (let round = 0; !(await ringcast.status()).cameras.every(capped); round++) {
      assert.ok(round < 60, 'the streams are held');
      for (const name of ['front', 'front/sub']) await ringcast.ctl('restart', name);
      await sleep(500);
    }
    const workers = (await ringcast.status()).cameras.map(({ pid }) => pid);
    for (const pid of workers) process.kill(pid, 'SIGKILL');
    await killAndRestart(ringcast);
    await ringcast.until('both to be held', ({ cameras }) => cameras.length === 2 && cameras.every((one) => capped(one) && !workers.includes(one.pid)));
    const { count } = proxy;
    await sleep(QUIET_MS);
    assert.equal(proxy.count, count, 'nothing is connected to');
    assert.ok(proxy.refused.length <= AT_MOST, `${proxy.refused.length} refused log-ins`);
    assert.ok(proxy.refused.length > 1, 'it was tried again');
    await ringcast.stop();
  } finally {
    await proxy.close();
  }
});

/** Every answer of the camera to a request with credentials, as CHANGE(connection) says whether it is to be refused. */
function refuse(proxy, timeout, change) {
  let nonces = 0;
  proxy.accepted = [];
  proxy.fault = {
    answer: (request, connection) => {
      connection.asks = /^authorization:/im.test(request.text);
      if (!connection.asks || request.method === 'TEARDOWN') return undefined;
      if (!change(connection)) {
        proxy.accepted.push(connection);
        return undefined;
      }
      proxy.refused.push(performance.now());
      return `RTSP/1.0 401 Unauthorized\r\nCSeq: ${request.sequence}\r\nWWW-Authenticate: Digest realm="r", nonce="${nonces++}"\r\n\r\n`;
    },
    reply: (text) => text.replace(/^(session: *[^;\r]*)[^\r]*/im, `$1;timeout=${timeout}`),
  };
}

scenario('a password that is changed while many streams play is refused five times at most', async (stage) => {
  const proxy = await locked(stage);
  try {
    let changed = false;
    refuse(proxy, 20, () => changed);
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const ringcast = stage.instance({ cameras: names.map((name) => ({ name, url: proxy.url, username: 'admin', password: RIGHT })) }).start();
    await ringcast.streaming(names);
    assert.equal(proxy.refused.length, 0);
    changed = true;
    await waitUntil('a keepalive to be refused', () => proxy.refused.length > 0, 60000);
    await sleep(11000); // longer than the interval of keepalives
    assert.ok(proxy.refused.length <= AT_MOST, `${proxy.refused.length} refused log-ins`);
    await ringcast.stop();
  } finally {
    await proxy.close();
  }
});

scenario('a stream that is refused alone does not hold the keepalives of others', async (stage) => {
  const proxy = await locked(stage);
  try {
    let alone = null;
    refuse(proxy, 4, (connection) => alone === 'any' ? ((alone = connection), true) : connection === alone || (alone !== null && !connection.plays));
    const names = ['a', 'b', 'c', 'd'];
    const ringcast = stage.instance({ cameras: names.map((name) => ({ name, url: proxy.url, username: 'admin', password: RIGHT })) }).start();
    await ringcast.streaming(names);
    for (const connection of proxy.connections) connection.plays = true;
    alone = 'any';
    await waitUntil('a keepalive to be refused', () => proxy.refused.length > 0, 60000);
    const others = [...proxy.connections].filter((connection) => connection !== alone && connection.plays);
    assert.equal(others.length, names.length - 1);
    const since = proxy.accepted.length;
    const kept = (connection) => proxy.accepted.slice(since).filter((one) => one === connection).length;
    await waitUntil('three keepalives of each other stream', () => others.every((connection) => kept(connection) >= 3), 60000);
    assert.ok(proxy.refused.length <= AT_MOST, `${proxy.refused.length} refused log-ins`);
    assert.ok(others.every((connection) => proxy.connections.has(connection)), 'the others play on');
    await ringcast.stop();
  } finally {
    await proxy.close();
  }
});
