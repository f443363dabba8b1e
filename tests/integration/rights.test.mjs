// SPDX-License-Identifier: MIT
// Who may have what, tried mechanically against the real programs: every way in, every path, every method, again after each
// process was another one and after a reload. And what ends a stream.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { chmodSync } from 'node:fs';
import http from 'node:http';
import { once } from 'node:events';
import WebSocket from 'ws';
import { percentile } from '../support/figures.mjs';
import { program, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const PROXY = '127.0.0.2'; // all of 127.0.0.0/8 is this machine
const PASSWORD = 'Kanarie 7391';
const SECRET = 'a secret of JWTs with more than thirty-two bytes';
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'];
const READ = ['GET', 'HEAD'];
const CAMERAS = ['cam1', 'cam2', 'cam3'];
const ABSENT = ['gone', 'cam1x', 'CAM1', ''];

/* ---- Requests ---- */

/** The whole answer, byte by byte but for what the client has no say in: status, header lines and body. */
async function ask(address, path, { method = 'GET', query = '', headers = {}, from, body } = {}) {
  const url = new URL(path.slice(1) + (path.includes('?') ? query.replace('?', '&') : query), address);
  const request = http.request(url, { method, headers, localAddress: from, agent: false });
  request.end(body);
  const [response] = await once(request, 'response');
  const parts = [];
  for await (const part of response) parts.push(part);
  return { status: response.statusCode, lines: response.rawHeaders.join('\n'), headers: response.headers, body: Buffer.concat(parts).toString() };
}

/** How a WebSocket is answered: its status, and the code with which it is closed at once, if it is. */
function open(address, camera, { query = '', headers = {}, from, protocols = [] } = {}) {
  const url = new URL(`live/${encodeURIComponent(camera)}${query}`, address);
  url.protocol = 'ws:';
  const socket = new WebSocket(url, protocols, { headers, localAddress: from });
  return new Promise((resolve, reject) => {
    const done = (result) => {
      resolve(result);
      socket.terminate();
    };
    socket.once('unexpected-response', (request, response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => done({ status: response.statusCode, lines: response.rawHeaders.join('\n'), body: Buffer.concat(parts).toString() }));
    });
    socket.once('message', () => done({ status: 101, protocol: socket.protocol }));
    socket.once('close', (code) => done({ status: 101, code }));
    socket.once('error', (error) => (socket.readyState === WebSocket.CLOSED ? reject(error) : undefined));
  });
}

const base64url = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

function jwt(claims, { algorithm = 'HS256', secret = SECRET } = {}) {
  const text = `${base64url({ alg: algorithm, typ: 'JWT' })}.${base64url({ exp: Math.floor(Date.now() / 1000) + 3600, ...claims })}`;
  return `${text}.${algorithm === 'none' ? '' : createHmac('sha256', secret).update(text).digest('base64url')}`;
}

const basic = (user, password) => ({ authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });

/* ---- The system ---- */

async function ctl(ringcast, args, input = '') {
  const result = await run(program('ringcastctl'), ['--config', ringcast.config, ...args], { input });
  assert.equal(result.code, 0, `${args.join(' ')}: ${result.stderr}`);
  return result.stdout.trim();
}

function secretFile(stage) {
  const file = stage.file('jwt.key', `${SECRET}\n`);
  chmodSync(file, 0o600);
  return file;
}

const settings = (stage) => ({
  log_level: 'debug',
  fanout: { processes: 2 },
  limits: { handshakes_per_address: 0, requests_per_address: 0 }, // one process may get all of them, faster than is allowed by default
  trusted_proxies: [PROXY],
  groups: [{ name: 'yard', cameras: ['cam3', 'cam[12]'] }, { name: 'back', cameras: ['cam3'] }, { name: 'nobody', cameras: ['attic*'] }],
  auth: {
    users: [{ name: 'anna', cameras: ['cam1'] }, { name: 'otto', role: 'operator', cameras: ['*'] }],
    jwt: [{ algorithm: 'HS256', key: secretFile(stage) }],
    proxy: { user: 'Remote-User', groups: 'Remote-Groups' },
    user_groups: [{ name: 'yards', cameras: ['cam2'] }],
  },
});

