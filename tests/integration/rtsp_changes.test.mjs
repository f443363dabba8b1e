// SPDX-License-Identifier: MIT
// RTSP out while things change: sub streams, cameras that are removed and renamed, another address, another ringcastd; and its bounds: the
// memory of a client that reads nothing, the ports for UDP.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { freePort } from '../support/ports.mjs';
import { buildDirectory, program, quickReuse, run } from '../support/processes.mjs';
import { RtspReader } from '../support/rtsp_reader.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const LIMIT_MS = 60_000;
const CLIENT_BYTES = 4 << 20; // that may wait for a client
const SANITIZED = /asan/.test(buildDirectory); // its allocator keeps what is freed for a while
const MORE_BYTES = (SANITIZED ? 64 : 12) << 20; // the group of pictures that it joined with, and the allocator's own
const ENOUGH_BYTES = 24 << 20; // what comes while one reads nothing
const rtsp = { listen: '127.0.0.1:0' };

const urlOf = async (ringcast) => (await ringcast.status()).rtsp;
const playing = (client) => waitUntil('pictures', () => client.pictures().length >= 5, LIMIT_MS);
const bytesOf = ({ packets }) => packets.reduce((sum, { payload }) => sum + payload.length, 0);

/** The answer to DESCRIBE, on a connection of its own. */
async function describe(url, options) {
  const client = await new RtspReader(url, options).connect();
  const { status } = await client.request('DESCRIBE', url, { Accept: 'application/sdp' });
  await client.close();
  return status;
}

/** What ffprobe says of the streams at URL. */
async function probe(url) {
  const args = ['-v', 'error', '-rtsp_transport', 'tcp', '-show_entries', 'stream=codec_name,width', '-of', 'json', url];
  const result = await run('ffprobe', args, { limit: LIMIT_MS });
  assert.equal(result.code, 0, result.stderr);
  return JSON.parse(result.stdout).streams;
}

async function reload(ringcast, settings) {
  Object.assign(ringcast.settings, settings);
  ringcast.write();
  const { code, stderr } = await ringcast.ctl('reload');
  assert.equal(code, 0, stderr);
}

scenario('sub streams, sound by Opus, and cameras and addresses that change while clients play', async (stage) => {
  const camera = await stage.camera(['--camera', 'front:size=640x360,audio=opus', '--camera', 'small:size=320x180', '--camera', 'yard']);
  const [front, small, yard] = camera.cameras.map(({ url }) => url);
  const cameras = [{ name: 'front', url: front, sub: small }, { name: 'yard', url: yard }];
  const ringcast = stage.instance({ cameras, rtsp }).start();
  await ringcast.streaming(['front', 'yard', 'front/sub']);
  const url = await urlOf(ringcast);

  const streams = await probe(`${url}front`);
  assert.deepEqual(streams.map(({ codec_name, width }) => [codec_name, width]), [['h264', 640], ['opus', undefined]]);
  assert.deepEqual((await probe(`${url}front/sub`)).map(({ width }) => width), [320]);
  assert.equal(await describe(`${url}yard/sub`), 404, 'a camera without a sub stream');
  const output = ['-map', '0:a', '-frames:a', '30', '-f', 'null', '-'];
  const heard = await run('ffmpeg', ['-nostdin', '-v', 'error', '-xerror', '-rtsp_transport', 'tcp', '-i', `${url}front`, ...output], { limit: LIMIT_MS });
  assert.deepEqual([heard.code, heard.stderr], [0, ''], 'Opus is decoded without an error');

  // A camera that gets another name is another camera; those that stay play on.
  const [gone, other] = [await new RtspReader(`${url}yard`).play(), await new RtspReader(`${url}front/sub`).play()];
  await Promise.all([gone, other].map(playing));
  await reload(ringcast, { cameras: [cameras[0], { name: 'garden', url: yard }] });
  await ringcast.streaming(['garden']);
  await waitUntil('the end of who plays a camera that is gone', () => gone.closed, LIMIT_MS);
  assert.equal(await describe(`${url}yard`), 404);
  const again = await new RtspReader(`${url}garden`).play();
  await playing(again);

  // Another address: new clients find it there and not here.
  const moved = { listen: `127.0.0.1:${await freePort()}` };
  await reload(ringcast, { rtsp: moved });
  const next = await waitUntil('the other address', async () => {
    const now = await urlOf(ringcast);
    return now !== url && now;
  }, LIMIT_MS);
  assert.equal(next, `rtsp://${moved.listen}/`);
  assert.equal(await describe(`${next}garden`), 200);
  const socket = net.connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
  const [error] = await once(socket, 'error');
  assert.equal(error.code, 'ECONNREFUSED');
  const before = other.pictures().length;
  await waitUntil('pictures of a client that came by the first address', () => other.pictures().length > before + 5, LIMIT_MS);
  assert.equal(other.closed, false, 'no change was its camera');
  for (const client of [again, other]) await client.close();
  await ringcast.stop();
}, { limit: 4 * LIMIT_MS });

