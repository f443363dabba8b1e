// SPDX-License-Identifier: MIT
// Three nodes on three machines, which are network namespaces, each with a server of NATS: links that are cut, lose what goes one way, and servers, relays and
// nodes that die or hang. How long each takes, and what it costs whom.
//   RINGCAST_CLUSTER_CAMERAS=20   of each node (default 2)
//   RINGCAST_CLUSTER_LONG=1       links are cut for 30 s and 5 min, too, and a node hangs for a minute
//   RINGCAST_CLUSTER_TABLE=FILE   the table, in Markdown
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { comparePictures, hasRelay, natsServer, node } from '../support/cluster.mjs';
import { Network, whyNoNamespaces } from '../support/namespaces.mjs';
import { buildDirectory, descendants, isAlive } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { sleep, waitUntil } from '../support/wait.mjs';

const NODES = ['a', 'b', 'c'];
const CAMERAS = Number(process.env.RINGCAST_CLUSTER_CAMERAS ?? 2);
const LONG = Boolean(process.env.RINGCAST_CLUSTER_LONG);
const SLOW = /asan|tsan|dev/.test(buildDirectory);
const BACK_MS = SLOW ? 30_000 : 15_000; // what is promised is 5 s; this is a machine with other work
const QUIET_BYTES_A_SECOND = 40_000; // NATS, JetStream and leases of three nodes
const WINDOWS = 10;
const SKIP = hasRelay ? whyNoNamespaces() : 'ringcast-relay was not built';

/** Three machines with their servers of NATS, one camera program, and a node on each: own cameras, those of the others, and shared ones. */
async function threeMachines(stage) {
  const network = new Network(stage);
  const own = NODES.flatMap((name) => Array.from({ length: CAMERAS }, (_, i) => `${name}${i}`));
  const camera = await stage.camera(['--size', '160x90', '--fps', '10', '--gop', '10', ...[...own, 'gate'].flatMap((name) => ['--camera', name])]);
  const offered = await network.offer(Number(new URL(camera.cameras[0].url).port));
  const urlOf = (name) => {
    const url = new URL(camera.cameras.find((one) => one.name === name).url);
    return `rtsp://${offered.host}:${offered.port}${url.pathname}`;
  };
  const hosts = NODES.map((name) => network.add(name));
  const servers = [];
  for (const [i, name] of NODES.entries()) {
    servers.push(await natsServer(stage, `nats-${name}`, {
      host: hosts[i], binary: network.binary(name, 'nats-server'), port: 4222,
      more: `jetstream { store_dir: "${stage.file(`jetstream-${name}`)}" }
cluster { name: test, listen: "${hosts[i]}:6222", routes: [ ${hosts.filter((host) => host !== hosts[i]).map((host) => `"nats://${host}:6222"`).join(', ')} ] }`,
    }));
  }
  const nodes = NODES.map((name, i) => node(stage, name, servers[i], [
    ...own.map((one) => ({ name: one, url: one.startsWith(name) ? urlOf(one) : `ringcast://${one[0]}/${one}`, ...(!one.startsWith(name) && { on_demand_idle: 1 }) })),
    { name: 'gate', url: urlOf('gate'), nodes: NODES, on_demand_idle: 1 },
  ], { listen: `${hosts[i]}:8080`, insecure: true, cluster: { name: 'test', node: name, replicas: 3, nats: [0, 1, 2].map((k) => servers[(i + k) % 3].url) } }));
  for (const [i, one] of nodes.entries()) one.start({ binary: network.binary(NODES[i]) });
  for (const one of nodes) await one.serving();
  return { network, camera, servers, nodes, own };
}

const owners = async (nodes) => {
  const found = [];
  for (const [i, one] of nodes.entries()) {
    if (!one.daemon.running) continue;
    const { node: from, state } = await one.camera('gate');
    if (from === null && state === 'streaming') found.push(i);
  }
  return found;
};
const owner = (nodes, not = -1) => waitUntil('one node that fetches the shared camera', async () => {
  const found = await owners(nodes);
  return found.length === 1 && found[0] !== not && { index: found[0] };
}, 60_000).then(({ index }) => index);

/** The longest time without a picture since FROM. */
const gapOf = ({ fragments }, from) => fragments.slice(Math.max(0, from - 1)).reduce((most, { at }, i, all) => (i ? Math.max(most, at - all[i - 1].at) : 0), 0);

