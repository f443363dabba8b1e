// SPDX-License-Identifier: MIT
// Which cameras the wall shows: groups, names, pages, layouts, saved views, the chooser and the tour.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './support/browser.mjs';
import { LIMIT, NAMES, boxes, live, open, order, serve, server, shoot } from './support/wall.mjs';

const GROUPS = [{ name: 'Outside', cameras: ['Gate', 'Yard', 'Roof'] }, { name: 'Lager', cameras: ['Warehouse 1', 'Warehouse 2'] }];
const shown = (page, names) => until(async () => (await order(page)).join() === names.join(), `the cameras ${names}`);
const tiles = (page, count) => until(async () => (await page.locator('.tile').count()) === count, `${count} tiles`);
const query = (page) => new URL(page.url()).search;
const summary = (page) => page.locator('#summary').textContent();
const large = (page) => page.locator('.tile.large .name').allTextContents();

test('a group, names and a page come from the address; only their cameras are connected', LIMIT, async () => {
  await serve(9);
  server.groups = GROUPS;
  const page = await open({ path: '?group=Outside' });
  await live(page, 3);
  assert.deepEqual(await order(page), ['Gate', 'Yard', 'Roof']);
  assert.equal(server.viewers, 3);
  await until(async () => (await summary(page)) === '3 of 9 cameras, all live', 'the summary');
  assert.equal(await page.locator('#view-name').textContent(), 'Outside');
  await shoot(page, 'wall-group');

  await page.goto(`${server.url}?cameras=Roof,gone,Front%20door`);
  await shown(page, ['Roof', 'Front door']);
  await page.goto(`${server.url}?layout=2x2&page=3#Roof`);
  await shown(page, ['Roof', 'Warehouse 1', 'Warehouse 2', 'Loading dock']);
  assert.deepEqual(await large(page), ['Roof'], 'the page of the large camera wins');
  assert.match(query(page), /page=2/);
  await page.goto(`${server.url}?group=Nowhere`);
  await page.getByRole('heading', { name: 'Nothing to show here' }).waitFor();
  assert.equal(server.viewers, 0);
  assert.deepEqual(page.errors, []);
});

test('the chooser finds, marks, saves and forgets, by keyboard and by mouse', LIMIT, async () => {
  await serve(9);
  server.groups = GROUPS;
  const page = await open();
  await tiles(page, 9);
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'search', 'the slash itself is not typed');
  assert.equal(await page.locator('#search').inputValue(), '');
  await page.keyboard.type('ware');
  assert.deepEqual(await page.locator('#found bdi').allTextContents(), ['Warehouse 1', 'Warehouse 2']);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await page.locator('#search').fill('gate');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await page.locator('#search').fill('');
  assert.equal(await page.locator('#found input:checked').count(), 2, 'marks outlive the search');
  await shoot(page, 'wall-chooser');
  await page.getByRole('button', { name: 'Show 2 cameras' }).click();
  await shown(page, ['Gate', 'Warehouse 1']);
  assert.equal(query(page), '?cameras=Gate,Warehouse%201');
  await until(async () => server.viewers === 2, 'the others to be let go');

  await page.keyboard.press('g');
  await page.locator('#save-name').fill('Night shift');
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('#view-name').textContent(), 'Night shift');
  await page.locator('#choose').click();
  await page.getByRole('button', { name: 'Outside' }).click();
  await shown(page, ['Gate', 'Yard', 'Roof']);
  assert.equal(query(page), '?group=Outside');

  await page.goto(server.url);
  await tiles(page, 9);
  await page.keyboard.press('/');
  await page.getByRole('button', { name: 'Night shift', exact: true }).click();
  await shown(page, ['Gate', 'Warehouse 1']);
  await page.keyboard.press('/');
  await page.keyboard.type('roof');
  await page.keyboard.press('Enter');
  assert.deepEqual(await large(page), ['Roof'], 'also one that the view does not have');
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.getByRole('button', { name: 'Forget the view Night shift' }).click();
  assert.equal(await page.locator('[data-saved]').count(), 0);
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('#chooser').isVisible(), false);
  assert.deepEqual(page.errors, []);
});

test('a layout has pages and spans; dragging and arrows follow what is seen', LIMIT, async () => {
  await serve(9);
  const page = await open({ path: '?layout=hero-6' });
  await tiles(page, 6);
  const [first, ...others] = await boxes(page);
  assert.ok(others.every(({ width }) => Math.abs(first.width - 2 * width - 6) < 1.5), JSON.stringify([first, others]));
  await shoot(page, 'wall-hero');
  assert.equal(await page.locator('#page').textContent(), '1 of 2');
  await page.locator('.open').first().focus();
  await page.keyboard.press('ArrowRight');
  assert.match(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), /^Yard/);
  await page.keyboard.press('Shift+ArrowLeft');
  assert.deepEqual((await order(page))[0], 'Yard', 'the small one is the large one now');
  await page.keyboard.press('PageDown');
  await shown(page, ['Loading dock', 'Roof', 'Reception']);
  assert.equal(await page.locator('#news').textContent(), 'Page 2 of 2');
  assert.match(query(page), /page=2/);
  await page.locator('#page-on').click();
  await until(async () => (await order(page))[0] === 'Yard', 'the first page again');
  await page.keyboard.press('/');
  await page.locator('#layout').selectOption('3x3');
  await page.keyboard.press('Escape');
  await tiles(page, 9);
  assert.equal(await page.locator('#pages').isVisible(), false);
  assert.deepEqual(page.errors, []);
});