async function begin(stage) {
  const camera = await stage.camera(['--cameras', '3']);
  const ringcast = stage.instance({ cameras: camera.cameras.map(({ name, url }) => ({ name, url })), ...settings(stage) });
  for (const user of ['anna', 'otto']) await ctl(ringcast, ['user', 'add', user, '--password-stdin'], `${PASSWORD}\n`);
  const token = await ctl(ringcast, ['token', 'add', '--camera', 'cam1', '--ttl', '1h']);
  ringcast.start();
  await ringcast.streaming();
  return { ringcast, token };
}

async function logIn(ringcast, user) {
  const answer = await ask(ringcast.address, '/api/login', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ user, password: PASSWORD }),
  });
  assert.equal(answer.status, 200, answer.body);
  return { cookie: answer.headers['set-cookie'][0].split(';')[0] };
}

/* ---- The table ---- */

/** Ways in: how a visitor shows himself, and which cameras he may watch; null: nobody has to let him in. */
function waysIn(token, cookies) {
  const own = ['cam1'];
  const claims = jwt({ sub: 'jane', cameras: ['cam1'] });
  const bearer = (text) => ({ authorization: `Bearer ${text}` });
  const subprotocols = (text) => ({ protocols: ['ringcast', `ringcast.token.${text}`] });
  const forged = `${cookies.anna.cookie.slice(0, -3)}AAA`;
  return [
    { name: 'nothing', cameras: null },
    { name: 'session of anna', cameras: own, headers: cookies.anna },
    { name: 'session of otto', cameras: CAMERAS, headers: cookies.otto },
    { name: 'Basic of anna', cameras: own, headers: basic('anna', PASSWORD) },
    { name: 'Basic of otto', cameras: CAMERAS, headers: basic('otto', PASSWORD) },
    { name: 'token in a header', cameras: own, headers: bearer(token) },
    { name: 'token in the query', cameras: own, query: `?token=${token}` },
    { name: 'token in a cookie', cameras: own, headers: { cookie: `ringcast_token=${token}` } },
    { name: 'token as a subprotocol', cameras: own, socket: true, ...subprotocols(token) },
    { name: 'JWT in a header', cameras: own, headers: bearer(claims) },
    { name: 'JWT in the query', cameras: own, query: `?token=${claims}` },
    { name: 'JWT as a subprotocol', cameras: own, socket: true, ...subprotocols(claims) },
    { name: 'JWT as the first subprotocol', cameras: own, socket: true, protocols: [`ringcast.token.${claims}`, 'ringcast'] },
    { name: 'JWT with groups', cameras: ['cam2'], headers: bearer(jwt({ sub: 'joe', groups: ['yards'] })) },
    { name: 'proxy', cameras: own, from: PROXY, headers: { 'remote-user': 'anna' } },
    { name: 'proxy with a group', cameras: ['cam2'], from: PROXY, headers: { 'remote-user': 'paul', 'remote-groups': 'yards' } },
    { name: 'an old cookie of a token and a session', cameras: own, headers: { cookie: `ringcast_token=rct_0; ${cookies.anna.cookie}` } },
    { name: 'a proxy that is not trusted', cameras: null, headers: { 'remote-user': 'otto' } },
    { name: 'a proxy without a user', cameras: null, from: PROXY },
    { name: 'another token', cameras: null, headers: bearer(`${token.slice(0, -2)}xx`) },
    { name: 'a token that is cut off', cameras: null, query: `?token=${token.slice(0, -1)}` },
    { name: 'another token as a subprotocol', cameras: null, socket: true, ...subprotocols(`${token.slice(0, -2)}xx`) },
    { name: 'a forged session', cameras: null, headers: { cookie: forged } },
    { name: 'a JWT without a signature', cameras: null, headers: bearer(jwt({ sub: 'otto' }, { algorithm: 'none' })) },
    { name: 'a JWT of another key', cameras: null, headers: bearer(jwt({ sub: 'otto' }, { secret: `${SECRET}.` })) },
    { name: 'a JWT from before', cameras: null, headers: bearer(jwt({ sub: 'otto', exp: 1000000000 })) },
  ];
}

