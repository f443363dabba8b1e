// SPDX-License-Identifier: MIT
// Somebody guesses passwords and tokens by every way in, while 20 viewers are on: nothing gets in, the viewers keep every
// frame, and people of other addresses log in as fast as ever. RINGCAST_ABUSE=10000 sets the number of guesses, and prints
// the figures of docs/reference/faults.md.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import { patience } from '../support/patience.mjs';
import { Running, program, repositoryDirectory, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const COUNT = Number(process.env.RINGCAST_ABUSE ?? 400);
const VIEWERS = 20;
const LOGIN_MS = 1000;
const PASSWORD = 'Kanarie 7391';
const GUESSER = path.join(repositoryDirectory, 'tests/support/abuser.mjs');

/** A log-in from the address FROM: its status, its cookie, and how long it took. */
async function logIn(address, user, from, password = PASSWORD) {
  const started = performance.now();
  const request = http.request(new URL('api/login', address), {
    method: 'POST', localAddress: from, agent: false, headers: { 'Content-Type': 'application/json' },
  });
  request.end(JSON.stringify({ user, password }));
  const [response] = await once(request, 'response');
  response.resume();
  await once(response, 'end');
  return { status: response.statusCode, cookie: response.headers['set-cookie']?.[0].split(';')[0], ms: performance.now() - started };
}

async function addUser(ringcast, name) {
  const args = ['--config', ringcast.config, 'user', 'add', name, '--camera', '*', '--password-stdin'];
  const { code, stderr } = await run(program('ringcastctl'), args, { input: `${PASSWORD}\n` });
  assert.equal(code, 0, stderr);
}

scenario('thousands of guesses', async (stage) => {
  const ringcast = await stage.ringcast(await stage.camera(['--cameras', '1']), {}, { auth: {} });
  for (const name of ['anna', 'otto', 'mia']) await addUser(ringcast, name);
  const first = await logIn(ringcast.address, 'otto', '127.0.0.1');
  assert.equal(first.status, 200);
  const viewers = Array.from({ length: VIEWERS }, () => stage.viewer(ringcast, 'cam1', { keep: false, headers: { cookie: first.cookie } }));
  await Promise.all(viewers.map((viewer) => viewer.more(1)));

  const started = performance.now();
  const guesser = new Running(process.execPath, [GUESSER, 'guesses', ringcast.address, String(COUNT)]);
  stage.running.push(guesser);
  const ended = guesser.finish(280000);
  let running = true;
  ended.finally(() => (running = false));
  const times = { known: [], new: [] };
  // Of people who have logged in here before, and of those who have not, each from an address of its own.
  for (let i = 0; running || i < 4; i++) {
    const [kind, user, from] = i % 2 === 0 ? ['known', 'otto', '127.0.0.1'] : ['new', 'mia', `127.0.1.${(i >> 1) % 250}`];
    const { status, ms } = await logIn(ringcast.address, user, from);
    assert.equal(status, 200, `${kind}: ${user} from ${from}`);
    times[kind].push(ms);
  }
  assert.deepEqual(await ended, { code: 0, signal: null }, guesser.log);
  const seen = JSON.parse(guesser.stdout);
  const seconds = (performance.now() - started) / 1000;
  assert.deepEqual(Object.keys(seen).filter((answer) => !['401', '404', '429', '503'].includes(answer)), [], 'nothing gets in');
  assert.ok(seen['429'] > 0, 'who guesses is slowed');
  for (const [kind, all] of Object.entries(times)) assert.ok(Math.max(...all) < LOGIN_MS * patience(), `${kind}: a log-in took ${Math.max(...all)} ms`);
  assert.equal((await logIn(ringcast.address, 'anna', '127.0.0.9')).status, 200, 'whose password was guessed at is not locked out');
  await Promise.all(viewers.map((viewer) => viewer.more(1)));
  for (const viewer of viewers) {
    viewer.assertConsecutive();
    viewer.assertOpen();
  }
  if (process.env.RINGCAST_ABUSE) {
    const worst = (all) => `${Math.max(...all).toFixed(0)} ms of ${all.length}`;
    console.log(`| ${COUNT} guesses | ${seconds.toFixed(1)} | known ${worst(times.known)} | new ${worst(times.new)} | ${JSON.stringify(seen)} |`);
  }
}, { limit: process.env.RINGCAST_ABUSE ? 300000 : 120000 });