scenario('port 0 and the port that it got are one door, also for the next ringcastd: clients of RTSP have their pictures', async (stage) => {
  const camera = await stage.camera(['--camera', 'front']);
  const ringcast = await stage.ringcast(camera, {}, { rtsp });
  const { address, rtsp: door } = await ringcast.status();
  const url = `${door}front`;
  const client = await new RtspReader(url).play();
  await playing(client);
  await reload(ringcast, { rtsp });
  await reload(ringcast, { listen: new URL(address).host, rtsp: { listen: /[^/]+:\d+/.exec(door)[0] } });
  assert.equal(await urlOf(ringcast), door);
  assert.equal((await ringcast.status()).address, address);
  const played = client.pictures().length;
  await waitUntil('more pictures', () => client.pictures().length > played + 5, LIMIT_MS);
  assert.equal(client.closed, false);
  await ringcast.daemon.stop('SIGKILL');
  ringcast.start();
  await ringcast.streaming();
  assert.equal(await urlOf(ringcast), door);
  assert.equal((await ringcast.status()).address, address);
  const before = client.pictures().length;
  await waitUntil('the end of the client, or more pictures', () => client.closed || client.pictures().length > before + 5, LIMIT_MS);
  const next = await new RtspReader(url).play();
  await playing(next);
  await ringcast.until('the viewers to be counted', ({ programs }) => programs.rtsp?.viewers === (client.closed ? 1 : 2));
  for (const one of [client, next]) await one.close();
  await ringcast.until('nobody', ({ programs }) => programs.rtsp.viewers === 0);
  await ringcast.stop();
}, { limit: 3 * LIMIT_MS });

const resident = (pid) => Number(/^Pss_Anon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) * 1024;

scenario('a client that reads nothing costs a bounded amount of memory; a right that ends, ends what plays', async (stage) => {
  const camera = await stage.camera(['--camera', 'front:size=640x360,bitrate=30000,noise=80,fps=25,gop=10']);
  const ringcast = stage.instance({ cameras: camera.cameras.map(({ name, url }) => ({ name, url })), rtsp, auth: {} });
  const ctl = async (...args) => {
    const result = await run(program('ringcastctl'), ['--config', ringcast.config, ...args]);
    assert.equal(result.code, 0, result.stderr);
    return result.stdout.trim();
  };
  const tokens = [await ctl('token', '--ttl', '1h', '--camera', 'front'), await ctl('token', '--ttl', '1h', '--camera', 'front')];
  ringcast.start({ env: quickReuse });
  await ringcast.streaming();
  const url = `${await urlOf(ringcast)}front`;
  const [quick, slow] = await Promise.all(tokens.map((password) => new RtspReader(url, { user: 'token', password }).play()));
  await Promise.all([quick, slow].map(playing));
  slow.socket.pause();
  const { pid } = (await ringcast.until('two viewers', ({ programs }) => programs.rtsp.viewers === 2)).programs.rtsp;
  const [memory, bytes] = [resident(pid), bytesOf(quick)];
  let most = memory;
  await waitUntil('much more to have come', () => {
    most = Math.max(most, resident(pid));
    return slow.closed || bytesOf(quick) - bytes > ENOUGH_BYTES;
  }, LIMIT_MS);
  assert.ok(most - memory < CLIENT_BYTES + MORE_BYTES, `${(most - memory) / 1e6} MB more for one client`);
  slow.socket.destroy();

  const before = quick.pictures().length;
  await waitUntil('pictures', () => quick.pictures().length > before, LIMIT_MS);
  await ctl('token', 'revoke', tokens[0].split('_')[1]);
  await waitUntil('the end of who may no longer watch', () => quick.closed, LIMIT_MS);
  assert.equal(await describe(url, { user: 'token', password: tokens[0] }), 401);
  assert.equal(await describe(url, { user: 'token', password: tokens[1] }), 200, 'the other token is as good as before');
  await ringcast.stop();
}, { limit: 3 * LIMIT_MS });

scenario('UDP uses the ports that it may, and clients of a stream share them', async (stage) => {
  const camera = await stage.camera(['--names', 'front']);
  const first = 2 * Math.ceil((await freePort({ udp: true })) / 2);
  const last = first + 15;
  const ringcast = await stage.ringcast(camera, {}, { rtsp: { ...rtsp, udp_ports: `${first}-${last}` } });
  const url = `${await urlOf(ringcast)}front`;
  const clients = [];
  for (let i = 0; i < 2; i++) {
    const client = await new RtspReader(url, { udp: true }).play();
    clients.push(client);
    await playing(client);
  }
  const ports = clients.map(({ transport }) => Number(/server_port=(\d+)/.exec(transport)[1]));
  assert.ok(ports[0] >= first && ports[0] < last, `${ports[0]} of ${first}-${last}`);
  assert.equal(ports[1], ports[0]);
  for (const client of clients) await client.close();
  await ringcast.stop();
}, { limit: 3 * LIMIT_MS });