function expectedStatus({ cameras }, path, method) {
  const allowed = { '/api/login': ['POST'], '/api/logout': ['POST'] }[path] ?? READ;
  const isPublic = ['/login', '/ringcast-player.js', '/api/login', '/api/logout', '/nothing'].includes(path);
  if (!isPublic && !cameras) return 401;
  // A WebSocket is what there is at this path, and whoever may watch every camera may watch one that is not there, too.
  const mayWatch = (camera) => (cameras === CAMERAS && camera !== '') || cameras.includes(camera);
  if (path.startsWith('/live/')) return mayWatch(path.slice(6)) && !READ.includes(method) ? 405 : 404;
  if (!allowed.includes(method)) return 405;
  return { '/nothing': 404, '/api/login': 400, '/api/logout': 204 }[path] ?? 200;
}

const FORMS = [(name) => `/snapshot/${name}.jpg`, (name) => `/stream/${name}.mp4`, (name) => `/clip/${name}.mp4?from=-5`];
const PATHS = ['/', '/index.html', '/api/cameras', '/api/session', '/ringcast-player.js', '/api/login', '/api/logout', '/nothing'];

/** HLS has the rights of the stream, with every request; what may not be watched is answered as what is not there. */
async function tryHls(ringcast, way, hidden) {
  const absent = await ask(ringcast.address, '/hls/gone/index.m3u8', way);
  assert.equal(absent.status, way.cameras ? 404 : 401, `HLS of no camera with ${way.name}`);
  for (const camera of hidden) {
    assert.deepEqual(await ask(ringcast.address, `/hls/${camera}/index.m3u8`, way), absent, `HLS of ${camera} with ${way.name}`);
  }
}

/** The groups of GROUPS that have one of CAMERAS at least, with these alone, in the order of their patterns. */
function groupsOf({ settings: { groups } }, cameras) {
  const fits = (pattern) => CAMERAS.filter((name) => new RegExp(`^${pattern.replace('*', '.*')}$`).test(name));
  return groups
    .map(({ name, cameras: patterns }) => ({ name, cameras: patterns.flatMap(fits).filter((each) => cameras.includes(each)) }))
    .filter((group) => group.cameras.length > 0);
}

async function tryPaths(ringcast, way, methods) {
  const hidden = CAMERAS.filter((camera) => !way.cameras?.includes(camera));
  for (const method of methods) {
    for (const path of [...PATHS, ...CAMERAS.map((camera) => `/live/${camera}`), ...ABSENT.map((name) => `/live/${name}`)]) {
      if (path === '/api/logout' && method === 'POST') continue; // its own scenario
      const answer = await ask(ringcast.address, path, { ...way, method });
      assert.equal(answer.status, expectedStatus(way, path, method), `${method} ${path} with ${way.name}: ${answer.body}`);
      if (path === '/api/cameras' && answer.status === 200 && method === 'GET') {
        const { cameras, groups } = JSON.parse(answer.body);
        assert.deepEqual(cameras.map(({ name }) => name), way.cameras, way.name);
        assert.deepEqual(groups, groupsOf(ringcast, way.cameras), `groups with ${way.name}`);
      }
    }
    if (method === 'GET') await tryHls(ringcast, way, hidden);
    const absent = await ask(ringcast.address, '/live/gone', { ...way, method });
    for (const camera of hidden) {
      assert.deepEqual(await ask(ringcast.address, `/live/${camera}`, { ...way, method }), absent, `${method} ${camera} with ${way.name}`);
    }
    // What a camera has beside its stream: pictures, files. Nothing of it is asked for before the right is there.
    for (const form of FORMS) {
      const none = await ask(ringcast.address, form('gone'), { ...way, method });
      if (!way.cameras) assert.equal(none.status, 401, `${method} ${form('gone')} with ${way.name}`);
      else if (way.cameras !== CAMERAS) assert.equal(none.status, 404, `${method} ${form('gone')} with ${way.name}`);
      for (const camera of hidden) {
        assert.deepEqual(await ask(ringcast.address, form(camera), { ...way, method }), none, `${method} ${form(camera)} with ${way.name}`);
      }
    }
  }
}

