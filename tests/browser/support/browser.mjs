// SPDX-License-Identifier: MIT
// A Chromium for the tests, and questions to its pages.

import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

export const CHROMIUM = process.env.RINGCAST_CHROMIUM ?? '/usr/bin/chromium';

const FLAGS = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--mute-audio',
];

/** With RINGCAST_COVERAGE=DIRECTORY every page that is closed records there which of its code was run; see coverage.mjs. */
export async function launchBrowser(flags = []) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...flags] });
  if (process.env.RINGCAST_COVERAGE) coverPages(browser, process.env.RINGCAST_COVERAGE);
  return browser;
}

function coverPages(browser, directory) {
  const { newContext } = browser; // newPage() of a browser uses it, too
  browser.newContext = async (...args) => {
    const context = await newContext.apply(browser, args);
    const { newPage } = context;
    context.newPage = async () => coverPage(await newPage.apply(context), directory);
    return context;
  };
}

async function coverPage(page, directory) {
  await page.coverage.startJSCoverage({ resetOnNavigation: false });
  const { close } = page;
  page.close = async (...args) => {
    writeFileSync(join(directory, `${randomUUID()}.json`), JSON.stringify(await page.coverage.stopJSCoverage()));
    return close.apply(page, args);
  };
  return page;
}

/** Waits until the result of `probe()` is true, and returns it. */
export async function until(probe, what, ms = 60_000) {
  const end = performance.now() + ms;
  let last;
  for (;;) {
    try {
      last = await probe();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what} (last: ${last})`);
    await sleep(50);
  }
}

/** Collects all errors of a page: uncaught errors, and console errors that `expected` does not match. */
export function watchErrors(page, expected = /^$/) {
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.stack ?? String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected.test(message.text())) errors.push(message.text());
  });
  return errors;
}

/** The browser's processes of some `types` (all: none named), as the kernel knows them. */
export async function processesOf(browser, ...types) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.filter(({ type }) => types.length === 0 || types.includes(type)).map(({ id }) => id);
}

/**
 * Stops processes as the suspension of a machine does, until the returned function is called. DevTools can freeze a page,
 * but not in a browser without a window.
 */
export function suspend(pids) {
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return () => {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  };
}

/** State of every video of the page, also of those inside <ringcast-camera>. */
export function videos(page) {
  return page.evaluate(() => {
    const inner = [...document.querySelectorAll('ringcast-camera')].map(({ video }) => video);
    return [...document.querySelectorAll('video'), ...inner].map((video) => ({
      time: video.currentTime,
      frames: video.getVideoPlaybackQuality().totalVideoFrames,
      behind: video.buffered.length ? video.buffered.end(video.buffered.length - 1) - video.currentTime : null,
      width: video.videoWidth,
      src: video.src,
    }));
  });
}

/** Waits until `count` videos have decoded `frames` more frames than now. */
export async function untilMoving(page, { count = 1, frames = 10, ms = 60_000 } = {}) {
  const before = await videos(page);
  return until(async () => {
    const now = await videos(page);
    const moving = now.filter((video, i) => video.frames >= (before[i]?.src === video.src ? before[i].frames : 0) + frames);
    return moving.length >= count && now;
  }, `${count} moving videos`, ms);
}

const BESIDE_TARGET_S = 0.3; // beyond what measured jitter needs

/** Whether a player's figures say that it is near the newest picture: within `calm` seconds, or, on a busy machine, near its target. */
export const isNear = ({ delay, target }, calm) => delay !== null && delay < Math.max(calm, target + BESIDE_TARGET_S);

/** Waits until each of `count` <ringcast-camera> has been near the newest picture. */
export async function untilNear(page, { count, calm, ms = 60_000 }) {
  const near = new Set();
  let last;
  await until(async () => {
    last = await page.evaluate(() => [...document.querySelectorAll('ringcast-camera')].map(({ camera, player }) => ({ camera, ...player?.stats })));
    for (const stats of last) if (stats.target !== undefined && isNear(stats, calm)) near.add(stats.camera);
    return near.size === count;
  }, 'all near the newest picture', ms).catch((error) => {
    const figures = last.map(({ camera, delay, target }) => `${camera}: ${delay} s behind, target ${target} s`);
    throw new Error([error.message, ...figures].join('\n'));
  });
}

/** A small picture of the n-th <ringcast-camera>, as numbers. */
export function pixels(page, index = 0) {
  return page.evaluate((i) => {
    const { video } = document.querySelectorAll('ringcast-camera')[i];
    const canvas = document.createElement('canvas');
    canvas.width = 64;
    canvas.height = 36;
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0, 64, 36);
    return [...context.getImageData(0, 0, 64, 36).data];
  }, index);
}

/** How many pixels of two pictures differ visibly. */
export function difference(a, b) {
  let count = 0;
  for (let i = 0; i < a.length; i += 4) if (Math.abs(a[i] - b[i]) + Math.abs(a[i + 1] - b[i + 1]) + Math.abs(a[i + 2] - b[i + 2]) > 60) count++;
  return count;
}
