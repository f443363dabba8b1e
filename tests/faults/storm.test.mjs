// SPDX-License-Identifier: MIT
// Many cameras whose processes are killed with SIGKILL as fast as they are back: workers above all, and fan-outs, template,
// keeper and ringcastd between them. RINGCAST_STORM_SECONDS: how long (default 15). RINGCAST_STORM_SEED repeats the choices.
// RINGCAST_STORM_OF: only these are killed, and how soon all is back is required of them (worker or fanout, say).
import assert from 'node:assert/strict';
import { inMs, percentile } from '../support/figures.mjs';
import { buildDirectory, isAlive } from '../support/processes.mjs';
import { generator } from '../support/random.mjs';
import { scenario } from '../support/scenario.mjs';
import { sleep, waitUntil } from '../support/wait.mjs';
import { Watcher } from '../support/watcher.mjs';

const SECONDS = Number(process.env.RINGCAST_STORM_SECONDS ?? 15);
const SEED = Number(process.env.RINGCAST_STORM_SEED ?? Math.floor(Math.random() * 2 ** 31));
const CAMERAS = Number(process.env.RINGCAST_STORM_CAMERAS ?? 16);
const ONLY = process.env.RINGCAST_STORM_OF?.split(',') ?? null;
const FPS = 10;
const GOP = 5;

const HEALTHY_S = 3.2; // what pays a death back: a camera that dies faster is started later and later, as it should
const SHARE = 0.4; // of those that may be killed, in each round
const ALONE_S = 4.2; // nothing else was killed so long before
const WORKER_BACK_MS = 500 + (1000 * GOP) / FPS;
const FANOUT_BACK_MS = 1000;
const PATIENCE = /asan|tsan|dev/.test(buildDirectory) ? 4 : 1;
const LONG_MS = 6000; // is told in detail
const ANY_BACK_MS = 20000;
const TEARS_MS = 3000; // a killed fan-out's connections end within this time

class Storm {
  constructor(ringcast) {
    this.ringcast = ringcast;
    this.random = generator(SEED);
    this.kills = []; // {what, camera, at}
  }

  kill(what, pid, camera) {
    if (!pid || !isAlive(pid)) return;
    this.kills.push({ what, camera, at: performance.now() });
    process.kill(pid, 'SIGKILL');
  }

  async killSupervisor() {
    this.kills.push({ what: 'supervisor', at: performance.now() });
    this.ringcast.daemon.signal('SIGKILL');
    await this.ringcast.daemon.finish();
    this.ringcast.start();
    await this.ringcast.serving();
  }

  /** Not faster than its deaths are paid back. */
  killIfWell(what, { pid, state }, seconds) {
    const last = this.kills.findLast((kill) => kill.what === what)?.at ?? -Infinity;
    if (state === 'running' && performance.now() - last > seconds * 1000) this.kill(what, pid);
  }

  /** What was killed, and what ringcastd said, from a second before a KILL until MS after it. */
  story(kill, ms) {
    const [from, to] = [kill.at - 1000, kill.at + ms + 1000];
    const kills = this.kills.filter(({ at }) => at >= from && at <= to).map(({ what, camera, at }) => `${(at - kill.at).toFixed(0)} ms ${what} ${camera ?? ''}`);
    const [first, last] = [from, to].map((at) => new Date(performance.timeOrigin + at).toISOString());
    const lines = this.ringcast.log.split('\n').filter((line) => line >= first && line <= last && /^\d{4}-/.test(line));
    return [...kills, ...lines.filter((line) => / supervisor |keeper/.test(line))].join('\n');
  }

  /** One round over everything that is well. */
  async round({ cameras, fanouts, template, keeper }) {
    for (const { name, pid, state, since_s: since } of cameras) {
      if (ONLY && !ONLY.includes('worker')) break;
      if (state === 'streaming' && since > HEALTHY_S && this.random() < SHARE) this.kill('worker', pid, name);
    }
    if (ONLY) return ONLY.includes('fanout') && this.killIfWell('fanout', fanouts[0], ALONE_S);
    const lot = this.random();
    if (lot < 0.15) this.killIfWell('fanout', fanouts[0], HEALTHY_S);
    else if (lot < 0.3) this.killIfWell('template', template, HEALTHY_S);
    else if (lot < 0.4) this.killIfWell('keeper', keeper, HEALTHY_S);
    // Keeper and ringcastd killed together end everything, as documented.
    else if (lot < 0.5 && keeper.state === 'running') await this.killSupervisor();
  }

