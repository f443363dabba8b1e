// SPDX-License-Identifier: MIT
// What the tests of the wall share: a fake server, a browser, and functions that ask the page. Importing it makes a test file
// open and close them. With RINGCAST_SCREENSHOTS=DIRECTORY the tests leave pictures there.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach } from 'node:test';
import { launchBrowser, until, watchErrors } from './browser.mjs';
import { makeClip } from './clip.mjs';
import { FakeCamera, FakeServer } from './fake-server.mjs';

export const LIMIT = { timeout: 180_000 };
export const NAMES = ['Front door', 'Yard', 'Garage', 'Gate', 'Warehouse 1', 'Warehouse 2', 'Loading dock', 'Roof', 'Reception'];
const SCREENSHOTS = process.env.RINGCAST_SCREENSHOTS;
const SOURCES = ['testsrc2', 'testsrc', 'smptehdbars', 'pal100bars', 'rgbtestsrc'];
const NETWORK = /WebSocket|Failed to load resource|ERR_/;

export let clips;
export let browser;
export let server;
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

/** A server of COUNT cameras, which show FILMS in turn. */
export async function serve(count, films = clips) {
  server = new FakeServer(Array.from({ length: count }, (_, i) => new FakeCamera(NAMES[i] ?? `Camera ${i + 1}`, films[i % films.length])));
  await server.start();
}

/** A page of the wall; `prepare(context)` is called before anything is loaded. */
export async function open({ path = '', width = 1280, height = 720, colorScheme = 'dark', prepare, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, ...options });
  pages.push(context);
  await prepare?.(context);
  const page = await context.newPage();
  page.errors = watchErrors(page, NETWORK);
  await page.goto(server.url + path);
  return page;
}

export async function shoot(page, name) {
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

export const boxes = (page) => page.$$eval('.tile', (tiles) => tiles.map((tile) => {
  const { x, y, width, height } = tile.getBoundingClientRect();
  return { x, y, width, height };
}));

/** The cameras' names in the order in which they are seen. */
export const order = async (page) => {
  const tiles = await page.$$eval('.tile', (nodes) => nodes.map((node) => {
    const { x, y } = node.getBoundingClientRect();
    return { name: node.querySelector('.name').textContent, x, y };
  }));
  return tiles.sort((a, b) => a.y - b.y || a.x - b.x).map(({ name }) => name);
};

export const live = (page, count) => until(async () => (await page.locator('.tile[data-condition=live]').count()) === count, `${count} live tiles`, 60_000);

/** A finger that goes from one point to another. */
export async function swipe(page, from, to) {
  const session = await page.context().newCDPSession(page);
  const touch = (type, ...touchPoints) => session.send('Input.dispatchTouchEvent', { type, touchPoints });
  await touch('touchStart', from);
  await touch('touchMove', { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 });
  await touch('touchMove', to);
  await touch('touchEnd');
  await session.detach();
}
