// SPDX-License-Identifier: MIT
// RTSP out (docs/reference/rtsp.md): other programs play what the ring has, join at the keyframe, learn when pictures were captured,
// log in as on the web, and leave nothing.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { program, run } from '../support/processes.mjs';
import { RtspReader } from '../support/rtsp_reader.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

process.env.RINGCAST_IDLE_MS = '1500';

const LIMIT_MS = 60000;
const FRAMES = 30;
const NTP_UNIX = 2208988800;
const CAPTURE_TOLERANCE_S = 0.003;
const VIDEO_RATE = 90000;
const NEAR = 8; // pictures before and behind a report: its own is among them, however busy the machine
const ATTEMPTS = 5;
const rtsp = { listen: '127.0.0.1:0' };

async function address(ringcast) {
  const { rtsp: url } = await ringcast.status();
  assert.match(url, /^rtsp:\/\/127\.0\.0\.1:\d+\/$/);
  return url;
}

/**
 * ATTEMPT, over TRANSPORT. Over UDP it may fail some times: a datagram that this machine dropped, since its reader had no turn in time, is no fault of
 * what sent it.
 */
async function over(transport, attempt) {
  for (let left = transport === 'udp' ? ATTEMPTS : 1; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 1) throw error;
    }
  }
}

/** Decodes FRAMES pictures of URL with ffmpeg over TRANSPORT; no picture may be damaged. */
async function decode(url, transport) {
  const output = ['-map', '0:v', '-frames:v', String(FRAMES), '-fps_mode', 'passthrough', '-f', 'null', '-'];
  const args = ['-nostdin', '-v', 'error', '-progress', 'pipe:1', '-rtsp_transport', transport, '-i', url, ...output];
  const result = await run('ffmpeg', args, { limit: LIMIT_MS });
  assert.equal(result.code, 0, result.stderr);
  assert.doesNotMatch(result.stderr, /error while decoding|concealing|corrupt|missed/i);
  return Number([...result.stdout.matchAll(/^frame=\s*(\d+)/gm)].at(-1)[1]);
}

scenario('ffmpeg and GStreamer play each codec over TCP and UDP; the program ends when nobody is left', async (stage) => {
  const camera = await stage.camera(['--camera', 'front:audio=aac', '--camera', 'yard:codec=h265']);
  const ringcast = await stage.ringcast(camera, {}, { rtsp });
  const url = await address(ringcast);
  assert.equal((await ringcast.status()).programs.rtsp, null, 'it does not run while nobody asks');
  for (const name of ['front', 'yard']) {
    for (const transport of ['tcp', 'udp']) assert.equal(await over(transport, () => decode(`${url}${name}`, transport)), FRAMES, `${name} over ${transport}`);
  }
  for (const transport of ['tcp', 'udp']) {
    const pipeline = ['rtph264depay', '!', 'h264parse', '!', 'avdec_h264', '!', 'identity', `eos-after=${FRAMES}`, '!', 'fakesink'];
    const args = ['-q', 'rtspsrc', `location=${url}front`, `protocols=${transport}`, 'latency=100', '!', ...pipeline];
    await over(transport, async () => {
      const result = await run('gst-launch-1.0', args, { limit: LIMIT_MS });
      assert.equal(result.code, 0, `rtspsrc over ${transport}: ${result.stderr}`);
    });
  }
  const running = await ringcast.until('the program to run', ({ programs }) => programs.rtsp?.pid > 0);
  await ringcast.until('the end of the program', ({ programs }) => programs.rtsp.state === 'stopped');
  await waitUntil('its process to be gone', () => !existsSync(`/proc/${running.programs.rtsp.pid}`));
  await ringcast.stop();
}, { limit: 4 * LIMIT_MS });

