// SPDX-License-Identifier: MIT
// Notices when the server has other files than those that this page was loaded from.

import { Scope } from '../player/scope.js';

const CHECK_MS = 10 * 60_000;
const TIMEOUT_MS = 10_000;

/** The addresses of this page and of all files of this server that it has loaded. */
function files() {
  const page = location.href.replace(/[?#].*$/, '');
  const loaded = performance.getEntriesByType('resource').filter(({ initiatorType }) => initiatorType === 'script'
    || initiatorType === 'link' || initiatorType === 'other');
  const own = loaded.map(({ name }) => name.replace(/[?#].*$/, '')).filter((name) => /\.(js|css)$/.test(name) && name.startsWith(location.origin));
  return [page, ...new Set(own)];
}

export class Version {
  #scope = new Scope();
  #known = new Map(); // address → entity tag of the file that this page has loaded
  #onchange;
  #checking = false;

  /** `onchange()` is called once, when the server has other files. */
  constructor(onchange) {
    this.#onchange = onchange;
  }

  /** Begins with the files that the browser has loaded, and looks again every ten minutes. */
  async open() {
    this.#scope.interval(CHECK_MS, () => this.check());
    for (const file of files()) this.#known.set(file, await this.#tag(file, 'force-cache'));
  }

  close() {
    this.#scope.close();
  }

  /** Looks now: after the server was away. */
  async check() {
    if (this.#checking || this.#scope.closed) return;
    this.#checking = true;
    try {
      for (const [file, known] of this.#known) {
        const tag = await this.#tag(file, 'no-cache');
        if (this.#scope.closed) return;
        if (known === null && tag !== null) this.#known.set(file, tag);
        if (known === null || tag === null || tag === known) continue;
        this.close();
        this.#onchange();
        return;
      }
    } finally {
      this.#checking = false;
    }
  }

  /** A file's entity tag, or null when the server does not say or does not answer. */
  async #tag(file, cache) {
    const request = new AbortController();
    const cancel = this.#scope.timeout(TIMEOUT_MS, () => request.abort());
    const ended = this.#scope.add(() => request.abort());
    try {
      const answer = await fetch(file, { cache, signal: request.signal });
      await answer.arrayBuffer(); // an answer that is not read holds its connection
      return answer.ok ? answer.headers.get('ETag') : null;
    } catch {
      return null;
    } finally {
      cancel();
      ended();
    }
  }
}
