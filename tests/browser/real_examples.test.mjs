// SPDX-License-Identifier: MIT
// The examples of docs/examples, built as a user would build them, against the real processes and under the server's own
// Content-Security-Policy. With RINGCAST_SCREENSHOTS=DIRECTORY pictures of them are left there.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, until, untilMoving, watchErrors } from './support/browser.mjs';
import { Census, instrument, playerIn } from './support/census.mjs';
import { Examples } from './support/examples.mjs';
import { Proxy } from './support/proxy.mjs';

const SWITCHES = 50;
const NAMES = ['Entrance', 'Yard', 'Gate', 'Attic'];
const PLAYABLE = NAMES.slice(0, 3); // Chromium cannot play the last one's H.265
const SCREENSHOTS = process.env.RINGCAST_SCREENSHOTS;
const ONE = { MediaSource: 1, SourceBuffer: 1, WebSocket: 1, RingcastPlayer: 1, Video: 1 };
const NONE = { MediaSource: 0, SourceBuffer: 0, WebSocket: 0, RingcastPlayer: 0, Video: 0 };
const PLAYER = { RingcastPlayer: playerIn('/example/player.js') };
/** A mistake in a template, which must be found: that shows that templates are checked. */
const MISTAKEN = `<script setup lang="ts">
import LiveCamera from './LiveCamera.vue';
</script>
<template><LiveCamera :camera="5" /></template>
`;

let examples;
let pages;
before(async () => {
  if (SCREENSHOTS) mkdirSync(SCREENSHOTS, { recursive: true });
  examples = new Examples();
  pages = await examples.pages();
});
after(() => examples?.remove());

/** The built page of one example, on the address of a ringcast with four cameras; STRICTER is added to the policy. */
function shown(name, example, body, stricter = '') {
  scenario(name, async (stage) => {
    const camera = await stage.camera(['--audio', 'aac', ...NAMES.flatMap((each) => ['--camera', PLAYABLE.includes(each) ? each : `${each}:codec=h265`])]);
    const ringcast = await stage.ringcast(camera);
    const { headers } = await fetch(ringcast.address);
    const policy = headers.get('content-security-policy');
    assert.match(policy, /script-src 'self'/);
    const proxy = await new Proxy(ringcast.address, pages, policy + stricter).start();
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 900, height: 680 } });
      // Chromium reports a socket that is closed while it connects; the test itself causes a refused list.
      const errors = watchErrors(page, /closed before the connection is established|status of 503/);
      await page.addInitScript(instrument);
      const census = await Census.of(page);
      await body({ page, census, ringcast, open: () => page.goto(`${proxy.url}example/${example}/index.html`) });
      assert.deepEqual(errors, []);
    } finally {
      await browser.close();
      await proxy.stop();
    }
  });
}

async function untilObjects(census, expected, player = PLAYER) {
  let counts;
  await until(async () => {
    counts = await census.objects(player);
    return Object.keys(expected).every((name) => counts[name] === expected[name]);
  }, 'as many objects as are on the screen').catch(() => assert.deepEqual(counts, expected));
}

async function untilBooks(census, expected) {
  let books;
  await until(async () => {
    books = await census.books();
    return JSON.stringify(books) === JSON.stringify(expected);
  }, 'the same listeners, timers and object URLs').catch(() => assert.deepEqual(books, expected));
}

const viewers = (ringcast, count) =>
  ringcast.until(`${count} viewers`, ({ cameras }) => cameras.reduce((sum, each) => sum + each.viewers, 0) === count);
const shoot = async (page, name) => SCREENSHOTS && page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });

test('TypeScript has no objection to them, nor to their templates', { timeout: 150_000 }, () => {
  examples.write('vue/Wrong.vue', MISTAKEN);
  const [mistake, ...others] = examples.complaints();
  assert.match(mistake, /^vue\/Wrong\.vue\(4,24\): .*'number' is not assignable to type 'string'/);
  assert.deepEqual(others, []);
});

shown(`Vue: ${SWITCHES} switches, an error, a refusal, and leaving: one clean-up serves them all`, 'vue', async ({ page, census, ringcast, open }) => {
  const status = page.getByRole('status');
  const live = () => until(async () => /^Live after \d\.\d\d s$/.test(await status.textContent()), 'live');
  const choose = (name) => page.getByLabel('Camera').selectOption(name);
  const press = (name) => page.getByRole('button', { name }).click();

  await page.route('**/api/cameras', (route) => route.fulfill({ status: 503 }), { times: 1 });
  await open();
  await page.getByRole('alert').getByText('the server answers 503').waitFor();
  await press('Try again');
  await live();
  await untilMoving(page);
  await untilObjects(census, ONE);
  const books = await census.books();
  assert.equal(books.urls, 0);
  await shoot(page, 'example-vue');

  for (let i = 1; i <= SWITCHES; i++) {
    await choose(PLAYABLE[i % PLAYABLE.length]);
    if (i % 5 === 0) await live();
  }
  await live();
  await untilMoving(page);
  await untilObjects(census, ONE);
  await untilBooks(census, books);
  await viewers(ringcast, 1);

  await choose('Attic');
  await page.getByRole('alert').getByText('cannot play H.265').waitFor();
  await shoot(page, 'example-vue-error');
  await untilObjects(census, { ...NONE, Video: 1 });
  await viewers(ringcast, 0);
  await press('Try again');
  await page.getByRole('alert').getByText('cannot play H.265').waitFor();
  await choose('Gate');
  await live();
  assert.equal(await page.getByRole('alert').count(), 0);
  await untilObjects(census, ONE);

  for (const moment of [true, false]) {
    await press('No camera');
    await untilObjects(census, NONE);
    await viewers(ringcast, 0);
    await press('One camera');
    if (moment) await live(); // the next time it is left while it connects
  }
  await press('Two cameras');
  await untilMoving(page, { count: 2 });
  await until(async () => (await page.locator('small').allTextContents()).join() === 'Live,Live', 'both live');
  await untilObjects(census, { MediaSource: 2, SourceBuffer: 2, WebSocket: 2, RingcastPlayer: 2, Video: 2 });
  await shoot(page, 'example-vue-pair');
  await press('No camera');
  await untilObjects(census, NONE);
});