scenario('three machines: every camera on every node, over each link once, and not at all while nobody looks', async (stage) => {
  const { network, nodes, own } = await threeMachines(stage);
  const shown = own.map((name) => NODES.map((_, i) => stage.viewer(nodes[i], name)));
  for (const viewers of shown) for (const viewer of viewers) await viewer.more(3, 90_000);
  // A node that was starved for a moment asks for the group of pictures again, so that one window in several has to do.
  for (let tries = 0; ; tries++) {
    const begun = NODES.map((name) => network.received(name));
    const at = shown.map((viewers) => viewers.map(({ fragments }) => fragments.length));
    await sleep(5000);
    const bytes = NODES.map((name, i) => network.received(name) - begun[i]);
    // What each machine must get: its own cameras from the camera program, and those of the others from their nodes, each once.
    const needed = NODES.map((_, i) => shown.reduce((sum, viewers, c) => sum + viewers[i].fragments.slice(at[c][i]).reduce((all, { data }) => all + data.length, 0), 0));
    NODES.forEach((name, i) => console.log(`# machine ${name}: ${bytes[i]} bytes in 5 s, of pictures ${needed[i]}`));
    const over = NODES.filter((_, i) => bytes[i] >= 1.5 * needed[i] + 5 * QUIET_BYTES_A_SECOND);
    if (over.length === 0) break;
    assert.ok(tries < WINDOWS, `machines ${over} got more than each camera once`);
  }
  let jumps = 0;
  for (const one of nodes) jumps += (await one.status()).programs.relay.counts.jumps;
  for (const [c, viewers] of shown.entries()) {
    const near = viewers[NODES.indexOf(own[c][0])];
    for (const viewer of viewers) {
      const { missing, twice } = comparePictures(viewer.fragments, near.fragments);
      assert.equal(twice, 0, `${own[c]}: pictures came twice`);
      // Who was starved for a second is moved to what is new, and told: by a node, or by its fan-out.
      const told = jumps > 0 || [viewer, near].some(({ texts }) => texts.some(({ type }) => type === 'drop'));
      assert.ok(missing === 0 || told, `${own[c]}: ${missing} pictures are missing`);
    }
  }
  for (const viewers of shown) for (const viewer of viewers) await viewer.close();
  for (const one of nodes) await one.until('remote cameras to sleep', ({ cameras }) => cameras.every(({ node: from, state }) => from === null || state === 'idle'));
}, { skip: SKIP, limit: 300_000 });

scenario('links and processes that fail: how long, and what it costs whom', async (stage) => {
  const { network, servers, nodes, own } = await threeMachines(stage);
  const rows = [];
  const remote = own.find((name) => name.startsWith('a')); // fetched by a, watched at b
  const local = own.find((name) => name.startsWith('c'));

  const round = async (what, fault, heal, { lasts = 3000, moves = false } = {}) => {
    const victim = await owner(nodes);
    const others = NODES.map((_, i) => i).filter((i) => i !== victim);
    const shared = stage.viewer(nodes[others[0]], 'gate');
    const far = stage.viewer(nodes[1], remote);
    const bystander = stage.viewer(nodes[2], local, { keep: false });
    for (const viewer of [shared, far, bystander]) await viewer.more(5, 60_000);
    const from = [shared, far, bystander].map(({ fragments }) => fragments.length);
    await fault(victim);
    if (moves) await shared.until(`the shared camera after ${what}`, ({ fragments }) => fragments.length > from[0] + 10, BACK_MS + 30_000);
    else await sleep(lasts);
    await heal?.(victim);
    for (const viewer of [shared, far]) {
      const count = viewer.fragments.length;
      if (viewer === far && !nodes[0].daemon.running) continue;
      await viewer.until(`pictures after ${what}`, ({ fragments }) => fragments.length > count + 10, 90_000);
    }
    const gaps = [shared, far, bystander].map((viewer, i) => Math.round(gapOf(viewer, from[i])));
    rows.push([what, ...gaps]);
    console.log(`# ${what}: longest time without a picture: shared camera ${gaps[0]} ms, camera of node a at node b ${gaps[1]} ms, camera of node c at node c ${gaps[2]} ms`);
    if (moves) assert.ok(gaps[0] < BACK_MS, `${what}: ${gaps[0]} ms`);
    for (const viewer of [shared, far, bystander]) await viewer.close();
    assert.ok((await owners(nodes)).length <= 1, `${what}: two nodes fetch the camera`);
  };

  const relayOf = async (i) => (await nodes[i].status()).programs.relay.pid;
  const cable = (seconds) => [(i) => network.cut(NODES[i]), (i) => network.cut(NODES[i], false), { lasts: seconds * 1000, moves: seconds > 5 }];
  await round('the relay of the owner is killed', async (i) => process.kill(await relayOf(i), 'SIGKILL'));
  await round('the owner\'s server of NATS is killed', (i) => servers[i].stop('SIGKILL'), (i) => servers[i].start());
  await round('the owner\'s cable is cut for 3 s', ...cable(3));
  await round('what the owner sends is lost for 8 s', (i) => NODES.forEach((other, k) => k !== i && network.deafen(NODES[i], other)),
    (i) => NODES.forEach((other, k) => k !== i && network.deafen(NODES[i], other, false)), { lasts: 8000 });
  if (LONG) {
    await round('the owner\'s cable is cut for 30 s', ...cable(30));
    await round('the owner\'s cable is cut for 5 min', ...cable(300));
  }
  const hang = (signal) => (i) => [nodes[i].pid, ...descendants(nodes[i].pid)].filter(isAlive).forEach((pid) => process.kill(pid, signal));
  await round(`the owner hangs${LONG ? ' for a minute' : ''}`, hang('SIGSTOP'), async (i) => { if (LONG) await sleep(60_000); hang('SIGCONT')(i); }, { moves: true });
  const last = await owner(nodes);
  await round('the owner dies with everything', hang('SIGKILL'), () => nodes[last].clear(), { moves: true });
  if (process.env.RINGCAST_CLUSTER_TABLE) {
    writeFileSync(process.env.RINGCAST_CLUSTER_TABLE, ['| what | shared camera, ms | camera of node a at b, ms | camera of node c at c, ms |', '|---|---|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n') + '\n');
  }
}, { skip: SKIP, limit: LONG ? 1_800_000 : 400_000 });
