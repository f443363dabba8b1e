// SPDX-License-Identifier: MIT
// The programs that people have, and each codec that cameras send: who decodes what, by decoded pictures and sound. It is the table in
// docs/guide/clients.md. RINGCAST_CLIENTS_TABLE=FILE: all codecs instead of three, and the table's rows go there.

import assert from 'node:assert/strict';
import { chownSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Go2rtcClient } from '../support/go2rtc_client.mjs';
import { program, repositoryDirectory, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';
import { launchBrowser, until } from './support/browser.mjs';
import { Proxy } from './support/proxy.mjs';

const TABLE = process.env.RINGCAST_CLIENTS_TABLE;
const PICTURES = 25;
const LIMIT_MS = 90_000;
const NOBODY = 65534;
const VLC = '/usr/bin/cvlc';
const AT_ONCE = 4; // programs that decode

/** What the camera sends, for the table and for the test camera. `sound`: there is some; `rtp`, `hls`: it is part of RTSP out, of HLS. */
const STREAMS = [
  { words: 'H.264', options: 'audio=none' },
  { words: 'H.264, AAC', options: 'audio=aac', sound: true, rtp: true, hls: true, always: true },
  { words: 'H.264 with B-frames, Opus', options: 'b-frames=2,audio=opus', sound: true, rtp: true },
  { words: 'H.264, AAC (LATM)', options: 'audio=latm', sound: true, rtp: true, hls: true },
  { words: 'H.264, G.711 A-law', options: 'audio=pcma', sound: true, hls: true, always: true },
  { words: 'H.264, G.711 µ-law', options: 'audio=pcmu', sound: true, hls: true },
  { words: 'H.264, G.722', options: 'audio=g722', sound: true, hls: true },
  { words: 'H.264, L16', options: 'audio=l16', sound: true, hls: true },
  { words: 'H.264, G.726', options: 'audio=g726', sound: true, hls: true },
  { words: 'H.265', options: 'codec=h265,audio=none' },
  { words: 'H.265, AAC', options: 'codec=h265,audio=aac', sound: true, rtp: true, hls: true, always: true },
  { words: 'H.265 with B-frames, G.711 µ-law', options: 'codec=h265,b-frames=2,audio=pcmu', sound: true, hls: true },
].filter(({ always }) => TABLE || always);

const YES = 'yes';
const PICTURE_ONLY = 'pictures';

/** Decodes URL (or a file) for four seconds with ffmpeg; what it has decoded. */
async function ffmpeg(url, ...options) {
  const args = ['-nostdin', '-v', 'info', '-xerror', ...options, '-i', url, '-map', '0:v', '-map', '0:a?', '-t', '4', '-f', 'null', '-'];
  const result = await run('ffmpeg', args, { limit: LIMIT_MS });
  const pictures = Number([...result.stderr.matchAll(/frame=\s*(\d+)/g)].at(-1)?.[1] ?? 0);
  const [, sound] = /audio:\s*(\d+)[kK]i?B/.exec(result.stderr) ?? [null, '0'];
  if (result.code !== 0 || pictures < PICTURES) throw new Error(`${pictures} pictures: ${result.stderr.slice(-600)}`);
  return Number(sound) > 0 ? YES : PICTURE_ONLY;
}

/** Each takes { stage, ringcast, rtsp, page } and the camera's name; throws if there are no pictures. */
const CLIENTS = {
  'ffmpeg, MP4': ({ ringcast }, name) => ffmpeg(new URL(`stream/${name}.mp4`, ringcast.address).href),
  'ffmpeg, HLS': ({ ringcast }, name) => ffmpeg(new URL(`hls/${name}/index.m3u8`, ringcast.address).href),
  'ffmpeg, RTSP': ({ rtsp }, name) => ffmpeg(`${rtsp}${name}`, '-rtsp_transport', 'tcp'),
  'curl, MP4': async ({ stage, ringcast }, name) => {
    const file = stage.file(`${name}.mp4`);
    const url = new URL(`stream/${name}.mp4?duration=4&start=0`, ringcast.address).href;
    const result = await run('curl', ['--fail', '--silent', '--show-error', '--output', file, url], { limit: LIMIT_MS });
    assert.equal(result.code, 0, result.stderr);
    return ffmpeg(file);
  },
  'go2rtc, MSE': async ({ stage, ringcast }, name) => {
    const client = await new Go2rtcClient(ringcast.address, `src=${name}`).open();
    client.say('mse', 'avc1.640029,hvc1.1.6.L153.B0,mp4a.40.2,flac,opus');
    await client.answer();
    await client.more(120);
    client.socket.terminate();
    return ffmpeg(stage.file(`${name}-go2rtc.mp4`, Buffer.concat(client.binaries)));
  },
  'gst-launch, RTSP': async ({ stage, rtsp }, name) => {
    // GStreamer 1.26 fails now and then, with any server, if it leaves a stream aside, and if it ends by itself behind the last picture: it
    // stops reading, and its PAUSE finds the connection closed. So it takes the sound, too, and is ended from here.
    const { sound, rtp } = STREAMS.find((stream) => stream.name === name);
    const pictures = ['source.', '!', 'application/x-rtp,media=video', '!', 'decodebin', '!', 'fakesink', 'name=pictures', 'silent=false'];
    const aside = sound && rtp ? ['source.', '!', 'application/x-rtp,media=audio', '!', 'fakesink', 'async=false'] : [];
    const gst = stage.start('gst-launch-1.0', ['-v', 'rtspsrc', `location=${rtsp}${name}`, 'protocols=tcp', 'name=source', ...pictures, ...aside]);
    await gst.until('pictures', ({ stdout }) => (stdout.match(/pictures: last-message = chain/g) ?? []).length >= PICTURES, LIMIT_MS);
    await gst.stop('SIGKILL');
    return PICTURE_ONLY; // its sound is not decoded
  },
  'ffplay, MP4': async ({ stage, ringcast }, name) => {
    const drivers = { SDL_VIDEODRIVER: 'dummy', SDL_AUDIODRIVER: 'dummy' };
    const args = ['-v', 'info', '-stats', new URL(`stream/${name}.mp4`, ringcast.address).href, '-vf', 'showinfo', '-af', 'ashowinfo'];
    const ffplay = stage.start('ffplay', args, { env: drivers });
    const shown = (what) => (ffplay.log.match(new RegExp(`Parsed_${what}_0.* n: *\\d+`, 'g')) ?? []).length;
    const sounds = () => shown('ashowinfo') > 0;
    await waitUntil('pictures of ffplay', () => shown('showinfo') >= PICTURES, LIMIT_MS);
    if (STREAMS.find((stream) => stream.name === name).sound) await waitUntil('sound of ffplay', sounds, LIMIT_MS);
    await ffplay.stop('SIGKILL');
    return sounds() ? YES : PICTURE_ONLY;
  },
  'VLC, MP4': async ({ stage, ringcast }, name) => {
    if (!existsSync(VLC)) return null;
    const pictures = stage.file(`vlc-${name}`);
    mkdirSync(pictures);
    const user = process.getuid() === 0 ? { uid: NOBODY, gid: NOBODY } : {}; // it does not run as root
    if (user.uid) chownSync(pictures, NOBODY, NOBODY);
    const scene = ['--vout=dummy', '--video-filter=scene', '--scene-format=jpg', '--scene-ratio=1', `--scene-path=${pictures}`];
    const args = ['--no-audio', '--no-drop-late-frames', '--no-skip-frames', ...scene, new URL(`stream/${name}.mp4`, ringcast.address).href];
    const vlc = stage.start(VLC, args, { ...user, env: { HOME: pictures } });
    await waitUntil('pictures of VLC', () => readdirSync(pictures).filter((file) => file.endsWith('.jpg')).length >= PICTURES, LIMIT_MS);
    await vlc.stop('SIGKILL');
    return PICTURE_ONLY; // it plays without a sound card here
  },
  'hls.js in Chromium': async ({ browser, proxy }, name) => {
    const page = await browser.newPage();
    try {
      await page.goto(`${proxy.url}example/index.html?${name}`);
      const shown = await until(async () => {
        const now = await page.evaluate(() => ({ failed: window.failed, frames: document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames, sound: document.querySelector('video').webkitAudioDecodedByteCount }));
        return (now.failed || now.frames >= PICTURES) && now;
      }, 'pictures of hls.js', LIMIT_MS);
      if (shown.failed) throw new Error(shown.failed);
      return shown.sound > 0 ? YES : PICTURE_ONLY;
    } finally {
      await page.close();
    }
  },
};

const hlsPage = `<!doctype html><video muted playsinline></video><script type="module">
  import Hls from './hls.mjs';
  const video = document.querySelector('video');
  const hls = new Hls();
  hls.on(Hls.Events.ERROR, (event, { fatal, details, reason }) => { if (fatal) window.failed = reason ?? details; });
  hls.loadSource(\`/hls/\${location.search.slice(1)}/index.m3u8\`);
  hls.attachMedia(video);
  hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
</script>`;

/** Debian's Chromium has no decoder for H.265. */
const cannot = (client, { options }) => client === 'hls.js in Chromium' && options.includes('h265');

/** FLAC is no part of RTSP out and Opus none of HLS; of GStreamer and VLC the sound is not looked at. */
const expected = (client, { sound, rtp, hls }) => (sound && !/gst|VLC/.test(client) && (rtp || !/RTSP/.test(client)) && (hls || !/HLS|hls/.test(client)) ? YES : PICTURE_ONLY);

async function inTurn(jobs, atOnce) {
  const rest = jobs[Symbol.iterator]();
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (const job of rest) await job();
  }));
}

