// SPDX-License-Identifier: MIT
// Sound that stops, never comes or cannot be decoded, in Chromium: the pictures go on, words say so, and sound comes back.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser, until, untilMoving, videos, watchErrors } from './support/browser.mjs';
import { Census, instrument } from './support/census.mjs';
import { makeClip } from './support/clip.mjs';
import { FakeCamera, FakeServer } from './support/fake-server.mjs';
import { patience } from '../support/patience.mjs';

const LIMIT = { timeout: 180_000 };
const WHOLE = (unit) => unit;
const OWN_LISTENERS = 2; // of open(), below
const GARBAGE = (unit) => Buffer.alloc(unit.length, 0xff);

let camera;
let server;
let browser;
let page;
let atStart; // what the page held before it had a camera

before(async () => {
  camera = new FakeCamera('front', makeClip({ sound: true }));
  server = new FakeServer([camera]);
  await server.start();
  browser = await launchBrowser(['--autoplay-policy=no-user-gesture-required']);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A page with one heard camera, whose pictures are watched from its first one on. */
async function open({ muted = false } = {}) {
  page = await browser.newPage();
  page.errors = watchErrors(page);
  await page.addInitScript(instrument);
  await page.goto(`${server.url}test/blank.html`);
  await page.evaluate(() => customElements.whenDefined('ringcast-camera'));
  page.census = await Census.of(page);
  atStart = await page.census.books();
  await page.evaluate((quiet) => {
    const node = document.createElement('ringcast-camera');
    Object.assign(node, { camera: 'front', muted: quiet });
    node.style.width = '640px';
    Object.assign(globalThis, { node, shown: [], told: [], resets: 0 });
    node.addEventListener('soundchange', ({ detail }) => told.push([detail.state, detail.reason].filter(Boolean).join(': ')));
    node.addEventListener('reset', () => resets++);
    const watch = () => node.video.requestVideoFrameCallback((now) => shown.push(now) && watch());
    watch();
    document.body.append(node);
  }, muted);
  await untilMoving(page);
}

/** Takes the camera out: nothing is left of it, nor of its players' MediaSources. */
async function leave() {
  await page.evaluate(() => globalThis.node.remove());
  await until(async () => {
    const { MediaSource, SourceBuffer, WebSocket, RingcastPlayer } = await page.census.objects();
    return [MediaSource, SourceBuffer, WebSocket, RingcastPlayer].every((count) => count === 0);
  }, 'nothing is left');
  assert.deepEqual(await page.census.books(), { ...atStart, listeners: atStart.listeners + OWN_LISTENERS });
  assert.deepEqual(page.errors, []);
  await page.close();
}

const told = () => page.evaluate(() => globalThis.told);
const decoded = () => page.evaluate(() => node.video.webkitAudioDecodedByteCount);
const state = () => page.evaluate(() => ({
  sound: node.sound, attribute: node.getAttribute('sound'), badge: node.shadowRoot.querySelector('[aria-live=polite]').textContent,
  title: node.shadowRoot.querySelector('[part=silence]').title, name: node.state, resets: globalThis.resets, connections: node.player.stats?.connections,
}));
/** Milliseconds without a new picture on a machine that is idle; they would stop for good. */
const STOP_MS = 1000;
/** The longest time without a new picture, in ms. */
const longest = () => page.evaluate(() => Math.max(0, ...shown.slice(1).map((at, i) => at - shown[i])));
const untilTold = (what) => until(async () => (await told()).at(-1) === what, what, 60_000);

test('sound that is in order is played, and nothing is said', LIMIT, async () => {
  camera.sound = WHOLE;
  await open();
  await until(async () => (await decoded()) > 0, 'sound');
  const { time } = (await videos(page))[0];
  await until(async () => (await videos(page))[0].time > time + 3, 'three seconds');
  const now = await state();
  assert.deepEqual([now.sound.state, now.attribute, now.badge, now.resets], ['playing', 'playing', '', 0]);
  assert.deepEqual(await told(), ['playing']);
  await leave();
});

test('sound that stops does not stop the pictures; it is said, and sound comes back', LIMIT, async () => {
  camera.sound = WHOLE;
  await open();
  await until(async () => (await decoded()) > 0, 'sound');
  camera.sound = null;
  await untilTold('away: missing');
  await untilMoving(page, { frames: 50 });
  assert.ok((await longest()) < STOP_MS * patience(), `${await longest()} ms without a picture`);
  const away = await state();
  assert.deepEqual([away.attribute, away.badge, away.name, away.resets, away.connections], ['away', 'No sound', 'playing', 1, 1]);
  assert.match(away.title, /none comes/);
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  assert.ok(nodes.some(({ role, name }) => role?.value === 'group' && name?.value === 'front: Live, no sound'));
  await session.detach();
  camera.sound = WHOLE;
  await untilTold('playing');
  await until(async () => (await decoded()) > 0, 'sound again');
  await untilMoving(page, { frames: 50 });
  assert.ok((await longest()) < STOP_MS * patience(), `${await longest()} ms without a picture`);
  const back = await state();
  assert.deepEqual([back.badge, back.resets, back.connections], ['', 2, 1]);
  await leave();
});

test('sound that is announced and never comes costs nothing', LIMIT, async () => {
  camera.sound = null;
  await open();
  assert.deepEqual(await told(), ['playing', 'away: missing']);
  await untilMoving(page, { frames: 100 });
  assert.equal((await state()).resets, 1);
  await leave();
  await open({ muted: true });
  await untilMoving(page, { frames: 50 });
  await page.evaluate(() => (node.muted = false));
  await untilTold('away: missing');
  await untilMoving(page, { frames: 50 });
  assert.equal((await state()).resets, 0, 'unmuting disturbs nothing');
  await leave();
});

test('sound that cannot be decoded: the pictures go on without it, on the same connection', LIMIT, async () => {
  camera.sound = WHOLE;
  await open();
  await until(async () => (await decoded()) > 0, 'sound');
  camera.sound = GARBAGE;
  await untilTold('away: decoder');
  await untilMoving(page, { frames: 100 });
  const now = await state();
  assert.deepEqual([now.badge, now.name, now.resets, now.connections], ['No sound', 'playing', 1, 1]);
  assert.ok((await longest()) < 1.5 * STOP_MS * patience(), `${await longest()} ms without a picture`);
  await leave();
});
