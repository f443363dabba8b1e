// SPDX-License-Identifier: MIT
// What a hop costs: the same cameras watched at the node that fetches them, at another node of the same server of NATS, and behind a leaf node, in one run:
//   RINGCAST_BUILD=build/release node tests/bench/hops.mjs [--cameras N] [--seconds N] [--gentle]
// --gentle: the test camera, which encodes and takes a core, runs only while nothing else wants to (SCHED_IDLE): else it is in the way of what is measured.
// Beside them a plain publisher and subscriber of NATS (bench_nats) with messages of the same sizes as the cameras' pictures, at the same pace.
// Times are those of arrival at a viewer, of the same picture at each of the three, and when the rings got it by their own account (bench_published), which
// waits for no viewer; processor time is that of each process over the same seconds.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { natsServer, node, pictureOf } from '../support/cluster.mjs';
import { percentile } from '../support/figures.mjs';
import { buildDirectory } from '../support/processes.mjs';
import { processFigures } from '../support/process_figures.mjs';
import { scenario } from '../support/scenario.mjs';
import { sleep } from '../support/wait.mjs';

const { values } = parseArgs({ options: { cameras: { type: 'string', default: '4' }, seconds: { type: 'string', default: '20' }, gentle: { type: 'boolean', default: false } } });
const CAMERAS = Number(values.cameras);
const SECONDS = Number(values.seconds);

const FPS = 25;
const GOP = 50;

const row = (name, ...cells) => console.log(`| ${[name, ...cells].join(' | ')} |`);