async function tryViewers(ringcast, way) {
  const absent = await open(ringcast.address, 'gone', way);
  for (const camera of CAMERAS) {
    const expected = !way.cameras ? 401 : way.cameras.includes(camera) ? 101 : 404;
    const answer = await open(ringcast.address, camera, way);
    assert.equal(answer.status, expected, `a viewer of ${camera} with ${way.name}: ${JSON.stringify(answer)}`);
    if (expected === 101) assert.equal(answer.protocol, way.protocols ? 'ringcast' : '', way.name);
    else assert.deepEqual(answer, absent, `a viewer of ${camera} with ${way.name}`);
  }
  assert.equal((await open(ringcast.address, 'cam1', { ...way, query: way.query ? `${way.query}&stream=sub` : '?stream=sub' })).status, way.cameras ? 404 : 401);
}

let guesser = 0;

async function tryAll(ringcast, ways, methods = ['GET', 'POST']) {
  // A wrong password, from an address that has not guessed before.
  guesser++;
  const guess = { headers: basic('anna', `${PASSWORD}.`), from: `127.0.1.${guesser}` };
  for (const camera of ['cam1', 'gone']) assert.equal((await open(ringcast.address, camera, guess)).status, 401);
  // Viewers first: a process that does not know a password yet must find out before it says anything.
  for (const way of ways) {
    await tryViewers(ringcast, way);
    if (!way.socket) await tryPaths(ringcast, way, methods);
  }
}

scenario('the table: every way in, every path, every method, after every change of processes', async (stage) => {
  const { ringcast, token } = await begin(stage);
  const cookies = { anna: await logIn(ringcast, 'anna'), otto: await logIn(ringcast, 'otto') };
  const ways = waysIn(token, cookies);
  await tryAll(ringcast, ways, METHODS);

  const others = async (what, change, is) => {
    const before = await ringcast.status();
    await change(before);
    await ringcast.until(what, (status) => is(status, before));
    await tryAll(ringcast, ways);
  };
  const kill = ({ pid }) => process.kill(pid, 'SIGKILL');
  await others('other fan-outs', ({ fanouts }) => fanouts.forEach(kill), ({ fanouts }, before) =>
    fanouts.every(({ pid, state }, i) => state === 'running' && pid !== before.fanouts[i].pid));
  await others('another ringcast-password', ({ password }) => kill(password), ({ password }, before) =>
    password.state === 'running' && password.pid !== before.password.pid);
  await others('another ringcastd', async () => {
    ringcast.daemon.signal('SIGKILL');
    await ringcast.daemon.exited;
    ringcast.start();
  }, ({ fanouts, cameras }, before) =>
    fanouts.every(({ pid, state }, i) => state === 'running' && pid === before.fanouts[i].pid) && cameras.every(({ state }) => state === 'streaming'));
  await others('the restart', async () => {
    await ringcast.stop();
    ringcast.settings.listen = new URL(ringcast.address).host;
    ringcast.write();
    ringcast.start();
  }, ({ address, cameras }) => address && cameras.every(({ state }) => state === 'streaming'));

  // Other rights, for everyone whom the configuration names.
  ringcast.settings.auth.users[0].cameras = ['cam2'];
  ringcast.settings.groups = [{ name: 'gates', cameras: ['cam2', 'cam3'] }];
  ringcast.write();
  await ctl(ringcast, ['reload']);
  for (const way of ways) if (/anna/.test(way.name) || way.name === 'proxy' || /old cookie/.test(way.name)) way.cameras = ['cam2'];
  await waitUntil('anna to see another camera', async () => {
    const { body } = await ask(ringcast.address, '/api/cameras', { headers: cookies.anna });
    return body.includes('"cam2"') && body.includes('"gates"');
  });
  await tryAll(ringcast, ways);
  await ringcast.stop();
  for (const secret of [PASSWORD, token, SECRET, cookies.anna.cookie.split('=')[1], base64url('anna:'), basic('anna', PASSWORD).authorization.slice(6)]) {
    assert.ok(!ringcast.log.includes(secret), `${secret} is in a log`);
  }
}, { limit: 240000 });

