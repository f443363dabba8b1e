// SPDX-License-Identifier: MIT
// Faults between a camera and a page: the page gets its pictures back without a reload.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { launchBrowser, processesOf, suspend, until, untilMoving, videos, watchErrors } from './support/browser.mjs';
import { makeClip } from './support/clip.mjs';
import { FakeCamera, FakeServer } from './support/fake-server.mjs';

// Chromium reports every refused or failed connection to the console by itself.
const NETWORK = /WebSocket|Failed to load resource|ERR_/;
const LIMIT = { timeout: 180_000 };

let clip;
let other;
let shortGops;
let browser;
let server;
let page;
let errors;

before(async () => {
  clip = makeClip({ gop: 25 });
  other = makeClip({ gop: 25, width: 640, height: 360, source: 'testsrc2' });
  browser = await launchBrowser();
});
after(() => browser?.close());

beforeEach(async () => {
  server = new FakeServer([new FakeCamera('front', clip)]);
  await server.start();
  page = await browser.newPage();
  errors = watchErrors(page, NETWORK);
});
afterEach(async () => {
  await page.close();
  await server.stop();
});

/** Opens the page with one camera; a reload of the page would lose the mark that this leaves in it. */
async function watch() {
  await page.goto(`${server.url}camera.html?camera=front`);
  await page.evaluate(() => {
    globalThis.mark = 'not loaded again';
    globalThis.states = [];
    globalThis.problems = [];
    const element = document.querySelector('ringcast-camera');
    element?.addEventListener('statechange', ({ detail }) => globalThis.states.push(detail.state));
    element?.addEventListener('error', ({ detail }) => globalThis.problems.push(detail));
  });
}

async function watchMoving() {
  await page.goto(`${server.url}camera.html?camera=front`);
  await untilMoving(page);
  await page.evaluate(() => {
    globalThis.mark = 'not loaded again';
    globalThis.states = [];
    globalThis.problems = [];
    globalThis.resets = 0;
    const element = document.querySelector('ringcast-camera');
    element.addEventListener('statechange', ({ detail }) => globalThis.states.push(detail.state));
    element.addEventListener('error', ({ detail }) => globalThis.problems.push(detail));
    element.player.addEventListener('reset', () => globalThis.resets++);
  });
}

async function assertBack(message) {
  await untilMoving(page);
  await until(() => condition('live'), `live again: ${message}`);
  assert.equal(await page.evaluate(() => globalThis.mark), 'not loaded again');
  assert.deepEqual(errors, []);
}

const condition = async (name) => (await page.locator('ringcast-camera').getAttribute('condition')) === name;
const states = () => page.evaluate(() => globalThis.states);

test('the connection is cut', LIMIT, async () => {
  await watchMoving();
  const began = performance.now();
  server.cutAll();
  await until(async () => (await states()).includes('reconnecting'), 'the loss to be noticed');
  await until(async () => (await states()).at(-1) === 'playing', 'pictures again');
  const took = performance.now() - began;
  await assertBack('after a cut');
  assert.equal(await page.evaluate(() => globalThis.resets), 0, 'the same MediaSource goes on');
  assert.ok(took < 4000, `back after ${took} ms`);
});

test('the server is restarted', LIMIT, async () => {
  await watchMoving();
  await server.stop();
  await until(() => condition('reconnecting'), 'the page says so');
  assert.ok((await videos(page))[0].width > 0, 'the last picture stays');
  await server.start();
  await assertBack('after a restart');
});

test('a server that was not there when the page came, and answers late', LIMIT, async () => {
  server.hang = true;
  await watch();
  await until(() => server.upgrades >= 1, 'a first attempt');
  assert.ok(await condition('connecting'));
  server.hang = false;
  server.cutAll();
  await untilMoving(page);
  assert.equal(await page.evaluate(() => globalThis.mark), 'not loaded again');
});