scenario('what a hop costs', async (stage) => {
  const camera = await stage.camera(['--size', '1280x720', '--fps', String(FPS), '--gop', String(GOP), '--bitrate', '2000', '--noise', '40', '--cameras', String(CAMERAS)]);
  const hub = await natsServer(stage, 'hub');
  const leaf = await natsServer(stage, 'leaf', { leafOf: hub });
  if (values.gentle) execFileSync('chrt', ['--idle', '--all-tasks', '--pid', '0', String(camera.pid)]);
  const names = camera.cameras.map(({ name }) => name);
  const remote = names.map((name) => ({ name, url: `ringcast://a/${name}` }));
  const nodes = {
    'its own node': node(stage, 'a', hub, camera.cameras.map(({ name, url }) => ({ name, url }))).start(),
    'another node': node(stage, 'b', hub, remote).start(),
    'behind a leaf node': node(stage, 'c', leaf, remote).start(),
  };
  await nodes['its own node'].streaming();
  for (const one of Object.values(nodes)) await one.serving();
  const shown = Object.entries(nodes).map(([where, one]) => ({ where, one, viewers: names.map((name) => stage.viewer(one, name)) }));
  for (const { viewers } of shown) for (const viewer of viewers) await viewer.more(2 * GOP, 60_000);

  // The sizes of two groups of pictures of each camera, over and over.
  const plain = (what, last) => stage.start(path.join(buildDirectory, 'bench/bench_nats'), [what, hub.url, String(last)]);
  const subscriber = plain('subscribe', CAMERAS);
  const publisher = plain('publish', FPS);
  publisher.child.stdin.end(shown[0].viewers.map(({ fragments }) => `${fragments.slice(-2 * GOP).map(({ data }) => data.length).join(' ')}\n`).join(''));
  await sleep(2000);

  const rings = [];
  for (const { one } of shown) for (const name of names) rings.push((await one.camera(name)).ring);
  const published = stage.start(path.join(buildDirectory, 'bench/bench_published'), rings);
  const processes = [['NATS, hub', hub.process.pid], ['NATS, leaf', leaf.process.pid], ['plain publisher', publisher.pid], ['plain subscriber', subscriber.pid]];
  for (const { where, one } of shown) {
    const { programs, fanouts, cameras } = await one.status();
    processes.push([`relay of ${where}`, programs.relay.pid], [`fan-out of ${where}`, fanouts[0].pid]);
    cameras.forEach(({ name, pid }) => processes.push([`worker of ${name}, ${where}`, pid]));
  }
  const before = processes.map(([, pid]) => processFigures(pid));
  const from = shown.map(({ viewers }) => viewers.map(({ fragments }) => fragments.length));
  await sleep(SECONDS * 1000);
  const after = processes.map(([, pid]) => processFigures(pid));
  published.child.stdin.end();
  await published.finish();

  const arrivals = shown.map(({ viewers }, i) => viewers.map(({ fragments }, c) => new Map(fragments.slice(from[i][c]).map((fragment) => [pictureOf(fragment), fragment]))));
  row('viewer at', 'pictures', 'later than at its own node, p50', 'p99, ms', 'since capture, p50', 'p99, ms');
  row('---', '---', '---', '---', '---', '---');
  shown.forEach(({ where }, i) => {
    const later = [], age = [];
    arrivals[i].forEach((pictures, c) => {
      for (const [picture, { at, prft }] of pictures) {
        const near = arrivals[0][c].get(picture);
        if (!near) continue;
        later.push(at - near.at);
        age.push(performance.timeOrigin + at - prft.wallMs);
      }
    });
    row(where, later.length, percentile(later, 50).toFixed(2), percentile(later, 99).toFixed(2), percentile(age, 50).toFixed(2), percentile(age, 99).toFixed(2));
  });
  console.log('');
  row('ring at', 'pictures', 'later than in its own node\'s ring, p50', 'p99', 'greatest, ms', 'of keyframes, p50', 'p99, ms');
  row('---', '---', '---', '---', '---', '---', '---');
  const entries = published.stdout.trim().split('\n').map((line) => line.split(' ').map(Number));
  const inRing = rings.map(() => new Map());
  for (const [ring, wall, , at, , keyframe] of entries) inRing[ring].set(wall, { at, keyframe });
  shown.slice(1).forEach(({ where }, i) => {
    const later = [], keyframes = [];
    names.forEach((_, c) => {
      for (const [wall, { at, keyframe }] of inRing[(i + 1) * CAMERAS + c]) {
        const near = inRing[c].get(wall);
        if (!near) continue;
        later.push((at - near.at) / 1e6);
        if (keyframe) keyframes.push((at - near.at) / 1e6);
      }
    });
    const ms = (values, p) => percentile(values, p).toFixed(2);
    row(where, later.length, ms(later, 50), ms(later, 99), ms(later, 100), ms(keyframes, 50), ms(keyframes, 99));
  });
  console.log('');
  row('process', `% of a core, ${CAMERAS} cameras`, 'PSS, KiB');
  row('---', '---', '---');
  const sums = new Map();
  processes.forEach(([name], i) => {
    const group = name.replace(/^worker of [^,]+, /, 'workers of ');
    const sum = sums.get(group) ?? { cpu: 0, pss: 0 };
    sums.set(group, { cpu: sum.cpu + after[i].cpu - before[i].cpu, pss: sum.pss + after[i].pss });
  });
  for (const [name, { cpu, pss }] of sums) row(name, ((100 * cpu) / SECONDS).toFixed(2), Math.round(pss));
  const share = (name) => sums.get(name).cpu;
  const floor = share('plain publisher') + share('plain subscriber');
  const relays = share('relay of its own node') + share('relay of another node');
  console.log(`\na hop, of a plain publisher and subscriber: relays ${(relays / floor).toFixed(2)} times (sending ${(share('relay of its own node') / share('plain publisher')).toFixed(2)}, receiving `
    + `${(share('relay of another node') / share('plain subscriber')).toFixed(2)}), with the workers of the remote cameras ${((relays + share('workers of another node')) / floor).toFixed(2)} times`);
  await publisher.stop();
  subscriber.child.stdin.end();
  await subscriber.finish();
  console.log(`plain: published ${publisher.stdout.trim()}, received ${subscriber.stdout.trim()}`);
  const bytes = arrivals[0].flatMap((pictures) => [...pictures.values()]).reduce((sum, { data }) => sum + data.length, 0);
  console.log(`\n${((8 * bytes) / SECONDS / CAMERAS / 1e6).toFixed(2)} Mbit/s for each camera`);
}, { limit: (SECONDS + 180) * 1000 });
