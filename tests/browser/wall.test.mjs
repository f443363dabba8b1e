// The wall: keys, one large and back, honest states, and what it says when there is nothing to show.
// With RINGCAST_SCREENSHOTS=DIRECTORY it also leaves pictures of itself there.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { launchBrowser, pixels, until, untilMoving, watchErrors } from './support/browser.mjs';
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
const luminance = (picture) => picture.reduce((sum, value) => sum + value, 0) / picture.length;
const live = (page, count) => until(async () => (await page.locator('.tile[data-condition=live]').count()) === count, `${count} live tiles`);

for (const [count, columns] of [[1, 1], [4, 2], [9, 3], [25, 5]]) {
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
        assert.ok(y >= 44 && y + height <= 720);
      }
      assert.equal(await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight), true);
      assert.equal(await page.locator('#summary').textContent(), count === 1 ? '1 camera, live' : `${count} cameras, all live`);
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
      for (const { x, y, width: w, height: h } of shown) assert.ok(x >= 0 && y >= 44 && x + w <= width && y + h <= height && w >= 64);
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
  server = new FakeServer([square, wide, square].map((clip, i) => new FakeCamera(NAMES[i], clip)));
  await server.start();
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
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: 'dark' });
  const page = await context.newPage();
  pages.push({ close: () => context.close() });
  await page.goto(server.url);
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

/** Taps until it has an effect: on a machine that is too busy a tap takes so long that it is a long press, which is none. */
async function tapUntil(target, probe) {
  for (let i = 0; i < 5; i++) {
    await target.tap();
    if (await until(probe, 'the effect of a tap', 2000).catch(() => false)) return;
  }
  assert.fail('taps have no effect');
}

/** A finger that goes from one point to another. */
async function swipe(page, from, to) {
  const session = await page.context().newCDPSession(page);
  const touch = (type, ...touchPoints) => session.send('Input.dispatchTouchEvent', { type, touchPoints });
  await touch('touchStart', from);
  await touch('touchMove', { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 });
  await touch('touchMove', to);
  await touch('touchEnd');
  await session.detach();
}

const order = async (page) => {
  const tiles = await page.$$eval('.tile', (nodes) => nodes.map((node) => {
    const { x, y } = node.getBoundingClientRect();
    return { name: node.querySelector('.name').textContent, x, y };
  }));
  return tiles.sort((a, b) => a.y - b.y || a.x - b.x).map(({ name }) => name);
};

async function drag(page, from, to) {
  const centre = async (name) => {
    const { x, y, width, height } = await page.locator('.tile', { hasText: name }).boundingBox();
    return [x + width / 2, y + height / 2];
  };
  await page.mouse.move(...(await centre(from)));
  const target = await centre(to);
  await page.mouse.down();
  await page.mouse.move(...target, { steps: 5 });
}

test('a tile is dragged to another place: the two change places, nothing is connected anew, and it lasts', LIMIT, async () => {
  await serve(4);
  const page = await open();
  await live(page, 4);
  const { upgrades } = server;
  await drag(page, 'Front door', 'Gate');
  assert.equal(await page.locator('.tile.target .name').textContent(), 'Gate');
  await shoot(page, 'wall-drag');
  await page.mouse.up();
  const changed = ['Gate', 'Yard', 'Garage', 'Front door'];
  assert.deepEqual(await order(page), changed);
  assert.equal(await page.locator('.tile.large').count(), 0, 'no click');
  assert.equal(await page.locator('.dragged, .target, .dragging').count(), 0);
  assert.equal(server.upgrades, upgrades);
  assert.equal(new URL(page.url()).search, '?order=Gate,Yard,Garage,Front%20door');

  await drag(page, 'Gate', 'Garage');
  await page.keyboard.press('Escape');
  await page.mouse.up();
  assert.deepEqual(await order(page), changed, 'Escape leaves it where it was');

  await page.goto(server.url);
  await live(page, 4);
  assert.deepEqual(await order(page), changed, 'this browser remembers');
  assert.deepEqual(page.errors, []);
});

