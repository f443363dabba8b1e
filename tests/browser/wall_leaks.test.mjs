// SPDX-License-Identifier: MIT
// A tile that goes takes all that it made along: cameras that come and go, and tiles that become large and small again.
// RINGCAST_LEAK_CYCLES=300 makes more of both.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser, until, untilMoving, watchErrors } from './support/browser.mjs';
import { Census, instrument } from './support/census.mjs';
import { makeClip } from './support/clip.mjs';
import { FakeCamera, FakeServer } from './support/fake-server.mjs';

const ROUNDS = 2 * Math.ceil(Number(process.env.RINGCAST_LEAK_CYCLES ?? 26) / 2); // even, because each round switches things on or off
const VIEWS = 2 * Math.ceil(ROUNDS / 4); // each of these makes several changes
const TILE = {
  Tile: "import('/wall-tile.js').then((m) => m.Tile.prototype)",
  Poster: "import('/wall-poster.js').then((m) => m.Poster.prototype)",
  Streams: "import('/wall-streams.js').then((m) => m.Streams.prototype)",
};
// Also of a camera that went while its tile's request was on the way.
const CLOSED_EARLY = /WebSocket is closed before the connection is established|guest%20\d+' failed: .* 404$/;
const GROUPS = [{ name: 'pair', cameras: ['one', 'two'] }, { name: 'others', cameras: ['three', 'four'] }];
const QUIET_MS = 2000; // longer than a round of news, shorter than two polls of the list
const TOLD = 1; // the text of the last news, which may have come after the first count
const KEPT_HEAP = 400_000; // bytes that compiled code and inline caches may take in so many rounds

let clip;
let server;
let browser;
before(async () => {
  clip = makeClip({ gop: 10, fps: 10, seconds: 2 });
  server = new FakeServer(['one', 'two', 'three', 'four'].map((name) => new FakeCamera(name, clip)));
  server.groups = GROUPS;
  await server.start();
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A click by coordinates: Playwright's own questions to a tile would keep a reference to it. */
async function press(page, name) {
  const { x, y } = await page.locator('.tile', { hasText: name }).boundingBox();
  await page.mouse.click(x + 60, y + 60);
  assert.equal(await page.evaluate(() => document.querySelector('.tile.large .name').textContent), name);
}

/** Makes the page ask for the list of cameras now, and not within three seconds. */
const ask = (page) => page.evaluate(() => dispatchEvent(new Event('online')));
const tiles = (page) => page.locator('.tile').count();

async function openWall() {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  const errors = watchErrors(page, CLOSED_EARLY);
  await page.addInitScript(instrument);
  await page.goto(server.url);
  await untilMoving(page, { count: 4 });
  return { page, errors, census: await Census.of(page) };
}

const onScreen = (count) => ({ MediaSource: count, SourceBuffer: count, WebSocket: Math.min(count, 1) + 1, RingcastPlayer: count, Video: count, Tile: count, Poster: count, Streams: count });

async function untilObjects(census, count) {
  let objects;
  await until(async () => {
    objects = await census.objects(TILE);
    return Object.entries(onScreen(count)).every(([name, number]) => objects[name] === number);
  }, 'as many objects as are on the screen').catch(() => assert.deepEqual(objects, onScreen(count)));
}

/** The counts with the fewest timers of many samples: during a request, or before news, there are more. */
async function quietBooks(census) {
  let least = await census.books();
  const end = performance.now() + QUIET_MS;
  await until(async () => {
    const books = await census.books();
    if (books.timers < least.timers) least = books;
    return performance.now() > end;
  }, 'the end of the samples');
  return least;
}

/** Words over a tile are nodes, too: a tile that is late for a moment has more of them. Returns what the memory is then. */
async function assertNodes(census, nodes) {
  let after;
  await until(async () => {
    after = await census.memory();
    return Math.abs(after.nodes - nodes) <= TOLD;
  }, 'as many nodes').catch(() => assert.fail(`${after.nodes} nodes after ${nodes}`));
  return after;
}

async function assertBooks(census, expected) {
  let books;
  await until(async () => {
    books = await census.books();
    return JSON.stringify(books) === JSON.stringify(expected);
  }, 'the same counts').catch(() => assert.deepEqual(books, expected));
}

test(`${ROUNDS} cameras that come and go leave nothing`, { timeout: 60_000 + ROUNDS * 2000 }, async () => {
  const { page, errors, census } = await openWall();
  const round = async (i) => {
    const name = `guest ${i}`;
    server.cameras.set(name, new FakeCamera(name, clip));
    await ask(page);
    await until(async () => (await tiles(page)) === 5, 'five tiles');
    if (i % 5 === 0) await press(page, name);
    if (i % 10 === 0) await untilMoving(page, { count: 5, frames: 2 });
    server.cameras.delete(name);
    await ask(page);
    await until(async () => (await tiles(page)) === 4, 'four tiles');
  };
  for (let i = 0; i < 5; i++) await round(i); // what is made once is there then
  await untilMoving(page, { count: 4 });
  await untilObjects(census, 4);
  const books = await quietBooks(census);
  const { nodes, heap } = await census.memory();
  for (let i = 5; i < ROUNDS; i++) await round(i);
  await untilMoving(page, { count: 4 });
  await untilObjects(census, 4);
  await assertBooks(census, books);
  await until(() => server.viewers === 4, 'four viewers at the server');
  const after = await assertNodes(census, nodes);
  assert.ok(after.heap - heap < KEPT_HEAP, `the heap has grown by ${after.heap - heap} bytes`);
  assert.deepEqual(errors, []);
  await page.close();
});

test(`${ROUNDS} times large and small again, arranged in between: no new connection, and every count as at the start`, { timeout: 60_000 + ROUNDS * 2000 }, async () => {
  const { page, errors, census } = await openWall();
  const round = async (i) => {
    await page.locator('.open').nth(i % 4).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press(i % 2 ? 'ArrowLeft' : 'ArrowRight');
    await page.keyboard.press('m');
    await page.keyboard.press('i');
    if (i % 10 === 0) {
      const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('s')]);
      await download.delete();
    }
    await page.keyboard.press('Escape');
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('?');
    await page.keyboard.press('Escape');
  };
  for (let i = 0; i < 4; i++) await round(i);
  await page.locator('#note').waitFor({ state: 'hidden' });
  await untilMoving(page, { count: 4 });
  await untilObjects(census, 4);
  const books = await quietBooks(census);
  const { nodes, heap } = await census.memory();
  const { upgrades } = server;
  for (let i = 4; i < ROUNDS; i++) await round(i);
  await page.locator('#note').waitFor({ state: 'hidden' });
  await untilObjects(census, 4);
  await assertBooks(census, books);
  assert.equal(server.upgrades, upgrades);
  const after = await assertNodes(census, nodes);
  assert.ok(after.heap - heap < KEPT_HEAP, `the heap has grown by ${after.heap - heap} bytes`);
  assert.deepEqual(errors, []);
  await page.close();
});

