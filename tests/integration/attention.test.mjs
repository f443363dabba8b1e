// SPDX-License-Identifier: MIT
// Events that ask for attention, and the list of cameras as it is told: by whom, to whom, over several fan-outs, and until the right ends.
import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import WebSocket from 'ws';
import { program, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

async function ctl(ringcast, args, { code = 0, input = '' } = {}) {
  const result = await run(program('ringcastctl'), ['--config', ringcast.config, ...args], { input });
  assert.equal(result.code, code, `${args.join(' ')}: ${result.stderr}`);
  return code === 0 ? result.stdout.trim() : result.stderr;
}

const token = (ringcast, args) => ctl(ringcast, ['token', 'add', '--ttl', '1h', ...args]);

async function post(ringcast, event, { bearer, headers = {}, agent = false, body = JSON.stringify(event) } = {}) {
  const request = http.request(new URL('event', ringcast.address), {
    method: 'POST', agent, headers: { 'content-type': 'application/json', ...(bearer && { authorization: `Bearer ${bearer}` }), ...headers },
  });
  request.end(body);
  const [response] = await once(request, 'response');
  const parts = [];
  for await (const part of response) parts.push(part);
  return { status: response.statusCode, text: Buffer.concat(parts).toString(), headers: response.headers };
}

/** Who follows: the names of the newest list, and all events. */
class Follower {
  events = [];
  lists = 0;
  closed = null;

  constructor(ringcast, bearer) {
    const url = new URL('api/events', ringcast.address);
    url.protocol = 'ws:';
    this.socket = new WebSocket(url, bearer ? { headers: { authorization: `Bearer ${bearer}` } } : {});
    this.socket.on('message', (text) => this.#take(JSON.parse(text)));
    this.socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    this.socket.on('unexpected-response', (request, { statusCode }) => (this.status = statusCode));
    this.socket.on('error', () => {});
  }

  #take({ cameras, groups, event }) {
    if (cameras) {
      this.names = cameras.map(({ name }) => name);
      this.states = cameras.map(({ state }) => state);
      this.groups = groups;
      this.lists++;
    }
    if (event) this.events.push(event);
  }

  until(what, condition) {
    return waitUntil(what, () => condition(this));
  }
}

scenario('events reach all who may watch the camera, in every fan-out, and nobody else', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = stage.instance({
    cameras: camera.cameras.map(({ name, url }) => ({ name, url })), fanout: { processes: 2 }, auth: {}, groups: [{ name: 'yard', cameras: ['cam2'] }],
  });
  const [all, one, operator, narrow] = [await token(ringcast, ['--camera', '*']), await token(ringcast, ['--camera', 'cam1']),
    await token(ringcast, ['--camera', '*', '--role', 'operator']), await token(ringcast, ['--camera', 'cam1', '--role', 'operator'])];
  ringcast.start();
  await ringcast.streaming();

  // So many that both processes have some.
  const followers = Array.from({ length: 8 }, () => new Follower(ringcast, all));
  const guest = new Follower(ringcast, one);
  const stranger = new Follower(ringcast);
  for (const follower of followers) await follower.until('the list', ({ names }) => names?.join() === 'cam1,cam2');
  await guest.until('the list', ({ names }) => names?.join() === 'cam1');
  assert.deepEqual([followers[0].groups, guest.groups], [[{ name: 'yard', cameras: ['cam2'] }], []]);
  await stranger.until('a refusal', ({ status }) => status === 401);

  const event = { camera: 'cam2', text: 'Somebody at the gate', for: 30, large: true };
  assert.equal((await post(ringcast, event, { bearer: operator })).status, 204);
  for (const { events, until } of followers.map((follower) => ({ events: follower.events, until: follower.until.bind(follower) }))) {
    await until('the event', () => events.length === 1);
    assert.deepEqual({ ...events[0], for: 30 }, { ...event, first: false, sound: false });
    assert.ok(events[0].for > 20 && events[0].for <= 30);
  }
  const late = new Follower(ringcast, all);
  await late.until('what is still in force', ({ events }) => events.length === 1);

  // Who may not: each is refused, and tells nobody.
  const status = async (...args) => (await post(ringcast, ...args)).status;
  assert.equal(await status(event), 401);
  assert.equal(await status(event, { bearer: all }), 403);
  assert.equal(await status(event, { bearer: narrow }), 404);
  assert.equal((await post(ringcast, event, { bearer: narrow })).text, (await post(ringcast, { ...event, camera: 'gone' }, { bearer: narrow })).text);
  assert.equal(await status({ ...event, camera: 'gone' }, { bearer: operator }), 404);
  assert.equal(await status(event, { bearer: operator, headers: { origin: 'https://elsewhere.example' } }), 403);
  assert.equal(await status(event, { bearer: operator, headers: { 'content-type': 'text/plain' } }), 415);
  assert.equal(await status({ ...event, colour: 'red' }, { bearer: operator }), 400);
  assert.equal(await status({ ...event, for: 1e9 }, { bearer: operator }), 400);
  assert.equal(await status(null, { bearer: operator, body: '{' }), 400);
  const get = await run('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', '-H', `Authorization: Bearer ${operator}`, `${ringcast.address}event`]);
  assert.equal(get.stdout, '405');

  // ringcastctl, which also ends it.
  assert.match(await ctl(ringcast, ['event', 'cam3'], { code: 1 }), /did you mean "cam[12]"/);
  assert.match(await ctl(ringcast, ['event', 'cam1', '--for', 'soon'], { code: 2 }), /20s/);
  assert.match(await ctl(ringcast, ['status', '--sound'], { code: 2 }), /no option --sound/);
  await ctl(ringcast, ['event', 'cam1', '--text', 'Tür', '--for', '1m', '--first', '--sound']);
  await ctl(ringcast, ['event', 'cam2', '--for', '0']);
  for (const follower of followers) await follower.until('both', ({ events }) => events.length === 3);
  await guest.until('its own', ({ events }) => events.length === 1);
  assert.deepEqual({ ...guest.events[0], for: 60 }, { camera: 'cam1', text: 'Tür', for: 60, large: false, first: true, sound: true });
  assert.deepEqual(followers[0].events.map(({ camera: name, for: seconds }) => [name, seconds > 0]), [['cam2', true], ['cam1', true], ['cam2', false]]);

  // Other processes tell what is in force, and it goes on.
  const before = (await ringcast.status()).fanouts;
  for (const { pid } of before) process.kill(pid, 'SIGKILL');
  await ringcast.until('other fan-outs', ({ fanouts }) => fanouts.every(({ pid, state }, i) => state === 'running' && pid !== before[i].pid));
  const again = new Follower(ringcast, all);
  await again.until('the event that is left', ({ events }) => events.length === 1 && events[0].camera === 'cam1');

  // A flood is slowed; the page goes on.
  const flood = [];
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < 300; i++) flood.push(await post(ringcast, { camera: 'cam1', text: String(i) }, { bearer: operator, agent }));
  agent.destroy();
  const slowed = flood.filter(({ status: code, text }) => code === 429 && /too many events/.test(text));
  assert.ok(slowed.length > 0 && slowed.every(({ headers }) => headers['retry-after'] === '1'));

  // A change of the list comes by itself, and the right ends at once.
  const [id] = [one.split('_')[1]];
  const holder = new Follower(ringcast, one);
  await holder.until('the list', ({ lists }) => lists > 0);
  await ctl(ringcast, ['camera', 'disable', 'cam2']);
  await again.until('the change', ({ states }) => states?.[1] === 'disabled');
  await ctl(ringcast, ['token', 'revoke', id]);
  await holder.until('the end', ({ closed }) => closed);
  assert.deepEqual(holder.closed, { code: 4401, reason: 'log in again: revoked' });
  assert.equal(again.closed, null);
  again.socket.send('x'.repeat(5000));
  await again.until('the end of one who talks', ({ closed }) => closed?.code === 1008);
  await ringcast.stop();
}, { limit: 120000 });