test('a server that accepts and never answers is left after ten seconds', LIMIT, async () => {
  server.hang = true;
  await watch();
  await until(() => server.upgrades >= 2, 'a second attempt', 60_000);
  server.hang = false;
  server.cutAll(); // instead of another ten seconds for the second one
  await untilMoving(page, { ms: 60_000 });
});

test('the camera is away for a while: said so, last picture dimmed, then a hole in the decode times', LIMIT, async () => {
  await watchMoving();
  server.setState('front', 'backoff', 'connection refused');
  await until(() => condition('offline'), 'offline');
  const message = await page.locator('ringcast-camera').evaluate((node) => node.shadowRoot.querySelector('[part=message]').innerText);
  assert.match(message, /^Offline since \d\d:\d\d\nThe camera cannot be reached$/);
  await until(() => page.locator('ringcast-camera').evaluate(({ video }) => getComputedStyle(video).filter.includes('brightness(0.4)')), 'dimmed');
  await until(async () => (await states()).includes('stalled'), 'stalled');
  const before = (await videos(page))[0].time;
  server.cameras.get('front').offset += 3600; // an hour has passed on the camera's clock
  server.setState('front', 'streaming');
  await assertBack('after an outage');
  assert.ok((await videos(page))[0].time > before + 3500);
  assert.equal(server.upgrades, 1, 'on the same connection');
  assert.equal(await page.evaluate(() => globalThis.resets), 0, 'in the same MediaSource');
});

test('the decode times begin again', LIMIT, async () => {
  server.cameras.get('front').offset = 7200;
  await watchMoving();
  await until(async () => (await videos(page))[0].time > 7203, 'a while');
  Object.assign(server.cameras.get('front'), { offset: 0, sequenceOffset: -50 });
  await until(async () => (await videos(page))[0].time < 100, 'the new timeline');
  await assertBack('after a jump back');
});

test('another size and codec in mid-stream', LIMIT, async () => {
  await watchMoving();
  assert.equal((await videos(page))[0].width, 320);
  server.changeClip('front', other);
  await until(async () => (await videos(page))[0].width === 640, 'the new size');
  await assertBack('after the change');
  assert.equal(server.upgrades, 1);
  assert.equal(await page.evaluate(() => globalThis.resets), 0);
});

for (const [what, nonsense] of [
  ['a text that is not JSON', () => ['{"type":']],
  ['bytes that are no boxes', () => [Buffer.from('GIF89a and so on, and on')]],
  ['an empty message', () => [Buffer.alloc(0)]],
  ['half a fragment', () => [server.cameras.get('front').message(0).subarray(0, 60)]],
]) {
  test(`garbage: ${what}`, LIMIT, async () => {
    await watchMoving();
    server.say('front', ...nonsense());
    await until(() => page.evaluate(() => globalThis.problems.length > 0), 'the problem is told');
    assert.deepEqual(await page.evaluate(() => globalThis.problems.map(({ code, fatal }) => [code, fatal])), [['protocol', false]]);
    await assertBack('after garbage');
  });
}

test('garbage inside the pictures: the decoder gives up, the player does not', LIMIT, async () => {
  await watchMoving();
  const camera = server.cameras.get('front');
  const { fragments } = clip;
  const good = [...fragments];
  for (let i = 0; i < fragments.length; i++) {
    fragments[i] = Buffer.from(fragments[i]);
    const mdat = fragments[i].indexOf('mdat', 0, 'latin1') + 4;
    fragments[i].fill(0xff, mdat);
  }
  try {
    await until(() => page.evaluate(() => globalThis.problems.length > 0), 'the problem is told');
  } finally {
    clip.fragments = good;
  }
  assert.equal(camera.clip, clip);
  await assertBack('after broken pictures');
});

