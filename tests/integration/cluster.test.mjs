// SPDX-License-Identifier: MIT
// Cameras of another node: ringcast-relay with real servers of NATS, a hub and its leaf node. Node "a" has the cameras and is at the hub, node "b" has viewers
// and is at the leaf.
import assert from 'node:assert/strict';
import { comparePictures, forgetfulWay, hasRelay, natsServer, node } from '../support/cluster.mjs';
import { NatsClient } from '../support/nats_server.mjs';
import { processFigures } from '../support/process_figures.mjs';
import { generator } from '../support/random.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const SKIP = hasRelay ? false : 'ringcast-relay was not built';
// RINGCAST_ROUNDS: how often somebody looks and goes again. An allocator, and AddressSanitizer's above all, keeps something of the first rounds.
const ROUNDS = Number(process.env.RINGCAST_ROUNDS ?? 5);
const GROWTH_KIB = 4096;

const far = (name, stream = name) => ({ name, url: `ringcast://a/${stream}`, on_demand_idle: 1 });

// Pings, questions and subscriptions, for the length of a measurement below.
const QUIET_BYTES = 8192;

async function twoNodes(stage, cameraArgs, cameras, { more = '' } = {}) {
  const camera = await stage.camera(cameraArgs);
  const hub = await natsServer(stage, 'hub', { more });
  const leaf = await natsServer(stage, 'leaf', { leafOf: hub, more });
  const a = node(stage, 'a', hub, camera.cameras.map(({ name, url }) => ({ name, url }))).start();
  const b = node(stage, 'b', leaf, cameras).start();
  await a.streaming();
  await b.serving();
  for (const one of [a, b]) await one.until('the relay', ({ programs }) => programs.relay?.counts?.connected === 1);
  await waitUntil('the leaf node at its hub', async () => (await hub.look('leafz')).leafs?.length === 1);
  return { camera, hub, leaf, a, b };
}

/** Bytes that the hub has sent over the link. */
const crossed = async (hub) => (await hub.look('leafz')).leafs[0].out_bytes;

const asleep = (b) => b.until('its cameras to sleep', ({ cameras }) => cameras.every(({ state, pid }) => state === 'idle' && pid === null));

scenario('every picture arrives once, crosses the link once for all viewers, and not at all while nobody looks', async (stage) => {
  const { hub, a, b } = await twoNodes(stage, [], [far('hall', 'cam1')]);
  const near = stage.viewer(a, 'cam1');
  await near.more(10);
  await asleep(b);
  const idle = await crossed(hub);
  await near.more(30);
  assert.ok((await crossed(hub)) - idle < QUIET_BYTES, 'nothing crosses the link while nobody looks');

  const first = stage.viewer(b, 'hall');
  await first.more(1);
  assert.equal(first.fragments[0].keyframe, true);
  const viewers = [first, ...Array.from({ length: 4 }, () => stage.viewer(b, 'hall'))];
  for (const viewer of viewers) await viewer.more(5);
  const begun = { bytes: await crossed(hub), at: near.fragments.length };
  await near.more(45);
  const bytes = (await crossed(hub)) - begun.bytes;
  const sent = near.fragments.slice(begun.at).reduce((sum, { data }) => sum + data.length, 0);
  assert.ok(bytes < 1.3 * sent + QUIET_BYTES, `five viewers: ${bytes} bytes crossed the link for ${sent}`);
  await first.more(5);
  await near.more(5);
  for (const viewer of viewers) {
    viewer.assertConsecutive();
    const { common, missing, twice } = comparePictures(viewer.fragments, near.fragments);
    assert.ok(common > 30, `${common} pictures in common`);
    assert.deepEqual({ missing, twice }, { missing: 0, twice: 0 });
  }
  const [at, bt] = [near.fragments.at(-1), first.fragments.at(-1)].map(({ prft }) => prft.wallMs);
  assert.ok(Math.abs(at - bt) < 5000, 'the camera\'s wall clock passes on');

  for (const viewer of viewers) await viewer.close();
  await asleep(b);
  await a.until('nothing that is sent', ({ programs }) => programs.relay.counts.streams_sent === 0);
  const after = await crossed(hub);
  await near.more(30);
  assert.ok((await crossed(hub)) - after < QUIET_BYTES, 'nor when nobody looks any more');
  near.assertConsecutive();
}, { skip: SKIP });

