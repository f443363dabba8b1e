// SPDX-License-Identifier: MIT
// What each node of a cluster may do: keys and rights from deploy/nats/keys at real servers of NATS, with TLS; and JWT credentials.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { hasRelay, natsServer, node } from '../support/cluster.mjs';
import { NatsClient } from '../support/nats_server.mjs';
import { credentials, jwt, newKey } from '../support/nkeys.mjs';
import { repositoryDirectory } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const SKIP = hasRelay ? false : 'ringcast-relay was not built';
const LONG_MS = 60_000;
const BUCKET = 'ringcast-test';

// Without it neither end of a leaf node lets JetStream's subjects through.
const DOMAIN = 'default_js_domain: { "$G": "" }';

/** An authority and a server's certificate of it: the lines of the server's group "tls", and the authority's file. */
function authority(stage) {
  const openssl = (...args) => execFileSync('openssl', args, { cwd: stage.directory, stdio: 'ignore' });
  const key = (name) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
  openssl('req', '-x509', ...key('ca'), '-out', 'ca.crt', '-days', '2', '-subj', '/CN=authority');
  openssl('req', '-new', ...key('server'), '-out', 'server.csr', '-subj', '/CN=127.0.0.1');
  stage.file('server.ext', 'subjectAltName = IP:127.0.0.1\n');
  openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'server.ext', '-out', 'server.crt');
  const file = (name) => stage.file(name);
  return { ca: file('ca.crt'), lines: `cert_file: "${file('server.crt')}", key_file: "${file('server.key')}", ca_file: "${file('ca.crt')}"` };
}

/** Runs deploy/nats/keys with ARGS; where its files are. */
function keys(stage, ...args) {
  const directory = stage.file('keys');
  execFileSync('python3', [path.join(repositoryDirectory, 'deploy/nats/keys'), '--output', directory, '--cluster', 'test', ...args], { stdio: 'ignore' });
  return (name) => path.join(directory, name);
}

const jetstream = (stage) => `jetstream { store_dir: "${stage.file('jetstream')}" }`;

const member = (stage, name, server, cameras, more) => node(stage, name, server, cameras, { cluster: { name: 'test', node: name, nats: [server.url], ...more } });

const shared = (camera) => [{ name: 'gate', url: camera.cameras[0].url, nodes: ['a', 'b'], on_demand_idle: 1 }];

/** The one of NODES that fetches the camera, once there is one. */
const ownerOf = (nodes) =>
  waitUntil('a node that fetches the camera', async () => {
    for (const one of nodes) {
      const { state, node: from } = await one.camera('gate');
      if (from === null && state === 'streaming') return one;
    }
    return null;
  }, LONG_MS);

/** Whether the server forbids what ACT does. */
async function forbidden(client, act) {
  const before = client.refusals.length;
  act();
  await client.flush();
  return client.refusals.slice(before).some((text) => /Permissions Violation/i.test(text));
}

