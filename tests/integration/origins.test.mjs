// SPDX-License-Identifier: MIT
// Whose pages may ask, over all processes: what a refusal says, what a reload changes, and what TLS adds.
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import WebSocket from 'ws';
import { program, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const ORIGIN = 'https://nvr.example';
const PROXY = '127.0.0.2'; // all of 127.0.0.0/8 is this machine

/** {status, headers, body} of a GET; of a refused upgrade with the headers of one. */
async function get(url, options = {}) {
  const request = (url.startsWith('https:') ? https : http).get(url, { agent: false, ...options });
  const [response] = await once(request, 'response');
  let body = '';
  for await (const part of response) body += part;
  return { status: response.statusCode, headers: response.headers, body };
}

/** The answer to a WebSocket: {status, body}. */
function open(address, options) {
  const url = new URL('live/cam1', address);
  url.protocol = url.protocol.replace('http', 'ws');
  const socket = new WebSocket(url, options);
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      resolve({ status: 101 });
      socket.terminate();
    });
    socket.once('unexpected-response', async (request, response) => {
      let body = '';
      for await (const part of response) body += part;
      resolve({ status: response.statusCode, body });
    });
    socket.once('error', reject);
  });
}

const refusals = (ringcast) => ringcast.log.split('\n').filter((line) => line.includes('foreign pages'));

scenario('a refusal says what differs and what to set, and setting it helps', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = await stage.ringcast(camera, {}, { fanout: { processes: 2 } });
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(5);
  const { host } = new URL(ringcast.address);
  const refused = await open(ringcast.address, { origin: ORIGIN });
  assert.equal(refused.status, 403);
  for (const words of [`"${ORIGIN}"`, `"http(s)://${host}"`, `origins = ( "${ORIGIN}" )`, 'trusted_proxies']) assert.ok(refused.body.includes(words), refused.body);
  await waitUntil('the line in the log', () => refusals(ringcast).length > 0);
  assert.ok(refusals(ringcast)[0].includes(`"${ORIGIN}"`) && refusals(ringcast)[0].includes('from 127.0.0.1'), refusals(ringcast)[0]);

  // Whoever asks a hundred times fills no log: one line for each fan-out.
  for (let i = 0; i < 100; i++) assert.equal((await open(ringcast.address, { origin: `https://${i}.example` })).status, 403);
  assert.ok(refusals(ringcast).length <= 2, refusals(ringcast).join('\n'));

  // Nor does whoever says to be a proxy.
  const asIfProxied = { headers: { 'X-Forwarded-For': '192.0.2.7' } };
  for (let i = 0; i < 30; i++) assert.equal((await get(`${ringcast.address}api/cameras`, asIfProxied)).status, 200);
  const hints = () => ringcast.log.split('\n').filter((line) => line.includes('trusted_proxies = ( "127.0.0.1" )'));
  await waitUntil('the hint in the log', () => hints().length > 0);
  assert.ok(hints().length <= 2, 'once for each fan-out');

  // The setting holds for all fan-outs from the reload on, and after the restart of one; who watches notices nothing.
  ringcast.settings.origins = [ORIGIN];
  ringcast.write();
  assert.equal((await ringcast.ctl('reload')).code, 0);
  await waitUntil('the origin in all fan-outs', async () => {
    for (let i = 0; i < 8; i++) if ((await open(ringcast.address, { origin: ORIGIN })).status !== 101) return false;
    return true;
  });
  await viewer.more(10);
  viewer.assertConsecutive();
  assert.equal((await open(ringcast.address, { origin: 'https://evil.example' })).status, 403);
  const { fanouts } = await ringcast.status();
  for (const { pid } of fanouts) process.kill(pid, 'SIGKILL');
  await ringcast.until('other fan-outs', (status) => status.fanouts.every(({ pid, state }) => state === 'running' && fanouts.every((old) => old.pid !== pid)));
  for (let i = 0; i < 8; i++) assert.equal((await open(ringcast.address, { origin: ORIGIN })).status, 101);

  // A configuration that is wrong changes nothing.
  ringcast.settings.origins = ['*'];
  ringcast.write();
  const wrong = await ringcast.ctl('reload');
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.stderr, /ringcast\.conf:\d+: origins/);
  assert.equal((await open(ringcast.address, { origin: ORIGIN })).status, 101);
});

scenario('https behind and beside a proxy', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  mkdirSync(stage.file('identity'));
  const made = await run(program('ringcastctl'), ['tls', 'self-signed', 'localhost', '127.0.0.1', '--output', stage.file('identity'), '--json']);
  assert.equal(made.code, 0, made.stderr);
  const { certificate, key } = JSON.parse(made.stdout);
  const ringcast = await stage.ringcast(camera, {}, { tls: { certificate, key }, hsts: 600, base_path: '/cams', trusted_proxies: [PROXY] });
  const ca = readFileSync(certificate);
  const secure = ringcast.address;
  const plain = secure.replace('https:', 'http:');
  const { host } = new URL(secure);

  const direct = await get(secure, { ca });
  assert.equal(direct.status, 200);
  assert.equal(direct.headers['strict-transport-security'], 'max-age=600');
  const redirect = await get(`${plain}camera.html?camera=a`);
  assert.deepEqual([redirect.status, redirect.headers.location], [308, `https://${host}/cams/camera.html?camera=a`]);
  assert.equal(redirect.headers['strict-transport-security'], undefined, 'not over plain HTTP: RFC 6797, 7.2');
  assert.equal((await get(`${plain}cams/`)).headers.location, `https://${host}/cams/`);

  // A proxy whose visitor came over https need not encrypt the last step; nobody else may leave it out.
  const by = (proto) => ({ localAddress: PROXY, headers: { Host: 'nvr.example', 'X-Forwarded-Proto': proto, 'X-Forwarded-For': '192.0.2.7' } });
  const served = await get(plain, by('https'));
  assert.deepEqual([served.status, served.headers['strict-transport-security']], [200, 'max-age=600']);
  const sent = await get(plain, by('http'));
  assert.deepEqual([sent.status, sent.headers.location], [308, 'https://nvr.example/cams/']);
  assert.equal((await get(plain, { ...by('https'), localAddress: '127.0.0.1' })).status, 308);
  assert.equal((await open(plain, { ...by('https'), origin: 'https://nvr.example' })).status, 101);
  assert.equal((await open(plain, { ...by('https'), origin: 'http://nvr.example' })).status, 403);
});
