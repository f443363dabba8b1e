// SPDX-License-Identifier: MIT
// A wall in a real browser that stays for the whole soak, and what it keeps.
import { existsSync } from 'node:fs';
import { CHROMIUM, launchBrowser, processesOf, untilMoving } from '../browser/support/browser.mjs';
import { Census } from '../browser/support/census.mjs';
import { commandLine } from '../support/processes.mjs';
import { processSample } from './samples.mjs';

const COLLECT_EVERY = 3; // samples: a forced collection costs the page time
// A process of Chromium's own for what is around pages, such as the list of tabs. It grows with each change of a title, which the wall's has a number in.
const AROUND = '--top-chrome-webui';
const NETWORK = /WebSocket|Failed to load resource|ERR_|wss?:/; // of servers that were killed

export const hasBrowser = () => existsSync(CHROMIUM);

export class Wall {
  #samples = 0;
  #requests = 0; // since the last sample

  /** Opens ADDRESS and waits until MOVING cameras play. */
  static async open(address, moving) {
    const wall = new Wall();
    wall.browser = await launchBrowser();
    wall.page = await wall.browser.newPage({ viewport: { width: 960, height: 540 } });
    wall.errors = [];
    wall.page.on('pageerror', (error) => wall.errors.push(error.stack ?? String(error)));
    wall.page.on('console', (message) => message.type() === 'error' && !NETWORK.test(message.text()) && wall.errors.push(message.text()));
    wall.page.on('request', () => wall.#requests++);
    await wall.page.goto(address);
    await untilMoving(wall.page, { count: moving, ms: 120_000 });
    wall.census = await Census.of(wall.page);
    wall.renderers = (await processesOf(wall.browser, 'renderer')).filter((pid) => !commandLine(pid).includes(AROUND));
    wall.processes = await processesOf(wall.browser);
    return wall;
  }

  /** Of the page: what it has after a collection, every few samples, how far behind the newest picture its tiles are, and what it has asked for since the last sample. */
  async sample() {
    const renderers = this.renderers.map((pid) => processSample('renderer', pid)?.anonymous_kib ?? 0);
    const behind = await this.page.evaluate(() => {
      const delays = [...document.querySelectorAll('ringcast-camera')].map(({ player }) => player?.stats?.delay).filter((delay) => delay > 0).sort((a, b) => a - b);
      return delays[delays.length >> 1] ?? null;
    });
    const requests = this.#requests;
    this.#requests = 0;
    const collected = this.#samples++ % COLLECT_EVERY === 0 ? await this.census.memory() : {};
    return { heap_bytes: collected.heap, nodes: collected.nodes, listeners: collected.listeners, renderer_kib: renderers.reduce((sum, kib) => sum + kib, 0), page_behind_s: behind?.toFixed(3), page_requests: requests };
  }

  /** Waits until COUNT cameras play. */
  async moving(count, ms) {
    await untilMoving(this.page, { count, ms }).catch(async (error) => {
      const tiles = await this.page.evaluate(() => [...document.querySelectorAll('.tile')].map(({ dataset, textContent }) => `${dataset.condition} ${dataset.rung}: ${textContent}`));
      throw new Error([error.message, ...tiles].join('\n'), { cause: error });
    });
  }

  async close() {
    await this.browser.close();
  }
}
