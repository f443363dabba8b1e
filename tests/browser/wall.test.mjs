// SPDX-License-Identifier: MIT
// The wall: where tiles are, correct states, cameras that come and go, and its words when there is nothing to show.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pixels, until, untilMoving } from './support/browser.mjs';
import { makeClip } from './support/clip.mjs';
import { FakeCamera } from './support/fake-server.mjs';
import { LIMIT, boxes, clips, live, open, order, serve, server, shoot, swipe } from './support/wall.mjs';

const FAILED_MS = 3000; // as wall.js has it

const luminance = (picture) => picture.reduce((sum, value) => sum + value, 0) / picture.length;

for (const [count, columns] of [[1, 1], [4, 2], [9, 3], [25, 5]]) {
  test(`${count} cameras fill the window without scrolling`, LIMIT, async () => {
    await serve(count, count > 9 ? [makeClip({ gop: 10, fps: 5, seconds: 4 })] : clips); // as much as a small machine can decode
    for (const colorScheme of ['dark', 'light']) {
      const page = await open({ colorScheme });
      await live(page, count);
      const tiles = await boxes(page);
      assert.equal(tiles.length, count);
      assert.equal(new Set(tiles.map(({ x }) => x)).size, columns);
      for (const { width, height, y } of tiles) {
        assert.ok(Math.abs(width / height - 16 / 9) < 0.02);
        assert.ok(y >= 44 && y + height <= 720);
      }
      assert.equal(await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight), true);
      const summary = count === 1 ? '1 camera, live' : `${count} cameras, all live`;
      await until(async () => (await page.locator('#summary').textContent()) === summary, 'the summary');
      await shoot(page, `wall-${count}-${colorScheme}`);
      assert.deepEqual(page.errors, []);
      await page.close();
    }
  });
}

test('64 cameras, and one of them large: all inside the window, none out of reach', LIMIT, async () => {
  await serve(64);
  for (const camera of server.cameras.values()) camera.silent = true;
  for (const [width, height] of [[1280, 720], [390, 844]]) {
    const page = await open({ width, height });
    await until(async () => (await page.locator('.tile').count()) === 64, '64 tiles');
    for (const path of ['', '#Gate']) {
      await page.goto(server.url + path);
      await until(async () => (await page.locator('.tile.large').count()) === (path ? 1 : 0), 'the layout');
      await until(async () => (await boxes(page)).length === 64, 'the tiles');
      const shown = (await boxes(page)).filter(({ width: w }) => w > 0);
      assert.ok(shown.length === 64 || path !== '', `${shown.length} are shown at ${width}x${height}`);
      const phone = width < 520; // which scrolls
      for (const { x, y, width: w, height: h } of shown) assert.ok(x >= 0 && y >= 44 && x + w <= width && (phone || y + h <= height) && w >= (phone ? 150 : 64));
    }
    await page.keyboard.press('End');
    assert.equal(await page.locator('.tile.large .name').textContent(), 'Camera 64');
    assert.deepEqual(page.errors, []);
    await page.close();
  }
});

test('tiles have the shape of most pictures; another one is shown whole, and a large one in its own shape', LIMIT, async () => {
  const wide = clips[0];
  const square = makeClip({ gop: 25, seconds: 2, width: 240, height: 240 });
  await serve(3, [square, wide]);
  const page = await open();
  await live(page, 3);
  await until(async () => (await boxes(page)).every(({ width, height }) => width === height), 'square tiles');
  const fits = () => page.$$eval('ringcast-camera', (all) => all.map((one) => getComputedStyle(one.video).objectFit));
  assert.deepEqual(await fits(), ['cover', 'contain', 'cover']);
  await page.locator('.open').nth(1).click();
  const [, large] = await boxes(page);
  assert.ok(Math.abs(large.width / large.height - 16 / 9) < 0.02);
  assert.deepEqual(page.errors, []);
});

test('the wall follows the window', LIMIT, async () => {
  await serve(6);
  const page = await open({ width: 1280, height: 720 });
  await live(page, 6);
  const columns = async () => new Set((await boxes(page)).map(({ x }) => x)).size;
  assert.equal(await columns(), 3);
  for (const [width, height, expected] of [[560, 900, 2], [400, 1400, 1], [1800, 300, 6]]) {
    await page.setViewportSize({ width, height });
    await until(async () => (await columns()) === expected, `${expected} columns at ${width}x${height}`);
    for (const { x, y, width: w, height: h } of await boxes(page)) assert.ok(x >= 0 && y >= 0 && x + w <= width && y + h <= height);
  }
  assert.deepEqual(page.errors, []);
});

