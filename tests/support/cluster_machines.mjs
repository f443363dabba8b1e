// SPDX-License-Identifier: MIT
// Three machines, which are network namespaces, each with a server of NATS, a node, cameras of its own and those of the others, and a camera that any of the
// three may fetch.
import { natsServer, node, pictureOf } from './cluster.mjs';
import { Network } from './namespaces.mjs';
import { NatsClient } from './nats_server.mjs';
import { sleep, waitUntil } from './wait.mjs';

export const NODES = ['a', 'b', 'c'];
// Of each node: RINGCAST_CLUSTER_CAMERAS.
export const CAMERAS = Number(process.env.RINGCAST_CLUSTER_CAMERAS ?? 2);

/** Three machines with their servers of NATS, one camera program, and a node on each: own cameras, those of the others, and shared ones. */
export async function threeMachines(stage) {
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

/** Which nodes fetch the shared camera at this moment. */
export const owners = async (nodes) => {
  const found = [];
  for (const [i, one] of nodes.entries()) {
    if (!one.daemon.running) continue;
    const { node: from, state } = await one.camera('gate');
    if (from === null && state === 'streaming') found.push(i);
  }
  return found;
};
/** The one that does, once there is one. */
export const owner = (nodes, not = -1) => waitUntil('one node that fetches the shared camera', async () => {
  const found = await owners(nodes);
  return found.length === 1 && found[0] !== not && { index: found[0] };
}, 60_000).then(({ index }) => index);

/** Which server of NATS leads the bucket. */
export async function leader(servers) {
  const told = await Promise.all(servers.map((server) => server.look('jsz?streams=1').catch(() => ({}))));
  const name = told.flatMap((one) => one.account_details ?? []).flatMap((one) => one.stream_detail ?? [])[0]?.cluster?.leader;
  return NODES.findIndex((node) => `nats-${node}` === name);
}

/** Has another server lead it until MAY says that it may be this one. */
export async function lead(servers, may) {
  const client = await new NatsClient(servers[0]).ready();
  await waitUntil('another leader of the bucket', async () => {
    const index = await leader(servers);
    if (index >= 0 && await may(index)) return true;
    client.publish('$JS.API.STREAM.LEADER.STEPDOWN.KV_ringcast-test', Buffer.alloc(0), 'nobody.listens');
    await sleep(1000);
    return false;
  }, 90_000);
  await client.close();
}

const REST_MS = 3000;
const BREAK_MS = 1500; // nodes write every 0.7 s

/** Until all nodes have been writing in the bucket for some seconds without a break: JetStream has leaders, and does not choose any. */
export async function atRest(servers, limit = 90_000) {
  const clients = await Promise.all(servers.map((server) => new NatsClient(server).ready()));
  const written = new Map(NODES.map((name) => [name, {}])); // when a node last wrote, and since when it has done so without a break
  const note = (node) => {
    const now = performance.now(), { last, since } = written.get(node);
    written.set(node, { last: now, since: now - last < BREAK_MS ? since : now });
  };
  for (const client of clients) {
    client.messages = { push: ({ subject }) => note(subject.split('.').at(-1)) };
    client.subscribe('ringcast-bucket.test.node.*');
  }
  await waitUntil('all nodes to write in the bucket', () => [...written.values()].every(({ last, since }) => last - since >= REST_MS && performance.now() - last < BREAK_MS), limit);
  await Promise.all(clients.map((client) => client.close()));
}

/** The longest time without a picture since FROM. */
export const gapOf = ({ fragments }, from) => fragments.slice(Math.max(0, from - 1)).reduce((most, { at }, i, all) => (i ? Math.max(most, at - all[i - 1].at) : 0), 0);

/** How many pictures came to VIEWER more than once, from its fragment FROM on. */
export const twice = ({ fragments }, from = 0) => fragments.slice(from).length - new Set(fragments.slice(from).map(pictureOf)).size;
