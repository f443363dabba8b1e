// SPDX-License-Identifier: MIT
// Counts what a page holds: objects that survive a forced collection (by the debugger, not by hooks in the product),
// and listeners, timers and object URLs (by wrapping the browser's functions before the page's scripts run).

/** Runs in the page, before its scripts. */
export function instrument() {
  const census = { listeners: 0, timers: 0, urls: 0, observers: 0, byType: {} };
  Object.defineProperty(globalThis, '__census', { value: census });

  const registered = new WeakMap(); // target → Set of keys, so that a listener added twice counts once
  const handlers = new WeakMap();
  let nextHandler = 0;
  const keyOf = (type, handler, options) => {
    if (!handlers.has(handler)) handlers.set(handler, ++nextHandler);
    const capture = typeof options === 'object' ? Boolean(options?.capture) : Boolean(options);
    return `${type}/${handlers.get(handler)}/${capture}`;
  };
  const count = (type, by) => {
    census.listeners += by;
    census.byType[type] = (census.byType[type] ?? 0) + by;
  };
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (type, handler, options) {
    if (handler) {
      const target = this ?? globalThis;
      if (!registered.has(target)) registered.set(target, new Set());
      const key = keyOf(type, handler, options);
      if (!registered.get(target).has(key)) {
        registered.get(target).add(key);
        count(type, 1);
        const { signal, once } = typeof options === 'object' && options ? options : {};
        const forget = () => registered.get(target).delete(key) && count(type, -1);
        if (signal) addEventListener.call(signal, 'abort', forget, { once: true });
        if (once) addEventListener.call(target, type, forget, options);
      }
    }
    return addEventListener.call(this ?? globalThis, type, handler, options);
  };
  EventTarget.prototype.removeEventListener = function (type, handler, options) {
    const target = this ?? globalThis;
    if (handler && registered.get(target)?.delete(keyOf(type, handler, options))) count(type, -1);
    return removeEventListener.call(target, type, handler, options);
  };

  const timers = new Set();
  const track = (set, clear, repeats) => {
    const make = globalThis[set];
    const end = globalThis[clear];
    globalThis[set] = (run, ...rest) => {
      const id = make((...args) => {
        if (!repeats) forget(id);
        run(...args);
      }, ...rest);
      timers.add(`${repeats}${id}`);
      census.timers = timers.size;
      return id;
    };
    const forget = (id) => {
      timers.delete(`${repeats}${id}`);
      census.timers = timers.size;
    };
    globalThis[clear] = (id) => {
      forget(id);
      return end(id);
    };
  };
  track('setTimeout', 'clearTimeout', false);
  track('setInterval', 'clearInterval', true);

  const urls = new Set();
  const { createObjectURL, revokeObjectURL } = URL;
  URL.createObjectURL = (object) => {
    const url = createObjectURL.call(URL, object);
    urls.add(url);
    census.urls = urls.size;
    return url;
  };
  URL.revokeObjectURL = (url) => {
    urls.delete(url);
    census.urls = urls.size;
    return revokeObjectURL.call(URL, url);
  };

  const { observe, disconnect } = IntersectionObserver.prototype;
  IntersectionObserver.prototype.observe = function (target) {
    census.observers++;
    return observe.call(this, target);
  };
  IntersectionObserver.prototype.disconnect = function () {
    census.observers--;
    return disconnect.call(this);
  };
}

/** The prototype of the players of a page that has them from the module at ADDRESS. */
export const playerIn = (address) => `import('${address}').then((m) => m.RingcastPlayer.prototype)`;

const CLASSES = ['MediaSource', 'SourceBuffer', 'WebSocket'];

/** Counts objects through the debugger. `modules`: how to reach further prototypes, as name → expression. */
export class Census {
  #page;
  #session;

  constructor(page, session) {
    this.#page = page;
    this.#session = session;
  }

  static async of(page) {
    return new Census(page, await page.context().newCDPSession(page));
  }

  /** Live objects by class, after a forced collection. `more`: further classes, as name → expression of the prototype. */
  async objects(more = {}) {
    await this.#session.send('HeapProfiler.collectGarbage');
    const counts = {};
    for (const name of CLASSES) counts[name] = await this.#count(`${name}.prototype`);
    const own = { RingcastPlayer: playerIn('/ringcast-player.js'), Video: 'HTMLVideoElement.prototype' };
    for (const [name, expression] of Object.entries({ ...own, ...more })) counts[name] = await this.#count(expression);
    return counts;
  }

  /** What the browser itself counts after a forced collection: nodes, listeners (its own too), and the heap in bytes. */
  async memory() {
    await this.#session.send('HeapProfiler.collectGarbage');
    const { nodes, jsEventListeners } = await this.#session.send('Memory.getDOMCounters');
    const { usedSize } = await this.#session.send('Runtime.getHeapUsage');
    return { nodes, listeners: jsEventListeners, heap: usedSize };
  }

  /** The present listeners, timers, object URLs and observers. */
  books() {
    return this.#page.evaluate(() => {
      const { listeners, timers, urls, observers } = globalThis.__census;
      return { listeners, timers, urls, observers };
    });
  }

  async #count(expression) {
    const objectGroup = 'census';
    const { result } = await this.#session.send('Runtime.evaluate', { expression, awaitPromise: true, objectGroup });
    const { objects } = await this.#session.send('Runtime.queryObjects', { prototypeObjectId: result.objectId, objectGroup });
    const { result: length } = await this.#session.send('Runtime.callFunctionOn', {
      objectId: objects.objectId,
      functionDeclaration: 'function () { return this.length; }',
      returnByValue: true,
    });
    await this.#session.send('Runtime.releaseObjectGroup', { objectGroup });
    return length.value;
  }
}