test('on a phone all are there, and a tap shows one on top of the others; a swipe shows the next', LIMIT, async () => {
  await serve(8);
  const page = await open({ width: 390, height: 844, hasTouch: true, isMobile: true });
  await live(page, 8);
  const all = await boxes(page);
  assert.ok(all.every(({ x, y, width, height }) => x >= 0 && y >= 0 && x + width <= 390 && y + height <= 844 && width > 180));
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  await shoot(page, 'wall-phone');
  const middle = ({ x, y, width, height }) => ({ x: x + width / 2, y: y + height / 2 });
  await swipe(page, middle(all[0]), middle(all[3]));
  await until(async () => (await order(page))[0] === 'Gate', 'a finger arranges them');
  await swipe(page, middle(all[0]), middle(all[3]));
  await until(async () => (await order(page))[0] === 'Front door', 'and back');
  await tapUntil(page.locator('.open').nth(1), async () => (await page.locator('.tile.large').count()) === 1);
  const large = async (name) => until(async () => (await page.locator('.tile.large .name').allTextContents()).join() === name, name);
  await large('Yard');
  const [first, second] = await boxes(page);
  assert.ok(second.width > 370 && first.y > second.y + second.height);
  await live(page, 8);
  await shoot(page, 'wall-phone-large');
  await swipe(page, { x: 300, y: 140 }, { x: 120, y: 150 });
  await large('Garage');
  await swipe(page, { x: 100, y: 140 }, { x: 300, y: 150 });
  await large('Yard');
  await tapUntil(page.locator('.large .back'), async () => (await page.locator('.tile.large').count()) === 0);
});

/** Taps until it has an effect: on a machine that is too busy a tap takes so long that it counts as a long press. */
async function tapUntil(target, probe) {
  for (let i = 0; i < 5; i++) {
    await target.tap();
    if (await until(probe, 'the effect of a tap', 2000).catch(() => false)) return;
  }
  assert.fail('taps have no effect');
}

test('a large tile is large again after a reload', LIMIT, async () => {
  await serve(4);
  const page = await open({ path: '#Gate' });
  await until(async () => (await page.locator('.tile.large .name').allTextContents())[0] === 'Gate', 'the tile named in the address');
});

test('every tile tells the truth about its camera', LIMIT, async () => {
  await serve(4);
  server.cameras.get('Gate').announcement = JSON.stringify({
    type: 'init', mime: 'video/mp4; codecs="hvc1.1.6.L93.B0"', codecs: 'hvc1.1.6.L93.B0', width: 320, height: 180, generation: 1,
  });
  const page = await open();
  await live(page, 3);
  server.setState('Yard', 'backoff', 'no answer from 192.0.2.7');
  server.setState('Garage', 'stalled');
  const badge = (i) => page.locator('.badge').nth(i).textContent();
  await until(async () => /^Offline since \d/.test(await badge(1)), 'the camera that is away');
  assert.match(await badge(2), /^Offline since/);
  assert.equal(await badge(3), 'Cannot play');
  // Live is what it is again and again; on a busy machine it is late in between.
  const summary = () => page.locator('#summary').textContent();
  await until(async () => (await badge(0)) === 'Live' && (await summary()) === '4 cameras, 1 live, 2 offline, 1 cannot be played', 'a live one, and the summary');
  await until(async () => /cannot be played|offline since/.test(await page.locator('#news').textContent()), 'what is read out');
  const headline = (i) => page.locator('.headline').nth(i).textContent();
  await until(async () => (await headline(0)) === '', 'no words over live pictures');
  assert.equal(await headline(3), 'Cannot play');
  assert.match(await page.locator('.reason').nth(1).textContent(), /^The camera cannot be reached$/);
  assert.match(await page.locator('.reason').nth(3).textContent(), /cannot play H\.265 .*Firefox/);
  assert.ok(luminance(await pixels(page, 1)) > 20, 'the last picture is still there');
  await until(async () => (await page.title()) === '3 not live · ringcast', 'the title');
  await shoot(page, 'wall-states');

  server.setState('Yard', 'streaming');
  server.setState('Garage', 'streaming');
  server.cameras.get('Gate').announcement = null;
  await live(page, 4); // the one that could not be played too: its codec has changed in the list
  assert.deepEqual(page.errors, []);
});