scenario('each program plays each codec that it can', async (stage) => {
  for (const [i, stream] of STREAMS.entries()) stream.name = `cam${i}`;
  const camera = await stage.camera(STREAMS.flatMap(({ name, options }) => ['--camera', `${name}:fps=25,gop=25,${options}`]));
  const settings = { go2rtc: true, limits: { requests_per_address: 0 }, ...(existsSync(program('ringcast-rtsp')) && { rtsp: { listen: '127.0.0.1:0' } }) };
  const ringcast = await stage.ringcast(camera, {}, settings);
  const { rtsp } = await ringcast.status();
  const library = readFileSync(path.join(repositoryDirectory, 'tests/node_modules/hls.js/dist/hls.mjs'), 'utf8');
  const proxy = await new Proxy(ringcast.address, { 'index.html': hlsPage, 'hls.mjs': library }, '').start();
  const browser = await launchBrowser(['--autoplay-policy=no-user-gesture-required']);
  const context = { stage, ringcast, rtsp, browser, proxy };
  const found = new Map(); // `${client} ${name}` → what it showed
  const wrong = [];
  const clients = Object.keys(CLIENTS).filter((client) => rtsp || !client.includes('RTSP'));
  const jobs = STREAMS.flatMap((stream) => clients.map((client) => async () => {
    const result = await CLIENTS[client](context, stream.name).catch((error) => `no: ${error.message}`);
    found.set(`${client} ${stream.name}`, result);
    const right = cannot(client, stream) ? result?.startsWith('no') : result === null || result === expected(client, stream);
    if (!right) wrong.push(`${stream.words}, ${client}: ${result}`);
  }));
  try {
    await inTurn(jobs, AT_ONCE);
  } finally {
    await browser.close();
    await proxy.stop();
  }
  const cell = (client, { name }) => {
    const result = found.get(`${client} ${name}`);
    return result === null ? '' : result?.startsWith('no') ? 'no' : result;
  };
  const rows = STREAMS.map((stream) => `| ${stream.words} | ${clients.map((client) => cell(client, stream)).join(' | ')} |`);
  const table = [`| camera sends | ${clients.join(' | ')} |`, `|${'---|'.repeat(clients.length + 1)}`, ...rows].join('\n');
  if (TABLE) writeFileSync(TABLE, `${table}\n`);
  console.log(table);
  assert.deepEqual(wrong, []);
  await ringcast.stop();
}, { limit: 1_200_000 });
