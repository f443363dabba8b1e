// SPDX-License-Identifier: MIT
// What a user does with the wall: arranging it, making a camera large, and every other key; and what a kiosk does without a user.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { until } from './support/browser.mjs';
import { instrument } from './support/census.mjs';
import { makeClip } from './support/clip.mjs';
import { FakeCamera } from './support/fake-server.mjs';
import { LIMIT, NAMES, boxes, clips, live, open, order, serve, server, shoot } from './support/wall.mjs';

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

test('a tile is dragged to another place: the two change places, nothing is connected again, and it lasts', LIMIT, async () => {
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

test('the help lists every key; the colours follow the system until the user chooses', LIMIT, async () => {
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

test('forced colours: every word has a ground, and the dot keeps its colour; a name from right to left keeps its beginning', LIMIT, async () => {
  await serve(2);
  const page = await open({ forcedColors: 'active' });
  await live(page, 2);
  const look = await page.locator('.badge').first().evaluate((badge) => ({
    ground: getComputedStyle(badge).backgroundColor, text: getComputedStyle(badge).color, dot: getComputedStyle(badge, '::before').backgroundColor,
  }));
  assert.equal(look.dot, 'rgb(53, 208, 127)');
  assert.notEqual(look.ground, look.text);
  assert.doesNotMatch(look.ground, /rgba/, 'it covers the picture');
  await shoot(page, 'wall-forced-colours');
  assert.deepEqual(await page.$$eval('.tile .name', (names) => names.map(({ dir, title }) => [dir, title])), [['auto', 'Front door'], ['auto', 'Yard']]);
  assert.deepEqual(page.errors, []);
});

test('S saves the picture in its own size with name and time; nothing is left of it', LIMIT, async () => {
  await serve(2);
  const page = await open({ prepare: (context) => context.addInitScript(instrument) });
  await live(page, 2);
  const urls = () => page.evaluate(() => globalThis.__census.urls);
  const before = await urls();
  await page.locator('.open').nth(1).focus();
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('s')]);
  assert.match(download.suggestedFilename(), /^Yard \d{4}-\d\d-\d\d \d\d-\d\d-\d\d\.png$/);
  const file = readFileSync(await download.path());
  assert.equal(file.toString('latin1', 1, 4), 'PNG');
  assert.deepEqual([file.readUInt32BE(16), file.readUInt32BE(20)], [320, 180]);
  assert.ok(file.length > 1000);
  assert.match(await page.locator('#note').textContent(), /^Saved Yard/);
  await until(async () => (await urls()) === before, 'the object URL to be revoked');
  assert.deepEqual(page.errors, []);
});

test('M: one camera is heard at a time; the sound goes along from one large camera to the next, and ends with it', LIMIT, async () => {
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
  assert.deepEqual(await heard(), ['Garage']);
  assert.equal(await page.locator('.large .sound').getAttribute('aria-pressed'), 'true');
  await page.keyboard.press('Escape');
  assert.deepEqual(await heard(), []);
  assert.deepEqual(page.errors, []);
});

test('a double click makes it large, Back returns to the wall, Enter works at once, and keys of any alphabet', LIMIT, async () => {
  await serve(4);
  const page = await open();
  await live(page, 4);
  const large = () => page.locator('.tile.large .name').allTextContents();
  await page.keyboard.press('Enter');
  assert.deepEqual(await large(), ['Front door'], 'nothing had the focus');
  await page.keyboard.press('Enter');
  assert.deepEqual(await large(), []);
  const length = await page.evaluate(() => history.length);
  for (let i = 0; i < 5; i++) {
    await page.locator('.open').nth(1).dblclick();
    assert.deepEqual(await large(), ['Yard']);
    await page.keyboard.press('ArrowRight');
    assert.deepEqual(await large(), ['Garage']);
    await page.keyboard.press('Escape');
    assert.deepEqual(await large(), []);
    await until(async () => new URL(page.url()).hash === '', 'the address of the wall');
  }
  assert.equal(await page.evaluate(() => history.length), length, 'no trail');
  await page.locator('.open').nth(2).click();
  await page.goBack();
  assert.deepEqual(await large(), []);
  assert.equal(page.url().startsWith(server.url), true);
  await page.goForward();
  assert.deepEqual(await large(), ['Garage']);
  await page.goBack();
  await live(page, 4);
  await page.evaluate(() => document.dispatchEvent(new KeyboardEvent('keydown', { key: '\u044b', code: 'KeyS', bubbles: true })));
  await page.locator('#note', { hasText: /^Saved Garage/ }).waitFor();
  assert.deepEqual(page.errors, []);
});

test('a heard camera whose sound does not come says so, on its tile and aloud', LIMIT, async () => {
  await serve(2, [makeClip({ sound: true, seconds: 2 })]);
  const page = await open();
  await live(page, 2);
  await page.locator('.open').first().focus();
  await page.keyboard.press('m');
  const silence = page.locator('.tile .silence').first();
  await until(async () => (await silence.textContent()) === 'No sound', 'the words on the tile');
  assert.match(await page.locator('.open').first().getAttribute('aria-label'), /^Front door, Live\. No sound\. /);
  await until(async () => /Front door: no sound/.test(await page.locator('body').innerText()), 'the words that are read out');
  for (const camera of server.cameras.values()) camera.sound = (unit) => unit;
  await until(async () => (await silence.textContent()) === '', 'sound');
  await page.keyboard.press('m');
  const states = () => page.$$eval('ringcast-camera', (all) => all.map(({ sound }) => sound.state).join());
  await until(async () => (await states()) === 'muted,muted', 'both to be muted'); // the element hears of it by an event
  assert.deepEqual(page.errors, []);
});

test('I: figures over every picture, also of cameras that come later, and none when it is pressed again', LIMIT, async () => {
  await serve(3);
  const page = await open();
  await live(page, 3);
  await page.keyboard.press('i');
  const shown = (count) => until(async () => {
    const texts = await page.locator('.figures:visible').allTextContents();
    return texts.length === count && texts.every((text) => /^320×180 · avc1[^]*[123]\d\.\d frames\/s · \d+ kbit\/s\nlatency \d\.\d\d s camera to screen\n\d\.\d\d s behind/.test(text));
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

test('a new version of the server: the page offers to be loaded again, a kiosk does it', LIMIT, async () => {
  await serve(2);
  const page = await open();
  const prepare = (context) => context.addInitScript(() => {
    const { request } = WakeLock.prototype;
    globalThis.locks = 0;
    WakeLock.prototype.request = async function (type) {
      globalThis.locks++;
      return (globalThis.lock = await request.call(this, type));
    };
  });
  const kiosk = await open({ path: '?kiosk', prepare });
  for (const each of [page, kiosk]) {
    await live(each, 2);
    await each.evaluate(() => (globalThis.mark = 'same page'));
  }
  assert.equal(await kiosk.evaluate(() => globalThis.locks), 1, 'it keeps the screen awake');
  await kiosk.evaluate(async () => {
    await globalThis.lock.release(); // as a browser does with a page that is hidden
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await until(() => kiosk.evaluate(() => globalThis.locks === 2 && !globalThis.lock.released), 'awake again once it is seen');
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
  await until(() => page.evaluate(() => globalThis.mark === undefined), 'it was loaded again', 60_000);
  await live(page, 1);

  await page.route('**/wall.js', (route) => route.abort());
  await page.reload();
  assert.equal(await page.locator('.tile').count(), 0);
  await page.unroute('**/wall.js');
  await live(page, 1);
});
