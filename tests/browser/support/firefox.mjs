// SPDX-License-Identifier: MIT
// A Firefox for the tests, by WebDriver BiDi. The functions of browser.mjs work with its pages, too.

import { once } from 'node:events';
import puppeteer from 'puppeteer-core';

export const FIREFOX = process.env.RINGCAST_FIREFOX ?? '/usr/bin/firefox-esr';

const PREFERENCES = {
  'full-screen-api.allow-trusted-requests-only': false,
  'full-screen-api.warning.timeout': 0,
};

export class Firefox {
  #browser;
  #tools; // a page of the browser's own, which may force a collection

  static async launch() {
    const firefox = new Firefox();
    firefox.#browser = await puppeteer.launch({
      browser: 'firefox', executablePath: FIREFOX, headless: true, extraPrefsFirefox: PREFERENCES,
      args: ['--remote-allow-system-access'], protocolTimeout: 60_000,
    });
    // Before all others: a page that comes later hides the ones before it.
    firefox.#tools = await firefox.#browser.newPage();
    await firefox.#tools.goto('about:memory', { waitUntil: [] });
    return firefox;
  }

  async open(width, height) {
    const page = await this.#browser.newPage();
    await page.setViewport({ width, height }).catch((error) => {
      // Firefox 140 has the size by now, and does not know what comes after it.
      if (!/unknown command emulation\.setScreenOrientationOverride/.test(error.message)) throw error;
    });
    return page;
  }

  /** Ends it, and waits until its process is gone. */
  async close() {
    const process = this.#browser.process();
    const gone = process.exitCode === null && process.signalCode === null ? once(process, 'exit') : null;
    await this.#browser.close();
    await gone;
  }

  /** Frees everything that is no longer referenced, in the processes of all pages. */
  async collect() {
    await this.#tools.evaluate(async () => {
      const { Cc, Ci, Services } = globalThis;
      const manager = Cc['@mozilla.org/memory-reporter-manager;1'].getService(Ci.nsIMemoryReporterManager);
      await new Promise((resolve) => manager.minimizeMemoryUsage(resolve));
      for (const what of ['child-mmu-request', 'child-gc-request', 'child-cc-request']) Services.obs.notifyObservers(null, what);
    });
  }
}

/** Runs in a page before its scripts: remembers the objects that are made by weak references. */
export function remember() {
  const made = { MediaSource: [], SourceBuffer: [], WebSocket: [] };
  Object.defineProperty(globalThis, '__made', { value: made });
  for (const name of ['MediaSource', 'WebSocket']) {
    globalThis[name] = class extends globalThis[name] {
      constructor(...args) {
        super(...args);
        made[name].push(new WeakRef(this));
      }
    };
  }
  const { addSourceBuffer } = MediaSource.prototype;
  MediaSource.prototype.addSourceBuffer = function (mime) {
    const buffer = addSourceBuffer.call(this, mime);
    made.SourceBuffer.push(new WeakRef(buffer));
    return buffer;
  };
}

/** How many of them are still there. */
export const remembered = (page) =>
  page.evaluate(() => Object.fromEntries(Object.entries(globalThis.__made).map(([name, all]) => [name, all.filter((each) => each.deref()).length])));
