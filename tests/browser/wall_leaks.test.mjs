// SPDX-License-Identifier: MIT
// A tile that goes takes all that it made along: cameras that come and go, and tiles that become large and small again.
// RINGCAST_LEAK_CYCLES=300 makes more of both; RINGCAST_LEAK_CHANGES=3000 more of what an operator does all day.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser, until, untilMoving, watchErrors } from './support/browser.mjs';
import { Census, instrument } from './support/census.mjs';
import { makeClip } from './support/clip.mjs';
import { FakeCamera, FakeServer } from './support/fake-server.mjs';

const ROUNDS = 2 * Math.ceil(Number(process.env.RINGCAST_LEAK_CYCLES ?? 26) / 2); // even, because each round switches things on or off
const VIEWS = 2 * Math.ceil(ROUNDS / 4); // each of these makes several changes
const CHANGES = Number(process.env.RINGCAST_LEAK_CHANGES ?? 300);
// One point, as a GIF.
const STILL = Buffer.from('R0lGODlhAQABAIAAAP8AAP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64');
const CHANGES_A_ROUND = 15; // view twice, layout twice, page; large, back; the past, the present; zoom twice; a picture or the stream three times
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
const MORE_HEAP = 100; // the same for each change of thousands: 550 kB after 3000, 716 kB after 7500. A tile that stayed would be some kB in each round

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

async function openWall({ url = server.url, width = 1280, height = 720 } = {}) {
  const page = await browser.newPage({ viewport: { width, height } });
  const errors = watchErrors(page, CLOSED_EARLY);
  await page.addInitScript(instrument);
  await page.goto(url);
  await untilMoving(page, { count: 4, frames: 3 });
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

/** The picture of the large camera as a file; a camera that shows none at this moment, as on a busy machine, has none to save. */
async function saved(page) {
  let download;
  page.once('download', (one) => (download = one));
  for (const end = performance.now() + 30_000; !download && performance.now() < end; ) {
    await page.keyboard.press('s');
    await until(() => download, 'the file', 3000).catch(() => {});
  }
  assert.ok(download, 'S saves the picture');
  return download;
}

test(`${ROUNDS} times large and small again, arranged in between: no new connection, and every count as at the start`, { timeout: 60_000 + ROUNDS * 2000 }, async () => {
  const { page, errors, census } = await openWall();
  const round = async (i) => {
    await page.locator('.open').nth(i % 4).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press(i % 2 ? 'ArrowLeft' : 'ArrowRight');
    await page.keyboard.press('m');
    await page.keyboard.press('i');
    if (i % 10 === 0) {
      await (await saved(page)).delete();
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

test(`${CHANGES} changes of view, page, layout, large camera, stream, zoom and look-back, at whatever moment: every count as at the start`, { timeout: 60_000 + CHANGES * 1000 }, async () => {
  const film = makeClip({ width: 160, height: 90, gop: 5, fps: 5, seconds: 2 });
  const place = new FakeServer(['one', 'two', 'three', 'four'].map((name) => new FakeCamera(name, film, { past: 120 })));
  place.groups = GROUPS;
  for (const camera of place.cameras.values()) {
    const stream = { state: 'streaming', mime: film.mime, codecs: film.codecs, width: 160, height: 90, look_back: 60 };
    camera.extra = { width: 1280, height: 720, look_back: 60, poster: `/snapshot/${camera.name}.jpg`, sub: stream };
    camera.picture = STILL; // a tile that waits for long on a busy machine asks for it
  }
  await place.start();
  try {
    const { page, errors, census } = await openWall({ url: place.url, width: 640, height: 420 });
    // By scripts: Playwright's own questions to a tile would keep a reference to it.
    const count = (selector) => page.evaluate((wanted) => document.querySelectorAll(wanted).length, selector);
    const looks = () => count('.tile.large[data-condition=past]');
    const focus = (index) => page.evaluate((at) => document.querySelectorAll('.open')[at].focus(), index);
    const isThere = (name) => page.evaluate((wanted) => [...document.querySelectorAll('.tile .name')].some(({ textContent }) => textContent === wanted), name);
    const round = async (i) => {
      const calm = i % 10 === 0; // in the other rounds nothing is waited for
      await choose(page, { press: `[data-group="${i % 2 ? 'pair' : 'others'}"]` });
      await choose(page, { press: '[data-all]', layout: i % 2 ? '2x1' : '1x2' });
      await page.keyboard.press('PageDown');
      await choose(page, { layout: '' });
      await focus(i % 4);
      await page.keyboard.press('Enter');
      if (calm) await until(async () => (await count('.tile.large[data-condition=live] ringcast-camera')) === 1, 'the large stream');
      await page.keyboard.press('b');
      if (calm) await until(async () => (await looks()) === 1, 'the past');
      await page.keyboard.press('+');
      await page.keyboard.press(calm ? ',' : 'n');
      if (calm) await page.keyboard.press('n');
      if (calm) await until(async () => (await looks()) === 0, 'the present');
      for (let press = 0; press < 3; press++) await page.keyboard.press('q');
      await page.keyboard.press('0');
      await page.keyboard.press('Escape');
    };
    /** A tile that has looked back keeps a connection of its own: all of them are made anew. */
    const settle = async () => {
      await page.keyboard.press('Escape');
      for (const group of ['pair', 'others']) {
        await choose(page, { press: `[data-group="${group}"]` });
        await until(async () => (await count('.tile')) === 2, 'two tiles');
      }
      await choose(page, { press: '[data-group="pair"]' });
      await until(async () => await isThere('one'), 'the others');
      await choose(page, { press: '[data-all]' });
      await page.locator('#note').waitFor({ state: 'hidden' });
      await until(async () => (await count('.tile[data-condition=live]')) === 4 && (await count('ringcast-camera')) === 4, 'four live tiles').catch(async (error) => {
        const seen = await page.evaluate(() => [...document.querySelectorAll('.tile')].map((tile) => `${tile.querySelector('.name').textContent} ${tile.dataset.condition} ${[...tile.querySelectorAll('ringcast-camera')].map((one) => `${one.stream}/${one.frames}/${one.state}/${one.condition.name}`)}`));
        throw new Error(`${error.message}: ${seen.join('; ')}`);
      });
      await untilObjects(census, 4);
    };
    const rounds = Math.ceil(CHANGES / CHANGES_A_ROUND / 2) * 2;
    for (let i = 0; i < 10; i++) await round(i);
    await settle();
    const books = await quietBooks(census);
    const { nodes, heap } = await census.memory();
    for (let i = 10; i < rounds + 10; i++) await round(i); // as even as the rounds before
    await settle();
    await assertBooks(census, books);
    await until(() => place.viewers === 4 && place.bundles === 1, 'four viewers on one connection at the server').catch(() => assert.deepEqual([place.viewers, place.bundles], [4, 1]));
    const after = await assertNodes(census, nodes);
    assert.ok(after.heap - heap < KEPT_HEAP + MORE_HEAP * CHANGES, `the heap has grown by ${after.heap - heap} bytes`);
    assert.deepEqual(errors, []);
    await page.close();
  } finally {
    await place.stop();
  }
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
