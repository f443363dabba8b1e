// SPDX-License-Identifier: MIT
// A viewer of one camera over WebSocket, which checks everything it receives against docs/reference/http.md.
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { parseFragment, parseInit } from './mp4.mjs';
import { waitUntil } from './wait.mjs';

export class LiveViewer {
  /** ADDRESS: "http://127.0.0.1:8080/", with a path behind a proxy; OPTIONS: those of ws. Broken messages fail every later wait. */
  constructor(address, camera, { keep = true, stream, frames, ...options } = {}) {
    const url = new URL(`live/${encodeURIComponent(camera)}`, address);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    if (stream) url.searchParams.set('stream', stream);
    if (frames) url.searchParams.set('frames', frames);
    this.camera = camera;
    this.keep = keep; // whether fragments' bytes are kept
    this.messages = []; // the messages in order: 'text:init', 'init', 'fragment', …
    this.texts = [];
    this.states = []; // {state, error, at}: the camera's states as they came
    this.inits = []; // {data, tracks}
    this.fragments = []; // {sequence, keyframe, video, audio, data, at, generation}
    this.jumps = []; // how many fragments had come when it went to the past, or back to the present
    this.started = performance.now();
    this.socket = new WebSocket(url, options);
    this.socket.on('message', (data, binary) => this.#receive(data, binary));
    this.socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    this.socket.on('error', (error) => (this.error = error));
    this.socket.on('unexpected-response', (request, response) => {
      this.status = response.statusCode;
      response.resume();
      request.destroy();
    });
  }

  #receive(data, binary) {
    try {
      if (!binary) this.#text(JSON.parse(data.toString()));
      else if (data.toString('latin1', 4, 8) === 'ftyp') this.#init(data);
      else this.#fragment(data);
    } catch (error) {
      this.error ??= error;
    }
  }

  #text(message) {
    assert.equal(typeof message.type, 'string');
    this.texts.push(message);
    if ((message.type === 'look' && message.ago !== null) || message.type === 'live') this.jumps.push(this.fragments.length);
    if (message.type === 'state') this.states.push({ state: message.state, error: message.error, at: performance.now() });
    this.messages.push(`text:${message.type}`);
  }

  #init(data) {
    assert.equal(this.messages.at(-1), 'text:init', 'an init segment follows its text message');
    this.inits.push({ ...parseInit(data), data });
    this.messages.push('init');
  }

  #fragment(data) {
    assert.ok(this.inits.length > 0, 'no fragment before the first init segment');
    const fragment = parseFragment(data, this.inits.at(-1));
    const last = this.jumps.at(-1) === this.fragments.length ? undefined : this.fragments.at(-1);
    if (!last || this.messages.at(-1) === 'init') assert.ok(fragment.keyframe, 'the first fragment is a keyframe');
    if (last) {
      const [before, now] = [last.video, fragment.video];
      assert.ok(now.decodeTime * BigInt(before.timescale) > before.decodeTime * BigInt(now.timescale), 'decode times go forward');
    }
    this.fragments.push({ ...fragment, at: performance.now(), init: this.inits.length, data: this.keep ? data : null });
    this.messages.push('fragment');
  }

  /** Waits until CHECK(this) is true. */
  async until(what, check, limit) {
    return waitUntil(
      `${what} at a viewer of ${this.camera}`,
      () => {
        if (this.error) return true;
        return check(this);
      },
      limit,
    ).then((value) => {
      if (this.error) throw this.error;
      return value;
    });
  }

  /** Waits for COUNT more fragments. */
  async more(count, limit) {
    const wanted = this.fragments.length + count;
    await this.until(`${count} more fragments (has ${this.fragments.length})`, () => this.fragments.length >= wanted, limit);
    return this.fragments.slice(wanted - count);
  }

  /** The fragments since the newest init segment. */
  get generation() {
    return this.fragments.filter(({ init }) => init === this.inits.length);
  }

  /** Waits for COUNT fragments of a generation with TRACKS tracks: sound has none before it is there. */
  async tracks(tracks, count, limit) {
    const isThere = ({ inits, generation }) => inits.at(-1)?.tracks.length === tracks && generation.length >= count;
    await this.until(`${count} fragments of ${tracks} tracks`, isThere, limit);
  }

  get lastDecodeSeconds() {
    const video = this.fragments.at(-1).video;
    return Number(video.decodeTime) / video.timescale;
  }

  /** Fails unless sequence numbers count up by one, from fragment FROM on. */
  assertConsecutive(from = 0) {
    const sequences = this.fragments.slice(from).map((fragment) => fragment.sequence);
    for (let i = 1; i < sequences.length; i++) {
      assert.equal(sequences[i], (sequences[i - 1] + 1) >>> 0, `${this.camera}: a fragment is missing after ${sequences[i - 1]}`);
    }
    assert.ok(!this.texts.some((text) => text.type === 'drop'), `${this.camera}: fragments were dropped`);
  }

  assertOpen() {
    assert.equal(this.socket.readyState, WebSocket.OPEN, `the socket is open; ${JSON.stringify(this.closed ?? null)}`);
  }

  /** The newest init segment and all kept fragments since, as one file. */
  recording() {
    return Buffer.concat([this.inits.at(-1).data, ...this.generation.map((f) => f.data)]);
  }

  /** Closes and waits until the connection is gone. */
  async close() {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    this.socket.close();
    const timer = setTimeout(() => this.socket.terminate(), 3000);
    await waitUntil('the socket to close', () => this.socket.readyState === WebSocket.CLOSED, 5000);
    clearTimeout(timer);
  }
}