test('Shift and an arrow do the same, and are read out; a shared address wins over what is remembered', LIMIT, async () => {
  await serve(4);
  const page = await open();
  await live(page, 4);
  const { upgrades } = server;
  await page.keyboard.press('Tab');
  await page.locator('.open').first().focus();
  await page.keyboard.press('Shift+ArrowRight');
  assert.deepEqual(await order(page), ['Yard', 'Front door', 'Garage', 'Gate']);
  await page.keyboard.press('Shift+ArrowDown');
  assert.deepEqual(await order(page), ['Yard', 'Gate', 'Garage', 'Front door']);
  assert.equal(await page.locator('#news').textContent(), 'Front door is now in place 4 of 4');
  const owned = await page.evaluate(() => document.getElementById('wall').getAttribute('aria-owns').split(' ')
    .map((id) => document.querySelector(`#${id} .name`).textContent));
  assert.deepEqual(owned, await order(page));
  assert.match(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), /^Front door/);
  await page.keyboard.press('Home');
  assert.match(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), /^Yard/);
  assert.equal(server.upgrades, upgrades);

  await page.goto(`${server.url}?order=Garage,gone,Gate`);
  await live(page, 4);
  assert.deepEqual(await order(page), ['Garage', 'Gate', 'Front door', 'Yard']);
  await page.goto(server.url);
  await live(page, 4);
  assert.deepEqual(await order(page), ['Yard', 'Gate', 'Garage', 'Front door'], 'looking at a shared one changes nothing');
  await page.keyboard.press('?');
  await page.locator('#forget').click();
  assert.deepEqual(await order(page), NAMES.slice(0, 4));
  assert.equal(new URL(page.url()).search, '');
  assert.deepEqual(page.errors, []);
});

test('Enter makes one large, arrows change it, Escape goes back, without a new connection', LIMIT, async () => {
  await serve(4);
  const page = await open();
  await live(page, 4);
  const { upgrades } = server;
  await page.locator('.open').first().focus();
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
  assert.ok(tiles.every(({ x, y, width, height }) => x >= 0 && y >= 44 && x + width <= 1280 && y + height <= 720));
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
  assert.equal(await page.locator('#summary').textContent(), '4 cameras, 1 live, 2 offline, 1 cannot be played');
  await until(async () => /cannot be played|offline since/.test(await page.locator('#news').textContent()), 'what is read out');
  const headline = (i) => page.locator('.headline').nth(i).textContent();
  assert.deepEqual([await headline(0), await headline(3)], ['', 'Cannot play']);
  assert.match(await page.locator('.reason').nth(1).textContent(), /no answer from 192/);
  assert.match(await page.locator('.reason').nth(3).textContent(), /cannot play H\.265 .*Firefox/);
  assert.ok(luminance(await pixels(page, 1)) > 20, 'the last picture is still there');
  assert.equal(await page.title(), '3 not live · ringcast');
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
  for (let i = 0; i < 4; i++) assert.ok(luminance(await pixels(page, i)) > 20, 'no black moment');
  assert.equal(await page.locator('#summary').textContent(), '4 cameras, 4 reconnecting');
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
  await until(async () => (await order(page)).join() === '<b>new</b>,Front door,Garage', 'the new list');
  await live(page, 3);
  assert.equal(await page.locator('.name b').count(), 0);
  await until(() => server.viewers === 3, 'three viewers');
  assert.ok(second);
  assert.deepEqual(page.errors, []);
});

test('the help lists every key; the colours follow the system until somebody chooses', LIMIT, async () => {
  await serve(1);
  const page = await open({ colorScheme: 'light' });
  await live(page, 1);
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  await page.keyboard.press('?');
  assert.ok((await page.locator('#key-list dt').count()) >= 10);
  await shoot(page, 'wall-help');
  await page.keyboard.press('s'); // keys belong to the dialog now
  assert.equal(await page.locator('#note').isVisible(), false);
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('#keys').isVisible(), false);

  await page.keyboard.press('d');
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.reload();
  assert.equal(await ground(), dark, 'it is remembered');
  await page.locator('#theme').click();
  assert.equal(await ground(), light);
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.equal(await ground(), dark, 'and follows the system again');
  assert.deepEqual(page.errors, []);
});

test('S saves the picture in its own size with name and time; nothing is left of it', LIMIT, async () => {
  await serve(2);
  const page = await open();
  await live(page, 2);
  await page.locator('.open').nth(1).focus();
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('s')]);
  assert.match(download.suggestedFilename(), /^Yard \d{4}-\d\d-\d\d \d\d-\d\d-\d\d\.png$/);
  const file = readFileSync(await download.path());
  assert.equal(file.toString('latin1', 1, 4), 'PNG');
  assert.deepEqual([file.readUInt32BE(16), file.readUInt32BE(20)], [320, 180]);
  assert.ok(file.length > 1000);
  assert.match(await page.locator('#note').textContent(), /^Saved Yard/);
  assert.deepEqual(page.errors, []);
});

test('M: one camera is heard at a time, and none when another one is shown', LIMIT, async () => {
  await serve(3);
  const page = await open();
  await live(page, 3);
  const heard = () => page.$$eval('ringcast-camera', (all) => all.filter(({ muted }) => !muted).map(({ camera }) => camera));
  await page.locator('.open').first().focus();
  await page.keyboard.press('m');
  assert.deepEqual(await heard(), ['Front door']);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('m');
  assert.deepEqual(await heard(), ['Yard']);
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('.large .sound').getAttribute('aria-pressed'), 'true');
  await page.keyboard.press('ArrowRight');
  assert.deepEqual(await heard(), []);
  assert.deepEqual(page.errors, []);
});

