// SPDX-License-Identifier: MIT
// A camera whose connection ends as soon as its first pictures are here, again and again: one worker goes on with the same
// memory, descriptors and threads.
//   RINGCAST_CYCLES=N         how often (2000 is what a flaky camera does in a day)
//   RINGCAST_CYCLES_CSV=FILE  writes the samples; tests/faults/plot_cycles draws them
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { processFigures } from '../support/process_figures.mjs';
import { buildDirectory } from '../support/processes.mjs';
import { parseRtp } from '../support/rtp.mjs';
import { RtspProxy } from '../support/rtsp_proxy.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const CYCLES = Number(process.env.RINGCAST_CYCLES ?? 100);
const CSV = process.env.RINGCAST_CYCLES_CSV;
const EVERY = Math.max(1, Math.round(CYCLES / 100)); // cycles between two samples
const WARM = Math.ceil(CYCLES / 5); // what is loaded once is loaded

const FRAMES = 3; // of each connection, from its first keyframe on
const CYCLE_LIMIT_MS = 3000;

// A sanitizer keeps what was freed for a while.
const GROWTH_KIB = /asan/.test(buildDirectory) ? 32768 : 128;

function sample(pid, cycle) {
  const { pss, shared, anonymous, descriptors, threads } = processFigures(pid);
  return { cycle, pss: pss - shared, anonymous, descriptors, threads }; // without the ring, whose pages are its own once they are written
}

/** Ends a connection FRAMES frames after its first keyframe, at the end of one. */
const shortLived = {
  packet(packet, connection) {
    if (connection.ending || packet.rtcp) return [packet];
    connection.frames ??= 0;
    if (connection.keyframes.length && parseRtp(packet.data).marker) connection.frames++;
    if (connection.frames >= FRAMES) {
      connection.ending = true;
      setImmediate(() => connection.cut());
    }
    return [packet];
  },
};

scenario(
  `${CYCLES} connections that end after their first pictures`,
  async (stage) => {
    const camera = await stage.camera(['--cameras', '1', '--fps', '30', '--gop', '3', '--size', '160x90']);
    await stage.ringcast(camera); // it runs whether or not a client is connected
    const proxy = await new RtspProxy(camera.url()).listen();
    try {
      const ringcast = stage.instance({ cameras: [{ name: 'flaky', url: proxy.url, transport: 'tcp' }] }).start();
      const { pid } = (await ringcast.streaming()).cameras[0];
      const viewer = stage.viewer(ringcast, 'flaky', { keep: false });
      await viewer.more(5);
      const samples = [];
      const had = viewer.fragments.length;
      const begun = proxy.count;
      const began = performance.now();
      proxy.onConnection = () => {
        const cycle = proxy.count - begun;
        if (cycle % EVERY === 0) samples.push(sample(pid, cycle));
      };
      proxy.fault = shortLived;
      await waitUntil(`${CYCLES} connections`, () => proxy.count - begun > CYCLES, CYCLES * CYCLE_LIMIT_MS);
      const seconds = (performance.now() - began) / 1000;
      proxy.fault = {};
      const pictures = viewer.fragments.length - had;
      await viewer.more(30);
      viewer.assertOpen();
      viewer.assertConsecutive();
      const status = await ringcast.camera('flaky');
      assert.equal(status.pid, pid, 'the worker is the same');
      assert.equal(status.restarts, 0);
      assert.ok(pictures >= CYCLES * FRAMES, `${pictures} pictures of ${CYCLES} connections`);

      const steady = samples.filter(({ cycle }) => cycle >= WARM);
      const [first, last] = [steady[0], steady.at(-1)];
      const text = ({ cycle, pss, anonymous, descriptors, threads }) => `after ${cycle}: PSS ${pss} KiB, of it ${anonymous} anonymous, ${descriptors} descriptors, ${threads} threads`;
      console.log(`${CYCLES} connections in ${seconds.toFixed(0)} s, ${pictures} pictures; ${[samples[0], first, last].map(text).join('; ')}`);
      if (CSV) writeFileSync(CSV, ['cycle,pss_kib,anonymous_kib,descriptors,threads', ...samples.map((s) => Object.values(s).join())].join('\n') + '\n');
      assert.ok(last.anonymous - first.anonymous <= GROWTH_KIB, `anonymous memory grew from ${first.anonymous} to ${last.anonymous} KiB`);
      const span = (name) => Math.max(...steady.map((s) => s[name])) - Math.min(...steady.map((s) => s[name]));
      assert.ok(span('descriptors') <= 1, 'no descriptor is left behind');
      assert.equal(span('threads'), 0);
    } finally {
      proxy.close();
    }
  },
  { limit: 120000 + CYCLES * CYCLE_LIMIT_MS },
);
