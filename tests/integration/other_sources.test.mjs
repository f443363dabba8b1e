// SPDX-License-Identifier: MIT
// What is no RTSP, and is left to libavformat: MPEG-TS and FLV over HTTP, RTMP and SRT. Independent servers at the other end:
// node's for HTTP, FFmpeg's for the others.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { decode, probe } from '../support/media.mjs';
import { freePort } from '../support/ports.mjs';
import { commandLine, descendants, isAlive } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const FPS = 25;
const WATCHED_S = 2;
const BACK_LIMIT_MS = 60000;

// A source is there at once, as a camera is, and in real time.
const source = [
  ...['-v', 'error', '-nostdin', '-re', '-f', 'lavfi', '-i', `testsrc=size=192x128:rate=${FPS}`, '-re', '-f', 'lavfi', '-i', 'sine'],
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', `${FPS}`, '-pix_fmt', 'yuv420p', '-c:a', 'aac'],
];

/** An HTTP server that gives each client a stream of its own in FORMAT, and asks for USER's PASSWORD if there is one. */
class HttpCamera {
  constructor(format, { user, password } = {}) {
    this.served = [];
    this.refused = 0; // requests with credentials
    const wanted = user && `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    this.server = http.createServer((request, response) => {
      if (wanted && request.headers.authorization !== wanted) {
        this.refused += request.headers.authorization !== undefined;
        response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="camera"' }).end();
        return;
      }
      const encoder = spawn('ffmpeg', [...source, '-flush_packets', '1', '-f', format, 'pipe:1'], { stdio: ['ignore', 'pipe', 'inherit'] });
      response.writeHead(200, { 'Content-Type': 'application/octet-stream' });
      encoder.stdout.pipe(response);
      response.on('close', () => encoder.kill('SIGKILL'));
      this.served.push({ encoder, response });
    });
  }

  async listen() {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  url(scheme = 'http') {
    return `${scheme}://127.0.0.1:${this.server.address().port}/live`;
  }

  /** The newest stream hangs, with its connection up. */
  hang() {
    const { encoder, response } = this.served.at(-1);
    encoder.stdout.unpipe(response).resume();
  }

  /** Ends the newest stream in order. */
  end() {
    this.served.at(-1).response.end();
  }

  async close() {
    this.server.close();
    this.server.closeAllConnections();
    for (const { encoder } of this.served) encoder.kill('SIGKILL');
    await waitUntil('the encoders to end', () => this.served.every(({ encoder }) => encoder.exitCode !== null || encoder.signalCode !== null));
  }
}

/** FFmpeg, which waits for one client at URL and ends with it. */
const listening = (stage, url, ...options) => stage.start('ffmpeg', [...source, ...options, url]);

/** Watches camera NAME for some seconds: in real time, without a gap, and all of it decodes. */
async function assertPlays(stage, ringcast, name) {
  const viewer = stage.viewer(ringcast, name);
  await viewer.until('some seconds', ({ fragments }) => fragments.length >= WATCHED_S * FPS, BACK_LIMIT_MS);
  viewer.assertOpen();
  viewer.assertConsecutive();
  const { fragments } = viewer;
  const seconds = ({ video }) => (Number(video.decodeTime) + video.samples[0].offset) / video.timescale;
  const shown = seconds(fragments.at(-1)) - seconds(fragments[0]);
  assert.ok(Math.abs(shown - (fragments.length - 1) / FPS) < 0.2, `${name}: ${fragments.length} frames in ${shown} s`);
  const file = stage.file(`${name}.mp4`, viewer.recording());
  const kept = fragments.filter(({ init }) => init === viewer.inits.length).length;
  assert.equal(await decode(file), kept, `${name}: as many frames as fragments`);
  assert.deepEqual((await probe(file)).map(({ codec_name }) => codec_name), ['h264', 'aac']);
  assert.ok(fragments.some(({ audio }) => audio), `${name}: sound`);
  return viewer;
}

