// SPDX-License-Identifier: MIT
// Random faults of a cluster's links, servers, relays and nodes, one after the other; then everything is counted. No viewer gets a picture twice.
//   RINGCAST_CLUSTER_ROUNDS=50   how many (default 3)
//   RINGCAST_SEED=…              repeats a run's choices
//   RINGCAST_CLUSTER_REST=1      each fault hits a cluster whose nodes have all written in the bucket for some seconds: JetStream may choose leaders anew for ten
//                                seconds also when a server comes back, and what is to move then waits for it
//   RINGCAST_CLUSTER_AWAY_MS=…   fails when the shared camera is away for longer
import assert from 'node:assert/strict';
import { hasRelay } from '../support/cluster.mjs';
import { NODES, atRest, gapOf, leader, owner, owners, threeMachines, twice } from '../support/cluster_machines.mjs';
import { inMs } from '../support/figures.mjs';
import { whyNoNamespaces } from '../support/namespaces.mjs';
import { NatsClient } from '../support/nats_server.mjs';
import { commandName, descriptors } from '../support/processes.mjs';
import { generator } from '../support/random.mjs';
import { scenario } from '../support/scenario.mjs';
import { sleep, waitUntil } from '../support/wait.mjs';

const ROUNDS = Number(process.env.RINGCAST_CLUSTER_ROUNDS ?? 3);
const SEED = Number(process.env.RINGCAST_SEED ?? Date.now() % 1_000_000);
const SKIP = hasRelay ? whyNoNamespaces() : 'ringcast-relay was not built';
const AWAY_MS = Number(process.env.RINGCAST_CLUSTER_AWAY_MS ?? Infinity);
const REST = Boolean(process.env.RINGCAST_CLUSTER_REST);
const BACK_MS = 90_000;
const GROUP = 10; // pictures
const ROUND_MS = 150_000; // of a machine with other work
const FENCE = { offset: 32, live: /^ringcast\.test\.([^.]+)\.live\.gate$/ };
// What a program opens when something happens for the first time, and keeps.
const MORE_DESCRIPTORS = 2;

/** Follows the shared camera's pieces at each server of NATS, and goes on after the server has been away. */
class Witnesses {
  late = 0; // pieces with a fence below one that came before: readers drop them

  #writers = new Map(); // fence: the node that publishes with it

