// SPDX-License-Identifier: MIT
// Stand-ins for what a browser has and Node does not, with counters for what was made and not undone.

import { pageStrain } from '../../../player/src/player/strain.js';

class QuotaExceededError extends Error {
  name = 'QuotaExceededError';
}

/** Time ranges whose values a test sets. */
export class Ranges {
  constructor(list = []) {
    this.list = list;
  }

  get length() {
    return this.list.length;
  }

  start(i) {
    return this.list[i][0];
  }

  end(i) {
    return this.list[i][1];
  }
}

/** An EventTarget that knows how many listeners it has. */
export class Target extends EventTarget {
  listeners = 0;

  addEventListener(...args) {
    this.listeners++;
    super.addEventListener(...args);
  }

  removeEventListener(...args) {
    this.listeners--;
    super.removeEventListener(...args);
  }

  fire(type) {
    this.dispatchEvent(new Event(type));
  }
}

export class FakeSourceBuffer extends Target {
  updating = false;
  buffered = new Ranges();
  log = [];
  full = 0; // how many further appends fail because the buffer is full

  appendBuffer(bytes) {
    this.#busy();
    if (this.full > 0) {
      this.full--;
      throw new QuotaExceededError('full');
    }
    if (this.broken) throw Object.assign(new Error('removed'), { name: 'InvalidStateError' });
    this.log.push(['append', bytes]);
    this.updating = true;
  }

  remove(start, end) {
    this.#busy();
    this.log.push(['remove', start, end]);
    this.updating = true;
  }

  changeType(mime) {
    this.#busy();
    this.log.push(['type', mime]);
  }

  /** How many fragments the browser has taken. */
  get fragments() {
    const count = (bytes) => Buffer.from(bytes).toString('latin1').split('moof').length - 1;
    return this.log.reduce((sum, [kind, bytes]) => sum + (kind === 'append' ? count(bytes) : 0), 0);
  }

  finish() {
    this.updating = false;
    this.fire('updateend');
  }

  #busy() {
    if (this.updating) throw Object.assign(new Error('updating'), { name: 'InvalidStateError' });
  }
}

export class FakeMediaSource extends Target {
  static all = [];
  static playable = /avc1/;
  static isTypeSupported = (mime) => FakeMediaSource.playable.test(mime);
  readyState = 'closed';
  buffers = [];

  constructor() {
    super();
    FakeMediaSource.all.push(this);
  }

  addSourceBuffer(mime) {
    if (this.refuses) throw Object.assign(new Error('no more'), { name: 'NotSupportedError' });
    const buffer = new FakeSourceBuffer();
    buffer.mime = mime;
    this.buffers.push(buffer);
    return buffer;
  }

  removeSourceBuffer(buffer) {
    this.buffers.splice(this.buffers.indexOf(buffer), 1);
  }

  open() {
    this.readyState = 'open';
    this.fire('sourceopen');
  }
}

export class FakeVideo extends Target {
  currentTime = 0;
  playbackRate = 1;
  muted = false;
  paused = true;
  ended = false;
  seeking = false;
  isConnected = true;
  readyState = 4;
  buffered = new Ranges();
  error = null;
  loads = 0;
  plays = 0;
  src = '';
  refusals = []; // names of errors for the next calls of play()
  frameCallbacks = new Map();
  #handles = 0;

  requestVideoFrameCallback(run) {
    this.frameCallbacks.set(++this.#handles, run);
    return this.#handles;
  }

  cancelVideoFrameCallback(handle) {
    this.frameCallbacks.delete(handle);
  }

  /** A picture reaches the screen. */
  present(mediaTime, now = performance.now()) {
    const due = [...this.frameCallbacks.values()];
    this.frameCallbacks.clear();
    for (const run of due) run(now, { mediaTime, presentationTime: now, expectedDisplayTime: now });
  }

  removeAttribute(name) {
    this[name] = '';
  }

  load() {
    this.loads++;
    this.paused = true;
  }

  pause() {
    if (this.paused) return;
    this.paused = true;
    this.fire('pause');
  }

  async play() {
    this.plays++;
    this.paused = false;
    const name = this.refusals.shift();
    if (name) throw Object.assign(new Error(name), { name });
  }
}

export class FakeSocket extends Target {
  static all = [];
  static get live() {
    return FakeSocket.all.filter(({ readyState }) => readyState < 2);
  }
  static get last() {
    return FakeSocket.all.at(-1);
  }