scenario('relays, workers and servers that die cost the pictures of that time, and nothing at the camera\'s node', async (stage) => {
  const { hub, leaf, a, b } = await twoNodes(stage, [], [far('hall', 'cam1')]);
  const near = stage.viewer(a, 'cam1');
  const viewer = stage.viewer(b, 'hall');
  await viewer.more(10);
  const relay = async (instance) => (await instance.status()).programs.relay.pid;
  const faults = {
    'the relay at the camera': async () => process.kill(await relay(a), 'SIGKILL'),
    'the relay at the viewers': async () => process.kill(await relay(b), 'SIGKILL'),
    'the leaf\'s server': async () => { await leaf.stop('SIGKILL'); await leaf.start(); },
    'the hub': async () => { await hub.stop('SIGKILL'); await hub.start(); },
  };
  const round = async (what, fault) => {
    const before = viewer.fragments.length;
    await fault();
    await viewer.until(`pictures after the end of ${what}`, ({ fragments }) => fragments.length > before + 30, 60_000);
    viewer.assertOpen();
  };
  for (const [what, fault] of Object.entries(faults)) await round(what, fault);
  // The next worker gets the group of pictures so far, part of which the one before has shown.
  for (let i = 0; i < 3; i++) await round('the worker of the remote camera', async () => process.kill((await b.camera('hall')).pid, 'SIGKILL'));
  await near.more(5);
  assert.equal(comparePictures(viewer.fragments, near.fragments).twice, 0);
  near.assertConsecutive();
}, { skip: SKIP, limit: 240_000 });

scenario('a worker that is replaced, or woken within a group of pictures, goes on behind what its ring has shown', async (stage) => {
  // One keyframe in a minute: all of this lies within one group of pictures.
  const { a, b } = await twoNodes(stage, ['--size', '160x90', '--fps', '15', '--gop', '900'], [far('hall', 'cam1')]);
  const near = stage.viewer(a, 'cam1');
  await near.more(3);
  const first = stage.viewer(b, 'hall');
  await first.more(10);
  const { pid } = await b.camera('hall');
  process.kill(pid, 'SIGKILL');
  await b.until('another worker that streams', ({ cameras }) => cameras[0].state === 'streaming' && cameras[0].pid !== pid);
  await first.more(15);
  first.assertConsecutive();
  await first.close();
  await asleep(b);
  await near.more(10);
  const second = stage.viewer(b, 'hall');
  await second.more(30);
  await near.more(5);
  second.assertConsecutive();
  for (const viewer of [first, second]) {
    const { common, missing, twice } = comparePictures(viewer.fragments, near.fragments);
    assert.ok(common > 20, `${common} pictures in common`);
    assert.deepEqual({ missing, twice }, { missing: 0, twice: 0 });
  }
  for (const { fragments, messages } of [first, second]) {
    assert.ok(fragments.every(({ video }, i) => i === 0 || video.decodeTime > fragments[i - 1].video.decodeTime), 'decode times go forward');
    assert.equal(messages.filter((kind) => kind === 'init').length, 1, 'the same generation goes on');
  }
}, { skip: SKIP });

scenario('a subscription that servers have lost is made anew, and the pictures go on', async (stage) => {
  const camera = await stage.camera(['--fps', '15', '--gop', '30']);
  const hub = await natsServer(stage, 'hub');
  const way = await forgetfulWay(hub, 'ringcast.test.a.live.');
  try {
    const a = node(stage, 'a', hub, camera.cameras.map(({ name, url }) => ({ name, url }))).start();
    const b = node(stage, 'b', way, [far('hall', 'cam1')]).start();
    await a.streaming();
    await b.serving();
    for (const one of [a, b]) await one.until('the relay', ({ programs }) => programs.relay?.counts?.connected === 1);
    const viewer = stage.viewer(b, 'hall');
    await viewer.more(1);
    assert.ok(way.lost, 'the subscription was lost');
    // With answers to joins alone, one in three seconds, there is a pause in any 75 pictures: a group has 30.
    const complete = (fragments) => fragments.slice(-75).every(({ at }, i, all) => i === 0 || at - all[i - 1].at < 2000);
    await viewer.until('pictures without a pause', ({ fragments }) => fragments.length > 75 && complete(fragments), 60_000);
    viewer.assertOpen();
    await b.stop();
  } finally {
    way.close();
  }
}, { skip: SKIP });

