// SPDX-License-Identifier: MIT
// `?kiosk`: an unattended screen. It stays awake and recovers by itself.

import { Scope } from '../player/scope.js';
import { Recovery, nextReload } from './wall-recovery.js';

const KEY = 'ringcast.reloads';
const WATCH_MS = 5000;
const RETRY_MS = 5000;
const HARMLESS = /^ResizeObserver loop/; // an observer that is called only in the next frame

export class Kiosk {
  #scope = new Scope();
  #recovery = new Recovery();
  #tiles;
  #restart;
  #wakeLock = null;
  #reloading = false;

  /** `tiles()`: as Recovery.judge takes them; `restart(name)` restarts one player. */
  constructor({ tiles, restart }) {
    this.#tiles = tiles;
    this.#restart = restart;
  }

  open() {
    document.documentElement.dataset.kiosk = '';
    this.#scope.add(() => delete document.documentElement.dataset.kiosk);
    this.#scope.listen(window, 'error', ({ message }) => HARMLESS.test(message) || this.reload());
    this.#scope.listen(window, 'unhandledrejection', () => this.reload());
    this.#scope.listen(document, 'visibilitychange', () => this.#onVisibility());
    this.#scope.interval(WATCH_MS, () => this.#watch());
    this.#scope.add(() => this.#wakeLock?.release().catch(() => {}));
    this.#stayAwake();
  }

  close() {
    this.#scope.close();
  }

  /** Reloads the page once the server answers, after a pause that grows with each reload. */
  reload() {
    if (this.#reloading) return;
    this.#reloading = true;
    const { delay, memory } = nextReload(read(), Date.now());
    this.#scope.timeout(delay, () => this.#load(memory));
  }

  /** The same at once: there is a new version, and nothing is broken. */
  reloadNow() {
    if (this.#reloading) return;
    this.#reloading = true;
    this.#load(null);
  }

  /** Reloads only when the server answers: the browser's own error page would never come back, which the log-in page does. */
  async #load(memory) {
    const answers = await fetch(location.href, { cache: 'no-store' }).then(({ ok, status }) => ok || status === 401, () => false);
    if (this.#scope.closed) return;
    if (!answers) {
      this.#scope.timeout(RETRY_MS, () => this.#load(memory));
      return;
    }
    write(memory);
    location.reload();
  }

  #watch() {
    if (document.hidden) return;
    const { restart, reload } = this.#recovery.judge(this.#tiles(), performance.now());
    for (const name of restart) this.#restart(name);
    if (reload) this.reload();
  }

  #onVisibility() {
    this.#recovery.excuse();
    this.#stayAwake();
  }

  /** A browser releases the lock when the page is hidden, and may refuse it (low battery, plain http). */
  async #stayAwake() {
    if (document.hidden || !navigator.wakeLock || (this.#wakeLock && !this.#wakeLock.released)) return;
    try {
      const lock = await navigator.wakeLock.request('screen');
      if (this.#scope.closed) await lock.release();
      else this.#wakeLock = lock;
    } catch {
      // The screen's own settings decide then.
    }
  }
}

function read() {
  try {
    const { count, at } = JSON.parse(sessionStorage.getItem(KEY));
    return Number.isFinite(count) && Number.isFinite(at) ? { count, at } : null;
  } catch {
    return null;
  }
}

function write(memory) {
  try {
    if (memory) sessionStorage.setItem(KEY, JSON.stringify(memory));
  } catch {
    // The next reload then comes as quickly as the first.
  }
}
