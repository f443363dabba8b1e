// SPDX-License-Identifier: MIT
// What every process does in every state, counted in wake-ups a second: one that waits sleeps, and one that streams wakes a few
// times for each picture. A process that spins is found by the time for which it could run, whether it sleeps in between or not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import net from 'node:net';
import { RtspProxy } from '../support/rtsp_proxy.mjs';
import { ofKeyframe, parseRtp } from '../support/rtp.mjs';
import { scenario } from '../support/scenario.mjs';
import { sleep, waitUntil } from '../support/wait.mjs';

const WINDOW_MS = 5000;
const FPS = 10;

// Timers, signs of life, reports: what a process at rest may do.
const AT_REST = 6;
// Signs of life and figures of a worker, which ringcastd reads.
const EACH_WORKER = 4;
// A picture comes in several packets, each of which may wake its reader; a report, or a sign of life, too.
const EACH_PICTURE = 6;
// A worker whose log-in is held has one timer, which is minutes away.
const ASLEEP = 0.5;
// The share of the time for which a process runs or waits for a core. One that spins does one or the other all the time.
const BUSY = 0.5;

const SESSION_S = 2;

/** All threads of PID since they began: how often they went to sleep, and for how many ms they ran or wanted to. */
function activity(pid) {
  const sum = { sleeps: 0, busy: 0 };
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const read = (file) => readFileSync(`/proc/${pid}/task/${task}/${file}`, 'utf8');
    const [ran, waited] = read('schedstat').split(' ').map(Number);
    sum.sleeps += Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(read('status'))[1]);
    sum.busy += (ran + waited) / 1e6;
  }
  return sum;
}

/** Fails if a process of PROCESSES ({name, pid, wakeups, busy}) wakes up more often a second, or could run for more of it. */
async function assertCalm(what, processes) {
  const look = () => processes.map(({ pid }) => ({ at: performance.now(), ...activity(pid) }));
  const before = look();
  await sleep(WINDOW_MS);
  const restless = look().flatMap(({ at, sleeps, busy }, i) => {
    const [{ name, ...most }, ms] = [processes[i], at - before[i].at];
    const found = { wakeups: (1000 * (sleeps - before[i].sleeps)) / ms, busy: (busy - before[i].busy) / ms };
    const said = `${what}: ${name}: ${found.wakeups.toFixed(1)} wake-ups a second (at most ${most.wakeups}), ${(100 * found.busy).toFixed(1)} % busy (${100 * most.busy})`;
    console.log(said);
    return found.wakeups > most.wakeups || found.busy > most.busy ? [said] : [];
  });
  assert.deepEqual(restless, []);
}

const resting = (name, pid) => ({ name, pid, wakeups: AT_REST, busy: BUSY });
const working = (name, pid) => ({ name, pid, wakeups: AT_REST + EACH_PICTURE * FPS, busy: BUSY });

/** A proxy before the first camera of CAMERA, with FAULT. */
async function through(camera, fault = {}) {
  const proxy = await new RtspProxy(camera.url()).listen();
  proxy.fault = fault;
  return proxy;
}

/** Passes on what belongs to no keyframe. */
function withoutKeyframes() {
  let keyframe = false;
  return (packet) => {
    if (!packet.video || packet.rtcp) return [packet];
    keyframe ||= ofKeyframe(packet.data);
    const dropped = keyframe;
    if (parseRtp(packet.data).marker) keyframe = false;
    return dropped ? [] : [packet];
  };
}

/** Sessions of SESSION_S seconds, whose keepalives get no answer. */
const withoutKeepalives = () => ({
  answer: ({ method }, { requests }) => (['OPTIONS', 'GET_PARAMETER', 'SET_PARAMETER'].includes(method) && requests.includes('PLAY') ? true : undefined),
  reply: (text) => text.replace(/^(Session: *[^;\r\n]*).*$/im, `$1;timeout=${SESSION_S}`),
});

/** Takes no password. */
const withoutMercy = () => ({
  answer: ({ sequence }) => `RTSP/1.0 401 Unauthorized\r\nCSeq: ${sequence}\r\nWWW-Authenticate: Digest realm="r", nonce="n"\r\n\r\n`,
});

/** A port where connections are accepted and nothing is ever said. */
async function silentServer() {
  const sockets = new Set();
  const server = net.createServer((socket) => sockets.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: `rtsp://127.0.0.1:${server.address().port}/camera`, close };
}

/** A port where nothing listens. */
async function refusingUrl() {
  const { url, close } = await silentServer();
  close();
  return url;
}

/** The cameras by their names. */
const byName = ({ cameras }) => Object.fromEntries(cameras.map((camera) => [camera.name, camera]));

scenario('a worker in each state, and every other process at rest', async (stage) => {
  const camera = await stage.camera(['--fps', String(FPS), '--gop', String(FPS), '--size', '160x90']);
  const silent = await silentServer();
  const keyless = await through(camera, { packet: withoutKeyframes() });
  const lost = await through(camera);
  const deaf = await through(camera, withoutKeepalives());
  const locked = await through(camera, withoutMercy());
  try {
    const urls = { refused: await refusingUrl(), silent: silent.url, keyless: keyless.url, lost: lost.url, deaf: deaf.url, well: camera.url() };
    const cameras = Object.entries(urls).map(([name, url]) => ({ name, url, transport: 'tcp' }));
    const asleep = { name: 'asleep', url: camera.url(), on_demand: true, on_demand_idle: 1 };
    const held = { name: 'held', url: locked.url, username: 'admin', password: 'wrong' };
    const ringcast = stage.instance({ cameras: [...cameras, asleep, held], admin: '127.0.0.1:0' }).start();
    await ringcast.streaming(['well', 'lost', 'deaf']);
    lost.refuse();
    lost.cut();
    const { connection } = deaf;
    await waitUntil('two keepalives that get no answer', () => connection.requests.slice(connection.requests.indexOf('PLAY')).length > 2);
    await waitUntil('a log-in to be held for minutes', () => /held\]? .*2 log-ins since/.test(ringcast.log), 90000);
    const status = await ringcast.until('each state', (now) => {
      const by = byName(now);
      const refused = [by.lost, by.refused].every(({ error }) => /connection refused/.test(error ?? ''));
      return refused && /waiting for a keyframe/.test(by.keyless.error ?? '') && by.asleep.state === 'idle' && by.asleep.pid === null && by.held.state === 'failed';
    });
    const by = byName(status);
    const worker = (kind) => (name) => kind(name, by[name].pid);
    const [{ pid: fanout }] = status.fanouts;
    await assertCalm('no viewers', [
      ...['refused', 'silent', 'lost'].map(worker(resting)),
      ...['keyless', 'deaf', 'well'].map(worker(working)),
      ...['keeper', 'template', 'exporter'].map((name) => resting(name, status[name].pid)),
      { ...resting('held', by.held.pid), wakeups: ASLEEP },
      resting('fanout', fanout),
      { ...resting('ringcastd', ringcast.pid), wakeups: AT_REST + EACH_WORKER * cameras.length },
    ]);
    assert.equal(deaf.connection, connection, 'it is still the same session');

    const viewer = stage.viewer(ringcast, 'well');
    await viewer.more(FPS);
    await assertCalm('a viewer', [working('fanout', fanout)]);
    viewer.socket.send('{"type":"pause"}');
    await ringcast.until('the pause', (now) => byName(now).well.viewers === 0);
    await assertCalm('a paused viewer', [resting('fanout', fanout)]);
    viewer.assertOpen();
  } finally {
    silent.close();
    for (const proxy of [keyless, lost, deaf, locked]) proxy.close();
  }
});