test('I: figures over every picture, also of cameras that come later, and none when it is pressed again', LIMIT, async () => {
  await serve(3);
  const page = await open();
  await live(page, 3);
  await page.keyboard.press('i');
  const shown = (count) => until(async () => {
    const texts = await page.locator('.figures:visible').allTextContents();
    return texts.length === count && texts.every((text) => /^320×180 · avc1[^]*2\d\.\d frames\/s · \d+ kbit\/s\n0\.\d\d s behind/.test(text));
  }, `${count} with figures`);
  await shown(3);
  await shoot(page, 'wall-figures');
  server.cameras.set('late', new FakeCamera('late', clips[0]));
  await shown(4);
  await page.keyboard.press('i');
  assert.equal(await page.locator('.figures:visible').count(), 0);
  assert.deepEqual(page.errors, []);
});

test('F: the wall fills the screen; a large one is alone there', LIMIT, async () => {
  await serve(4);
  const page = await open();
  await live(page, 4);
  await page.keyboard.press('f');
  await until(() => page.evaluate(() => document.fullscreenElement !== null), 'full screen');
  await until(async () => (await boxes(page))[0].y < 10, 'no bar');
  await page.locator('.open').nth(2).click();
  const shown = () => page.$$eval('.tile', (tiles) => tiles.filter((tile) => tile.getBoundingClientRect().width > 0).length);
  assert.equal(await shown(), 1);
  await page.keyboard.press('f');
  await until(() => page.evaluate(() => document.fullscreenElement === null), 'a window again');
  await until(async () => (await shown()) === 4, 'the others beside it');
  assert.deepEqual(page.errors, []);
});

test('the small stream of a camera has no tile of its own', LIMIT, async () => {
  await serve(3);
  server.cameras.get('Front door').extra = { sub: 'Garage' };
  const page = await open();
  await live(page, 2);
  assert.deepEqual(await order(page), ['Front door', 'Yard']);
  assert.deepEqual(page.errors, []);
});

test('a new version of the server: the page offers to be loaded again, a kiosk does it', LIMIT, async () => {
  await serve(2);
  const page = await open();
  const context = await browser.newContext();
  await context.addInitScript(() => {
    const { request } = WakeLock.prototype;
    globalThis.locks = 0;
    WakeLock.prototype.request = function (type) {
      globalThis.locks++;
      return request.call(this, type);
    };
  });
  const kiosk = await context.newPage();
  pages.push({ close: () => context.close() });
  await kiosk.goto(`${server.url}?kiosk`);
  for (const each of [page, kiosk]) {
    await live(each, 2);
    await each.evaluate(() => (globalThis.mark = 'same page'));
  }
  assert.equal(await kiosk.evaluate(() => globalThis.locks), 1, 'it keeps the screen awake');
  assert.equal(await kiosk.locator('.bar').isVisible(), false);
  assert.equal(await kiosk.locator('.tools').first().isVisible(), false);
  assert.equal(await kiosk.evaluate(() => getComputedStyle(document.querySelector('.open')).cursor), 'none');
  const noticed = [page, kiosk].map((each) => each.waitForEvent('requestfailed', (request) => request.url().endsWith('/api/cameras')));
  await server.stop();
  await Promise.all(noticed);
  server.version = 'next';
  await server.start();
  await page.locator('#reload').waitFor({ state: 'visible' });
  assert.equal(await page.evaluate(() => globalThis.mark), 'same page');
  await until(() => kiosk.evaluate(() => globalThis.mark === undefined), 'the kiosk has loaded itself again');
  await live(kiosk, 2);
  await page.locator('#reload').click();
  await until(() => page.evaluate(() => globalThis.mark === undefined), 'the page too');
  await live(page, 2);
});

test('a kiosk survives an error of its page and a server that dies while it loads', LIMIT, async () => {
  await serve(1);
  const page = await open({ path: '?kiosk' });
  await live(page, 1);
  await page.evaluate(() => {
    globalThis.mark = 'same page';
    setTimeout(() => {
      throw new Error('a fault of the page');
    });
  });
  await until(() => page.evaluate(() => globalThis.mark === undefined), 'it was loaded again', 30_000);
  await live(page, 1);

  await page.route('**/wall.js', (route) => route.abort());
  await page.reload();
  assert.equal(await page.locator('.tile').count(), 0);
  await page.unroute('**/wall.js');
  await live(page, 1);
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
