// SPDX-License-Identifier: MIT
// The essential tests in Firefox, against the real processes: pictures move, the element works, nothing is left over.

import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.mjs';
import { difference, pixels, until, untilMoving, videos, watchErrors } from './support/browser.mjs';
import { instrument } from './support/census.mjs';
import { Proxy } from './support/proxy.mjs';
import { Firefox, remember, remembered } from './support/firefox.mjs';

const NAMES = ['front', 'yard', 'attic']; // the last one is H.265, which Firefox plays
const SWITCHES = 30;
const BLANK = '<!doctype html><title>blank</title><link rel="icon" href="data:,"><script type="module" src="/ringcast-player.js"></script><body></body>';
const WRONG_DECODER = /H264ChangeMonitor::CheckForChange.*Invalid H264 content/;
const CLOSED_EARLY = /interrupted while the page was loading|can’t establish a connection/;

scenario('Firefox: the wall, the element, and what is left of them', async (stage) => {
  const camera = await stage.camera(['--audio', 'aac', '--camera', 'front', '--camera', 'yard', '--camera', 'attic:codec=h265']);
  const ringcast = await stage.ringcast(camera);
  const { headers } = await fetch(ringcast.address);
  const proxy = await new Proxy(ringcast.address, { 'blank.html': BLANK }, headers.get('content-security-policy')).start();
  const firefox = await Firefox.launch();
  try {
    await wall(firefox, ringcast);
    const page = await firefox.open(800, 600);
    const errors = watchErrors(page);
    await page.evaluateOnNewDocument(instrument);
    await page.evaluateOnNewDocument(remember);
    await page.goto(`${proxy.url}example/blank.html`);
    await element(page, ringcast);
    await changedCodec(page, ringcast, camera);
    await leftovers(firefox, page, ringcast);
    assert.deepEqual(serious(errors), []);
  } finally {
    await firefox.close();
    await proxy.stop();
  }
});

/** Without Firefox's reports about sockets that were closed while they connected. */
const serious = (errors) => errors.filter((error) => !CLOSED_EARLY.test(error));

const viewers = (ringcast, count) =>
  ringcast.until(`${count} viewers`, ({ cameras }) => cameras.reduce((sum, each) => sum + each.viewers, 0) === count);

/** Every camera moves and is live, also the one that Chromium cannot play. */
async function wall(firefox, ringcast) {
  const page = await firefox.open(1000, 700);
  const errors = watchErrors(page);
  await page.goto(ringcast.address);
  await untilMoving(page, { count: 3, ms: 60_000 });
  const pictures = [];
  for (const i of NAMES.keys()) pictures.push(await pixels(page, i));
  const at = (await videos(page)).map(({ time }) => time);
  await until(async () => (await videos(page)).every(({ time }, i) => time > at[i] + 1), 'a second of playback');
  for (const [i, picture] of pictures.entries()) assert.ok(difference(picture, await pixels(page, i)) > 3, `${NAMES[i]} is another picture`);
  await until(async () => (await page.$$('.tile[data-condition=live]')).length === 3, 'three live tiles');
  assert.deepEqual(serious(errors), []);
  await page.close();
  await viewers(ringcast, 0);
}

