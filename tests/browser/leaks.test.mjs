// SPDX-License-Identifier: MIT
// Stop undoes all that start made: counted by the debugger after a forced collection, and by wrapped browser functions.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser, until, untilMoving, watchErrors } from './support/browser.mjs';
import { Census, instrument } from './support/census.mjs';
import { makeClip } from './support/clip.mjs';
import { FakeCamera, FakeServer } from './support/fake-server.mjs';

const SWITCHES = 60;
// Chromium reports a socket that is closed while it connects; the test itself causes that.
const CLOSED_EARLY = /WebSocket is closed before the connection is established/;

let server;
let browser;
before(async () => {
  const clip = makeClip({ gop: 25 });
  server = new FakeServer(['one', 'two', 'three', 'four'].map((name) => new FakeCamera(name, clip)));
  await server.start();
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(path) {
  const page = await browser.newPage();
  const errors = watchErrors(page, CLOSED_EARLY);
  await page.addInitScript(instrument);
  await page.goto(server.url + path);
  return { page, errors, census: await Census.of(page) };
}

/** Waits until the counts are `expected`: a browser needs a moment, and more than one collection, to free everything. */
async function untilObjects(census, expected) {
  let counts;
  try {
    await until(async () => {
      counts = await census.objects();
      return Object.keys(expected).every((name) => counts[name] === expected[name]);
    }, 'the objects are gone');
  } catch {
    assert.deepEqual(counts, expected);
  }
}

test(`${SWITCHES} switches between cameras leave one of each, and every listener and timer as at the start`, { timeout: 180_000 }, async () => {
  const { page, errors, census } = await open('camera.html?camera=one');
  await untilMoving(page);
  // The player's WebSocket, and the one that tells the list of cameras.
  const onScreen = { MediaSource: 1, SourceBuffer: 1, WebSocket: 2, RingcastPlayer: 1, Video: 1 };
  await untilObjects(census, onScreen);
  const atStart = await census.books();
  assert.ok(atStart.listeners > 10 && atStart.timers > 0 && atStart.observers === 1, JSON.stringify(atStart));
  assert.equal(atStart.urls, 0);

  const names = ['two', 'three', 'four', 'one'];
  for (let i = 0; i < SWITCHES; i++) {
    await page.selectOption('#choice', names[i % names.length]);
    if (i % 3 === 0) await untilMoving(page, { frames: 3 });
  }
  await untilMoving(page);
  await untilObjects(census, onScreen);
  // Between two polls of the list there is one timer more or less: wait for the same moment.
  await until(async () => (await census.books()).timers === atStart.timers, 'the same timers').catch(() => {});
  assert.deepEqual(await census.books(), atStart);
  await until(() => server.viewers === 1, 'one viewer at the server');
  assert.deepEqual(errors, []);
  await page.close();
});

test(`${SWITCHES} starts and stops at every moment of a start leave nothing`, { timeout: 180_000 }, async () => {
  const { page, errors, census } = await open('test/blank.html');
  await page.evaluate(() => customElements.whenDefined('ringcast-camera'));
  const nothing = { MediaSource: 0, SourceBuffer: 0, WebSocket: 0, RingcastPlayer: 0, Video: 0 };
  await untilObjects(census, nothing);
  const atStart = await census.books();

  await page.evaluate(async (rounds) => {
    const { RingcastPlayer } = await import('/ringcast-player.js');
    const video = document.createElement('video');
    video.muted = true;
    document.body.append(video);
    const player = new RingcastPlayer(video, { camera: 'one' });
    // From before the socket exists, over every step of the first 200 ms, to well into playing.
    for (let i = 0; i < rounds; i++) {
      player.start();
      const moment = i % 6 === 5 ? 400 : (i / rounds) * 200;
      if (i % 10 !== 0) await new Promise((resolve) => setTimeout(resolve, moment));
      player.stop();
      if (i % 4 === 0) player.stop();
    }
    video.remove();
  }, SWITCHES);

  await untilObjects(census, nothing);
  assert.deepEqual(await census.books(), atStart);
  await until(() => server.viewers === 0, 'no viewer at the server');
  assert.deepEqual(errors, []);
  await page.close();
});

test('a stop in each event of a start leaves nothing', { timeout: 180_000 }, async () => {
  const { page, errors, census } = await open('test/blank.html');
  await page.evaluate(() => customElements.whenDefined('ringcast-camera'));
  const atStart = await census.books();
  const reached = await page.evaluate(async () => {
    const { RingcastPlayer } = await import('/ringcast-player.js');
    const reached = [];
    for (const moment of ['connecting', 'buffering', 'init', 'sourceopen', 'updateend', 'loadedmetadata', 'canplay', 'playing', 'stats']) {
      const video = document.createElement('video');
      video.muted = true;
      document.body.append(video);
      const player = new RingcastPlayer(video, { camera: 'two' });
      await new Promise((resolve) => {
        const stop = () => {
          player.stop();
          reached.push(moment);
          resolve();
        };
        const undo = [];
        const once = (target, type, test = () => true) => {
          const listener = (event) => test(event) && stop();
          target.addEventListener(type, listener);
          undo.push(() => target.removeEventListener(type, listener));
        };
        if (['connecting', 'buffering', 'playing'].includes(moment)) once(player, 'statechange', ({ detail }) => detail.state === moment);
        else if (['init', 'stats'].includes(moment)) once(player, moment);
        else if (['loadedmetadata', 'canplay'].includes(moment)) once(video, moment);
        else {
          const { addSourceBuffer } = MediaSource.prototype;
          MediaSource.prototype.addSourceBuffer = function (mime) {
            const buffer = addSourceBuffer.call(this, mime);
            if (moment === 'sourceopen') queueMicrotask(stop);
            else once(buffer, 'updateend');
            return buffer;
          };
          undo.push(() => (MediaSource.prototype.addSourceBuffer = addSourceBuffer));
        }
        player.addEventListener('statechange', function done({ detail }) {
          if (detail.state !== 'stopped') return;
          for (const each of undo) each();
          player.removeEventListener('statechange', done);
        });
        player.start();
      });
      video.remove();
    }
    return reached;
  });
  assert.equal(reached.length, 9);
  await untilObjects(census, { MediaSource: 0, SourceBuffer: 0, WebSocket: 0, RingcastPlayer: 0, Video: 0 });
  assert.deepEqual(await census.books(), atStart);
  assert.deepEqual(errors, []);
  await page.close();
});

test('an element that leaves the page takes everything with it', { timeout: 180_000 }, async () => {
  const { page, errors, census } = await open('test/blank.html');
  await page.evaluate(() => customElements.whenDefined('ringcast-camera'));
  const atStart = await census.books();
  for (let i = 0; i < 5; i++) {
    await page.evaluate(() => {
      document.body.innerHTML = ['one', 'two', 'three'].map((name) => `<ringcast-camera muted camera="${name}"></ringcast-camera>`).join('');
    });
    if (i % 2 === 0) await untilMoving(page, { count: 3, frames: 3 });
    await page.evaluate(() => document.body.replaceChildren());
  }
  await untilObjects(census, { MediaSource: 0, SourceBuffer: 0, WebSocket: 0, RingcastPlayer: 0, Video: 0 });
  assert.deepEqual(await census.books(), atStart);
  assert.deepEqual(errors, []);
  await page.close();
});
