// SPDX-License-Identifier: MIT
// The faults that a page with a camera may meet, with the real processes, and how long its picture stands still. No fault costs
// a reload. RINGCAST_FAULT_SECONDS=60 sets how long faults last that have a length, RINGCAST_HIDDEN_SECONDS=600 how long the tab is
// hidden; the table that the test prints is the one in docs/design/player.md.

import assert from 'node:assert/strict';
import { createServer, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, processesOf, suspend, until, watchErrors } from './support/browser.mjs';

const LASTS_S = Number(process.env.RINGCAST_FAULT_SECONDS ?? 3);
const HIDDEN_S = Number(process.env.RINGCAST_HIDDEN_SECONDS ?? LASTS_S);
const SIZES = ['--camera', 'big:size=640x360', '--camera', 'small:size=320x180', '--camera', 'hevc:size=640x360,codec=h265'];
const NETWORK = /WebSocket|Failed to load resource|ERR_/; // Chromium's own words about connections that were lost
const BACK_S = 20 + Math.min(LASTS_S, 30); // for a slow machine, and the longest pause between two attempts after such a fault
const UNSEEN_S = 0.25; // on a busy machine a picture may stand still for this long without a fault
const STEADY = 15; // pictures, a second of them

/** Between the browser and the fan-outs: it can stop passing bytes on, as a network that is gone does, or cut connections. */
class Network {
  #server;
  #pairs = new Set();
  #silent = false;

  async open(port) {
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      const pair = [near, far];
      this.#pairs.add(pair);
      for (const socket of pair) {
        socket.on('error', () => {});
        socket.on('close', () => {
          for (const one of pair) one.destroy();
          this.#pairs.delete(pair);
        });
      }
      near.pipe(far);
      far.pipe(near);
      if (this.#silent) this.#stop(pair);
    });
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${this.#server.address().port}/`;
  }

  #stop([near, far]) {
    near.unpipe(far);
    far.unpipe(near);
  }

  silence() {
    this.#silent = true;
    for (const pair of this.#pairs) this.#stop(pair);
  }

  /** Bytes pass again, also those of existing connections. */
  restore() {
    this.#silent = false;
    for (const [near, far] of this.#pairs) {
      near.pipe(far);
      far.pipe(near);
    }
  }

  cut() {
    for (const [near] of this.#pairs) near.resetAndDestroy();
  }

  async close() {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Runs in the page: records when each picture was presented, and the words on the tile. */
function observe() {
  const element = document.querySelector('ringcast-camera');
  globalThis.mark = 'not loaded again';
  globalThis.pictures = [];
  globalThis.said = [];
  const note = (now) => {
    globalThis.pictures.push(now);
    element.video.requestVideoFrameCallback(note);
  };
  element.video.requestVideoFrameCallback(note);
  element.addEventListener('conditionchange', () => globalThis.said.push(element.condition.name));
  return performance.now();
}

class Watch {
  rows = [];
  #page;
  #shift; // how far the page's clock is ahead of this process's, in ms

  constructor(page) {
    this.#page = page;
  }

  async open() {
    const before = performance.now();
    this.#shift = (await this.#page.evaluate(observe)) - (before + performance.now()) / 2;
  }

  #now() {
    return performance.now() + this.#shift;
  }

  /** Does `fault()`, and if it lasts, `end()` after so many seconds; waits until pictures come steadily. */
  async survive(what, fault, end, lasts = LASTS_S) {
    const page = this.#page;
    await this.#steady(0);
    await page.evaluate(() => {
      globalThis.pictures.splice(0, globalThis.pictures.length - 1);
      globalThis.said.length = 0;
    });
    const began = this.#now();
    await fault();
    if (end) {
      await sleep(lasts * 1000);
      await end();
    }
    const over = end ? this.#now() : began;
    await this.#steady(over);
    const { pictures, said, mark } = await page.evaluate(() => ({ pictures: globalThis.pictures, said: globalThis.said, mark: globalThis.mark }));
    assert.equal(mark, 'not loaded again', what);
    const gaps = pictures.slice(1).map((at, i) => ({ length: at - pictures[i], at })).filter(({ at }) => at > began);
    const longest = gaps.reduce((a, b) => (b.length > a.length ? b : a));
    const still = longest.length / 1000;
    const back = still > UNSEEN_S ? Math.max(0, longest.at - over) / 1000 : null;
    this.rows.push({ what, lasted: end ? lasts : null, still, back, said: [...new Set(said)] });
    assert.ok(back < BACK_S, `${what}: back after ${back} s`);
  }

  /** A second of pictures and a tile that says it is live, after `since`. */
  async #steady(since) {
    await until(() => this.#page.evaluate(({ from, count }) => {
      const fresh = globalThis.pictures.filter((at) => at > from);
      return fresh.length >= count && fresh.at(-1) - fresh.at(-count) < 2000 && performance.now() - fresh.at(-1) < 500
        && document.querySelector('.tile').dataset.condition === 'live';
    }, { from: since, count: STEADY }), 'a second of pictures', 60_000);
  }
}

