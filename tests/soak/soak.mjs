// SPDX-License-Identifier: MIT
// A soak: cameras, viewers of every kind that come and go, a wall in a browser, and trouble, for as long as is asked for.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { program, quickReuse } from '../support/processes.mjs';
import { generator } from '../support/random.mjs';
import { sleep } from '../support/wait.mjs';
import { CameraPlan } from './cameras.mjs';
import { Samples } from './samples.mjs';
import { Trouble } from './trouble.mjs';
import { Crowd } from './viewers.mjs';
import { Wall, hasBrowser } from './wall.mjs';

const SETTLE_MS = 120_000;
const IDLE_MS = '20000'; // programs that run on demand end, and begin again, now and then
const NOT_SHOWN = 5; // cameras of the wall that may be away, on demand, or of a codec that the browser lacks

export const DEFAULTS = {
  seconds: 60,
  every: 10, // seconds between two samples
  seed: 1,
  few: false, // seven cameras, and one viewer of each kind
  pace: 1, // how many times faster things happen
  browser: true,
};

/**
 * Runs it on STAGE, and leaves the samples in DIRECTORY. `{ counts, errors, samples, page }`: what was done and seen; the errors that nothing of the
 * soak's own explains; how many samples; the page's own errors.
 */
export async function soak(stage, directory, options) {
  const { seconds, every, seed, few, pace, browser } = { ...DEFAULTS, ...options };
  const random = generator(seed);
  const plan = new CameraPlan({ few });
  const camera = await stage.camera(plan.arguments);
  const urls = new Map(camera.cameras.map(({ name, url }) => [name, url]));
  const hasRtsp = existsSync(program('ringcast-rtsp')); // an optional part
  const ringcast = stage.instance({
    cameras: plan.configured(urls), go2rtc: true, fanout: { processes: few ? 1 : 2 }, ...(hasRtsp && { rtsp: { listen: '127.0.0.1:0' } }),
  });
  const start = ringcast.start.bind(ringcast);
  ringcast.start = () => start({ env: { RINGCAST_IDLE_MS: IDLE_MS, ...quickReuse } }); // also after it was killed
  const { address, rtsp } = await ringcast.start().streaming(plan.steady);
  const addresses = { address, rtsp };

  const wall = browser && hasBrowser() ? await Wall.open(ringcast.address, plan.names.length - NOT_SHOWN) : null;
  const crowd = new Crowd(addresses, plan, random, { few, stay: 1 / pace });
  const trouble = new Trouble({ ringcast, addresses, camera, plan, urls, random, seconds, pace });
  const samples = new Samples(directory);
  const extras = [['test camera', camera.pid], ['test', process.pid], ...(wall?.processes ?? []).map((pid) => ['browser', pid])];
  try {
    const end = performance.now() + seconds * 1000;
    for (let next = performance.now(); performance.now() < end; next += every * 1000) {
      await sleep(Math.max(0, next - performance.now()));
      await samples.take({ ringcast, crowd, wall, extras }).catch((error) => crowd.note({ kind: 'sample', camera: 'all', error, began: performance.now(), at: performance.now() }));
    }
    await trouble.end();
    await ringcast.streaming(plan.steady, SETTLE_MS); // everything recovers
    await wall?.moving(plan.names.length - NOT_SHOWN, SETTLE_MS);
  } finally {
    trouble.ending = true;
    await crowd.end();
    await wall?.close();
  }
  const unexplained = crowd.errors.filter((error) => !trouble.explains(error));
  const failed = trouble.errors.map((error) => `trouble: ${error.stack}`);
  await ringcast.stop();
  return {
    counts: { trouble: trouble.counts, viewers: crowd.counts, explained: crowd.errors.length - unexplained.length },
    errors: [...failed, ...unexplained.map(({ kind, camera: name, error, began, at }) => `${kind} of ${name}, ${((at - began) / 1000).toFixed(1)} s, at ${((at - samples.began) / 1000).toFixed(0)} s: ${error.stack}`)],
    broken: crowd.errors.filter(({ error }) => error instanceof assert.AssertionError).map(({ kind, camera: name, error }) => `${kind} of ${name}: ${error.stack}`),
    samples: samples.count,
    page: wall?.errors ?? [],
  };
}