/** Chooses in the dialog; a press by a script keeps no reference to a node. */
async function choose(page, { press: selector, layout }) {
  await page.keyboard.press('/');
  await page.evaluate(([button, name]) => {
    const select = document.getElementById('layout');
    if (name !== undefined) {
      select.value = name;
      select.dispatchEvent(new Event('change', { bubbles: true }));
    }
    if (button) document.querySelector(button).click();
    else document.getElementById('chooser').close();
  }, [selector, layout]);
}

test(`${VIEWS} times another group, another layout, another page and a tour: every count as at the start`, { timeout: 60_000 + VIEWS * 6000 }, async () => {
  const { page, errors, census } = await openWall();
  const round = async (i) => {
    await choose(page, { press: `[data-group="${i % 2 ? 'pair' : 'others'}"]` });
    await until(async () => (await tiles(page)) === 2, 'two tiles');
    await choose(page, { press: '[data-all]', layout: i % 2 ? '2x1' : '2x2' });
    await page.keyboard.press('PageDown');
    if (i % 5 === 0) {
      await page.keyboard.press('t');
      await page.keyboard.press('t');
    }
    if (i % 10 === 0) await untilMoving(page, { count: i % 2 ? 2 : 4, frames: 2 });
    await choose(page, { layout: '' });
    await until(async () => (await tiles(page)) === 4, 'four tiles');
  };
  for (let i = 0; i < 6; i++) await round(i);
  await page.locator('#note').waitFor({ state: 'hidden' });
  await untilMoving(page, { count: 4 });
  await untilObjects(census, 4);
  const books = await quietBooks(census);
  const { nodes, heap } = await census.memory();
  for (let i = 6; i < VIEWS + 6; i++) await round(i); // as even as the rounds before
  await page.locator('#note').waitFor({ state: 'hidden' });
  await untilMoving(page, { count: 4 });
  await untilObjects(census, 4);
  await assertBooks(census, books);
  await until(() => server.viewers === 4, 'four viewers at the server');
  const after = await assertNodes(census, nodes);
  assert.ok(after.heap - heap < KEPT_HEAP, `the heap has grown by ${after.heap - heap} bytes`);
  assert.deepEqual(errors, []);
  await page.close();
});

test('tiles that a tour has loaded before they were to be shown go with it', { timeout: 60_000 }, async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  const errors = watchErrors(page, CLOSED_EARLY);
  await page.addInitScript(instrument);
  await page.goto(`${server.url}?layout=2x1&tour=3`);
  await untilMoving(page, { count: 2 });
  const census = await Census.of(page);
  for (let i = 0; i < 2; i++) {
    await until(async () => (await page.locator('.ahead').count()) === 2, 'the next page to be loaded');
    await until(async () => (await page.locator('.ahead').count()) === 0, 'it to be shown');
  }
  await page.keyboard.press('t');
  await untilObjects(census, 2);
  await until(() => server.viewers === 2, 'two viewers at the server');
  assert.deepEqual(errors, []);
  await page.close();
});
