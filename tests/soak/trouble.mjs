// SPDX-License-Identifier: MIT
// What happens to ringcast during a soak: cameras that fail, reloads, and processes that are killed. All of it is noted, so that what a viewer
// saw of it is explained.
import { isAlive } from '../support/processes.mjs';
import { sleep } from '../support/wait.mjs';
import { FLAKY, RESIZED, SIZES } from './cameras.mjs';

const FAILS_S = 60;
const AWAY_S = 6; // of the failing camera; longer than its deadline when it only stops sending
const RESIZE_S = 240;
const RELOAD_S = 100;
const WORKER_S = 150;
const LASTING_S = [600, 7200]; // how often each kind of the few processes on which all depend is killed: twice in a run, within these bounds
const LIVES = 2;
const LASTING = ['fanout', 'supervisor', 'template', 'keeper', 'snapshot', 'hls', 'rtsp'];
const SETTLES_MS = 30_000;
const LOOK_MS = 100;

export class Trouble {
  /** ADDRESSES: those of ringcast, which follow it; PACE: how many times faster everything happens than in a long run. */
  constructor({ ringcast, addresses, camera, plan, urls, random, seconds, pace = 1 }) {
    Object.assign(this, { ringcast, addresses, camera, plan, urls, random, pace });
    this.hits = []; // { what, camera, at, until }: ms
    this.errors = []; // what could not be done
    this.ending = false;
    this.busy = Promise.resolve(); // one thing at a time
    const lasting = Math.min(LASTING_S[1], Math.max(LASTING_S[0] / pace, seconds / LIVES));
    this.loops = [
      this.#every(FAILS_S / pace, () => this.#failCamera()),
      this.#every(RESIZE_S / pace, () => this.#resize()),
      this.#every(RELOAD_S / pace, () => this.#reload()),
      this.#every(WORKER_S / pace, () => this.#killWorker()),
      ...LASTING.map((what, i) => this.#every(lasting, () => this.#killLasting(what), (lasting * (i + 0.5)) / LASTING.length)),
    ];
  }

  /** Runs ACTION every SECONDS, the first time after FIRST. */
  async #every(seconds, action, first = seconds) {
    for (let next = performance.now() + first * 1000; await this.#until(next); next += seconds * 1000) {
      this.busy = this.busy.then(action).catch((error) => this.errors.push(error));
      await this.busy;
    }
  }

  /** Whether TIME (ms) has come before the end. */
  async #until(time) {
    while (!this.ending && performance.now() < time) await sleep(LOOK_MS);
    return !this.ending;
  }

  #note(what, camera) {
    const hit = { what, camera, at: performance.now(), until: Infinity };
    this.hits.push(hit);
    return hit;
  }

  /** The camera goes for a moment: it closes and answers 404, or is silent, or only closes. */
  async #failCamera() {
    const [begin, end] = [['off', 'on'], ['pause', 'resume'], ['drop', null]][this.hits.filter(({ what }) => what === 'camera').length % 3];
    const hit = this.#note('camera', FLAKY);
    await this.camera.command(`${begin} ${FLAKY}`);
    await sleep((AWAY_S * 1000) / this.pace);
    if (end) await this.camera.command(`${end} ${FLAKY}`);
    hit.until = performance.now();
  }

  async #resize() {
    const hit = this.#note('size', RESIZED);
    await this.camera.command(`size=${SIZES[this.hits.filter(({ what }) => what === 'size').length % SIZES.length]} ${RESIZED}`);
    hit.until = performance.now();
  }

  /** A camera comes or goes, and another one gets or loses a setting, so that it is started again. */
  async #reload() {
    const odd = this.hits.filter(({ what }) => what === 'reload').length % 2 === 0;
    const changed = this.plan.churned[0];
    const hit = this.#note('reload', changed);
    const cameras = this.plan.configured(this.urls, { guest: odd });
    for (const one of cameras) if (one.name === changed && odd) one.audio = false;
    this.ringcast.settings.cameras = cameras;
    this.ringcast.write();
    const { code, stderr } = await this.ringcast.ctl('reload');
    if (code !== 0) throw new Error(`reload: ${stderr}`);
    hit.until = performance.now();
  }

  async #killWorker() {
    const name = this.plan.churned[Math.floor(this.random() * this.plan.churned.length)];
    const { pid } = await this.ringcast.camera(name);
    if (pid && isAlive(pid)) this.#kill('worker', pid, name);
  }

  async #killLasting(what) {
    if (what === 'supervisor') return this.#killSupervisor();
    const status = await this.ringcast.status();
    const fanouts = status.fanouts.map(({ pid }) => pid);
    const pid = what === 'fanout' ? fanouts[Math.floor(this.random() * fanouts.length)] : (status.programs[what] ?? status[what])?.pid;
    if (pid && isAlive(pid)) this.#kill(what, pid);
  }

  #kill(what, pid, camera) {
    const hit = this.#note(what, camera);
    process.kill(pid, 'SIGKILL');
    hit.until = hit.at;
  }

  /** What starts ringcastd sees that it is gone, and starts it again. */
  async #killSupervisor() {
    const hit = this.#note('supervisor');
    this.ringcast.daemon.signal('SIGKILL');
    await this.ringcast.daemon.finish();
    await sleep(500);
    this.ringcast.start();
    const { address, rtsp } = await this.ringcast.serving();
    Object.assign(this.addresses, { address, rtsp });
    hit.until = performance.now();
  }

  /** Whether something that was done, to all or to CAMERA, explains what was seen between BEGAN and AT (ms). */
  explains({ camera, began, at, kind }) {
    return this.hits.some((hit) => {
      const concerns = !hit.camera || kind === 'bundle' || hit.camera === camera;
      return concerns && hit.at < at && hit.until + SETTLES_MS > began;
    });
  }

  /** By what was done: how often. */
  get counts() {
    const counts = {};
    for (const { what } of this.hits) counts[what] = (counts[what] ?? 0) + 1;
    return counts;
  }

  async end() {
    this.ending = true;
    await Promise.all(this.loops);
  }
}