test('a camera that sends H.265 for so short a while that the list of cameras never says so is played again afterwards', LIMIT, async () => {
  await serve(2);
  const yard = server.cameras.get('Yard');
  const { mime, codecs } = yard.clip;
  yard.extra = { mime, codecs };
  yard.announcement = JSON.stringify({ type: 'init', mime: 'video/mp4; codecs="hvc1.1.6.L93.B0"', codecs: 'hvc1.1.6.L93.B0', width: 320, height: 180, generation: 1 });
  const page = await open();
  await until(async () => (await page.locator('.badge').nth(1).textContent()) === 'Cannot play', 'what this browser cannot play');
  yard.announcement = null;
  await live(page, 2);
  assert.deepEqual(page.errors, []);
});

test('a camera that cannot be played costs no more questions and connections as time goes on', LIMIT, async () => {
  await serve(4);
  const [yard, gate] = ['Yard', 'Gate'].map((name) => server.cameras.get(name));
  const h265 = 'hvc1.1.6.L93.B0';
  const announcement = JSON.stringify({ type: 'init', mime: `video/mp4; codecs="${h265}"`, codecs: h265, width: 320, height: 180, generation: 1 });
  for (const camera of [yard, gate]) camera.announcement = announcement;
  yard.extra = { mime: `video/mp4; codecs="${h265},flac"` }; // who is muted is sent no sound
  gate.extra = { mime: yard.clip.mime }; // it is tried again and again
  const page = await open();
  const badges = () => page.locator('.badge').allTextContents();
  await until(async () => (await badges()).filter((text) => text === 'Cannot play').length === 2, 'what this browser cannot play');
  await page.evaluate(() => {
    globalThis.changes = 0;
    for (const camera of document.querySelectorAll('ringcast-camera')) if (camera.camera === 'Yard') camera.addEventListener('statechange', () => globalThis.changes++);
  });
  const asked = [];
  page.on('request', (request) => new URL(request.url()).pathname === '/api/cameras' && asked.push(performance.now()));
  for (let i = 0; i < 10; i++) {
    const away = i % 2 === 0;
    server.setState('Garage', away ? 'backoff' : 'streaming', 'no answer');
    await until(async () => (await badges()).some((text) => text.startsWith('Offline')) === away, 'the list');
  }
  assert.equal(await page.evaluate(() => globalThis.changes), 0, 'the sound that the row has is no reason to try again');
  const from = asked.length;
  await until(() => asked.length >= from + 4, 'questions');
  assert.ok(asked[from + 3] - asked[from] >= 3 * FAILED_MS - 500, `four questions in ${Math.round(asked[from + 3] - asked[from])} ms`);
  assert.deepEqual(page.errors, []);
});

test('the server goes away and comes back: the last pictures stay, the page is not loaded again', LIMIT, async () => {
  await serve(4);
  const page = await open();
  await live(page, 4);
  await page.evaluate(() => (globalThis.mark = 'same page'));
  await server.stop();
  await until(async () => (await page.locator('.tile[data-condition=reconnecting]').count()) === 4, 'four that say so');
  for (let i = 0; i < 4; i++) assert.ok(luminance(await pixels(page, i)) > 20, 'no black moment');
  assert.equal(await page.locator('#summary').textContent(), '4 cameras, 4 reconnecting');
  await shoot(page, 'wall-server-away');
  await server.start();
  await live(page, 4);
  assert.equal(await page.evaluate(() => globalThis.mark), 'same page');
});

test('the list hears of the server first: the players do not wait for the end of their pauses', LIMIT, async () => {
  await serve(4);
  const page = await open();
  await live(page, 4);
  await page.evaluate(() => {
    globalThis.pauses = new Map();
    for (const camera of document.querySelectorAll('ringcast-camera')) {
      camera.addEventListener('statechange', ({ detail }) => detail.retryMs && globalThis.pauses.set(camera.camera, detail.retryMs));
    }
  });
  await server.stop();
  await until(() => page.evaluate(() => globalThis.pauses.size === 4 && Math.min(...globalThis.pauses.values()) > 6500), 'long pauses', 60_000);
  server.asked.clear();
  await server.start();
  await until(() => server.viewers === 4, 'all players', 60_000);
  assert.ok(server.asked.get('/api/cameras') <= 2, `asked ${server.asked.get('/api/cameras')} times, one every three seconds`);
  await live(page, 4);
});