shown('React: chosen, switched, closed and opened, under StrictMode', 'react', async ({ page, census, ringcast, open }) => {
  const status = page.locator('header').getByRole('status');
  const live = () => status.getByText('Live').waitFor();
  await open();
  await live();
  await untilMoving(page);
  assert.equal(await page.locator('ringcast-camera').evaluate((node) => node.muted && node.controls && node.className), 'camera'); // Playwright's own listeners are there from now on
  await page.getByLabel('Camera').selectOption('Gate');
  await untilMoving(page);
  await untilObjects(census, ONE);
  const books = await census.books();
  await shoot(page, 'example-react');
  for (let i = 1; i <= 10; i++) {
    await page.getByLabel('Camera').selectOption(PLAYABLE[i % PLAYABLE.length]);
    if (i % 5 === 0) await untilMoving(page, { frames: 3 });
  }
  await live();
  await untilMoving(page);
  await untilObjects(census, ONE);
  await untilBooks(census, books);
  await page.getByRole('button', { name: 'Close' }).click();
  await untilObjects(census, NONE);
  await viewers(ringcast, 0);
  await page.getByRole('button', { name: 'Open' }).click();
  await live();
  await page.getByLabel('Camera').selectOption('Attic');
  await status.getByText('Cannot play').waitFor();
});

shown('Plain: the page that needs no build step, with trusted types only', 'plain', async ({ page, census, ringcast, open }) => {
  const status = page.locator('header').getByRole('status');
  await open();
  await untilMoving(page);
  await status.getByText('Live').waitFor();
  await shoot(page, 'example-plain');
  for (const name of ['Yard', 'Attic', 'Gate']) await page.getByLabel('Camera').selectOption(name);
  await untilMoving(page);
  await status.getByText('Live').waitFor();
  await untilObjects(census, ONE, {});
  await viewers(ringcast, 1);
}, "; require-trusted-types-for 'script'; trusted-types 'none'");

shown('Home Assistant: a card as a dashboard makes it, with what asks for attention, and away without a trace', 'home-assistant', async ({ page, census, ringcast, open }) => {
  await open();
  await page.waitForFunction(() => customElements.get('ringcast-card'));
  assert.equal(await page.evaluate(() => globalThis.customCards[0].type), 'ringcast-card');
  const trouble = await page.evaluate(() => {
    try {
      document.createElement('ringcast-card').setConfig({});
      return null;
    } catch (error) {
      return error.message;
    }
  });
  assert.match(trouble, /^camera: /);
  const add = (config) => page.evaluate((settings) => {
    const card = document.createElement('ringcast-card');
    card.setConfig(settings);
    card.hass = { language: 'de-AT' };
    document.getElementById('dashboard').replaceChildren(card);
  }, config);
  const text = (selector) => page.evaluate((inner) => document.querySelector('ringcast-card').shadowRoot.querySelector(inner).textContent, selector);
  const frames = () => page.evaluate(() => document.querySelector('ringcast-card').shadowRoot.querySelector('ringcast-camera').getVideoPlaybackQuality().totalVideoFrames);
  await add({ camera: 'Gate', title: 'Das Tor' });
  await until(async () => (await frames()) > 10, 'pictures');
  await until(async () => (await text('.state')) === 'Live', 'its state');
  assert.equal(await text('.title'), 'Das Tor');
  await ringcast.ctl('event', 'Gate', '--text', 'Auto', '--for', '30s');
  await until(async () => (await text('.event')) === 'Auto', 'the event');
  await shoot(page, 'example-home-assistant');
  await ringcast.ctl('event', 'Gate', '--for', '0s');
  await until(async () => (await text('.event')) === '', 'its end');
  await ringcast.ctl('event', 'Yard', '--text', 'Katze', '--for', '30s');
  await add({ camera: 'Yard' }); // a card that is changed is another one
  await until(async () => (await text('.event')) === 'Katze', 'an event that is in force');
  await until(async () => (await frames()) > 10, 'pictures of the other camera');
  await until(async () => JSON.stringify(await census.objects(PLAYER)) === JSON.stringify({ ...ONE, WebSocket: 2 }), 'one of each').catch(async () => assert.deepEqual(await census.objects(PLAYER), { ...ONE, WebSocket: 2 }));
  await viewers(ringcast, 1);
  await page.evaluate(() => document.getElementById('dashboard').replaceChildren());
  await viewers(ringcast, 0);
  await until(async () => (await census.objects(PLAYER)).WebSocket === 0, 'no socket');
});
