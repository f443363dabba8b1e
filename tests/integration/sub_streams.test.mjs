// SPDX-License-Identifier: MIT
// A camera with a sub stream: two streams of one camera, each with its own process and ring, one of them asked for by name.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { commandLine, program, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const CANARY = 'Kanarie7391';
const SIZES = ['--camera', 'big:size=640x360', '--camera', 'small:size=320x180', '--camera', 'other:size=480x270'];

const listed = async ({ address }) => (await (await fetch(new URL('/api/cameras', address))).json()).cameras;
const names = ({ cameras }) => cameras.map(({ name }) => name);
const streams = (...wanted) => ({ cameras }) => wanted.every((name) => cameras.find((camera) => camera.name === name)?.state === 'streaming');

scenario('two streams of one camera: one row, two processes, told apart by the query', async (stage) => {
  const camera = await stage.camera(SIZES);
  const ringcast = stage.instance({ cameras: [{ name: 'front door', url: camera.url(0), sub: camera.url(1) }, { name: 'yard', url: camera.url(2) }] });
  ringcast.start();
  const status = await ringcast.streaming(['front door', 'front door/sub', 'yard']);
  assert.deepEqual(names(status), ['front door', 'front door/sub', 'yard']);
  assert.equal(new Set(status.cameras.map(({ pid }) => pid)).size, 3, 'a process each');
  assert.ok(ringcast.rings().some((name) => name.endsWith('.front%20door%2Fsub')));

  const rows = await waitUntil('both sizes', async () => {
    const list = await listed(ringcast);
    return list[0].width && list[0].sub?.width && list;
  });
  assert.deepEqual(rows.map(({ name }) => name), ['front door', 'yard']);
  const [front, yard] = rows;
  assert.deepEqual([front.width, front.height, front.live], [640, 360, '/live/front%20door']);
  assert.deepEqual([front.sub.width, front.sub.height, front.sub.state, front.sub.live], [320, 180, 'streaming', '/live/front%20door?stream=sub']);
  assert.match(front.sub.mime, /^video\/mp4; codecs="avc1\./);
  assert.equal(yard.sub, null);

  const main = stage.viewer(ringcast, 'front door', { stream: 'main' });
  const sub = stage.viewer(ringcast, 'front door', { stream: 'sub' });
  const plain = stage.viewer(ringcast, 'front door');
  for (const viewer of [main, sub, plain]) await viewer.more(3);
  const sizes = [main, sub, plain].map(({ texts }) => texts.find(({ type }) => type === 'init').width);
  assert.deepEqual(sizes, [640, 320, 640]);
  for (const [name, stream] of [['front door', 'third'], ['yard', 'sub'], ['front door/sub', undefined]]) {
    const refused = stage.viewer(ringcast, name, { stream });
    await waitUntil('the refusal', () => refused.status);
    assert.equal(refused.status, 404, `${name} ${stream}`);
  }

  // One of them dies, and the other one does not notice.
  const count = main.fragments.length;
  process.kill((await ringcast.camera('front door/sub')).pid, 'SIGKILL');
  await ringcast.until('another worker', ({ cameras }) => cameras[1].restarts === 1 && cameras[1].state === 'streaming');
  await sub.more(5);
  await main.more(5);
  main.assertConsecutive(count);
  assert.equal((await ringcast.camera('front door')).restarts, 0);

  // The next ringcastd takes both over.
  const pids = ({ cameras }) => cameras.map(({ name, pid }) => [name, pid]);
  const before = pids(await ringcast.status());
  ringcast.daemon.signal('SIGKILL');
  await ringcast.daemon.finish();
  ringcast.start();
  await ringcast.streaming(['front door', 'front door/sub', 'yard']);
  assert.deepEqual(pids(await ringcast.status()), before);
  await main.more(3);
  main.assertConsecutive(count);

  const args = ['--config', ringcast.config, 'record', 'front door/sub', '--seconds', '1'];
  const recorded = await run(program('ringcastctl'), args, { cwd: stage.directory });
  assert.equal(recorded.code, 0, recorded.stderr);
  assert.ok(readdirSync(stage.directory).some((name) => /^front door-sub-\d{8}T\d{6}\.mp4$/.test(name)));
  main.assertOpen();
  sub.assertOpen();
});

scenario('a sub stream comes, changes and goes with a reload and with commands; its camera loses no frame', async (stage) => {
  const camera = await stage.camera(SIZES);
  const ringcast = stage.instance({ cameras: [{ name: 'front', url: camera.url(0) }, { name: 'yard', url: camera.url(2) }] }).start();
  await ringcast.streaming();
  const main = stage.viewer(ringcast, 'front');
  await main.more(3);
  const done = async (...args) => {
    const result = await ringcast.ctl(...args);
    assert.equal(result.code, 0, result.stderr);
    return result.stdout;
  };

  ringcast.settings.cameras[0].sub = { url: camera.url(1), audio: false };
  ringcast.write();
  assert.deepEqual(JSON.parse(await done('reload', '--json')).added, ['front/sub']);
  const status = await ringcast.until('the sub stream', streams('front/sub'));
  assert.deepEqual(names(status), ['front', 'front/sub', 'yard'], 'beside its camera');
  const sub = stage.viewer(ringcast, 'front', { stream: 'sub' });
  await sub.more(3);

  ringcast.settings.cameras[0].sub = camera.url(2);
  ringcast.write();
  assert.deepEqual(JSON.parse(await done('reload', '--json')).changed, ['front/sub']);
  await sub.until('the other size', ({ texts }) => texts.some(({ width }) => width === 480), 30_000);
  sub.assertOpen();

  await main.more(3);
  main.assertConsecutive();
  await done('camera', 'disable', 'front');
  await ringcast.until('both to be disabled', ({ cameras }) => cameras.every(({ name, state }) => name === 'yard' || state === 'disabled'));
  await done('camera', 'enable', 'front');
  await ringcast.until('both again', streams('front', 'front/sub'));

  ringcast.settings.cameras[0] = { name: 'front', url: camera.url(0) };
  ringcast.write();
  assert.deepEqual(JSON.parse(await done('reload', '--json')).removed, ['front/sub']);
  await sub.until('its end', ({ closed }) => closed);
  assert.equal((await listed(ringcast))[0].sub, null);

  await done('camera', 'set', 'front', `sub.url=${camera.url(1)}`, 'sub.on_demand=true');
  await ringcast.until('asleep', ({ cameras }) => cameras[1]?.name === 'front/sub' && cameras[1].state === 'idle');
  const woken = stage.viewer(ringcast, 'front', { stream: 'sub' });
  await woken.more(3);
  await done('camera', 'add', 'gate', `url=${camera.url(0)}`, `sub=${camera.url(1)}`);
  await ringcast.until('the new ones', streams('gate', 'gate/sub'));
  for (const args of [['set', 'front/sub', 'audio=false'], ['remove', 'front/sub'], ['disable', 'front/sub']]) {
    const { code, stderr } = await ringcast.ctl('camera', ...args);
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr, /sub stream/);
  }
  await done('camera', 'remove', 'gate');
  await ringcast.until('neither', ({ cameras }) => !cameras.some(({ name }) => name.startsWith('gate')));
});