scenario('with keys and TLS a shared camera moves between nodes, one of them at a leaf node, and an edge shows it; nobody may do more than that', async (stage) => {
  const camera = await stage.camera(['--camera', 'gate']);
  const tls = authority(stage);
  const key = keys(stage, 'a', 'b', '--edge', 'wall1', '--leaf', 'yard=b');
  const hub = await natsServer(stage, 'hub', { tls: tls.lines, more: `${jetstream(stage)}\n${DOMAIN}\ninclude "../keys/users.conf"` });
  const leafUser = readFileSync(key('yard.leaf'), 'utf8').trim();
  const leaf = await natsServer(stage, 'leaf', { leafOf: hub, leafUser, more: DOMAIN });
  await waitUntil('the leaf node at its hub', async () => (await hub.look('leafz')).leafs?.length === 1, LONG_MS);
  const own = (name) => ({ credentials: key(`${name}.nk`), ca: tls.ca });
  const a = member(stage, 'a', hub, shared(camera), own('a')).start();
  const b = member(stage, 'b', leaf, shared(camera)).start();
  const wall = member(stage, 'wall1', hub, shared(camera), own('wall1')).start();
  for (const one of [a, b, wall]) await one.serving();
  const owner = await ownerOf([a, b]);
  const other = owner === a ? b : a;
  const viewers = [stage.viewer(wall, 'gate'), stage.viewer(other, 'gate')];
  for (const viewer of viewers) await viewer.more(10, LONG_MS);
  const drained = await owner.ctl('cluster', 'drain');
  assert.equal(drained.code, 0, drained.stderr);
  await waitUntil('that the camera has moved', async () => (await ownerOf([a, b])) === other, LONG_MS);
  for (const viewer of viewers) {
    await viewer.more(20, LONG_MS);
    viewer.assertOpen();
  }
  const { stdout } = await wall.ctl('cluster', 'nodes', '--json');
  assert.deepEqual(JSON.parse(stdout).nodes.map(({ name }) => name).sort(), ['a', 'b'], 'an edge writes nothing of itself');
  assert.equal((await wall.camera('gate')).node, other === a ? 'a' : 'b');
  for (const one of [a, b, wall]) assert.doesNotMatch(one.log, /NATS forbids|Permissions Violation/i);
  assert.doesNotMatch(hub.log + leaf.log, /Permissions? Violation|Not permitted/i, 'everything that is needed is allowed');

  // The same keys in other hands.
  const ca = readFileSync(tls.ca);
  const client = async (name) => new NatsClient(hub, { ca, seed: readFileSync(key(`${name}.nk`), 'utf8').trim() }).ready();
  const [edge, taken] = [await client('wall1'), await client('b')];
  const value = Buffer.from('{}');
  const acts = {
    'publish a camera of another node': (one) => one.publish('ringcast.test.a.live.gate', value),
    'answer as another node is asked': (one) => one.subscribe('ringcast.test.a.ask.gate'),
    'read what servers answer another node': (one) => one.subscribe('ringcast.test.a.inbox.>'),
    'read what servers answer anybody': (one) => one.subscribe('_INBOX.>'),
    'read all': (one) => one.subscribe('>'),
    'read what is written in the bucket': (one) => one.subscribe(`$KV.${BUCKET}.>`),
    'delete the bucket': (one) => one.publish(`$JS.API.STREAM.DELETE.KV_${BUCKET}`, value, 'ringcast.test.b.inbox.x'),
    'empty the bucket': (one) => one.publish(`$JS.API.STREAM.PURGE.KV_${BUCKET}`, value, 'ringcast.test.b.inbox.x'),
    'change the bucket': (one) => one.publish(`$JS.API.STREAM.UPDATE.KV_${BUCKET}`, value, 'ringcast.test.b.inbox.x'),
    'make another stream': (one) => one.publish('$JS.API.STREAM.CREATE.other', value, 'ringcast.test.b.inbox.x'),
    'publish what the bucket is said to have': (one) => one.publish('ringcast-bucket.test.node.a', value),
    'read what another node is asked about leases': (one) => one.subscribe('ringcast.test.a.vote'),
    'write another key': (one) => one.publish(`$KV.${BUCKET}.other`, value),
  };
  const writes = {
    'write which node has a camera': (one) => one.publish(`$KV.${BUCKET}.camera.gate`, value),
    'write of a node': (one) => one.publish(`$KV.${BUCKET}.node.wall1`, value),
    'make the bucket': (one) => one.publish(`$JS.API.STREAM.CREATE.KV_${BUCKET}`, value, 'ringcast.test.wall1.inbox.x'),
    'publish a camera of its own': (one) => one.publish('ringcast.test.wall1.live.gate', value),
    'say anything about leases': (one) => one.publish('ringcast.test.a.vote', value),
    'answer what others ask': (one) => one.publish('ringcast.test.a.take.gate.1', value),
  };
  for (const [what, act] of Object.entries(acts)) {
    assert.ok(await forbidden(edge, () => act(edge)), `an edge may not ${what}`);
    assert.ok(await forbidden(taken, () => act(taken)), `a node may not ${what}`);
  }
  for (const [what, act] of Object.entries(writes)) assert.ok(await forbidden(edge, () => act(edge)), `an edge may not ${what}`);
  assert.ok(!(await forbidden(edge, () => edge.subscribe('ringcast.test.*.live.gate'))), 'an edge may look');
  for (const one of [edge, taken]) await one.close();
  for (const viewer of viewers) await viewer.more(5, LONG_MS);
}, { skip: SKIP, limit: 300_000 });

