// SPDX-License-Identifier: MIT
// deploy/quickstart with the build under test: what a second run does, when nothing has to be installed or built.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { LiveViewer } from '../support/live_viewer.mjs';
import { buildDirectory, commandLine, descendants, isAlive, repositoryDirectory } from '../support/processes.mjs';
import { mappedRings } from '../support/rings.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const quickstart = path.join(repositoryDirectory, 'deploy/quickstart');

// The aim is 3 s with the release build; sanitizers and a busy machine are slower.
const START_LIMIT_MS = 30000;

function start(stage, args = [], env = {}) {
  const temporary = stage.file(`tmp${stage.running.length}`);
  mkdirSync(temporary);
  const shell = stage.start(quickstart, args, {
    detached: true,
    env: { RINGCAST_BUILD: buildDirectory, TMPDIR: temporary, GST_REGISTRY_FORK: 'no', ...env },
  });
  shell.temporary = temporary;
  return shell;
}

async function serving(shell) {
  const found = await shell.until('the address', ({ stdout }) => /http:\/\/127\.0\.0\.1:\d+\//.exec(stdout), START_LIMIT_MS);
  shell.children = descendants(shell.pid);
  return found[0];
}

async function assertNothingLeft(shell, result) {
  assert.deepEqual(result, { code: 0, signal: null }, shell.log);
  await waitUntil(`the children to end (${shell.children.filter(isAlive)})`, () => !shell.children.some(isAlive));
  assert.deepEqual(readdirSync(shell.temporary), [], 'nothing is left in the temporary directory');
}

/** The rings in /dev/shm that the children have mapped. */
function ringsOf(shell) {
  return [...new Set(descendants(shell.pid).flatMap((pid) => mappedRings(pid)).map(({ path }) => path))];
}

const cameras = async (address) => (await (await fetch(new URL('/api/cameras', address))).json()).cameras;

scenario('four demo cameras, and Ctrl-C', async (stage) => {
  const shell = start(stage, ['--port', '0']);
  const address = await serving(shell);
  await waitUntil('four cameras to stream', async () => (await cameras(address)).every((c) => c.state === 'streaming'), 60000);
  const found = await cameras(address);
  assert.equal(found.length, 4);
  assert.deepEqual(found.map(({ width, height }) => `${width}x${height}`), Array(4).fill('640x360'));
  assert.equal(found.filter(({ codecs }) => codecs.includes('mp4a')).length, 1, 'one has sound');
  for (const { name } of found) {
    const viewer = new LiveViewer(address, name);
    stage.viewers.push(viewer);
    await viewer.more(5);
    viewer.assertConsecutive();
  }
  const rings = ringsOf(shell);
  assert.equal(rings.length, 4);
  shell.children = descendants(shell.pid);
  process.kill(-shell.pid, 'SIGINT');
  await assertNothingLeft(shell, await shell.finish(30000));
  assert.deepEqual(rings.filter((ring) => existsSync(ring)), [], 'no ring is left');
});

scenario("one's own cameras, and SIGTERM; the password is in no argument list and no log", async (stage) => {
  const password = 'Kanarie7391';
  const camera = await stage.camera(['--cameras', '1', '--user', 'viewer'], { password });
  const shell = start(stage, [camera.url().replace('://', `://viewer:${password}@`), '--port', '0']);
  const address = await serving(shell);
  await waitUntil('the camera to stream', async () => (await cameras(address))[0].state === 'streaming', 60000);
  shell.children = descendants(shell.pid);
  for (const pid of shell.children) assert.ok(!commandLine(pid).includes(password), `of ${commandLine(pid)}`);
  assert.ok(!shell.log.includes(password));
  await assertNothingLeft(shell, await shell.stop('SIGTERM', 30000));
});

scenario('a taken port', async (stage) => {
  const server = net.createServer().listen(8080, '127.0.0.1');
  const mine = await new Promise((resolve) => {
    server.on('listening', () => resolve(true)).on('error', () => resolve(false));
  });
  try {
    const shell = start(stage, ['rtsp://127.0.0.1:9/none']);
    const address = await serving(shell); // port 8080 is taken, by this one or by another program
    assert.notEqual(new URL(address).port, '8080');
    await assertNothingLeft(shell, await shell.stop('SIGTERM', 30000));
  } finally {
    if (mine) server.close();
  }
});

/** The answer to a request over TLS with a certificate that nobody vouches for: {status, headers, body}. */
async function ask(url, { body, ...options } = {}) {
  const request = https.request(url, { agent: false, rejectUnauthorized: false, ...options });
  request.end(body);
  const [response] = await once(request, 'response');
  let text = '';
  for await (const part of response) text += part;
  return { status: response.statusCode, headers: response.headers, body: text };
}

scenario('--listen: for others, with a log-in and TLS of this run alone', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const home = stage.file('home');
  mkdirSync(home);
  const shell = start(stage, ['--listen', '127.0.0.1:0', camera.url()], { HOME: home, XDG_STATE_HOME: '' });
  const found = await shell.until('user and password', ({ stdout }) => /(https:\/\/127\.0\.0\.1:\d+\/)[^]*user: (\S+) {3}password: (\S+)\n/.exec(stdout), START_LIMIT_MS);
  const [, address, user, password] = found;
  shell.children = descendants(shell.pid);
  assert.equal(password.length, 20);
  for (const pid of shell.children) assert.ok(!commandLine(pid).includes(password), `of ${commandLine(pid)}`);

  assert.equal((await ask(`${address}api/cameras`)).status, 401, 'nobody is let in without a log-in');
  const logIn = (secret) => ask(`${address}api/login`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ user, password: secret }),
  });
  assert.equal((await logIn(`${password}x`)).status, 401);
  const welcome = await logIn(password);
  assert.equal(welcome.status, 200, welcome.body);
  const cookie = welcome.headers['set-cookie'][0].split(';')[0];
  const list = await ask(`${address}api/cameras`, { headers: { Cookie: cookie } });
  assert.equal(JSON.parse(list.body).cameras.length, 1);

  process.kill(-shell.pid, 'SIGINT');
  await assertNothingLeft(shell, await shell.finish(30000));
  assert.deepEqual(readdirSync(home), [], 'and nothing in the home directory');
});

