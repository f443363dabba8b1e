// SPDX-License-Identifier: MIT
// A camera with two streams on the wall, with the real processes: the sub stream while its tile is small, the main one when
// it is large, nothing black in between, and the other one when one of them fails.

import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, until, untilMoving, watchErrors } from './support/browser.mjs';
import { Census, instrument } from './support/census.mjs';
import { darkest, record } from './support/screencast.mjs';

const MAIN = 960;
const SUB = 480;
const YARD = 640;
const VIEWPORT = { width: 1280, height: 720 };
const SIZES = ['--camera', `big:size=${MAIN}x540`, '--camera', `small:size=${SUB}x270`, '--camera', `yard:size=${YARD}x360`, '--camera', `hevc:size=${MAIN}x540,codec=h265`];
const CHANGES = Number(process.env.RINGCAST_LEAK_CYCLES ?? 12);
const QUIET_MS = 4500; // a pointer that rests is hidden after three seconds
const BLANK = 25; // luminance; a tile without a picture has 9, the darkest part of the cameras' pictures 48
const CLOSED_EARLY = /WebSocket is closed before the connection is established/;

/** A wall of two cameras, of which the first one has a sub stream. */
function wall(name, body, { onDemand = false, main = 0 } = {}) {
  scenario(name, async (stage) => {
    const camera = await stage.camera(SIZES);
    const sub = { url: camera.url(1), on_demand: false };
    const cameras = [{ name: 'front', url: camera.url(main), on_demand: onDemand, on_demand_idle: 1, sub }, { name: 'yard', url: camera.url(2) }];
    const ringcast = stage.instance({ cameras }).start();
    await ringcast.streaming(['front/sub', 'yard']);
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage({ viewport: VIEWPORT });
      const errors = watchErrors(page, CLOSED_EARLY);
      await page.addInitScript(instrument);
      await page.goto(ringcast.address);
      await untilMoving(page, { count: 2, ms: 60_000 });
      await body({ stage, camera, ringcast, browser, page });
      assert.deepEqual(errors, []);
    } finally {
      await browser.close();
    }
  }, { limit: 240_000 + CHANGES * 3000 });
}

/** Widths of the pictures in the first tile; two while its stream changes. */
const widths = (page) => page.evaluate(() => [...document.querySelector('.tile').querySelectorAll('ringcast-camera')].map(({ video }) => video.videoWidth));
const shows = (page, width, ms) => until(async () => JSON.stringify(await widths(page)) === `[${width}]`, `a picture ${width} wide alone`, ms);

/** Two tiles whose pictures move and are from now, or late, which is what a busy machine makes of that. */
async function live(page, ms = 60_000) {
  await until(async () => {
    const conditions = await page.$$eval('.tile', (tiles) => tiles.map(({ dataset }) => dataset.condition));
    if (conditions.length !== 2 || !conditions.every((name) => name === 'live' || name === 'late')) throw new Error(conditions.join());
    return true;
  }, 'two live tiles', ms);
  await untilMoving(page, { count: 2, frames: 5, ms });
}

/** The area within both, without the words at their edges. */
function common(a, b) {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.min(a.x + a.width, b.x + b.width) - x;
  const height = Math.min(a.y + a.height, b.y + b.height) - y;
  assert.ok(width > 100 && height > 100);
  return { x: x + width * 0.25, y: y + height * 0.25, width: width * 0.5, height: height * 0.4 };
}

const quarters = ({ x, y, width, height }) => [0, 1, 2, 3].map((i) => (
  { x: x + (i % 2) * (width / 2), y: y + (i >> 1) * (height / 2), width: width / 2, height: height / 2 }));

wall('small: the sub stream; large: the main one; and never a black moment', async ({ ringcast, browser, page }) => {
  await shows(page, SUB);
  await live(page);
  await ringcast.until('no viewer at the main stream', ({ cameras }) => cameras[0].viewers === 0 && cameras[1].viewers === 1);
  const tile = page.locator('.tile').first();
  const small = await tile.boundingBox();
  const times = {};
  let large;
  const change = async (what, key, width) => {
    const began = performance.now();
    await page.keyboard.press(key);
    if (key === 'Enter') large = await tile.boundingBox();
    await shows(page, width);
    times[what] = Math.round(performance.now() - began);
    await untilMoving(page, { count: 2, frames: 8 });
  };
  await tile.locator('.open').focus();
  const frames = await record(page, async () => {
    await untilMoving(page, { count: 2, frames: 4 });
    await change('to the main stream', 'Enter', MAIN);
    await change('to the sub stream', 'Escape', SUB);
  });
  const dark = await darkest(browser, frames, quarters(common(small, large)), VIEWPORT);
  console.log(`${JSON.stringify(times)} ms; ${frames.length} frames of the screen, the darkest ${Math.min(...dark).toFixed(0)}`);
  assert.ok(frames.length >= 20, `${frames.length} frames of the screen`);
  assert.ok(Math.min(...dark) > BLANK, `luminances ${dark.map(Math.round)}`);
  await live(page);

  // A window in which even the grid's tiles are much larger than the small picture.
  await page.setViewportSize({ width: 2200, height: 1000 });
  await shows(page, MAIN);
  await page.setViewportSize(VIEWPORT);
  await shows(page, SUB);
});

