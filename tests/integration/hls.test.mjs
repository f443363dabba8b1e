// SPDX-License-Identifier: MIT
// HLS by the rules of RFC 8216bis, with a camera that drops, restarts and changes its size. RINGCAST_HLS_SECONDS: how long the camera does
// that, 10 by default; 600 is the run of ten minutes.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { HlsChecker } from '../support/hls_checker.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const SECONDS = Number(process.env.RINGCAST_HLS_SECONDS ?? 10);

process.env.RINGCAST_IDLE_MS = '1500';

const residentKb = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

/** Waits until CHECK(follower) is true; the follower goes on until then. */
async function follow(follower, what, check) {
  await waitUntil(what, () => follower.ended || check(follower), 60000).catch((error) => {
    throw new Error(`${error.message}\n${follower.checker.report}`);
  });
  assert.ok(!follower.ended, `the follower ended: ${follower.checker.report}`);
}

/** Waits until the follower has had one more discontinuity, and a whole segment behind it. */
const nextBreak = (follower, before) =>
  follow(follower, 'a discontinuity', ({ last }) => last.segments.some(({ breaks, uri }) => breaks > before && uri));

const breaksOf = (follower) => follower.last.segments.at(-1).breaks;

scenario(
  'the rules of RFC 8216bis, with a camera that drops, restarts and changes its size',
  async (stage) => {
    const camera = await stage.camera(['--camera', 'front:fps=25,gop=50,audio=aac', '--camera', 'small:size=160x90,fps=10,gop=20']);
    const url = (name) => camera.cameras.find((one) => one.name === name).url;
    const ringcast = stage.instance({ cameras: [{ name: 'front', url: url('front'), sub: { url: url('small') } }] }).start();
    await ringcast.streaming();
    const checker = await new HlsChecker(ringcast.address, 'front', { directory: stage.directory }).begin();
    assert.deepEqual(checker.followers.map(({ name }) => name), ['main', 'sub']);
    const main = checker.follower('main');
    const { programs } = await ringcast.status();
    const memory = [];
    const faults = [
      async () => {
        const before = breaksOf(main);
        await camera.command('size=640x360 front'); // until its last client has gone, which is the next fault
        await nextBreak(main, before);
      },
      async () => {
        const before = breaksOf(main);
        await camera.command('drop front'); // it comes back in its first size
        await nextBreak(main, before);
      },
      async () => {
        // Longer than the five seconds over which ringcast-ingest carries the last picture.
        const before = breaksOf(main);
        await camera.command('off front');
        const silent = Date.now();
        await waitUntil('six seconds without the camera', () => Date.now() - silent > 6000);
        await camera.command('on front');
        await ringcast.streaming(['front']);
        await nextBreak(main, before);
      },
    ];
    const begun = Date.now();
    for (let i = 0; i < faults.length || Date.now() - begun < 1000 * SECONDS; i++) {
      await faults[i % faults.length]();
      memory.push(residentKb(programs.hls.pid));
    }
    const newest = main.last.segments.at(-1).number;
    await follow(main, 'some more segments', ({ last }) => last.segments.at(-1).number > newest + 1);
    const { pid } = (await ringcast.status()).programs.hls; // while it is asked: decoding takes its time
    const report = await checker.end();
    console.log(JSON.stringify(checker.counts), `resident kB ${memory[0]} … ${Math.max(...memory)}`);
    assert.equal(report, '');
    const { counts } = checker;
    assert.ok(counts.breaks >= 2 && counts.hints > 10 && counts.decoded > 100, JSON.stringify(counts));
    if (SECONDS > 30) assert.ok(counts.deltas > 100, `${counts.deltas} delta updates`);
    // What two small streams take; the bound of a large one is hls_segments' affair.
    assert.ok(Math.max(...memory) < memory[0] + 16384, `resident kB: ${memory}`);
    assert.equal(pid, programs.hls.pid, 'it is the same process');

    await ringcast.until('the end of the program', (status) => status.programs.hls.state === 'stopped', 60000);
    await waitUntil('its process to be gone', () => !existsSync(`/proc/${programs.hls.pid}`));
  },
  { limit: 180000 + 2500 * SECONDS },
);