async function element(page, ringcast) {
  await page.evaluate(() => {
    globalThis.heard = new Set();
    const node = document.createElement('ringcast-camera');
    for (const type of ['firstpicture', 'init', 'playing', 'resize', 'statechange', 'conditionchange', 'pause', 'play']) {
      node.addEventListener(type, () => globalThis.heard.add(type));
    }
    globalThis.told = [];
    node.addEventListener('error', ({ detail }) => globalThis.told.push(detail.message));
    Object.assign(node, { camera: 'front', controls: true, defaultMuted: true, width: 320 });
    document.body.append(node);
    globalThis.node = node;
  });
  await untilMoving(page);
  const state = () => page.evaluate(() => {
    const { node } = globalThis;
    return { muted: node.muted, paused: node.paused, state: node.state, condition: node.getAttribute('condition'), height: node.getBoundingClientRect().height, sizes: [node.videoWidth, node.videoHeight] };
  });
  await until(async () => (await state()).condition === 'live', 'live');
  assert.deepEqual(await state(), { muted: true, paused: false, state: 'playing', condition: 'live', height: 180, sizes: [320, 180] });

  const { firstPicture, delay, target } = await until(() => page.evaluate(() => globalThis.node.player.stats), 'figures');
  console.log(`Firefox: first picture after ${Math.round(firstPicture * 1000)} ms, ${Math.round(delay * 1000)} ms behind the newest (target ${Math.round(target * 1000)})`);

  await page.evaluate(() => globalThis.node.pause());
  assert.equal((await state()).paused, true);
  assert.equal(await page.evaluate(() => globalThis.node.play().then(() => globalThis.node.paused)), false);
  await page.evaluate(() => {
    const elsewhere = document.createElement('section');
    document.body.append(elsewhere);
    elsewhere.append(globalThis.node);
  });
  await untilMoving(page);
  assert.equal(await page.evaluate(() => globalThis.__made.WebSocket.length), 1, 'moving it needs no new connection');
  await page.evaluate(() => globalThis.node.requestFullscreen());
  await until(() => page.evaluate(() => document.fullscreenElement === globalThis.node && globalThis.node.video.clientWidth === innerWidth), 'full screen');
  await page.evaluate(() => document.exitFullscreen());
  await page.evaluate(() => (globalThis.node.muted = false)); // a script of WebDriver counts as a click
  await until(() => page.evaluate(() => globalThis.node.player.stats?.sound), 'sound');
  await untilMoving(page);
  await page.evaluate(() => Object.assign(globalThis.node, { camera: 'attic', muted: true }));
  await untilMoving(page);
  assert.match(await page.evaluate(() => globalThis.node.player.stats?.codecs ?? 'hvc1'), /^hvc1/);
  const types = await page.evaluate(() => [...globalThis.heard].sort());
  assert.deepEqual(types, ['conditionchange', 'firstpicture', 'init', 'pause', 'play', 'playing', 'resize', 'statechange']);
  await viewers(ringcast, 1);
}

/**
 * A camera that is set to H.265 and back while it is watched, on one connection, in one MediaSource. When the machine is busy,
 * Firefox may hand a picture to the decoder of the codec before and fail: that costs one of each and the picture goes on.
 */
async function changedCodec(page, ringcast, camera) {
  await page.evaluate(() => Object.assign(globalThis.node, { camera: 'front' }));
  await untilMoving(page);
  await viewers(ringcast, 1);
  const made = () => page.evaluate(() => Object.values(globalThis.__made).map((all) => all.length));
  const before = await made();
  await page.evaluate(() => (globalThis.told = []));
  for (const [name, codec] of [['attic', /^hvc1/], ['front', /^avc1/]]) {
    assert.equal((await ringcast.ctl('camera', 'set', 'front', `url=${camera.url(NAMES.indexOf(name))}`)).code, 0);
    await until(async () => codec.test(await page.evaluate(() => globalThis.node.player.stats?.codecs)), `${codec}`);
    await untilMoving(page);
    assert.equal(await page.evaluate(() => globalThis.node.state), 'playing');
  }
  const told = await page.evaluate(() => globalThis.told);
  assert.deepEqual(told.filter((message) => !WRONG_DECODER.test(message)), []);
  assert.deepEqual(await made(), before.map((count) => count + told.length), 'the same MediaSource, SourceBuffer and socket');
}

async function leftovers(firefox, page, ringcast) {
  const books = () => page.evaluate(() => {
    const { listeners, timers, urls, observers } = globalThis.__census;
    return { listeners, timers, urls, observers };
  });
  const untilLeft = async (expected) => {
    let left;
    await until(async () => {
      await firefox.collect();
      left = await remembered(page);
      return Object.values(left).every((count) => count === expected);
    }, `${expected} of each`).catch(() => assert.fail(`${JSON.stringify(left)} and not ${expected} of each`));
  };
  const before = await books();
  assert.equal(before.urls, 0);
  for (let i = 0; i < SWITCHES; i++) {
    await page.evaluate((name) => (globalThis.node.camera = name), NAMES[i % NAMES.length]);
    if (i % 10 === 5) await untilMoving(page, { frames: 2 });
  }
  await untilMoving(page);
  await untilLeft(1);
  await until(async () => JSON.stringify(await books()) === JSON.stringify(before), 'the same counts').catch(async () => assert.deepEqual(await books(), before));
  await viewers(ringcast, 1);
  await page.evaluate(() => {
    globalThis.node.remove();
    globalThis.node = null;
  });
  await untilLeft(0);
  await viewers(ringcast, 0);
}