scenario('a node whose subscription to questions the servers have lost is heard of in the end', async (stage) => {
  const camera = await stage.camera([]);
  const hub = await natsServer(stage, 'hub');
  const way = await forgetfulWay(hub, 'ringcast.test.a.ask.');
  try {
    const a = node(stage, 'a', way, camera.cameras.map(({ name, url }) => ({ name, url }))).start();
    const b = node(stage, 'b', hub, [far('hall', 'cam1')]).start();
    await a.streaming();
    await b.serving();
    for (const one of [a, b]) await one.until('the relay', ({ programs }) => programs.relay?.counts?.connected === 1);
    assert.ok(way.lost, 'the subscription was lost');
    const viewer = stage.viewer(b, 'hall');
    await viewer.more(10, 60_000); // subscribed to anew every ten seconds
    await a.stop();
  } finally {
    way.close();
  }
}, { skip: SKIP });

scenario('a node goes back to the server that it names first, and nobody misses a picture or gets one twice', async (stage) => {
  const camera = await stage.camera([]);
  const hub = await natsServer(stage, 'hub', { more: `jetstream { store_dir: "${stage.file('jetstream')}" }` });
  const leaf = await natsServer(stage, 'leaf', { leafOf: hub });
  const cluster = (name) => ({ cluster: { name: 'test', node: name, nats: [leaf.url, hub.url] } });
  const [{ url }] = camera.cameras;
  // Of both nodes one has a shared camera, so that the bucket moves, too.
  const a = node(stage, 'a', leaf, [{ name: 'cam1', url }, { name: 'gate', url, nodes: ['a'], enabled: false }], cluster('a')).start();
  const b = node(stage, 'b', leaf, [far('hall', 'cam1')], cluster('b')).start();
  for (const one of [a, b]) await one.serving();
  const near = stage.viewer(a, 'cam1');
  const viewer = stage.viewer(b, 'hall');
  await viewer.more(10, 60_000);
  const at = async (server) => (await server.look('connz')).connections.map(({ name }) => name).sort();
  await waitUntil('both nodes at the server that they name first', async () => { assert.deepEqual(await at(leaf), ['a', 'b']); return true; }, 30_000);
  await leaf.stop('SIGKILL');
  await waitUntil('both nodes at the other server', async () => { assert.deepEqual(await at(hub), ['a', 'b']); return true; }, 60_000);
  await viewer.more(20, 60_000);
  const begun = viewer.fragments.length;
  await leaf.start();
  await waitUntil('both nodes back', async () => { assert.deepEqual(await at(leaf), ['a', 'b']); assert.deepEqual(await at(hub), []); return true; }, 90_000);
  await viewer.more(40, 60_000);
  await near.more(5);
  viewer.assertOpen();
  assert.equal(comparePictures(viewer.fragments, near.fragments).twice, 0);
  const { missing, common } = comparePictures(viewer.fragments.slice(begun), near.fragments);
  assert.ok(common > 40, `${common} pictures in common`);
  assert.equal(missing, 0, 'what is missing since the server is back');
  near.assertConsecutive();
}, { skip: SKIP, limit: 300_000 });