scenario('a main stream on demand costs nothing while only the sub stream is watched', async (stage) => {
  const camera = await stage.camera(SIZES);
  const ringcast = stage.instance({
    cameras: [{ name: 'front', url: camera.url(0), on_demand: true, on_demand_idle: 1, sub: { url: camera.url(1), on_demand: false } }],
  }).start();
  await ringcast.streaming(['front/sub']);
  const sub = stage.viewer(ringcast, 'front', { stream: 'sub' });
  await sub.more(5);
  const { state, pid } = await ringcast.camera('front');
  assert.deepEqual([state, pid], ['idle', null]);
  const main = stage.viewer(ringcast, 'front');
  await main.more(3);
  await main.close();
  await ringcast.until('the main stream to sleep again', ({ cameras }) => cameras[0].state === 'idle' && cameras[0].pid === null);
  await sub.more(3);
});

scenario('a sub stream has its camera’s credentials, or its own, and none of them is seen', async (stage) => {
  const first = `${CANARY}:p@ss/w?rd`;
  const second = `${CANARY}-second`;
  const camera = await stage.camera(['--cameras', '2', '--user', 'admin'], { password: first });
  const other = await stage.camera(['--cameras', '1', '--user', 'admin'], { password: second });
  const at = (url) => url.replace('://', `://admin:${second}@`);
  const own = { username: 'admin', password: first };
  const ringcast = stage.instance({
    log_level: 'debug',
    cameras: [
      { name: 'same', url: camera.url(0), ...own, sub: camera.url(1) },
      { name: 'own', url: camera.url(0), ...own, sub: { url: other.url(0), username: 'admin', password: second } },
      { name: 'within', url: camera.url(0), ...own, sub: at(other.url(0)) },
      { name: 'wrong', url: camera.url(0), ...own, sub: other.url(0) },
    ],
  }).start();
  await ringcast.streaming(['same/sub', 'own/sub', 'within/sub', 'wrong']);
  await ringcast.until('a reason', ({ cameras }) => cameras.find(({ name }) => name === 'wrong/sub').error);
  const viewer = stage.viewer(ringcast, 'wrong', { stream: 'sub' });
  await viewer.until('its state', ({ texts }) => texts.length > 0);
  const { stdout, stderr } = await ringcast.ctl('status', '--json');
  const refused = await ringcast.ctl('camera', 'set', 'same', `sub=rtsp://admin:${second}@`);
  assert.equal(refused.code, 1);
  const seen = [stdout, stderr, refused.stdout, refused.stderr, JSON.stringify(await listed(ringcast)), JSON.stringify(viewer.texts)];
  for (const pid of ringcast.children) {
    try {
      seen.push(commandLine(pid));
    } catch {
      // It has ended.
    }
  }
  await ringcast.stop();
  seen.push(ringcast.log);
  assert.ok(ringcast.log.length > 500);
  for (const text of seen) assert.ok(!text.includes(CANARY), 'the canary is seen');
});