  readyState = 0;
  sent = [];
  onopen = null;
  onmessage = null;
  onclose = null;
  onerror = null;

  constructor(url, protocols) {
    super();
    if (FakeSocket.refuses) throw new SyntaxError('bad address');
    this.url = url;
    this.protocols = protocols;
    FakeSocket.all.push(this);
  }

  close() {
    this.closed = true;
    this.readyState = 3;
  }

  accept() {
    this.readyState = 1;
    this.onopen?.();
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  receive(data) {
    this.onmessage?.({ data });
    this.dispatchEvent(Object.assign(new Event('message'), { data }));
  }

  drop(code = 1006, reason = '') {
    this.readyState = 3;
    this.onerror?.({});
    this.onclose?.({ code, reason });
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason }));
  }

  get handlers() {
    return this.listeners + [this.onopen, this.onmessage, this.onclose, this.onerror].filter(Boolean).length;
  }
}

/** Answers fetch(): with `status` and `body`, or as a network that is away if `status` is null. */
export class FakeFetch {
  status = null;
  body = {};
  requests = []; // [address, options]
  pending = 0;
  held = null; // while it is a list, answers wait in it

  fetch = async (address, options = {}) => {
    this.requests.push([address, options]);
    this.pending++;
    try {
      await new Promise((resolve, reject) => {
        options.signal?.addEventListener('abort', () => reject(options.signal.reason));
        if (this.held) this.held.push(resolve);
        else resolve();
      });
    } finally {
      this.pending--;
    }
    const { status, body } = this;
    if (status === null) throw new TypeError('Failed to fetch');
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return { status, ok: status >= 200 && status < 300, text: async () => text, json: async () => JSON.parse(text) };
  };
}

/** Lets promises that are settled be heard. */
export const settled = async () => {
  for (let i = 0; i < 20; i++) await null;
};

/** Puts the fakes where a page has the real ones; `books()` returns what is still held. */
export function fakePage() {
  pageStrain.clear();
  const urls = new Set();
  const page = { document: new Target(), window: new Target(), urls, network: new FakeFetch() };
  globalThis.fetch = page.network.fetch;
  page.document.hidden = false;
  page.hide = (hidden) => {
    page.document.hidden = hidden;
    page.document.fire('visibilitychange');
  };
  page.document.baseURI = 'http://server/';
  FakeSocket.all = [];
  FakeSocket.refuses = false;
  FakeMediaSource.all = [];
  FakeMediaSource.playable = /avc1/;
  delete globalThis.ManagedMediaSource;
  globalThis.document = page.document;
  globalThis.window = page.window;
  globalThis.WebSocket = FakeSocket;
  globalThis.MediaSource = FakeMediaSource;
  globalThis.CustomEvent ??= class extends Event {
    constructor(type, { detail } = {}) {
      super(type);
      this.detail = detail;
    }
  };
  let next = 0;
  URL.createObjectURL = () => {
    const url = `blob:${++next}`;
    urls.add(url);
    return url;
  };
  URL.revokeObjectURL = (url) => urls.delete(url);
  page.books = (video) => ({
    sockets: FakeSocket.live.length,
    handlers: FakeSocket.all.reduce((sum, { handlers }) => sum + handlers, 0),
    listeners:
      page.document.listeners + page.window.listeners + video.listeners +
      FakeMediaSource.all.reduce((sum, { listeners }) => sum + listeners, 0),
    buffers: FakeMediaSource.all.reduce((sum, { buffers }) => sum + buffers.length, 0),
    urls: urls.size,
    callbacks: video.frameCallbacks.size,
    requests: page.network.pending,
  });
  return page;
}

export const NOTHING = { sockets: 0, handlers: 0, listeners: 0, buffers: 0, urls: 0, callbacks: 0, requests: 0 };