scenario('what a hostile node sends costs that camera at most, and nothing else', async (stage) => {
  const { hub, b } = await twoNodes(stage, ['--cameras', '2'], [far('hall', 'cam1'), far('yard', 'cam2')]);
  const victim = stage.viewer(b, 'hall');
  const other = stage.viewer(b, 'yard');
  await victim.more(5);
  await other.more(5);
  const client = await new NatsClient(hub).ready();
  const random = generator(7);
  client.subscribe('ringcast.test.a.live.cam1');
  await waitUntil('a piece', () => client.messages.length > 3);
  const piece = client.messages.at(-1).data;
  for (let i = 0; i < 600; i++) {
    const damaged = Buffer.from(i % 3 === 0 ? Buffer.alloc(Math.floor(random() * 300)) : piece);
    for (let j = 0; j < 1 + random() * 8 && damaged.length > 0; j++) damaged[Math.floor(random() * Math.min(damaged.length, i % 2 ? 80 : Infinity))] = Math.floor(random() * 256);
    client.publish(`ringcast.test.a.live.cam1`, damaged.subarray(0, Math.ceil(random() * damaged.length)));
    client.publish(`ringcast.test.a.ask.cam1`, damaged.subarray(0, 40), 'ringcast.test.b.take.x.1');
  }
  await client.flush();
  await other.more(20);
  other.assertConsecutive();
  other.assertOpen();
  const before = victim.fragments.length;
  await victim.until('pictures after that', ({ fragments }) => fragments.length > before + 20, 60_000);
  await client.close();
  const { cameras, programs } = await b.status();
  assert.deepEqual(cameras.map(({ restarts }) => restarts), [0, 0], 'no worker died');
  assert.equal(programs.relay.restarts, 0);
}, { skip: SKIP });

scenario('whoever looks and goes again leaves nothing in the relays', async (stage) => {
  const { a, b } = await twoNodes(stage, [], [far('hall', 'cam1')]);
  const relays = [];
  for (const one of [a, b]) relays.push((await one.status()).programs.relay.pid);
  const round = async () => {
    const viewer = stage.viewer(b, 'hall');
    await viewer.more(3, 60_000);
    await viewer.close();
    await asleep(b);
    await a.until('nothing that is sent', ({ programs }) => programs.relay.counts.streams_sent === 0);
    return relays.map((pid) => processFigures(pid));
  };
  for (let i = 0; i < 2; i++) await round();
  const first = await round();
  for (let i = 0; i < ROUNDS; i++) await round();
  const last = await round();
  last.forEach(({ descriptors, threads, anonymous }, i) => {
    assert.deepEqual({ descriptors, threads }, { descriptors: first[i].descriptors, threads: first[i].threads }, `relay of node ${'ab'[i]}`);
    console.log(`# relay of node ${'ab'[i]}: ${first[i].anonymous} KiB of its own, ${anonymous} after ${ROUNDS} rounds more`);
    assert.ok(anonymous - first[i].anonymous < GROWTH_KIB, `relay of node ${'ab'[i]}: ${first[i].anonymous} KiB, then ${anonymous}`);
  });
}, { skip: SKIP, limit: 120_000 + ROUNDS * 10_000 });

scenario('pictures that are longer than a server\'s messages come in parts, and sub streams come too', async (stage) => {
  const { a, b } = await twoNodes(
    stage, ['--camera', 'cam1:size=640x360,fps=10,gop=10,bitrate=3000,noise=80', '--camera', 'small:size=160x90,fps=5,gop=5'],
    [{ ...far('hall', 'cam1'), sub: 'ringcast://a/small' }], { more: 'max_payload: 4096' });
  const near = stage.viewer(a, 'cam1');
  const viewer = stage.viewer(b, 'hall');
  const sub = stage.viewer(b, 'hall', { stream: 'sub' });
  await viewer.more(25);
  await sub.more(10);
  await near.more(3);
  viewer.assertConsecutive();
  assert.ok(viewer.fragments.some(({ data }) => data.length > 3 * 4096), 'there are long pictures');
  assert.deepEqual((({ missing, twice }) => ({ missing, twice }))(comparePictures(viewer.fragments, near.fragments)), { missing: 0, twice: 0 });
}, { skip: SKIP });

scenario('a node that is not there, or has no such camera, is told in words; its camera comes when it is there', async (stage) => {
  const { hub, b } = await twoNodes(stage, [], [{ ...far('hall', 'none'), on_demand: false }, { name: 'gone', url: 'ringcast://c/front', on_demand: false }]);
  await b.until('words for both', ({ cameras }) => /node a.*none/.test(cameras[0].error ?? '') && /node c/.test(cameras[1].error ?? ''));
  const camera = await stage.camera(['--camera', 'front']);
  node(stage, 'c', hub, [{ name: 'front', url: camera.cameras[0].url }]).start();
  await b.until('its pictures', ({ cameras }) => cameras[1].state === 'streaming');
}, { skip: SKIP });