  async watch(server) {
    const client = await new NatsClient(server).ready();
    client.subscribe('ringcast.test.*.live.gate');
    let newest = 0n;
    const all = this;
    client.messages = {
      push({ subject, data }) {
        if (data[1] !== 2) return;
        const fence = data.readBigUInt64BE(FENCE.offset);
        const writer = FENCE.live.exec(subject)[1];
        assert.equal(all.#writers.get(fence) ?? writer, writer, `fence ${fence} is of two nodes`);
        all.#writers.set(fence, writer);
        if (fence < newest) all.late++;
        else newest = fence;
      },
    };
    return client;
  }

  get fences() {
    return this.#writers.size;
  }
}

/** Over all nodes: how many processes of each name, and their descriptors; and rings. */
function census(nodes) {
  const found = { processes: {}, descriptors: {}, rings: 0 };
  for (const one of nodes) {
    for (const pid of one.processes()) {
      const name = commandName(pid);
      found.processes[name] = (found.processes[name] ?? 0) + 1;
      found.descriptors[name] = (found.descriptors[name] ?? 0) + descriptors(pid).length;
    }
    found.rings += one.rings().length;
  }
  return found;
}

/** Nobody looks, and nothing is fetched for it. */
const settled = async (nodes) => {
  await owner(nodes);
  for (const one of nodes) await one.until('remote cameras to sleep', ({ cameras }) => cameras.every(({ node: from, state }) => from === null || state === 'idle'), BACK_MS);
};

scenario(`${ROUNDS} random faults (RINGCAST_SEED=${SEED}) leave nothing behind`, async (stage) => {
  const random = generator(SEED);
  const { network, servers, nodes } = await threeMachines(stage);
  const witnesses = new Witnesses();
  const clients = await Promise.all(servers.map((server) => witnesses.watch(server)));
  const signal = (i, name) => nodes[i].processes().forEach((pid) => process.kill(pid, name));
  const deafen = (i, on) => NODES.forEach((other, k) => k !== i && network.deafen(NODES[i], other, on));
  const faults = {
    'relay killed': [async (i) => process.kill((await nodes[i].status()).programs.relay.pid, 'SIGKILL')],
    'server of NATS killed': [(i) => servers[i].stop('SIGKILL'), (i) => servers[i].start()],
    'cable cut': [(i) => network.cut(NODES[i]), (i) => network.cut(NODES[i], false)],
    'what it sends is lost': [(i) => deafen(i, true), (i) => deafen(i, false)],
    'hangs': [(i) => signal(i, 'SIGSTOP'), (i) => signal(i, 'SIGCONT')],
    'ringcastd killed': [(i) => process.kill(nodes[i].pid, 'SIGKILL'), (i) => nodes[i].start({ binary: network.binary(NODES[i]) }).serving()],
    'dies with everything': [(i) => signal(i, 'SIGKILL'), async (i) => {
      await nodes[i].clear();
      await nodes[i].start({ binary: network.binary(NODES[i]) }).serving();
    }],
  };
  const done = new Map();
  const gaps = { fetched: [], others: [] }; // ms without a picture of the shared camera at a node that the fault spares, when the other one fetched it, and when not

  const round = async (what, victim, seconds, fetches) => {
    const [fault, heal] = faults[what];
    const spared = NODES.map((_, i) => i).filter((i) => i !== victim);
    const shared = NODES.map((_, i) => stage.viewer(nodes[i], 'gate'));
    const far = spared.map((i) => stage.viewer(nodes[i], `${NODES[victim]}0`));
    for (const viewer of [...shared, ...far]) await viewer.more(3, BACK_MS);
    const from = shared.map(({ fragments }) => fragments.length);
    await fault(victim);
    await sleep(seconds * 1000);
    await heal?.(victim);
    for (const viewer of [...spared.map((i) => shared[i]), ...far]) {
      const count = viewer.fragments.length;
      await viewer.until(`pictures after "${what}" of ${NODES[victim]} for ${seconds.toFixed(1)} s`, ({ fragments }) => fragments.length > count + 5, BACK_MS);
    }
    for (const [i, server] of servers.entries()) {
      if (clients[i].socket.readyState !== 'open') clients[i] = await witnesses.watch(server);
    }
    const away = spared.map((i) => Math.round(gapOf(shared[i], from[i])));
    console.log(`#   without a picture of it: ${spared.map((i, k) => `${away[k]} ms at ${NODES[i]}`).join(', ')}`);
    gaps[fetches ? 'fetched' : 'others'].push(Math.max(...away));
    assert.ok(Math.max(...away) <= AWAY_MS, `after "${what}" of ${NODES[victim]}`);
    for (const viewer of [...shared, ...far]) {
      const count = twice(viewer);
      // A worker that hung reads what has piled up in its connection, and its own machine's viewers get that before the same pictures from the next node.
      const piled = what === 'hangs' && fetches && viewer === shared[victim] ? GROUP : 0;
      assert.ok(count <= piled, `${viewer.camera} at ${new URL(viewer.socket.url).host}: ${count} pictures came twice, after "${what}" of ${NODES[victim]}`);
      if (viewer.closed || viewer.error) viewer.socket.terminate();
      else await viewer.close();
      stage.viewers.splice(stage.viewers.indexOf(viewer), 1);
    }
    assert.ok((await owners(nodes)).length <= 1, `after "${what}" two nodes fetch the camera`);
    done.set(what, (done.get(what) ?? 0) + 1);
  };

  await round('relay killed', await owner(nodes), 1, true); // what comes with use is there from now on
  await settled(nodes);
  const before = census(nodes);
  for (let i = 0; i < ROUNDS; i++) {
    const names = Object.keys(faults);
    const what = names[Math.floor(random() * names.length)];
    if (REST) await atRest(servers);
    const fetching = await owner(nodes);
    // In half of the rounds it is the one that has the shared camera.
    const victim = random() < 0.5 ? fetching : Math.floor(random() * NODES.length);
    const seconds = 0.5 + 9.5 * random();
    const leading = NODES[await leader(servers)] ?? 'no machine';
    console.log(`# ${i + 1}: ${NODES[victim]} ${what}, ${seconds.toFixed(1)} s${victim === fetching ? '; it has the camera' : ''}; ${leading} leads the bucket`);
    await round(what, victim, seconds, victim === fetching);
  }
  await settled(nodes);
  let after;
  await waitUntil('as many processes, descriptors and rings as before', () => {
    after = census(nodes);
    assert.deepEqual(after.processes, before.processes);
    assert.equal(after.rings, before.rings);
    for (const [name, count] of Object.entries(after.descriptors)) {
      assert.ok(count <= before.descriptors[name] + MORE_DESCRIPTORS, `${name}: ${before.descriptors[name]} descriptors before, ${count} now`);
    }
    return true;
  }, BACK_MS);
  console.log(`# ${[...done].map(([what, count]) => `${what}: ${count}`).join(', ')}`);
  console.log(`# without a picture of the shared camera at a spared node, its own node hit: ${inMs(gaps.fetched)}; another one hit: ${inMs(gaps.others)}`);
  console.log(`# fences ${witnesses.fences}, late pieces ${witnesses.late}`);
  console.log(`# before ${JSON.stringify(before)}\n# after ${JSON.stringify(after)}`);
  for (const client of clients) client.socket.destroy();
}, { skip: SKIP, limit: 300_000 + ROUNDS * ROUND_MS });
