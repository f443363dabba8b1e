// SPDX-License-Identifier: MIT
// HLS in a browser: the example page with hls.js, by the low-latency rules, with a camera that changes its size and goes away for a while. With
// RINGCAST_SCREENSHOTS=DIRECTORY a picture of it is left there.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { scenario } from '../support/scenario.mjs';
import { patience } from '../support/patience.mjs';
import { repositoryDirectory } from '../support/processes.mjs';
import { launchBrowser, until, watchErrors } from './support/browser.mjs';
import { Proxy } from './support/proxy.mjs';

const SCREENSHOTS = process.env.RINGCAST_SCREENSHOTS;

// How late the pictures may be on a machine with nothing else to do.
const LATENCY_S = 2;

const example = (name) => readFileSync(path.join(repositoryDirectory, 'docs/examples/hls', name), 'utf8');
const library = () => readFileSync(path.join(repositoryDirectory, 'tests/node_modules/hls.js/dist/hls.mjs'), 'utf8');

/** What the video shows: {time, frames, width, latency}. */
const shown = (page) =>
  page.evaluate(() => {
    const video = document.getElementById('camera');
    return { state: video.readyState, paused: video.paused, buffered: [...Array(video.buffered.length).keys()].map((i) => [video.buffered.start(i), video.buffered.end(i)]), time: video.currentTime, frames: video.getVideoPlaybackQuality().totalVideoFrames, width: video.videoWidth, latency: window.latency?.() };
  });

async function untilMoving(page, what, width) {
  const before = await shown(page);
  let now;
  return until(async () => {
    now = await shown(page);
    return now.frames > before.frames + 20 && now.time > before.time + 0.5 && (!width || now.width === width) && now;
  }, what, 60_000).catch((error) => {
    throw new Error(`${error.message}: before ${JSON.stringify(before)}, now ${JSON.stringify(now)}`);
  });
}

/** What hls.js knows of the playlist that it follows, and the newest of REQUESTS, for the message of a failure. */
const followed = async (page, requests) => {
  const details = await page.evaluate(() => {
    const { targetduration, partTarget, canSkipUntil, canBlockReload, age, live, endSN, edge, fragments, deltaUpdateFailed } = window.hls?.latestLevelDetails ?? {};
    return { targetduration, partTarget, canSkipUntil, canBlockReload, age, live, endSN, edge, fragments: fragments?.length, deltaUpdateFailed };
  });
  return JSON.stringify({ details, video: await shown(page), requests: requests.length, newest: requests.slice(-6) });
};

scenario('hls.js plays a camera, soon, and goes on when it changes and when it was away', async (stage) => {
  const camera = await stage.camera(['--camera', 'front:size=320x180,fps=15,gop=15,audio=aac']);
  const ringcast = stage.instance({ cameras: [{ name: 'front', url: camera.url() }] }).start(); // one stream: which one hls.js chooses is not the question here
  await ringcast.streaming();
  // As on the server's own address, but for what a page with hls.js needs: its worker is a blob.
  const pages = { 'index.html': example('index.html'), 'camera.js': example('camera.js'), 'hls.mjs': library() };
  const policy = "default-src 'none'; script-src 'self'; worker-src blob:; style-src 'unsafe-inline'; img-src data:; media-src blob:; connect-src 'self'";
  const proxy = await new Proxy(ringcast.address, pages, policy).start();
  const browser = await launchBrowser(['--autoplay-policy=no-user-gesture-required']);
  try {
    const page = await browser.newPage({ viewport: { width: 480, height: 360 } });
    const errors = watchErrors(page, /status of (503|404)/);
    const requests = [];
    page.on('request', (request) => requests.push(request.url()));
    // The page is below /example/, and so are the addresses that it asks for: ringcast believes the proxy's prefix.
    await page.route('**/example/hls/**', (route) => route.continue({ url: route.request().url().replace('/example/hls/', '/hls/') }));
    await page.goto(`${proxy.url}example/index.html?camera=front`);
    await untilMoving(page, 'pictures', 320);

    // By the low-latency rules: blocking reloads, hinted parts, delta updates.
    await until(() => requests.some((address) => /_HLS_msn=\d+&_HLS_part=\d+/.test(address)), 'a blocking reload');
    await until(() => requests.some((address) => /-p\d+\.m4s/.test(address)), 'a part');
    await until(() => requests.some((address) => /_HLS_skip=YES/.test(address)), 'a delta update', 60_000).catch(async ({ message }) => {
      throw new Error(`${message}: ${await followed(page, requests)}`);
    });

    // It comes to the edge: the best of some seconds is what HLS can do, whatever else the machine does.
    const limit = LATENCY_S * Math.max(1, patience() / 4);
    const best = await until(async () => {
      const { latency } = await shown(page);
      return latency <= limit && latency > 0 && latency;
    }, `pictures that are ${limit} s old at most`, 60_000);
    const samples = [];
    await until(async () => samples.push((await shown(page)).latency) >= 20, 'some seconds of latencies', 60_000);
    samples.sort((a, b) => a - b);
    console.log(`latency s: first within the limit ${best.toFixed(2)}, then p50 ${samples[10].toFixed(2)}, most ${samples.at(-1).toFixed(2)} (limit ${limit.toFixed(1)})`);
    assert.ok(samples[10] <= limit, `latencies ${samples}`);
    if (SCREENSHOTS) {
      mkdirSync(SCREENSHOTS, { recursive: true });
      await page.screenshot({ path: path.join(SCREENSHOTS, 'hls.png') });
    }

    await camera.command('size=240x180 front');
    await untilMoving(page, 'pictures of another size', 240);
    await camera.command('off front');
    await until(async () => (await ringcast.camera('front')).state !== 'streaming', 'the camera to be away');
    await camera.command('on front');
    await ringcast.streaming(['front']);
    await untilMoving(page, 'pictures after the camera was away');
    assert.deepEqual(errors, []);
  } finally {
    await browser.close();
    await proxy.stop();
  }
}, { limit: 300_000 });