scenario('cameras whose names have to be encoded in URLs, however a client does it', async (stage) => {
  const names = ['front door', 'Höf 100% (2)', 'a+b;c=d'];
  const camera = await stage.camera(['--names', names.join()]);
  const ringcast = await stage.ringcast(camera, {}, { rtsp });
  const url = await address(ringcast);
  const everyByte = (name) => [...Buffer.from(name)].map((byte) => `%${byte.toString(16)}`).join('');
  for (const name of names) {
    for (const encode of [encodeURIComponent, encodeURI, everyByte]) {
      const client = await new RtspReader(`${url}${encode(name)}`).play();
      await waitUntil(`pictures of ${name}`, () => client.pictures().length > 1, LIMIT_MS);
      await client.close();
    }
    assert.equal(await decode(`${url}${encodeURIComponent(name)}`, 'tcp'), FRAMES, name);
  }
  await ringcast.stop();
}, { limit: 4 * LIMIT_MS });

scenario('clients that take the pictures alone of a camera with sound take nothing from others', async (stage) => {
  const camera = await stage.camera(['--camera', 'front:audio=aac,gop=25']);
  const ringcast = await stage.ringcast(camera, {}, { rtsp });
  const url = `${await address(ringcast)}front`;
  const clients = await Promise.all(Array.from({ length: 5 }, () => new RtspReader(url).play())); // the video, all at once
  const pictures = (client) => client.pictures().length >= FRAMES;
  for (const client of clients) await waitUntil('pictures', () => pictures(client), LIMIT_MS);
  const late = await new RtspReader(url).play();
  await waitUntil('pictures of one that came later', () => pictures(late), LIMIT_MS);
  // One that takes the sound, too: it is there, and the others go on.
  const output = ['-map', '0:a', '-frames:a', '20', '-f', 'null', '-'];
  const heard = await run('ffmpeg', ['-nostdin', '-v', 'error', '-rtsp_transport', 'tcp', '-i', url, ...output], { limit: LIMIT_MS });
  assert.equal(heard.code, 0, heard.stderr);
  const before = late.pictures().length;
  await waitUntil('more pictures', () => late.pictures().length > before, LIMIT_MS);
  for (const client of [...clients, late]) {
    assert.equal(client.closed, false);
    await client.close();
  }
  await ringcast.stop();
}, { limit: 3 * LIMIT_MS });

/**
 * A report is made of one picture, the newest one: what it says of that picture's capture is what the ring says (`prft`). Which one it was a client can
 * only tell within some, because others are on the way.
 */
async function assertCaptureTimes(client, viewer, name) {
  const captured = ({ data }) => {
    const prft = data.indexOf('prft') + 4;
    return data.readUInt32BE(prft + 8) - NTP_UNIX + data.readUInt32BE(prft + 12) / 2 ** 32;
  };
  const differences = ({ ntp, time, after }) => {
    const pictures = client.pictures();
    const place = pictures.findIndex(({ end }) => end >= after);
    const near = place < NEAR ? [] : pictures.slice(place - NEAR, place + NEAR);
    // A picture of which all datagrams but the last were lost has no unit.
    const whole = near.filter(({ units }) => units.length > 0);
    const known = whole.map((picture) => [picture, viewer.fragments.find(({ data }) => data.includes(picture.units.at(-1)))]);
    return known.filter(([, fragment]) => fragment)
      .map(([picture, fragment]) => Math.abs(ntp + ((picture.time - time) | 0) / VIDEO_RATE - captured(fragment)));
  };
  const compared = () => client.reports.map(differences).filter((list) => list.length >= 2 * NEAR);
  await waitUntil(`two reports on pictures of ${name} that the viewer has`, () => compared().length >= 2, LIMIT_MS);
  for (const list of compared()) assert.ok(Math.min(...list) < CAPTURE_TOLERANCE_S, `${name}: ${list} s apart`);
}

/**
 * A client that has played some pictures of URL, all that were sent: a datagram that this machine dropped, since its reader had no
 * turn in time, is no fault of what sent it. The next client joins in the middle of a group.
 */
async function joined(url, udp) {
  for (let attempt = 1; ; attempt++) {
    const client = await new RtspReader(url, { udp }).play();
    await waitUntil('pictures', () => client.pictures().length >= 12, LIMIT_MS);
    const first = Number(/seq=(\d+)/.exec(client.playing.headers['rtp-info'])[1]);
    const lost = client.packets.some(({ number }, i) => number !== ((first + i) & 0xffff));
    if (!lost || !udp || attempt === ATTEMPTS) return client;
    await client.close();
  }
}