scenario('MPEG-TS and FLV over HTTP', async (stage) => {
  const secret = { user: 'ad min', password: 'p@ss:w/rd#1' };
  const [transport, flash] = await Promise.all([new HttpCamera('mpegts', secret).listen(), new HttpCamera('flv').listen()]);
  try {
    const cameras = [
      { name: 'transport', url: transport.url(), username: secret.user, password: secret.password },
      { name: 'flash', url: flash.url() },
      { name: 'locked', url: transport.url() },
    ];
    const ringcast = stage.instance({ cameras }).start();
    await ringcast.streaming(['transport', 'flash']);
    const viewers = await Promise.all(['transport', 'flash'].map((name) => assertPlays(stage, ringcast, name)));
    const before = await ringcast.status();

    // One server ends the stream, the other one's hangs: the same workers dial again.
    const served = [transport, flash].map((server) => server.served.length);
    transport.end();
    flash.hang();
    await waitUntil('another request', () => transport.served.length > served[0], BACK_LIMIT_MS);
    const hung = ({ state, error }) => state === 'stalled' && /no video for 5 s$/.test(error);
    await viewers[1].until('the state to show it', ({ states }) => states.some(hung), BACK_LIMIT_MS);
    await waitUntil('another request', () => flash.served.length > served[1], BACK_LIMIT_MS);
    for (const viewer of viewers) {
      await viewer.more(2 * FPS, BACK_LIMIT_MS);
      viewer.assertOpen();
      viewer.assertConsecutive();
      await decode(stage.file('again.mp4', viewer.recording()));
      const [was, is] = [before, await ringcast.status()].map(({ cameras: all }) => all.find(({ name }) => name === viewer.camera));
      assert.equal(is.pid, was.pid);
      assert.ok(is.discontinuities > was.discontinuities, 'a new connection is counted');
    }

    const { error } = (await ringcast.until('a reason', ({ cameras: all }) => all[2].error)).cameras[2];
    assert.match(error, /username|password|401/);
    for (const word of [secret.password, encodeURIComponent(secret.password)]) {
      assert.ok(!ringcast.log.includes(word), 'the password is in the log');
      const running = [ringcast.pid, ...descendants(ringcast.pid)];
      for (const pid of running.filter(isAlive)) assert.ok(!commandLine(pid).includes(word));
    }
    await ringcast.stop();
  } finally {
    await Promise.all([transport.close(), flash.close()]);
  }
});

scenario('a wrong password over HTTP is tried once', async (stage) => {
  const camera = await new HttpCamera('mpegts', { user: 'admin', password: 'right' }).listen();
  try {
    const cameras = (password) => ['one', 'two', 'three'].map((name) => ({ name, url: camera.url(), username: 'admin', password }));
    const ringcast = stage.instance({ cameras: cameras('wrong') }).start();
    const held = ({ state, error }) => state === 'failed' && /refuses the username or password \(401\), 1 log-in since/.test(error);
    await ringcast.until('all to be held', ({ cameras: all }) => all.length === 3 && all.every(held));
    assert.equal(camera.refused, 1);
    ringcast.settings.cameras = cameras('right');
    ringcast.write();
    assert.equal((await ringcast.ctl('reload')).code, 0);
    await ringcast.streaming();
    assert.equal(camera.refused, 1);
    await ringcast.stop();
  } finally {
    await camera.close();
  }
});

scenario('RTMP and SRT', async (stage) => {
  const [tcp, udp] = [await freePort(), await freePort({ udp: true })];
  const rtmp = `rtmp://127.0.0.1:${tcp}/live/front`;
  const srt = `srt://127.0.0.1:${udp}`;
  const pushed = () => listening(stage, rtmp, '-f', 'flv', '-listen', '1');
  const servers = [pushed(), listening(stage, `${srt}?mode=listener`, '-f', 'mpegts')];
  const cameras = [{ name: 'pushed', url: rtmp }, { name: 'reliable', url: srt }];
  const ringcast = stage.instance({ cameras }).start();
  await ringcast.streaming();
  const [viewer] = await Promise.all(cameras.map(({ name }) => assertPlays(stage, ringcast, name)));

  // The server dies, and another takes its place.
  await servers[0].stop('SIGKILL');
  await ringcast.until('the state to show it', ({ cameras: all }) => all[0].state !== 'streaming' || all[0].error);
  assert.match(ringcast.log, /ingest\[pushed\].*the camera dropped the connection; next attempt in 0\.00 s/);
  servers.push(pushed());
  await viewer.more(2 * FPS, BACK_LIMIT_MS);
  viewer.assertOpen();
  viewer.assertConsecutive();
  await ringcast.stop();
  for (const server of servers) await server.stop('SIGKILL');
});