scenario('a node that the server does not know says so, and is in as soon as it is known', async (stage) => {
  const camera = await stage.camera(['--camera', 'gate']);
  const key = keys(stage, 'a');
  const server = await natsServer(stage, 'hub', { more: `${jetstream(stage)}\ninclude "../keys/users.conf"` });
  const stranger = newKey('user');
  const one = member(stage, 'b', server, shared(camera), { credentials: stage.file('b.nk', `${stranger.seed}\n`) });
  execFileSync('chmod', ['600', stage.file('b.nk')]);
  one.start();
  await one.serving();
  const said = /refuses this node: cluster\.credentials/;
  await waitUntil('what the status says', async () => said.test((await one.ctl('cluster', 'status')).stdout), LONG_MS);
  assert.match(one.log, said);
  assert.equal((await one.camera('gate')).state, 'stalled');
  const text = readFileSync(key('users.conf'), 'utf8');
  stage.file('keys/users.conf', text.replaceAll(/nkey: U\w+/g, `nkey: ${stranger.public}`).replaceAll('ringcast.test.a.', 'ringcast.test.b.'));
  server.reload();
  await one.until('the relay', ({ programs }) => programs.relay?.counts?.connected === 1, LONG_MS);
  await one.streaming(['gate']);
  assert.equal((await one.status()).programs.relay.restarts, 0);
  assert.doesNotMatch((await one.ctl('cluster', 'status')).stdout, said);
}, { skip: SKIP, limit: 240_000 });

scenario('JWT credentials, as nsc writes them, are taken, with the same rights', async (stage) => {
  const camera = await stage.camera(['--camera', 'gate']);
  const [operator, account, system] = [newKey('operator'), newKey('account'), newKey('account')];
  const unlimited = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1, mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const server = await natsServer(stage, 'hub', {
    more: `${jetstream(stage)}
operator: "${jwt(operator, operator, 'operator', { type: 'operator' })}"
resolver: MEMORY
system_account: ${system.public}
resolver_preload: { ${system.public}: "${jwt(operator, system, 'system', { type: 'account', limits: { ...unlimited, mem_storage: 0, disk_storage: 0 } })}", ${account.public}: "${jwt(operator, account, 'site', { type: 'account', limits: unlimited })}" }`,
  });
  keys(stage, 'a', 'b');
  const rights = readFileSync(stage.file('keys/users.conf'), 'utf8').matchAll(/publish: (\[.*?\]), subscribe: (\[.*?\])/g);
  const nodes = [...rights].map(([, publish, subscribe], i) => {
    const name = 'ab'[i], user = newKey('user');
    const file = stage.file(`${name}.creds`, credentials(
      jwt(account, user, name, { type: 'user', subs: -1, data: -1, payload: -1, pub: { allow: JSON.parse(publish) }, sub: { allow: JSON.parse(subscribe) } }), user));
    execFileSync('chmod', ['600', file]);
    return member(stage, name, server, shared(camera), { credentials: file }).start();
  });
  assert.equal(nodes.length, 2);
  for (const one of nodes) await one.serving();
  const owner = await ownerOf(nodes);
  const far = stage.viewer(nodes.find((one) => one !== owner), 'gate');
  await far.more(10, LONG_MS);
  for (const one of nodes) assert.doesNotMatch(one.log, /NATS forbids|Permissions Violation/i);
}, { skip: SKIP, limit: 240_000 });
