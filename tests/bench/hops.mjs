// SPDX-License-Identifier: MIT
// What a hop costs: the same cameras watched at the node that fetches them, at another node of the same server of NATS, and behind a leaf node, in one run:
//   RINGCAST_BUILD=build/release node tests/bench/hops.mjs [--cameras N] [--seconds N]
// Times are those of arrival at a viewer, of the same picture at each of the three; processor time is that of each process over the same seconds.
import { parseArgs } from 'node:util';
import { natsServer, node, pictureOf } from '../support/cluster.mjs';
import { percentile } from '../support/figures.mjs';
import { processFigures } from '../support/process_figures.mjs';
import { scenario } from '../support/scenario.mjs';
import { sleep } from '../support/wait.mjs';

const { values } = parseArgs({ options: { cameras: { type: 'string', default: '4' }, seconds: { type: 'string', default: '20' } } });
const CAMERAS = Number(values.cameras);
const SECONDS = Number(values.seconds);

const row = (name, ...cells) => console.log(`| ${[name, ...cells].join(' | ')} |`);

scenario('what a hop costs', async (stage) => {
  const camera = await stage.camera(['--size', '1280x720', '--fps', '25', '--gop', '50', '--bitrate', '2000', '--noise', '40', '--cameras', String(CAMERAS)]);
  const hub = await natsServer(stage, 'hub');
  const leaf = await natsServer(stage, 'leaf', { leafOf: hub });
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
  for (const { viewers } of shown) for (const viewer of viewers) await viewer.more(50, 60_000);

  const processes = [['NATS, hub', hub.process.pid], ['NATS, leaf', leaf.process.pid]];
  for (const { where, one } of shown) {
    const { programs, fanouts, cameras } = await one.status();
    processes.push([`relay of ${where}`, programs.relay.pid], [`fan-out of ${where}`, fanouts[0].pid]);
    cameras.forEach(({ name, pid }) => processes.push([`worker of ${name}, ${where}`, pid]));
  }
  const before = processes.map(([, pid]) => processFigures(pid));
  const from = shown.map(({ viewers }) => viewers.map(({ fragments }) => fragments.length));
  await sleep(SECONDS * 1000);
  const after = processes.map(([, pid]) => processFigures(pid));

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
  row('process', `% of a core, ${CAMERAS} cameras`, 'PSS, KiB');
  row('---', '---', '---');
  const sums = new Map();
  processes.forEach(([name], i) => {
    const group = name.replace(/^worker of [^,]+, /, 'workers of ');
    const sum = sums.get(group) ?? { cpu: 0, pss: 0 };
    sums.set(group, { cpu: sum.cpu + after[i].cpu - before[i].cpu, pss: sum.pss + after[i].pss });
  });
  for (const [name, { cpu, pss }] of sums) row(name, ((100 * cpu) / SECONDS).toFixed(2), Math.round(pss));
  const bytes = arrivals[0].flatMap((pictures) => [...pictures.values()]).reduce((sum, { data }) => sum + data.length, 0);
  console.log(`\n${((8 * bytes) / SECONDS / CAMERAS / 1e6).toFixed(2)} Mbit/s for each camera`);
}, { limit: (SECONDS + 180) * 1000 });
