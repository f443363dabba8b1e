// SPDX-License-Identifier: MIT
// go2rtc's door in Chromium: a player that does with its source buffer what go2rtc's own does. It plays from 0 on without a seek,
// keeps five seconds, and puts each further init segment where all the rest goes.

import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, until, watchErrors } from './support/browser.mjs';

/** In the page: plays the stream SRC in a new video, `window.players[SRC]`. */
function play(src) {
  const kept = 5;
  const video = document.createElement('video');
  const player = { video, texts: [], inits: 0, errors: [], begin: null };
  (window.players ??= {})[src] = player;
  video.muted = true;
  video.autoplay = true;
  document.body.append(video);
  const codecs = ['avc1.640029', 'avc1.64002A', 'hvc1.1.6.L153.B0', 'mp4a.40.2', 'flac', 'opus'];
  const supported = codecs.filter((codec) => MediaSource.isTypeSupported(`video/mp4; codecs="${codec}"`)).join();
  const socket = new WebSocket(new URL(`/api/ws?src=${encodeURIComponent(src)}`, location.href.replace('http', 'ws')));
  socket.binaryType = 'arraybuffer';
  player.socket = socket;
  socket.addEventListener('close', ({ code }) => (player.closed = code));
  const source = new MediaSource();
  let buffer;
  const waiting = [];
  const append = () => {
    if (!buffer.updating && waiting.length > 0) buffer.appendBuffer(waiting.shift());
  };
  socket.addEventListener('open', () => {
    source.addEventListener('sourceopen', () => socket.send(JSON.stringify({ type: 'mse', value: supported })), { once: true });
    video.src = URL.createObjectURL(source);
  });
  socket.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') {
      const { type, value } = JSON.parse(data);
      player.texts.push({ type, value });
      if (type !== 'mse') return;
      buffer = source.addSourceBuffer(value);
      buffer.addEventListener('error', () => player.errors.push('append'));
      buffer.addEventListener('updateend', () => {
        const ranges = buffer.buffered;
        if (ranges.length > 0) player.begin ??= ranges.start(0);
        if (!buffer.updating && ranges.length > 0) {
          const end = ranges.end(ranges.length - 1);
          if (end - kept > ranges.start(0)) buffer.remove(ranges.start(0), end - kept);
          if (video.currentTime < end - kept) video.currentTime = end - kept;
          video.playbackRate = Math.max(end - video.currentTime, 0.1);
        }
        append();
      });
      return;
    }
    if (new TextDecoder().decode(data.slice(4, 8)) === 'ftyp') player.inits += 1;
    waiting.push(data);
    append();
  });
}

const look = (page) =>
  page.evaluate(() => Object.fromEntries(Object.entries(window.players).map(([src, { video, texts, inits, errors, begin, closed }]) => [src, {
    texts, inits, errors, begin, closed, width: video.videoWidth, time: video.currentTime, error: video.error?.message ?? null,
    frames: video.getVideoPlaybackQuality().totalVideoFrames, sound: video.webkitAudioDecodedByteCount,
  }])));

scenario('a player like go2rtc’s plays at once, with the sound that it can play, and over a change of size', async (stage) => {
  const camera = await stage.camera(['--camera', 'aac:audio=aac', '--camera', 'g711:audio=pcma', '--camera', 'h265:codec=h265', '--camera', 'small:size=160x120']);
  const ringcast = stage.instance({
    go2rtc: true,
    cameras: [
      { name: 'aac', url: camera.url(0), sub: camera.url(3) },
      { name: 'g711', url: camera.url(1) },
      { name: 'h265', url: camera.url(2) },
    ],
  }).start();
  await ringcast.streaming();
  await ringcast.until('sound', ({ cameras }) => ['aac', 'g711'].every((name) => cameras.find((one) => one.name === name).codecs.includes(',')));
  const browser = await launchBrowser(['--autoplay-policy=no-user-gesture-required']);
  try {
    const page = await browser.newPage({ viewport: { width: 800, height: 600 } });
    const errors = watchErrors(page);
    await page.goto(new URL('/wall.css', ringcast.address).href); // a document of the server's own that does nothing
    for (const src of ['aac', 'g711', 'aac_sub', 'h265']) await page.evaluate(play, src);
    const playing = ['aac', 'g711', 'aac_sub'];
    const plays = async () => {
      const all = await look(page);
      return playing.every((src) => all[src].frames > 20) && all;
    };
    const all = await until(plays, 'pictures', 60_000);
    for (const src of playing) {
      assert.ok(all[src].begin < 0.5, `${src} begins at ${all[src].begin} s, and the player waits at 0`);
      assert.deepEqual([all[src].errors, all[src].error, all[src].inits], [[], null, 1], src);
    }
    assert.deepEqual([all.aac.width, all.aac_sub.width], [320, 160]);
    assert.ok(all.aac.sound > 0 || all.g711.sound > 0 || all.aac_sub.sound === 0);
    assert.match(all.g711.texts[0].value, /flac/);
    if (!(await page.evaluate(() => MediaSource.isTypeSupported('video/mp4; codecs="hvc1.1.6.L153.B0"')))) {
      await until(async () => (await look(page)).h265.texts.length > 0, 'the answer for H.265');
      assert.match((await look(page)).h265.texts[0].value, /^mse: streams: codecs not matched: video:H265 => video:H264/);
    }

    await camera.command('size=480x270 aac');
    await until(async () => (await look(page)).aac.width === 480, 'the new size', 60_000);
    const before = (await look(page)).aac;
    await until(async () => (await look(page)).aac.frames > before.frames + 20, 'pictures of the new size', 60_000);
    const after = (await look(page)).aac;
    assert.deepEqual([after.errors, after.error, after.closed], [[], null, undefined]);
    assert.deepEqual(errors.filter((text) => !text.includes('404')), [], 'nothing but that there is no icon');
  } finally {
    await browser.close();
  }
}, { limit: 240_000 });
