// SPDX-License-Identifier: MIT
// Viewers of every kind that come and go. Each seat has one kind; who sits there stays for a while, goes, and another one comes, to another
// camera. What went wrong is noted with its time; whether something of the soak's own explains it, is asked at the end.
import WebSocket from 'ws';
import { LiveViewer } from '../support/live_viewer.mjs';
import { EVERY_CLIENT, SnapshotClient } from '../support/other_clients.mjs';
import { SlowViewer } from '../support/slow_viewer.mjs';
import { sleep } from '../support/wait.mjs';

const STAY_S = [15, 90];
const RTSP_STAY_S = [2, 8]; // so that every camera was played within the first minutes: a stream that is played for the first time takes memory
const AWAY_S = [1, 5];
const CATCH_UP_MS = 2500; // what a viewer gets first was captured before it came
const SLOW_RATE = 2500; // bytes a second: less than any camera sends
const PAUSE_MS = 8000;
const LOOK_MS = 200;

/** One camera over a WebSocket: everything is checked, and how old each fragment is when it comes. */
class Live {
  #seen = 0;

  constructor({ address }, camera, options = {}) {
    this.viewer = new LiveViewer(address, camera, { keep: false, ...options });
  }

  get got() {
    return this.viewer.fragments.length;
  }

  get error() {
    const { error, status, closed } = this.viewer;
    return error ?? (status ? new Error(`/live: ${status}`) : closed && !this.closing ? new Error(`closed with ${closed.code}`) : null);
  }

  /** Ages in ms of what has come since the last call. */
  takeAges() {
    const { fragments, started } = this.viewer;
    const fresh = fragments.slice(this.#seen).filter(({ at, prft }) => prft?.captured && at > started + CATCH_UP_MS);
    this.#seen = fragments.length;
    return fresh.map(({ at, prft }) => performance.timeOrigin + at - prft.wallMs);
  }

  async close() {
    this.closing = true;
    await this.viewer.close();
  }
}

class Sub extends Live {
  constructor(addresses, camera) {
    super(addresses, camera, { stream: 'sub' });
  }
}

class Keyframes extends Live {
  constructor(addresses, camera) {
    super(addresses, camera, { frames: 'key' });
  }

  takeAges() {
    return []; // of the main streams only
  }
}

/** One that pauses and resumes, as a page in the background does. */
class Paused extends Live {
  constructor(addresses, camera) {
    super(addresses, camera);
    let type = 'resume';
    this.timer = setInterval(() => {
      type = type === 'pause' ? 'resume' : 'pause';
      if (this.viewer.socket.readyState === WebSocket.OPEN) this.viewer.socket.send(JSON.stringify({ type }));
    }, PAUSE_MS);
  }

  takeAges() {
    return [];
  }

  async close() {
    clearInterval(this.timer);
    await super.close();
  }
}

/** Every camera on one connection, as the wall has them. */
class Bundle {
  got = 0;
  error = null;

  constructor({ address }, _camera, cameras) {
    const url = new URL('live', address);
    url.protocol = 'ws:';
    this.socket = new WebSocket(url, 'ringcast.bundle.1');
    this.socket.on('open', () => cameras.forEach((camera, i) => this.#say({ type: 'subscribe', id: i + 1, camera })));
    this.socket.on('message', (data, binary) => {
      if (binary) this.got++;
      else if (JSON.parse(data.toString()).type === 'error') this.error ??= new Error(data.toString());
    });
    this.socket.on('error', (error) => (this.error ??= error));
    this.socket.on('close', (code) => !this.closing && (this.error ??= new Error(`closed with ${code}`)));
  }

  #say(message) {
    this.socket.send(JSON.stringify(message));
  }

  async close() {
    this.closing = true;
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.terminate();
    await closed;
  }
}

class Slow {
  constructor({ address }, camera) {
    this.viewer = new SlowViewer(address, `/live/${encodeURIComponent(camera)}`, { rate: SLOW_RATE }).open();
  }