wall(`${CHANGES} changes of stream leave one of each`, async ({ ringcast, page }) => {
  await shows(page, SUB);
  const census = await Census.of(page);
  const onScreen = { MediaSource: 2, SourceBuffer: 2, WebSocket: 2, RingcastPlayer: 2, Video: 2 };
  const untilOnScreen = async () => {
    let objects;
    await until(async () => {
      objects = await census.objects();
      return Object.keys(onScreen).every((name) => objects[name] === onScreen[name]);
    }, 'one of each').catch(() => assert.deepEqual(objects, onScreen));
  };
  const { x, y } = await page.locator('.tile').first().boundingBox();
  const change = async (width) => {
    if (width === MAIN) await page.mouse.click(x + 60, y + 60);
    else await page.keyboard.press('Escape');
    await shows(page, width);
  };
  /** The fewest of many samples: for a few seconds after a click or during a question there are more timers. */
  const quiet = async () => {
    const end = performance.now() + QUIET_MS;
    let least = await census.books();
    await until(async () => {
      const books = await census.books();
      least = books.timers < least.timers ? books : least;
      return performance.now() > end;
    }, 'the end of the samples', 2 * QUIET_MS);
    return least;
  };
  for (const width of [MAIN, SUB]) await change(width);
  await untilOnScreen();
  const books = await quiet();
  for (let i = 0; i < CHANGES; i++) {
    await change(i % 2 ? SUB : MAIN);
    if (i % 6 === 5) { // changed back half-way
      await page.mouse.click(x + 60, y + 60);
      await page.keyboard.press('Escape');
    }
  }
  await shows(page, SUB);
  await live(page);
  await untilOnScreen();
  assert.deepEqual(await quiet(), books);
  await ringcast.until('as many viewers as tiles', ({ cameras }) => cameras.reduce((sum, { viewers }) => sum + viewers, 0) === 2);
});

wall('one stream fails: the other one is shown, and the right one again when it is back', async ({ camera, ringcast, page }) => {
  await shows(page, SUB);
  await camera.command('off small');
  await ringcast.until('the sub stream to be away', ({ cameras }) => cameras[1].state !== 'streaming');
  await shows(page, MAIN, 60_000);
  await live(page);
  await camera.command('on small');
  await shows(page, SUB, 60_000);
  await live(page);

  await page.locator('.open').first().press('Enter');
  await shows(page, MAIN);
  await camera.command('off big');
  await shows(page, SUB, 60_000);
  await live(page);
  await camera.command('on big');
  await shows(page, MAIN, 60_000);
  await live(page);

  // The sub stream is taken out of the configuration while it is shown, and comes again.
  await page.keyboard.press('Escape');
  await shows(page, SUB);
  assert.equal((await ringcast.ctl('camera', 'set', 'front', 'sub.enabled=false', `sub.url=${camera.url(1)}`)).code, 0);
  await shows(page, MAIN, 60_000);
  await live(page);
  assert.equal((await ringcast.ctl('camera', 'set', 'front', 'sub=')).code, 0);
  await shows(page, SUB, 60_000);
  await live(page);
});

wall('a main stream on demand is fetched while its tile is large and no longer', async ({ ringcast, page }) => {
  await shows(page, SUB);
  const idle = ({ cameras }) => cameras[0].state === 'idle' && cameras[0].pid === null;
  await ringcast.until('the main stream to sleep', idle);
  await page.locator('.open').first().press('Enter');
  await shows(page, MAIN);
  assert.equal((await ringcast.camera('front')).state, 'streaming');
  await page.keyboard.press('Escape');
  await shows(page, SUB);
  await ringcast.until('the main stream to sleep again', idle);
  await live(page);
}, { onDemand: true });

wall('a main stream that this browser cannot play is tried once, and again when it is another one', async ({ camera, ringcast, page }) => {
  await shows(page, SUB);
  await page.evaluate(() => {
    globalThis.tries = 0;
    new MutationObserver((records) => {
      for (const { addedNodes } of records) globalThis.tries += addedNodes.length;
    }).observe(document.querySelector('.tile'), { childList: true });
  });
  const tries = () => page.evaluate(() => globalThis.tries);
  await page.locator('.open').first().press('Enter');
  await until(async () => (await tries()) === 1, 'a try');
  await shows(page, SUB);
  await untilMoving(page, { count: 2, frames: 75 }); // longer than a round of the list of cameras
  assert.equal(await tries(), 1);
  assert.deepEqual(await widths(page), [SUB]);
  await live(page);
  assert.equal((await ringcast.ctl('camera', 'set', 'front', `url=${camera.url(0)}`)).code, 0);
  await shows(page, MAIN, 60_000);
  await live(page);
}, { main: 3 });
