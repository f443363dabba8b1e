// SPDX-License-Identifier: MIT
// The whole chain: test cameras, ringcastd and its processes, and the wall in Chromium.

import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.mjs';
import { difference, launchBrowser, pixels, until, untilMoving, untilNear, videos, watchErrors } from './support/browser.mjs';

const NAMES = ['cam1', 'cam2', 'cam3', 'cam4'];
const CALM_S = 0.7; // behind the newest picture, of 15 frames a second
const STRICT = /^default-src 'none'; script-src 'self'; style-src 'self'; (?!.*(unsafe|\*|https?:))/;
const NETWORK = /WebSocket|Failed to load resource|ERR_/; // Chromium's own words about connections that were lost

/** Four cameras with sound, an instance that shows them, and a browser; ended in any case. */
function watched(name, body) {
  scenario(name, async (stage) => {
    const camera = await stage.camera(['--cameras', '4', '--audio', 'aac']);
    const ringcast = await stage.ringcast(camera);
    const browser = await launchBrowser();
    try {
      await body({ stage, ringcast, browser });
    } finally {
      await browser.close();
    }
  }, { limit: 300_000 });
}

async function openWall(browser, address) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  const errors = watchErrors(page, NETWORK);
  page.on('request', (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith('blob:')) errors.push(`a request to ${request.url()}`);
  });
  const response = await page.goto(address);
  assert.match(response.headers()['content-security-policy'], STRICT);
  await untilMoving(page, { count: 4, ms: 60_000 });
  await page.evaluate(() => {
    globalThis.mark = 'same page';
    globalThis.stats = {};
    globalThis.states = {};
    for (const element of document.querySelectorAll('ringcast-camera')) {
      const { camera } = element;
      globalThis.states[camera] = [];
      element.addEventListener('stats', ({ detail }) => (globalThis.stats[camera] = detail));
      element.addEventListener('statechange', ({ detail }) => globalThis.states[camera].push(detail.state));
    }
  });
  return { page, errors };
}

const live = (page) => until(async () => (await page.locator('.tile[data-condition=live]').count()) === 4, 'four live tiles', 60_000);
const stats = (page) => page.evaluate(() => globalThis.stats);

/** What asked for each script and first list of a page: `parser` if the page's own words did, and `script` if a script had to come first. */
async function initiatorsOf(page) {
  const session = await page.context().newCDPSession(page);
  const initiators = new Map();
  session.on('Network.requestWillBeSent', ({ request: { url }, type, initiator }) => {
    const name = url.split('/').at(-1);
    if ((type === 'Script' || name === 'cameras') && !initiators.has(name)) initiators.set(name, initiator.type);
  });
  await session.send('Network.enable');
  return initiators;
}

watched('a page asks at once for all that it needs, and for few files', async ({ ringcast, browser }) => {
  for (const path of ['', 'camera.html?camera=cam1', 'login.html']) {
    const page = await browser.newPage();
    const initiators = await initiatorsOf(page);
    await page.goto(`${ringcast.address}${path}`, { waitUntil: 'load' });
    if (path !== 'login.html') await untilMoving(page, { count: path === '' ? 4 : 1, ms: 60_000 });
    const late = [...initiators].filter(([name, type]) => type !== 'parser' && (path === '' || name !== 'cameras'));
    assert.deepEqual(late, [], path);
    assert.ok(initiators.size >= 2 && initiators.size <= 4, `${path}: ${[...initiators.keys()]}`);
    assert.ok(path !== '' || initiators.has('cameras'));
    await page.close();
  }
});

watched('the wall shows four cameras: pictures move, and are live', async ({ ringcast, browser }) => {
  const { page, errors } = await openWall(browser, ringcast.address);
  assert.deepEqual(await page.locator('.name').allTextContents(), NAMES);
  const before = await Promise.all(NAMES.map((_, i) => pixels(page, i)));
  const at = (await videos(page)).map(({ time }) => time);
  await until(async () => (await videos(page)).every(({ time }, i) => time > at[i] + 1), 'a second of playback');
  for (const [i, picture] of before.entries()) assert.ok(difference(picture, await pixels(page, i)) > 3, `${NAMES[i]} is another picture`);
  await untilNear(page, { count: 4, calm: CALM_S });
  await live(page);
  const missed = Object.values(await stats(page)).map((each) => each.missed);
  assert.ok(missed.every((count) => count === 0), `${missed}`);
  assert.deepEqual(errors, []);
});

watched('kill -9 of one ingest: its viewers get pictures again on the same connection, the others miss nothing', async ({ ringcast, browser }) => {
  const { page, errors } = await openWall(browser, ringcast.address);
  await live(page);
  const { pid } = await ringcast.camera('cam2');
  const frames = (await videos(page))[1].frames;
  process.kill(pid, 'SIGKILL');
  await ringcast.until('another worker', ({ cameras }) => cameras[1].restarts === 1 && cameras[1].state === 'streaming', 60_000);
  await until(async () => (await videos(page))[1].frames > frames + 40, 'pictures of the next worker', 60_000);
  await live(page);
  await until(async () => (await stats(page)).cam2?.connections === 1, 'figures');
  for (const [name, { missed, connections, dropped }] of Object.entries(await stats(page))) {
    assert.equal(connections, 1, `${name} stayed connected`);
    assert.equal(dropped, 0, name);
    assert.equal(missed, 0, `${name} missed no fragment`);
  }
  const states = await page.evaluate(() => globalThis.states);
  // On a machine that is too busy a picture may stand still for a moment; a connection must not be touched.
  const touched = (state) => !['playing', 'stalled'].includes(state);
  for (const name of ['cam1', 'cam3', 'cam4']) assert.deepEqual(states[name].filter(touched), [], name);
  assert.equal(await page.evaluate(() => globalThis.mark), 'same page');
  assert.deepEqual(errors, []);
});

watched('kill -9 of the fan-out: the page comes back by itself', async ({ ringcast, browser }) => {
  const { page, errors } = await openWall(browser, ringcast.address);
  await live(page);
  for (let round = 1; round <= 2; round++) {
    const { fanouts } = await ringcast.status();
    process.kill(fanouts[0].pid, 'SIGKILL');
    await until(async () => Object.values(await stats(page)).every(({ connections }) => connections > round), 'four new connections', 60_000);
    await untilMoving(page, { count: 4, ms: 60_000 });
    await live(page);
  }
  assert.equal(await page.evaluate(() => globalThis.mark), 'same page');
  assert.deepEqual(errors, []);
});

watched('ringcastd is restarted: the page comes back by itself', async ({ ringcast, browser }) => {
  const { page, errors } = await openWall(browser, ringcast.address);
  await live(page);
  await ringcast.stop();
  await until(async () => (await page.locator('.tile[data-condition=reconnecting]').count()) === 4, 'four tiles that say so');
  ringcast.settings.listen = new URL(ringcast.address).host;
  ringcast.write();
  ringcast.start();
  await ringcast.streaming();
  await live(page);
  await untilMoving(page, { count: 4, ms: 60_000 });
  assert.equal(await page.evaluate(() => globalThis.mark), 'same page');
  assert.deepEqual(errors, []);
});