test('cameras that are added, moved and removed appear, move and go; the others play on', LIMIT, async () => {
  await serve(3);
  const page = await open();
  await live(page, 3);
  const [first, second, third] = [...server.cameras.values()];
  const fourth = new FakeCamera('<b>new</b>', clips[0]);
  server.cameras = new Map([fourth, first, third].map((camera) => [camera.name, camera]));
  await until(async () => (await order(page)).join() === '<b>new</b>,Front door,Garage', 'the new list');
  await live(page, 3);
  assert.equal(await page.locator('.name b').count(), 0);
  await until(() => server.viewers === 3, 'three viewers');
  assert.ok(second);
  assert.deepEqual(page.errors, []);
});

test('no camera: what to do; no server: that it comes back by itself', LIMIT, async () => {
  await serve(0);
  const page = await open();
  await until(async () => (await page.locator('#empty-title').textContent()) === 'No cameras yet', 'what to do');
  assert.equal(await page.locator('#empty-example').isVisible(), true);
  await shoot(page, 'wall-empty');
  server.away = true;
  await until(async () => (await page.locator('#empty-title').textContent()) === 'The server is away', 'the server is away');
  await shoot(page, 'wall-away');
  server.away = false;
  server.cameras.set('late', new FakeCamera('late', clips[0]));
  await live(page, 1);
  assert.equal(await page.locator('#empty').isVisible(), false);
});

test('the page of one camera', LIMIT, async () => {
  await serve(4);
  const page = await open({ path: 'camera.html?camera=Garage' });
  await untilMoving(page);
  assert.equal(await page.locator('#choice').inputValue(), 'Garage');
  await until(async () => (await page.locator('#status').textContent()) === 'Live', 'live');
  await shoot(page, 'camera');
  await page.locator('#toggle').click();
  await until(() => server.viewers === 0, 'no viewer');
  await page.locator('#toggle').click();
  await untilMoving(page);
  await page.goto(`${server.url}camera.html?camera=nobody`);
  await until(async () => /No camera is called “nobody”/.test(await page.locator('#status').textContent()), 'an honest answer');
  assert.equal(server.viewers, 0);
});

test('a tile that waits for its first picture shows the newest one that the server can make, and lets it go', LIMIT, async () => {
  await serve(2);
  const [waits, none] = [...server.cameras.values()];
  for (const camera of [waits, none]) {
    camera.silent = true;
    camera.extra = { poster: `/snapshot/${encodeURIComponent(camera.name)}.jpg`, mirror: true, crop: [10, 20, 30, 40] };
  }
  waits.picture = Buffer.from('R0lGODlhAQABAIAAAP8AAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64'); // one red point
  const page = await open();
  const posters = () =>
    page.locator('.tile .poster').evaluateAll((images) => images.map(({ hidden, naturalWidth, src }) => ({ shown: !hidden && naturalWidth > 0, src })));
  await until(async () => (await posters())[0].shown, 'the picture of the first camera');
  const asked = (camera) => server.asked.get(`/snapshot/${encodeURIComponent(camera.name)}.jpg`) ?? 0;
  await until(() => asked(none) === 1, 'the question for the other one');
  await until(async () => (await posters())[1].src === '', 'the other tile to have none');
  assert.match((await posters())[0].src, /\?width=\d+$/);
  const drawn = await page.locator('.tile .poster').first().evaluate((image) => [getComputedStyle(image).transform, getComputedStyle(image).objectViewBox]);
  assert.deepEqual(drawn, ['matrix(-1, 0, 0, 1, 0, 0)', 'inset(20% 30% 40% 10%)'], 'mirrored and cropped as the stream will be');
  waits.silent = none.silent = false;
  await live(page, 2);
  assert.deepEqual(await posters(), [{ shown: false, src: '' }, { shown: false, src: '' }]);
  assert.deepEqual([asked(waits), asked(none)], [1, 1], 'each is asked for once');
  assert.deepEqual(page.errors.filter((error) => !/503/.test(error)), []);
  await page.close();
});