scenario('a child that dies is said so, with its log', async (stage) => {
  const shell = start(stage, ['--port', '0', 'rtsp://127.0.0.1:9/none']);
  await serving(shell);
  const daemon = descendants(shell.pid).find((pid) => commandLine(pid).includes('ringcastd'));
  process.kill(daemon, 'SIGKILL');
  const result = await shell.finish(30000);
  assert.equal(result.code, 1);
  assert.match(shell.stderr, /^quickstart: ringcastd has ended/m);
  assert.match(shell.stderr, /supervisor/, 'its log is shown');
  await waitUntil('the children to end', () => !shell.children.some(isAlive));
  assert.deepEqual(readdirSync(shell.temporary), []);
});

scenario('help, and arguments that are none', async (stage) => {
  const help = start(stage, ['--help']);
  assert.equal((await help.finish()).code, 0);
  assert.match(help.stdout, /--port N/);
  const wrong = start(stage, ['http://example.org/']);
  assert.equal((await wrong.finish()).code, 2);
  for (const address of ['', 'host', '1.2.3.4:', '1.2.3.4:x', '::1', '1.2.3.4"; x = "']) {
    const refused = start(stage, ['--listen', address]);
    assert.equal((await refused.finish()).code, 1, address);
    assert.match(refused.stderr, /--listen needs an address/);
  }
});

scenario('a package that several sections name is missing only if it is not installed, however often dpkg-query tells of it', async (stage) => {
  const list = stage.file('packages', '[build]\none\nshared\n[runtime]\nshared\nabsent\n');
  // Debian 12's dpkg-query answers twice if it is asked twice, Debian 13's once.
  for (const installed of ['one shared', 'one shared shared']) {
    const script = `. "$1"; packages_file=$2; dpkg-query() { printf 'installed %s\\n' ${installed}; }; packages_missing build runtime`;
    const missing = execFileSync('bash', ['-c', script, 'bash', path.join(repositoryDirectory, 'deploy/packages.sh'), list], { encoding: 'utf8' });
    assert.equal(missing, 'absent\n', `of "${installed}"`);
  }
});