scenario('every client begins with the newest keyframe, and learns when pictures were captured', async (stage) => {
  const camera = await stage.camera(['--camera', 'front:gop=60', '--camera', 'yard:gop=60,codec=h265']);
  const ringcast = await stage.ringcast(camera, {}, { rtsp });
  const url = await address(ringcast);
  for (const [name, udp] of [['front', false], ['yard', true]]) {
    const viewer = stage.viewer(ringcast, name);
    const clients = [];
    try {
      for (let i = 0; i < 3; i++) {
        const client = await joined(`${url}${name}`, udp);
        clients.push(client);
        const pictures = client.pictures();
        assert.ok(pictures[0].keyframe, `client ${i} of ${name} begins with a keyframe`);
        const info = client.playing.headers['rtp-info'];
        const first = client.packets[0];
        assert.equal(Number(/seq=(\d+)/.exec(info)[1]), first.number, 'RTP-Info names the first packet');
        assert.equal(Number(/rtptime=(\d+)/.exec(info)[1]), first.time);
      }
      assert.equal(new Set(clients.map((client) => client.packets[0].ssrc)).size, 1, 'one payloader serves them all');
      for (const client of clients) await assertCaptureTimes(client, viewer, name);
    } finally {
      for (const each of clients) await each.close();
    }
    await viewer.close();
  }
  await ringcast.stop();
}, { limit: 4 * LIMIT_MS });

scenario('viewers are counted, others are not held up by one who reads nothing, and a changed stream ends in order', async (stage) => {
  const camera = await stage.camera(['--camera', 'front:gop=15']);
  const ringcast = await stage.ringcast(camera, {}, { rtsp });
  const url = await address(ringcast);
  const slow = await new RtspReader(`${url}front`).play();
  slow.socket.pause();
  const client = await new RtspReader(`${url}front`).play();
  await ringcast.until('two viewers', ({ programs }) => programs.rtsp.viewers === 2);
  assert.equal((await ringcast.camera('front')).viewers, 2);
  const before = client.pictures().length;
  await waitUntil('pictures at the other one', () => client.pictures().length >= before + 60, LIMIT_MS);
  const numbers = client.packets.map(({ number }) => number);
  for (let i = 1; i < numbers.length; i++) assert.equal(numbers[i], (numbers[i - 1] + 1) & 0xffff, 'no packet is missing');

  await camera.command('size=480x272 front');
  await waitUntil('the end of the connection', () => client.closed, LIMIT_MS);
  const again = await new RtspReader(`${url}front`).play();
  await waitUntil('pictures of the new size', () => again.pictures().length > 0, LIMIT_MS);
  assert.ok(again.pictures()[0].keyframe);
  assert.equal((await new RtspReader(`${url}nobody`).connect().then((asker) => asker.send('DESCRIBE'))).status, 404);
  await again.close();
  slow.socket.destroy();
  await ringcast.until('nobody', ({ programs }) => programs.rtsp.viewers === 0);
  await ringcast.stop();
}, { limit: 4 * LIMIT_MS });