test('the browser’s buffer is full', LIMIT, async () => {
  shortGops ??= makeClip({ gop: 10 });
  await page.addInitScript(() => {
    const { appendBuffer } = SourceBuffer.prototype;
    let appends = 0;
    globalThis.refused = 0;
    SourceBuffer.prototype.appendBuffer = function (bytes) {
      // Every 60th message finds the buffer full until something has been removed.
      if (++appends % 60 === 0 && this.buffered.length && this.buffered.end(0) - this.buffered.start(0) > 1.5) {
        globalThis.refused++;
        throw new DOMException('full', 'QuotaExceededError');
      }
      return appendBuffer.call(this, bytes);
    };
  });
  server.changeClip('front', shortGops);
  await watchMoving();
  await until(() => page.evaluate(() => globalThis.refused >= 3), 'the buffer to be full three times', 60_000);
  await assertBack('after a full buffer');
});

test('H.265 where it cannot be played: plain words, no retry', LIMIT, async () => {
  server.cameras.get('front').announcement = JSON.stringify({
    type: 'init', mime: 'video/mp4; codecs="hvc1.1.6.L93.B0"', codecs: 'hvc1.1.6.L93.B0', width: 320, height: 180, generation: 1,
  });
  await watch();
  await until(() => condition('failed'), 'failed');
  const element = page.locator('ringcast-camera');
  assert.equal(await element.getAttribute('state'), 'failed');
  assert.match((await element.evaluate(({ condition: { text } }) => text)), /cannot play H\.265/);
  await until(() => server.viewers === 0, 'the socket is closed');
  const { upgrades } = server;
  server.cameras.get('front').announcement = null;
  await element.evaluate((node) => node.restart());
  await untilMoving(page);
  assert.equal(server.upgrades, upgrades + 1);
});

test('autoplay with sound is refused: it plays muted', LIMIT, async () => {
  await page.goto(`${server.url}test/blank.html`);
  await page.evaluate(() => {
    const { play } = HTMLMediaElement.prototype;
    HTMLMediaElement.prototype.play = function () {
      return this.muted ? play.call(this) : Promise.reject(new DOMException('a gesture first', 'NotAllowedError'));
    };
    document.body.innerHTML = '<ringcast-camera camera="front"></ringcast-camera>';
  });
  await untilMoving(page);
  assert.equal(await page.evaluate(() => document.querySelector('ringcast-camera').muted), true);
});

test('a hidden page fetches nothing, and is live again when it is looked at', LIMIT, async () => {
  await watchMoving();
  const hide = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  await hide(true);
  await until(() => server.served === 0, 'nothing is sent', 60_000);
  const hiddenAt = (await videos(page))[0].time;
  await until(() => server.cameras.get('front').newest / 25 > hiddenAt + 8, 'some time');
  await hide(false);
  await assertBack('after a while out of sight');
  await until(async () => (await videos(page))[0].behind < 1.5, 'at the live edge');
  assert.equal(server.upgrades, 1, 'on the same connection');
});

test('a page that was frozen is live again', LIMIT, async () => {
  await watchMoving();
  const before = (await videos(page))[0].time;
  const wake = suspend(await processesOf(browser, 'renderer'));
  await until(() => server.cameras.get('front').newest / 25 > before + 6, 'some time').finally(wake);
  await assertBack('after being frozen');
  await until(async () => (await videos(page))[0].behind < 1, 'at the live edge');
});

test('the clocks of server and browser are set', LIMIT, async () => {
  await watchMoving();
  for (const hours of [1, -2]) {
    server.clockSkewMs += hours * 3_600_000;
    await page.evaluate((ms) => {
      const { now } = Date;
      Date.now = () => now() + ms;
    }, hours * 3_600_000);
    const { time } = (await videos(page))[0];
    await until(async () => (await videos(page))[0].time > time + 6, 'some time with the new clock');
  }
  await assertBack('after clocks were set');
  assert.deepEqual((await states()).filter((state) => !['playing', 'stalled'].includes(state)), []);
  assert.equal(await page.evaluate(() => globalThis.resets), 0);
  assert.equal(server.upgrades, 1);
});