const seconds = (value) => `${value < 0.1 ? '< 0.1' : value.toFixed(1)} s`;

function table(rows) {
  const lines = rows.map(({ what, lasted, still, back, said }) => (
    `| ${what} | ${lasted === null ? '–' : `${lasted} s`} | ${back === null ? 'no' : seconds(still)} | ${back === null ? '–' : seconds(back)} | ${said.join(', ') || 'live'} |`));
  return ['| fault | lasts | picture stood still | moved again after its end | the tile said |', '|---|---|---|---|---|', ...lines].join('\n');
}

scenario('no fault costs a reload', async (stage) => {
  const camera = await stage.camera(SIZES);
  const ringcast = stage.instance({ cameras: [{ name: 'front', url: camera.url(0) }] }).start();
  await ringcast.streaming();
  const network = new Network();
  const address = await network.open(Number(new URL(ringcast.address).port));
  const browser = await launchBrowser();
  let wake = () => {};
  try {
    const page = await browser.newPage();
    const errors = watchErrors(page, NETWORK);
    await page.addInitScript(() => {
      const { appendBuffer } = SourceBuffer.prototype;
      SourceBuffer.prototype.appendBuffer = function (bytes) {
        if (globalThis.full > 0 && globalThis.full--) throw new DOMException('full', 'QuotaExceededError');
        return appendBuffer.call(this, bytes);
      };
    });
    await page.goto(address);
    await page.waitForFunction(() => document.querySelector('ringcast-camera')?.player);
    const watch = new Watch(page);
    await watch.open();
    const hide = (hidden) => page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
    const turnClock = (ms) => page.evaluate((by) => {
      const { now } = Date;
      Date.now = () => now() + by;
    }, ms);
    const kill = async (process_) => process.kill(process_.pid, 'SIGKILL');
    const set = async (url) => assert.equal((await ringcast.ctl('camera', 'set', 'front', `url=${url}`)).code, 0);
    const says = (name) => until(async () => (await page.locator(`.tile[data-condition=${name}]`).count()) === 1, `a tile that says ${name}`);
    const width = () => page.evaluate(() => document.querySelector('ringcast-camera').video.videoWidth);

    await watch.survive('fan-out killed', async () => kill((await ringcast.status()).fanouts[0]));
    await watch.survive('the camera’s process killed', async () => kill(await ringcast.camera('front')));
    await watch.survive('ringcastd killed', async () => {
      await kill(ringcast);
      await ringcast.daemon.exited;
      ringcast.start();
      await ringcast.streaming();
    });
    await watch.survive('camera away', () => camera.command('off big'), () => camera.command('on big'));
    await watch.survive('camera silent, connection up', () => camera.command('pause big'), () => camera.command('resume big'));
    await watch.survive('connections reset', () => network.cut());
    await watch.survive('network away, connections outlive it', () => network.silence(), () => network.restore());
    await watch.survive('network away, connections dead afterwards', () => network.silence(), () => {
      network.restore();
      network.cut();
    });
    for (const [what, ...types] of [['page frozen', 'renderer'], ['machine suspended (the whole browser)']]) {
      const pids = await processesOf(browser, ...types);
      await watch.survive(what, () => (wake = suspend(pids)), () => wake());
      wake = () => {};
    }
    await watch.survive('tab hidden (emulated)', () => hide(true), () => hide(false), HIDDEN_S);
    for (const [what, index, pixels] of [['another size and codec string', 1, 320], ['and back', 0, 640]]) {
      await watch.survive(what, async () => {
        await set(camera.url(index));
        await until(async () => (await width()) === pixels, `a picture ${pixels} wide`);
      });
    }
    await watch.survive('H.265, which this browser cannot play', async () => {
      await set(camera.url(2));
      await says('failed');
    }, () => set(camera.url(0)));
    await watch.survive('the browser’s buffer is full (forced, three times)', () => page.evaluate(() => (globalThis.full = 3)));
    assert.equal(await page.evaluate(() => globalThis.full), 0);
    await watch.survive('the browser’s clock jumps an hour ahead', () => turnClock(3_600_000));
    await watch.survive('and two hours back', () => turnClock(-7_200_000));
    console.log(table(watch.rows));
    assert.deepEqual(errors, []);
  } finally {
    wake();
    await browser.close();
    await network.close();
  }
}, { limit: 200_000 + (16 * LASTS_S + HIDDEN_S) * 1000 });