scenario('log-in by Basic, token and Digest, with the rights of the web', async (stage) => {
  const camera = await stage.camera(['--camera', 'front', '--camera', 'yard']);
  const ringcast = stage.instance({ cameras: camera.cameras, rtsp, auth: {} });
  const ctl = (args, input = '') => run(program('ringcastctl'), ['--config', ringcast.config, ...args], { input });
  for (const [name, password, ...more] of [['anna', 'a secret word', '--digest', '--camera', 'front'], ['ben', 'another word', '--camera', '*'], ['carl', 'a third word', '--digest', '--camera', '*']]) {
    const added = await ctl(['user', 'add', name, '--password-stdin', ...more], `${password}\n`);
    assert.equal(added.code, 0, added.stderr);
  }
  const token = (await ctl(['token', '--ttl', '1h', '--camera', 'front'])).stdout.trim();
  assert.match(token, /^rct_/);
  ringcast.start();
  await ringcast.streaming();
  const url = await address(ringcast);
  const status = async (name, options) => {
    const client = await new RtspReader(`${url}${name}`, options).connect();
    const { status: code } = await client.request('DESCRIBE', client.url, { Accept: 'application/sdp' });
    await client.close();
    return code;
  };
  const anna = { user: 'anna', password: 'a secret word' };
  assert.equal(await status('front'), 401);
  assert.equal(await status('nobody'), 401, 'who has not logged in learns of no camera');
  for (const how of [{ scheme: 'Basic' }, { scheme: 'Digest', algorithm: 'MD5' }, { scheme: 'Digest', algorithm: 'SHA-256' }]) {
    assert.equal(await status('front', { ...anna, ...how }), 200, JSON.stringify(how));
    assert.equal(await status('yard', { ...anna, ...how }), 404, 'a camera of others');
    assert.equal(await status('nobody', { ...anna, ...how }), 404, 'is as one that is not there');
    assert.equal(await status('front', { ...anna, ...how, password: 'a wrong word' }), 401);
  }
  assert.equal(await status('yard', { user: 'ben', password: 'another word' }), 200);
  assert.equal(await status('yard', { user: 'ben', password: 'another word', scheme: 'Digest' }), 401, 'no secret for Digest is kept of ben');
  assert.equal(await status('front', { user: 'token', password: token }), 200);
  assert.equal(await status('yard', { user: 'token', password: token }), 404);
  assert.equal(await decode(`${url.replace('rtsp://', 'rtsp://anna:a%20secret%20word@')}front`, 'tcp'), FRAMES, 'ffmpeg logs in, by Digest');

  // A right that ends while somebody plays.
  // After four wrong guesses from here within a moment the right word may have to wait, too.
  await waitUntil('that guesses are not slowed', async () => (await status('front', { ...anna, scheme: 'Digest' })) !== 503, LIMIT_MS);
  const client = await new RtspReader(`${url}front`, { ...anna, scheme: 'Digest' }).play();
  await waitUntil('pictures', () => client.pictures().length > 3, LIMIT_MS);
  assert.equal((await ctl(['user', 'remove', 'anna'])).code, 0);
  await waitUntil('the end of the connection', () => client.closed, LIMIT_MS);

  // Guessing is slowed, also for Digest.
  const codes = [];
  for (let i = 0; i < 12 && codes.at(-1) !== 503; i++) codes.push(await status('front', { user: 'carl', password: `guess ${i}`, scheme: 'Digest' }));
  assert.equal(codes.at(-1), 503, `${codes}`);
  await ringcast.stop();
}, { limit: 4 * LIMIT_MS });

const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;
const threads = (pid) => Number(/^Threads:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

scenario('clients that come and go leave nothing', async (stage) => {
  const camera = await stage.camera(['--camera', 'front']);
  const ringcast = await stage.ringcast(camera, {}, { rtsp });
  const url = await address(ringcast);
  const visit = async () => {
    const client = await new RtspReader(`${url}front`).play();
    await waitUntil('a picture', () => client.pictures().length > 0, LIMIT_MS);
    await client.close();
  };
  const keeper = await new RtspReader(`${url}front`).connect(); // so that the program does not end
  const { pid } = (await ringcast.until('the program', ({ programs }) => programs.rtsp?.state === 'running')).programs.rtsp;
  for (let i = 0; i < 5; i++) await visit();
  const rest = () => [descriptors(pid), threads(pid)];
  const settled = async () => {
    await ringcast.until('nobody', ({ programs }) => programs.rtsp.viewers === 0);
    let last = rest();
    await waitUntil('it to come to rest', async () => {
      const [before, now] = [last, rest()];
      last = now;
      return `${before}` === `${now}`;
    });
    return last;
  };
  const before = await settled();
  for (let i = 0; i < 30; i++) await visit();
  await waitUntil(`as few descriptors and threads as before (${before})`, async () => {
    const now = await settled();
    return now[0] <= before[0] && now[1] <= before[1] + 2;
  }, LIMIT_MS);
  await keeper.close();
  await ringcast.stop();
}, { limit: 4 * LIMIT_MS });