scenario('not allowed takes as long as not there', async (stage) => {
  const { ringcast, token } = await begin(stage);
  const headers = { authorization: `Bearer ${token}` };
  const measure = async (camera) => {
    const start = process.hrtime.bigint();
    assert.equal((await open(ringcast.address, camera, { headers })).status, 404);
    return Number(process.hrtime.bigint() - start);
  };
  // By turns, so that a busy machine slows both. A true difference shows in every round.
  const ratios = [];
  for (let round = 0; round < 5; round++) {
    const times = { cam2: [], gone: [] };
    for (let i = 0; i < 60; i++) for (const camera of i % 2 ? ['cam2', 'gone'] : ['gone', 'cam2']) times[camera].push(await measure(camera));
    ratios.push(percentile(times.cam2, 50) / percentile(times.gone, 50));
    if (ratios.at(-1) > 0.8 && ratios.at(-1) < 1.25) return;
  }
  assert.fail(`not allowed / not there: ${ratios.map((ratio) => ratio.toFixed(2))}`);
});

scenario('a stream ends with its right, and nobody else notices', async (stage) => {
  const { ringcast, token } = await begin(stage);
  const anna = await logIn(ringcast, 'anna');
  const second = await logIn(ringcast, 'anna');
  const otto = await logIn(ringcast, 'otto');
  const bearer = (text) => ({ headers: { authorization: `Bearer ${text}` } });
  const watch = async (camera, options) => {
    const viewer = stage.viewer(ringcast, camera, options);
    await viewer.more(2);
    return viewer;
  };
  const closed = async (viewer, code, reason) => {
    await viewer.until(`close ${code}`, ({ closed }) => closed);
    assert.deepEqual(viewer.closed, { code, reason });
  };
  const steady = await watch('cam1', { headers: otto });
  const short = await ctl(ringcast, ['token', 'add', '--camera', 'cam1', '--ttl', '6s']);
  const once = await ctl(ringcast, ['token', 'add', '--camera', 'cam1', '--ttl', '1h', '--once']);

  // A token for one stream, of all processes.
  const only = await watch('cam1', bearer(once));
  for (let i = 0; i < 6; i++) assert.equal((await open(ringcast.address, 'cam1', bearer(once))).status, 401);
  // Many that come with it at the same moment: one gets in.
  const raced = await ctl(ringcast, ['token', 'add', '--camera', 'cam1', '--ttl', '1h', '--once']);
  const answers = await Promise.all(Array.from({ length: 20 }, () => open(ringcast.address, 'cam1', bearer(raced))));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [101, ...Array(19).fill(401)]);

  const expiring = await watch('cam1', bearer(short));
  await closed(expiring, 4401, 'log in again: expired');

  // A log-out ends the session's streams in every process, and no other session's.
  const streams = await Promise.all([1, 2, 3, 4].map(() => watch('cam1', { headers: anna })));
  const kept = await watch('cam1', { headers: second });
  assert.equal((await ask(ringcast.address, '/api/logout', { method: 'POST', headers: anna })).status, 204);
  for (const viewer of streams) await closed(viewer, 4401, 'log in again: revoked');
  await waitUntil('every process to know of the log-out', async () => {
    for (let i = 0; i < 12; i++) if ((await ask(ringcast.address, '/api/cameras', { headers: anna })).status !== 401) return false;
    return true;
  });
  assert.equal((await ask(ringcast.address, '/api/cameras', { headers: second })).status, 200);

  const id = token.split('_')[1];
  const holder = await watch('cam1', bearer(token));
  await ctl(ringcast, ['token', 'revoke', id]);
  await closed(holder, 4401, 'log in again: revoked');

  ringcast.settings.auth.users[0].cameras = ['cam2'];
  ringcast.write();
  const other = await watch('cam1', { headers: second });
  await ctl(ringcast, ['reload']);
  await closed(kept, 4404, 'no such camera');
  await closed(other, 4404, 'no such camera');
  const yard = await watch('cam2', { headers: second });
  await ctl(ringcast, ['user', 'logout', 'anna']);
  await closed(yard, 4401, 'log in again: revoked');

  await steady.more(5);
  await only.more(5);
  steady.assertConsecutive();
  only.assertConsecutive();
  assert.equal((await ctl(ringcast, ['viewers'])).match(/otto/g).length, 1, 'the list of viewers names them');
});
