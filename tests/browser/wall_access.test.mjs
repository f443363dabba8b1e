// SPDX-License-Identifier: MIT
// Everywhere and for everybody: axe-core's rules in every state of the pages, other languages, a phone with many cameras, a remote control.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import axe from 'axe-core';
import { until } from './support/browser.mjs';
import { FakeAccess } from './support/fake-server.mjs';
import { LIMIT, NAMES, boxes, clips, live, open, serve, server, shoot } from './support/wall.mjs';

/** What axe-core says is wrong. */
async function assertAccessible(page, what) {
  await page.evaluate(`if (!globalThis.axe) { ${axe.source} }`);
  const violations = await page.evaluate(async () => {
    const found = await globalThis.axe.run(document, { resultTypes: ['violations'] });
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`).join('; ')}`);
  });
  assert.deepEqual(violations, [], what);
}

const keys = (page, ...names) => names.reduce((before, name) => before.then(() => page.keyboard.press(name)), Promise.resolve());

for (const colorScheme of ['dark', 'light']) {
  test(`axe-core finds nothing: ${colorScheme}`, LIMIT, async () => {
    await serve(4);
    server.groups = [{ name: 'Outside', cameras: ['Yard', 'Gate'] }];
    const page = await open({ colorScheme, reducedMotion: 'reduce' });
    await live(page, 4);
    await assertAccessible(page, 'the wall');
    await keys(page, 'i', 'Enter');
    await assertAccessible(page, 'a large one');
    await keys(page, 'Escape', '/');
    await assertAccessible(page, 'the chooser');
    await shoot(page, `wall-chooser-${colorScheme}`);
    await keys(page, 'Escape', '?');
    await assertAccessible(page, 'the keys');
    await keys(page, 'Escape');
    server.setState('Yard', 'backoff', 'no answer');
    server.raise({ camera: 'Gate', text: 'Somebody', for: 60 });
    await until(async () => (await page.locator('.tile.attention').count()) === 1 && (await page.locator('.tile[data-condition=offline]').count()) === 1, 'both');
    await assertAccessible(page, 'an event, and a camera that is away');
    await page.goto(`${server.url}camera.html?camera=Gate`);
    await assertAccessible(page, 'the page of one camera');
    server.access = new FakeAccess({ anna: { password: 'x' } });
    await page.goto(server.url);
    await assertAccessible(page, 'the log-in page');
    await page.locator('#user').fill('anna');
    await keys(page, 'Enter');
    await until(async () => (await page.getByRole('alert').textContent()) !== '', 'what is missing');
    await assertAccessible(page, 'a log-in with something missing');
  });
}

test('German and Chinese, by the address and by the browser, also in the dialogs and the element', LIMIT, async () => {
  await serve(4);
  server.cameras.get('Garage').silent = true;
  server.setState('Garage', 'backoff', 'connect to 192.0.2.7: connection refused');
  const page = await open({ path: '?lang=de' });
  await live(page, 3);
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
  await until(async () => /^4 Kameras, 3 live, 1 offline seit \d/.test(await page.locator('#summary').textContent()), 'the summary');
  const away = page.locator('.tile[data-condition=offline]');
  assert.equal(await away.locator('.reason').textContent(), 'Die Kamera ist nicht erreichbar', 'no address');
  await page.keyboard.press('?');
  assert.equal(await page.locator('#keys-title').textContent(), 'Tasten');
  await shoot(page, 'wall-help-de');
  await keys(page, 'Escape', '/');
  assert.equal(await page.locator('#search').getAttribute('placeholder'), 'Kamera suchen');
  await shoot(page, 'wall-chooser-de');

  const chinese = await open({ locale: 'zh-CN' });
  await live(chinese, 3);
  await until(async () => /3 个直播中/.test(await chinese.locator('#summary').textContent()), 'the summary');
  assert.equal(await chinese.locator('#full').getAttribute('title'), '全屏 (F)');
  await shoot(chinese, 'wall-zh');
  await assertAccessible(chinese, 'Chinese');
  assert.deepEqual([...page.errors, ...chinese.errors], []);
});