  get got() {
    return this.viewer.ages.length;
  }

  get error() {
    return this.viewer.ended ? new Error(this.viewer.ended) : null;
  }

  async close() {
    this.viewer.close();
  }
}

class Snapshots extends SnapshotClient {
  constructor({ address }, camera) {
    super(address, camera, { everyMs: 2000 });
  }
}

const { mp4: Mp4, hls: Hls, go2rtc: Go2rtc, rtsp: Rtsp } = EVERY_CLIENT;
const over = (Kind) => class extends Kind {
  constructor({ address }, camera) {
    super(address, camera);
  }
};

/** By kind: [class, how many seats in a long run, in a short one]. A class is made of ({address, rtsp}, camera, all cameras). */
const KINDS = {
  live: [Live, 5, 2],
  sub: [Sub, 2, 1],
  keyframes: [Keyframes, 1, 1],
  paused: [Paused, 1, 1],
  slow: [Slow, 1, 1],
  bundle: [Bundle, 2, 1],
  mp4: [over(Mp4), 1, 1],
  hls: [over(Hls), 2, 1],
  go2rtc: [over(Go2rtc), 1, 1],
  snapshot: [Snapshots, 1, 1],
  rtsp: [class extends Rtsp {
    constructor({ rtsp }, camera) {
      super(rtsp, camera);
    }
  }, 1, 1],
};

class Seat {
  constructor(crowd, kind) {
    this.crowd = crowd;
    this.kind = kind;
    this.done = this.#run();
  }

  async #run() {
    while (!this.crowd.ending) {
      await this.#visit();
      await this.crowd.pause(AWAY_S);
    }
  }

  async #visit() {
    const { crowd, kind } = this;
    const camera = crowd.pick(kind === 'sub' ? crowd.plan.withSub : crowd.plan.names);
    const began = performance.now();
    let client;
    try {
      client = new KINDS[kind][0](crowd.addresses, camera, crowd.plan.names);
      this.client = client;
      await crowd.pause(kind === 'rtsp' ? RTSP_STAY_S : STAY_S, () => client.error);
      if (client.error) throw client.error;
      if (client.got === 0) throw new Error('it got nothing');
    } catch (error) {
      crowd.note({ kind, camera, error, began, at: performance.now() });
    } finally {
      crowd.counts[kind].visits++;
      crowd.counts[kind].got += client?.got ?? 0;
      this.client = null;
      await client?.close().catch(() => {});
    }
  }
}

export class Crowd {
  /** ADDRESSES: { address, rtsp } of ringcast; rtsp null: without RTSP out. STAY: factor for how long each stays. */
  constructor(addresses, plan, random, { few = false, stay = 1 } = {}) {
    Object.assign(this, { addresses, plan, random, stay });
    this.ending = false;
    this.errors = []; // { kind, camera, error, began, at }: those of no process alone
    const kinds = Object.keys(KINDS).filter((kind) => kind !== 'rtsp' || addresses.rtsp);
    this.counts = Object.fromEntries(kinds.map((kind) => [kind, { visits: 0, got: 0 }]));
    this.seats = kinds.flatMap((kind) => Array.from({ length: KINDS[kind][few ? 2 : 1] }, () => new Seat(this, kind)));
  }

  pick(list) {
    return list[Math.floor(this.random() * list.length)];
  }

  /** Waits between FROM and TO seconds, until STOP() says something, or the end. */
  async pause([from, to], stop = () => false) {
    const end = performance.now() + (from + this.random() * (to - from)) * 1000 * this.stay;
    while (performance.now() < end && !this.ending && !stop()) await sleep(LOOK_MS);
  }

  note(error) {
    if (!this.ending) this.errors.push(error);
  }

  get present() {
    return this.seats.filter(({ client }) => client).length;
  }

  takeAges() {
    return this.seats.flatMap(({ kind, client }) => (kind === 'live' && client ? client.takeAges() : []));
  }

  async end() {
    this.ending = true;
    await Promise.all(this.seats.map(({ done }) => done));
  }
}