/** What the page shows while it goes from one page to the next: the smallest number of tiles with a picture that any frame had. A seek keeps the last one. */
const watchBlack = (page) => page.evaluate(() => {
  const isBlack = ({ video }) => video.readyState < 2 && video.getVideoPlaybackQuality().totalVideoFrames === 0;
  globalThis.least = Infinity;
  globalThis.pages = new Set();
  const look = () => {
    const shown = [...document.querySelectorAll('.tile:not(.ahead):not([hidden])')];
    const black = shown.filter((tile) => [...tile.querySelectorAll('ringcast-camera')].every(isBlack));
    globalThis.pages.add(shown.map((tile) => tile.querySelector('.name').textContent).join());
    globalThis.least = Math.min(globalThis.least, shown.length - black.length);
    globalThis.looking = requestAnimationFrame(look);
  };
  look();
});

test('a tour goes over the pages without a black moment, stands still while somebody is there, and goes on', LIMIT, async () => {
  await serve(4);
  const page = await open({ path: '?layout=2x1&tour=3' });
  await live(page, 2);
  await watchBlack(page);
  await until(() => page.evaluate(() => globalThis.pages.size === 2), 'the second page', 60_000);
  await until(async () => (await order(page))[0] === NAMES[0], 'the first page again', 60_000);
  assert.equal(await page.evaluate(() => globalThis.least), 2, 'always a picture in both');
  assert.equal(await page.locator('#tour').getAttribute('data-state'), 'on');
  await page.keyboard.press('i');
  assert.equal(await page.locator('#tour').getAttribute('data-state'), 'held');
  assert.equal(await page.locator('.ahead').count(), 0);
  assert.equal(await page.locator('.tile').count(), 2);
  await page.keyboard.press('t');
  assert.equal(await page.locator('#tour').getAttribute('data-state'), 'off');
  assert.doesNotMatch(query(page), /tour/);
  assert.deepEqual(page.errors, []);
});

test('where there is one page, the tour makes one camera after the other large, also over the whole screen', LIMIT, async () => {
  await serve(3);
  const page = await open({ path: '?tour=3&kiosk', width: 260, height: 120 });
  await until(async () => (await page.locator('.tile').count()) === 3, 'the tiles');
  await until(async () => (await large(page))[0] === NAMES[0], 'the first', 60_000);
  await watchBlack(page);
  await until(async () => (await large(page))[0] === NAMES[1], 'the second', 60_000);
  assert.ok((await page.evaluate(() => globalThis.least)) >= 1, 'never black');
  assert.deepEqual(page.errors, []);
});

test('into the picture of the large camera: wheel, drag, keys and button; kept for each, and gone from the grid', LIMIT, async () => {
  await serve(2);
  const page = await open({ path: '#Yard' });
  await live(page, 2);
  const scale = () => page.evaluate(() => new DOMMatrix(getComputedStyle(document.querySelector('.tile.large ringcast-camera')).transform).a);
  const { x, y, width, height } = await page.locator('.tile.large').boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.wheel(0, -400);
  await until(async () => (await scale()) > 2, 'a larger picture');
  await shoot(page, 'wall-zoom');
  const left = () => page.evaluate(() => new DOMMatrix(getComputedStyle(document.querySelector('.tile.large ringcast-camera')).transform).e);
  const before = await left();
  await page.mouse.down();
  await page.mouse.move(x + width / 2 + 80, y + height / 2, { steps: 4 });
  await page.mouse.up();
  assert.ok(Math.abs((await left()) - before - 80) < 2, 'it follows the pointer');
  assert.deepEqual(await large(page), ['Yard'], 'no click');
  await page.keyboard.press('Shift+ArrowRight');
  assert.ok((await left()) < before + 80);
  await page.keyboard.press('ArrowLeft');
  assert.deepEqual(await large(page), ['Front door']);
  assert.equal(await scale(), 1, 'the other one is whole');
  await page.keyboard.press('ArrowRight');
  assert.ok((await scale()) > 2, 'as it was left');
  await page.keyboard.press('0');
  assert.equal(await scale(), 1);
  await page.locator('.large .tool.zoom').click();
  assert.equal(await scale(), 2.5);
  assert.equal(await page.locator('.large .tool.zoom').getAttribute('aria-pressed'), 'true');
  await page.keyboard.press('Escape');
  assert.ok(await page.evaluate(() => [...document.querySelectorAll('.tile ringcast-camera')].every((each) => getComputedStyle(each).transform === 'none')));
  assert.deepEqual(page.errors, []);
});