test('names from right to left keep their beginning, and do not turn the words around them', LIMIT, async () => {
  await serve(2);
  const [first] = server.cameras.values();
  first.name = 'بوابة 2';
  server.cameras = new Map([...server.cameras.values()].map((camera) => [camera.name, camera]));
  const page = await open();
  await live(page, 2);
  await page.locator('.open').first().focus();
  await page.keyboard.press('Shift+ArrowRight');
  assert.equal(await page.locator('#news').textContent(), '\u2068بوابة 2\u2069 is now in place 2 of 2');
});

test('a phone with 40 cameras: a list that scrolls, and the large one stays on top of it', LIMIT, async () => {
  await serve(40, [clips[0]]);
  const page = await open({ width: 390, height: 780, hasTouch: true, isMobile: true });
  await until(async () => (await page.locator('.tile').count()) === 40, 'the tiles');
  const tiles = await boxes(page);
  assert.ok(tiles.every(({ width, x }) => width >= 150 && x >= 0 && x + width <= 390));
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  await page.locator('.open').nth(1).tap();
  await until(async () => (await page.locator('.tile.large').count()) === 1, 'a large one');
  await page.locator('#stage').evaluate((stage) => stage.scrollTo(0, 900));
  await until(async () => (await page.locator('#stage').evaluate(({ scrollTop }) => scrollTop)) > 800, 'the list to scroll');
  const large = await page.locator('.tile.large').boundingBox();
  assert.ok(Math.abs(large.y - 44) < 2 && large.width > 370, JSON.stringify(large));
  await shoot(page, 'wall-phone-list');
  const seen = await page.locator('.tile:not(.large)').evaluateAll((nodes) => nodes.filter((node) => {
    const { top, bottom } = node.getBoundingClientRect();
    return top > 300 && bottom < innerHeight;
  }).length);
  assert.ok(seen >= 4, 'others can be seen below it');
});

test('an installation has its own title, logo and colours, on the log-in page too', LIMIT, async () => {
  await serve(1);
  server.about = { title: 'Werk Süd', logo: 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA4IDgiPjxyZWN0IHdpZHRoPSI4IiBoZWlnaHQ9IjgiIGZpbGw9InJlZCIvPjwvc3ZnPg==' };
  server.theme = ':root { --ground: #102030 !important; }';
  const page = await open();
  await live(page, 1);
  await until(async () => (await page.title()) === 'Werk Süd', 'the title');
  assert.equal(await page.locator('.brand .word').textContent(), 'Werk Süd');
  assert.equal(await page.evaluate(() => document.querySelector('.logo').naturalWidth > 0), true, 'the logo is shown');
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor), 'rgb(16, 32, 48)');
  await shoot(page, 'wall-brand');
  server.access = new FakeAccess({ anna: { password: 'x' } });
  await page.goto(server.url);
  await until(async () => (await page.title()) === 'Log in · Werk Süd', 'its title there');
  assert.equal(await page.locator('.brand').textContent().then((text) => text.trim()), 'Werk Süd');
  assert.deepEqual(page.errors, []);
});

test('a remote control: arrows, OK and Back, channels for pages', LIMIT, async () => {
  await serve(5);
  const page = await open({ path: '?layout=2x2', width: 1920, height: 1080 });
  await live(page, 4);
  const large = async () => (await page.locator('.tile.large .name').allTextContents()).join();
  const press = (key) => page.evaluate((name) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true })), key);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  assert.equal(await large(), NAMES[1]);
  await press('MediaTrackNext');
  assert.equal(await large(), NAMES[2]);
  assert.equal(await press('GoBack'), false, 'it is used');
  assert.equal(await large(), '');
  assert.equal(await press('GoBack'), true, 'it is the browser’s');
  await press('ChannelUp');
  assert.equal(await page.locator('#page').textContent(), '2 of 2');
});
