// The wall: keys, one large and back, honest states, and what it says when there is nothing to show.
// With RINGCAST_SCREENSHOTS=DIRECTORY it also leaves pictures of itself there.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { launchBrowser, until, untilMoving, watchErrors } from './support/browser.mjs';
import { makeClip } from './support/clip.mjs';
import { FakeCamera, FakeServer } from './support/fake-server.mjs';

const LIMIT = { timeout: 90_000 };
const SCREENSHOTS = process.env.RINGCAST_SCREENSHOTS;
const SOURCES = ['testsrc2', 'testsrc', 'smptehdbars', 'pal100bars', 'rgbtestsrc'];
const NETWORK = /WebSocket|Failed to load resource|ERR_/;

let clips;
let browser;
let server;
let pages;

before(async () => {
  if (SCREENSHOTS) mkdirSync(SCREENSHOTS, { recursive: true });
  clips = SOURCES.map((source) => makeClip({ gop: 25, source, seconds: 2 }));
  browser = await launchBrowser();
});
after(() => browser?.close());
beforeEach(() => {
  pages = [];
});
afterEach(async () => {
  for (const page of pages) await page.close();
  await server?.stop();
  server = null;
});

const NAMES = ['Front door', 'Yard', 'Garage', 'Gate', 'Warehouse 1', 'Warehouse 2', 'Loading dock', 'Roof', 'Reception'];

async function serve(count) {
  server = new FakeServer(Array.from({ length: count }, (_, i) => new FakeCamera(NAMES[i] ?? `Camera ${i + 1}`, clips[i % clips.length])));
  await server.start();
}

async function open({ path = '', width = 1280, height = 720, colorScheme = 'dark' } = {}) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  pages.push(page);
  page.errors = watchErrors(page, NETWORK);
  await page.goto(server.url + path);
  return page;
}

async function shoot(page, name) {
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

const boxes = (page) => page.$$eval('.tile', (tiles) => tiles.map((tile) => {
  const { x, y, width, height } = tile.getBoundingClientRect();
  return { x, y, width, height };
}));
const live = (page, count) => until(async () => (await page.locator('.tile[data-condition=live]').count()) === count, `${count} live tiles`);

for (const [count, columns] of [[1, 1], [4, 2], [9, 3]]) {
  test(`${count} cameras fill the window without scrolling`, LIMIT, async () => {
    await serve(count);
    for (const colorScheme of ['dark', 'light']) {
      const page = await open({ colorScheme });
      await live(page, count);
      const tiles = await boxes(page);
      assert.equal(tiles.length, count);
      assert.equal(new Set(tiles.map(({ x }) => x)).size, columns);
      for (const { width, height, y } of tiles) {
        assert.ok(Math.abs(width / height - 16 / 9) < 0.02);
        assert.ok(y >= 0 && y + height <= 720);
      }
      assert.equal(await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight), true);
      await shoot(page, `wall-${count}-${colorScheme}`);
      assert.deepEqual(page.errors, []);
    }
  });
}

test('on a phone the tiles are as wide as the screen, and it scrolls', LIMIT, async () => {
  await serve(4);
  const page = await open({ width: 390, height: 844 });
  await untilMoving(page, { count: 3 });
  const tiles = await boxes(page);
  assert.ok(tiles.every(({ width }) => width > 350));
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  await shoot(page, 'wall-phone');
  await page.locator('.open').nth(1).click();
  assert.equal(await page.locator('.tile.large .name').textContent(), 'Yard');
  await live(page, 4);
  await shoot(page, 'wall-phone-large');
});

test('Enter makes one large, arrows change it, Escape goes back, without a new connection', LIMIT, async () => {
  await serve(4);
  const page = await open();
  await live(page, 4);
  const { upgrades } = server;
  await page.keyboard.press('Tab');
  const focused = () => page.evaluate(() => document.activeElement.getAttribute('aria-label'));
  assert.match(await focused(), /^Front door, Live\. Show large/);
  await page.keyboard.press('ArrowRight');
  assert.match(await focused(), /^Yard/);
  await page.keyboard.press('ArrowDown');
  assert.match(await focused(), /^Gate/);
  await shoot(page, 'wall-focus');
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  const large = () => page.locator('.tile.large .name').allTextContents();
  assert.deepEqual(await large(), ['Front door']);
  const tiles = await boxes(page);
  assert.ok(tiles[0].width > 900 && tiles.slice(1).every(({ width }) => width < 260));
  await page.keyboard.press('ArrowRight');
  assert.deepEqual(await large(), ['Yard']);
  assert.equal(await page.evaluate(() => decodeURIComponent(location.hash)), '#Yard');
  await shoot(page, 'wall-large');
  await page.keyboard.press('Escape');
  assert.deepEqual(await large(), []);
  assert.match(await focused(), /^Yard/);
  await page.locator('.open').nth(2).click();
  assert.deepEqual(await large(), ['Garage']);
  await page.locator('.large .back').click();
  assert.deepEqual(await large(), []);
  await live(page, 4);
  assert.equal(server.upgrades, upgrades);
  assert.deepEqual(page.errors, []);
});

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
  assert.equal(await badge(0), 'Live');
  assert.match(await badge(2), /^Offline since/);
  assert.equal(await badge(3), 'Cannot play');
  assert.equal(await page.locator('#summary').textContent(), '4 cameras · 1 live');
  await shoot(page, 'wall-states');

  server.setState('Yard', 'streaming');
  server.setState('Garage', 'streaming');
  server.cameras.get('Gate').announcement = null;
  await live(page, 4); // the one that could not be played too: its codec has changed in the list
  assert.deepEqual(page.errors, []);
});

test('the server goes away and comes back: the last pictures stay, the page is not loaded again', LIMIT, async () => {
  await serve(4);
  const page = await open();
  await live(page, 4);
  await page.evaluate(() => (globalThis.mark = 'same page'));
  await server.stop();
  await until(async () => (await page.locator('.tile[data-condition=reconnecting]').count()) === 4, 'four that say so');
  await shoot(page, 'wall-server-away');
  await server.start();
  await live(page, 4);
  assert.equal(await page.evaluate(() => globalThis.mark), 'same page');
});

test('cameras that are added, moved and removed appear, move and go; the others play on', LIMIT, async () => {
  await serve(3);
  const page = await open();
  await live(page, 3);
  const [first, second, third] = [...server.cameras.values()];
  const fourth = new FakeCamera('<b>new</b>', clips[0]);
  server.cameras = new Map([fourth, first, third].map((camera) => [camera.name, camera]));
  const names = () => page.locator('.name').allTextContents();
  await until(async () => (await names()).join() === '<b>new</b>,Front door,Garage', 'the new list');
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
  await until(() => server.viewers === 0, 'nobody watches');
  await page.locator('#toggle').click();
  await untilMoving(page);
  await page.goto(`${server.url}camera.html?camera=nobody`);
  await until(async () => /No camera is called “nobody”/.test(await page.locator('#status').textContent()), 'an honest answer');
  assert.equal(server.viewers, 0);
});