  async run() {
    const end = performance.now() + SECONDS * 1000;
    while (performance.now() < end) {
      await this.round(await this.ringcast.status());
      await sleep(300);
    }
  }

  /** Whether nothing else that the camera's viewers need was killed around a worker's KILL. */
  alone(kill) {
    return !this.kills.some(({ what, at }) => what !== 'worker' && what !== 'keeper' && at > kill.at - 4000 && at < kill.at + 1500);
  }

  /** Whether a kill near a hole of a camera's pictures explains it. */
  explains({ from, to }, camera) {
    return this.kills.some(
      ({ what, camera: killed, at }) =>
        ((what === 'worker' && killed === camera && at > from - ANY_BACK_MS) || (what === 'fanout' && at > from - TEARS_MS)) && at < to,
    );
  }
}

scenario(
  `a storm of kills for ${SECONDS} s, seed ${SEED}`,
  async (stage) => {
    console.log(`RINGCAST_STORM_SEED=${SEED} RINGCAST_STORM_SECONDS=${SECONDS} RINGCAST_STORM_CAMERAS=${CAMERAS}`);
    const camera = await stage.camera(['--cameras', String(CAMERAS), '--size', '160x90', '--fps', String(FPS), '--gop', String(GOP)]);
    const ringcast = await stage.ringcast(camera);
    const watchers = camera.cameras.map(({ name }) => new Watcher(ringcast.address, name, FPS));
    const storm = new Storm(ringcast);
    try {
      await waitUntil('every viewer to see something', () => watchers.every((w) => w.firstAfter(0)));
      await storm.run();
      const quiet = performance.now();
      await ringcast.streaming(undefined, 90000);
      await waitUntil('pictures at every viewer', () => watchers.every((w) => w.firstAfter(quiet + 500)), 30000);
      for (const watcher of watchers) {
        for (const hole of watcher.holes()) assert.ok(storm.explains(hole, watcher.camera), `${watcher.camera}: a hole of ${hole.step.toFixed(2)} s that no kill of its own explains`);
      }
      const counts = {};
      for (const { what } of storm.kills) counts[what] = (counts[what] ?? 0) + 1;
      const back = (kill) => watchers.find((w) => w.camera === kill.camera).backAfter(kill.at) - kill.at;
      const workers = storm.kills.filter(({ what }) => what === 'worker');
      const times = workers.map(back);
      console.log(`kills: ${storm.kills.length}`, JSON.stringify(counts));
      console.log(`pictures back after a killed worker, ${inMs(times)}; where nothing else was killed, ${inMs(workers.filter((kill) => storm.alone(kill)).map(back))}`);
      const fanouts = storm.kills.filter(({ what }) => what === 'fanout');
      const again = fanouts.map(({ at }) => Math.max(...watchers.map((watcher) => watcher.connectedAfter(at))) - at);
      console.log(`every viewer of a killed fan-out connected again and with pictures, ${inMs(again)}`);
      if (ONLY?.join() === 'fanout') assert.ok(Math.max(...again) <= FANOUT_BACK_MS * PATIENCE, 'the viewers waited too long');
      if (ONLY?.join() === 'worker') assert.ok(percentile(times, 95) <= WORKER_BACK_MS * PATIENCE, 'the pictures took too long');
      assert.ok(storm.kills.length >= SECONDS / (ONLY ? 10 : 2), 'it was no storm');
      const worst = workers.reduce((a, b) => (back(b) > back(a) ? b : a), workers[0]);
      if (worst && back(worst) > LONG_MS) console.log(`the longest, of ${worst.camera}:\n${storm.story(worst, back(worst))}`);
      assert.ok(Math.max(0, ...times) <= ANY_BACK_MS, `something took ${Math.max(...times)} ms`);
    } finally {
      for (const watcher of watchers) await watcher.end();
    }
    await ringcast.stop();
  },
  { limit: (SECONDS + 240) * 1000 },
);
