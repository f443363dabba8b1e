// SPDX-License-Identifier: MIT
// HLS for the clients that there are: those that know nothing of low latency, who may ask, cameras that sleep, cameras with few keyframes; and
// what is left when nobody asks any more. RINGCAST_HLS_ROUNDS: how often that is tried, 2 by default.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, chownSync } from 'node:fs';
import { HlsChecker } from '../support/hls_checker.mjs';
import { parseMedia, parseMultivariant } from '../support/hls_playlist.mjs';
import { descriptors, program, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const ROUNDS = Number(process.env.RINGCAST_HLS_ROUNDS ?? 2);
const PASSWORD = 'Kanarie 7391';
const VLC = '/usr/bin/cvlc';
const NOBODY = 65534;
const PICTURES = 50;
// A sanitizer is told to keep no more than a megabyte of what is freed.
const KEEPS_LITTLE = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64` };

// Longer than a starved machine may need from one request to the next.
process.env.RINGCAST_IDLE_MS = '4000';
process.env.RINGCAST_HOLD_MS = '4000';

const ended = (ringcast, pid) =>
  ringcast.until('the end of ringcast-hls', ({ programs }) => programs.hls.state === 'stopped', 60000)
    .then(() => waitUntil('its process to be gone', () => !existsSync(`/proc/${pid}`)));

const get = (address, path, options) => fetch(new URL(path, address), options);

async function basicCamera(stage, camera = 'front:fps=25,gop=25,audio=aac', settings = {}) {
  const source = await stage.camera(['--camera', camera]);
  const ringcast = stage.instance({ cameras: [{ name: 'front', url: source.url() }], ...settings });
  return { source, ringcast };
}

scenario('FFmpeg, ffplay and VLC play it, by decoded pictures', async (stage) => {
  const { ringcast } = await basicCamera(stage);
  await ringcast.start().streaming();
  const url = new URL('hls/front/index.m3u8', ringcast.address).href;

  const ffmpeg = await run('ffmpeg', ['-nostdin', '-v', 'error', '-progress', 'pipe:1', '-i', url, '-frames:v', String(PICTURES), '-f', 'null', '-'], { limit: 60000 });
  assert.equal(ffmpeg.code, 0, ffmpeg.stderr);
  assert.ok(Number([...ffmpeg.stdout.matchAll(/^frame=\s*(\d+)/gm)].at(-1)[1]) >= PICTURES, ffmpeg.stdout);

  const drivers = { SDL_VIDEODRIVER: 'dummy', SDL_AUDIODRIVER: 'dummy' };
  const ffplay = stage.start('ffplay', ['-v', 'info', '-stats', url, '-vf', 'showinfo'], { env: drivers });
  await waitUntil(`${PICTURES} pictures of ffplay`, () => (ffplay.log.match(/Parsed_showinfo_0.* n: *\d+/g) ?? []).length >= PICTURES, 60000);
  await ffplay.stop('SIGKILL');

  if (existsSync(VLC)) {
    const pictures = stage.file('vlc');
    mkdirSync(pictures);
    const user = process.getuid() === 0 ? { uid: NOBODY, gid: NOBODY } : {}; // it does not run as root
    if (user.uid) chownSync(pictures, NOBODY, NOBODY);
    const vlc = stage.start(VLC, ['--no-audio', '--no-drop-late-frames', '--no-skip-frames', '--vout=dummy', '--video-filter=scene', '--scene-format=jpg', '--scene-ratio=1', `--scene-path=${pictures}`, url],
      { ...user, env: { HOME: pictures } });
    await waitUntil(`${PICTURES} pictures of VLC`, () => readdirSync(pictures).filter((name) => name.endsWith('.jpg')).length >= PICTURES, 100000);
    await vlc.stop('SIGKILL');
  } else {
    console.log('VLC is not installed: not tried');
  }
}, { limit: 240000 });

/** All addresses in a playlist. */
const linksOf = (playlist) => [...playlist.matchAll(/URI="([^"]+)"/g)].map(([, uri]) => uri).concat(playlist.split('\n').filter((line) => line && !line.startsWith('#')));

scenario('a token in the address is carried on, and is in no log; without a right there is nothing', async (stage) => {
  const { ringcast } = await basicCamera(stage, 'front:fps=10,gop=10', {
    log_level: 'debug', base_path: '/cams', auth: { users: [{ name: 'anna', cameras: ['front'] }, { name: 'ben', cameras: ['other'] }] },
  });
  for (const user of ['anna', 'ben']) {
    const added = await run(program('ringcastctl'), ['--config', ringcast.config, 'user', 'add', user, '--password-stdin'], { input: `${PASSWORD}\n` });
    assert.equal(added.code, 0, added.stderr);
  }
  const { stdout } = await run(program('ringcastctl'), ['--config', ringcast.config, 'token', 'add', '--camera', 'front', '--ttl', '1h']);
  const token = stdout.trim();
  await ringcast.start().streaming();

  assert.equal((await get(ringcast.address, 'hls/front/index.m3u8')).status, 401);
  assert.equal((await get(ringcast.address, `hls/other/index.m3u8?token=${token}`)).status, 404);
  assert.equal((await get(ringcast.address, `hls/front/index.m3u8?token=${token.slice(0, -1)}`)).status, 401);

  // As an iPhone does: the first address has the token, and after that nothing but links is followed.
  const index = new URL(`/cams/hls/front/index.m3u8?token=${token}`, ringcast.address);
  const follow = async (address, depth = 0) => {
    const response = await fetch(address);
    assert.equal(response.status, 200, address.href);
    const type = response.headers.get('content-type');
    if (type !== 'application/vnd.apple.mpegurl') return Number(response.headers.get('content-length'));
    const text = await response.text();
    const links = linksOf(text).filter((link) => !text.includes(`PRELOAD-HINT:TYPE=PART,URI="${link}"`));
    assert.ok(links.length > 0 && depth < 2);
    let bytes = 0;
    for (const link of links) {
      assert.match(link, /^[a-z0-9.-]+\?token=rct_/, 'a link beside the playlist, with the token');
      bytes += await follow(new URL(link, address), depth + 1);
    }
    return bytes;
  };
  assert.ok((await follow(index)) > 1000);

  // Other ways in leave no token in the links.
  const basic = { headers: { authorization: `Basic ${Buffer.from(`anna:${PASSWORD}`).toString('base64')}` } };
  const cookie = { headers: { cookie: `ringcast_token=${token}` } };
  for (const way of [basic, cookie]) {
    const response = await get(ringcast.address, 'cams/hls/front/main.m3u8', way);
    assert.equal(response.status, 200);
    assert.ok(!(await response.text()).includes('token'));
  }
  const ben = { headers: { authorization: `Basic ${Buffer.from(`ben:${PASSWORD}`).toString('base64')}` } };
  assert.equal((await get(ringcast.address, 'hls/front/index.m3u8', ben)).status, 404);

  // A right that ends while a request waits.
  const playlist = parseMedia(await (await get(ringcast.address, `hls/front/main.m3u8?token=${token}`)).text());
  const waiting = get(ringcast.address, `hls/front/main.m3u8?token=${token}&_HLS_msn=${playlist.segments.at(-1).number + 1}`);
  const revoked = await run(program('ringcastctl'), ['--config', ringcast.config, 'token', 'revoke', token.split('_')[1]]);
  assert.equal(revoked.code, 0, revoked.stderr);
  assert.ok([200, 401].includes((await waiting).status)); // it may have been answered before
  await waitUntil('the token to be void', async () => (await get(ringcast.address, `hls/front/main.m3u8?token=${token}`)).status === 401);

  await ringcast.stop();
  const secret = /^[^_]*_[^_]*_(.*)$/.exec(token)[1]; // which may have more of the same signs in it
  assert.ok(!ringcast.log.includes(token) && !ringcast.log.includes(secret), 'the token is in a log');
  assert.ok(!ringcast.log.includes(PASSWORD));
});

scenario('a camera that sleeps is woken, is watched while it is held, and sleeps again', async (stage) => {
  const source = await stage.camera(['--camera', 'front:fps=25,gop=25']);
  const ringcast = stage.instance({ cameras: [{ name: 'front', url: source.url(), on_demand: true, on_demand_idle: 1 }] }).start();
  await ringcast.serving();
  await ringcast.until('the camera to sleep', ({ cameras }) => cameras[0].state === 'idle');
  const response = await get(ringcast.address, 'hls/front/index.m3u8');
  assert.equal(response.status, 200, await response.clone().text());
  const { variants } = parseMultivariant(await response.text());
  assert.equal(variants.length, 1);
  const { programs } = await ringcast.until('a viewer', ({ cameras }) => cameras[0].viewers === 1 && cameras[0].state === 'streaming');
  const playlist = parseMedia(await (await get(ringcast.address, 'hls/front/main.m3u8')).text());
  const media = await Promise.all(playlist.segments.filter(({ uri }) => uri).map(({ uri }) => get(ringcast.address, `hls/front/${uri}`)));
  assert.ok(media.every(({ status }) => status === 200));
  await ringcast.until('the camera to sleep again', ({ cameras }) => cameras[0].state === 'idle' && cameras[0].viewers === 0, 60000);
  await ended(ringcast, programs.hls.pid);
});

scenario('few keyframes and few pictures: segments begin with keyframes all the same, and no rule is broken', async (stage) => {
  const { ringcast } = await basicCamera(stage, 'front:fps=5,gop=20');
  await ringcast.start().streaming();
  // On a starved machine the camera's first groups of pictures seem longer than they are: another process looks anew.
  const begin = async (tries) => {
    const checker = await new HlsChecker(ringcast.address, 'front', { directory: stage.directory }).begin();
    const { target, independent } = checker.followers[0].last;
    if ([4, 5].includes(target) && independent) return checker;
    assert.ok(tries > 1, `target ${target}, independent ${independent}`);
    await checker.end();
    const { programs } = await ringcast.status();
    await ended(ringcast, programs.hls.pid);
    return begin(tries - 1);
  };
  const checker = await begin(3);
  const [main] = checker.followers;
  const first = main.last.segments.at(-1).number;
  await waitUntil('another segment', () => main.ended || main.last.segments.at(-1).number > first + (main.last.segments.at(-1).uri ? 0 : 1), 60000);
  assert.equal(await checker.end(), '');
  assert.ok(main.last.segments.filter(({ uri }) => uri).every(({ duration }) => duration > 3.7 && duration < 4.6));
});

scenario('what nobody can ask for is refused', async (stage) => {
  const { ringcast } = await basicCamera(stage);
  await ringcast.start().streaming();
  const status = async (path) => (await get(ringcast.address, `hls/${path}`)).status;
  assert.equal(await status('front/main.m3u8'), 200);
  const { segments } = parseMedia(await (await get(ringcast.address, 'hls/front/main.m3u8')).text());
  const expected = {
    front: 404, 'front/': 404, 'nobody/index.m3u8': 404, '/index.m3u8': 404, 'front/sub.m3u8': 404, 'front/index.m3u8?stream=sub': 404, 'front/x.m3u8': 404,
    'front/main.m3u8?_HLS_part=0': 400, 'front/main.m3u8?_HLS_msn=': 400, 'front/main.m3u8?_HLS_msn=1.5': 400, 'front/main.m3u8?_HLS_msn=-1': 400,
    'front/main.m3u8?_HLS_msn=99999999999999999999999': 400, 'front/main.m3u8?_HLS_msn=0': 200, 'front/main.m3u8?_HLS_msn=0&_HLS_part=0&_HLS_skip=perhaps': 200,
    'front/main.m3u8?_HLS_skip=YES': 200, 'front/main-00000000-p1.m4s': 404, [`front/${segments[0].map}`]: 200, [`front/${segments[0].uri}`]: 200,
  };
  for (const [path, wanted] of Object.entries(expected)) assert.equal(await status(path), wanted, path);
  // Of the present process, which may be another one than at the beginning.
  await ringcast.until('what was answered to be told', async ({ programs }) => {
    const statuses = [await status('front/main.m3u8'), await status('front/x.m3u8')];
    const { playlists, refused, held } = programs.hls.counts ?? {};
    return statuses.join() === '200,404' && playlists > 0 && refused > 0 && held > 0;
  });
  const head = await get(ringcast.address, 'hls/front/main.m3u8', { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), '');
  assert.equal((await get(ringcast.address, 'hls/front/main.m3u8', { method: 'POST' })).status, 405);
});

scenario('after the last client everything is as it was, again and again', async (stage) => {
  const source = await stage.camera(['--camera', 'front:fps=25,gop=25', '--camera', 'small:size=160x90,fps=10,gop=10']);
  const url = (name) => source.cameras.find((camera) => camera.name === name).url;
  const ringcast = stage.instance({ cameras: [{ name: 'front', url: url('front'), sub: { url: url('small') } }] }).start({ env: KEEPS_LITTLE });
  const { fanouts } = await ringcast.streaming();
  const fanout = fanouts[0].pid;
  const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${fanout}/status`, 'utf8'))[1]);
  const counts = () => ({ fanout: descriptors(fanout).length, ringcastd: descriptors(ringcast.pid).length });
  let before;
  let memory;
  for (let round = 0; round <= ROUNDS; round++) {
    // Some clients at once: those that wait for what comes, and those that go away while they wait.
    const { segments } = parseMedia(await (await get(ringcast.address, 'hls/front/main.m3u8')).text());
    const next = segments.at(-1).number + 1;
    const leaving = new AbortController();
    const away = Array.from({ length: 5 }, () => get(ringcast.address, `hls/front/main.m3u8?_HLS_msn=${next}`, { signal: leaving.signal }).catch(() => {}));
    const kept = Array.from({ length: 5 }, async () => (await get(ringcast.address, `hls/front/main.m3u8?_HLS_msn=${next}`)).text());
    leaving.abort();
    for (const text of await Promise.all(kept)) assert.ok(parseMedia(text).segments.some(({ number, uri }) => number === next && uri));
    await Promise.all(away);
    const { programs } = await ringcast.status();
    await ended(ringcast, programs.hls.pid);
    // The first round opens what stays, as sockets of this client.
    if (round === 0) {
      before = counts();
      memory = resident();
    } else {
      const isMore = () => Object.entries(counts()).some(([name, count]) => count > before[name]);
      await waitUntil('no more descriptors than before', () => !isMore(), 30000).catch(() => assert.deepEqual(counts(), before));
    }
  }
  const { programs } = await ringcast.status();
  assert.equal(programs.hls.starts, ROUNDS + 1);
  assert.equal(programs.hls.restarts, 0);
  assert.ok(resident() < memory + 1024 + ROUNDS * 4, `the fan-out has ${resident()} kB, after the first round it had ${memory}`);
}, { limit: 120000 + 45000 * ROUNDS });
