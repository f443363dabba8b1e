// SPDX-License-Identifier: MIT
// ringcastctl on a real ringcastd: what only both together can show.
import assert from 'node:assert/strict';
import { chownSync, existsSync } from 'node:fs';
import path from 'node:path';
import { decode, probe } from '../support/media.mjs';
import { program, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const SECRET = 'canary-1c77';

scenario('record and tap play', async (stage) => {
  const camera = await stage.camera(['--cameras', '1', '--audio', 'aac']);
  const ringcast = await stage.ringcast(camera);
  const file = stage.file('cam1.mp4');
  const recorded = await ringcast.ctl('record', 'cam1', '--seconds', '2', '--output', file, '--json');
  assert.deepEqual([recorded.code, recorded.stderr], [0, '']);
  const { fragments, seconds } = JSON.parse(recorded.stdout);
  assert.equal(await decode(file), fragments);
  assert.ok(seconds >= 2 && seconds < 3, `${seconds} s`);
  for (const stream of await probe(file)) assert.ok(Number(stream.start_time) < 0.5, `it begins at ${stream.start_time} s`);

  // The decoder ends first: a tap that is not read any more ends well.
  const pipe = 'set -o pipefail; "$0" --config "$1" tap cam1 | ffmpeg -nostdin -v error -i pipe:0 -frames:v 20 -f null -';
  const piped = await run('bash', ['-c', pipe, program('ringcastctl'), ringcast.config], { limit: 60000 });
  assert.deepEqual([piped.code, piped.stderr], [0, '']);
  assert.equal(await camera.command('clients cam1'), 1, 'the camera has one session');
});

scenario('cameras come and go at run time', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const [first, second] = camera.cameras;
  const ringcast = stage.instance({ cameras: [{ name: first.name, url: first.url }], state_dir: stage.file('state') }).start();
  await ringcast.streaming();
  const viewer = stage.viewer(ringcast, first.name);
  await viewer.more(2);

  const added = await ringcast.ctl('camera', 'add', 'yard', `url=${second.url}`, 'audio=false', '--wait');
  assert.deepEqual([added.code, added.stderr], [0, '']);
  assert.equal((await ringcast.camera('yard')).state, 'streaming');
  const again = await ringcast.ctl('camera', 'add', 'yard', `url=${second.url}`);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /yard/);
  const wrong = await ringcast.ctl('camera', 'set', 'yard', 'transport=pigeon');
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /transport/);

  assert.equal(wrong.stderr.match(/pigeon/g).length, 1, 'told once');
  const { pid } = await ringcast.camera('yard');
  const set = await ringcast.ctl('camera', 'set', 'yard', 'audio=true', '--wait');
  assert.equal(set.code, 0, set.stderr);
  const changed = await ringcast.camera('yard');
  assert.equal(changed.state, 'streaming');
  assert.notEqual(changed.pid, pid, '--wait returns with the new process');
  const disabled = await ringcast.ctl('camera', 'disable', 'yard', '--wait');
  assert.equal(disabled.code, 0, disabled.stderr);
  assert.equal((await ringcast.camera('yard')).state, 'disabled');
  await ringcast.stop();
  ringcast.start();
  await ringcast.streaming();
  assert.equal((await ringcast.camera('yard')).state, 'disabled', 'kept across a restart');
  const removed = await ringcast.ctl('camera', 'remove', 'yard', '--wait');
  assert.equal(removed.code, 0, removed.stderr);
  assert.deepEqual((await ringcast.status()).cameras.map(({ name }) => name), [first.name]);
});

scenario('what was changed at run time is told, and can be taken back', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const [first, second] = camera.cameras;
  const cameras = [{ name: 'front', url: first.url, sub: second.url }, { name: 'yard', url: second.url }];
  const ringcast = stage.instance({ cameras, state_dir: stage.file('state') }).start();
  await ringcast.streaming(['front', 'front/sub', 'yard']);
  const ctl = async (...args) => {
    const { code, stdout, stderr } = await ringcast.ctl(...args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const sources = async () => {
    const { cameras: rows, removed } = await ringcast.status();
    return [...rows.map(({ name, source }) => `${name} ${source}`), ...removed.map((name) => `${name} removed`)];
  };
  assert.deepEqual(await sources(), ['front file', 'front/sub file', 'yard file']);
  await ctl('camera', 'remove', 'yard', '--wait');
  await ctl('camera', 'set', 'front', 'audio=false', '--wait');
  assert.deepEqual(await sources(), ['front changed', 'front/sub changed', 'yard removed']);
  assert.match(await ctl('status'), /^removed at run time, and still in the file .*: yard$/m);
  const { warnings } = JSON.parse(await ctl('reload', '--json'));
  assert.match(warnings.join(), /camera "yard" is in the file and was removed at run time: `ringcastctl camera reset 'yard'`/);
  await ringcast.stop();
  const isRoot = process.getuid() === 0; // as sudo ringcastd --check is, where the state belongs to the service's user
  if (isRoot) chownSync(ringcast.settings.state_dir, 12345, 12345);
  const check = await run(program('ringcastd'), ['--config', ringcast.config, '--check']);
  if (isRoot) chownSync(ringcast.settings.state_dir, 0, 0);
  assert.match(check.stderr, /camera reset 'yard'/);
  assert.doesNotMatch(check.stderr, /belongs to/);
  ringcast.start();
  await ringcast.streaming(['front', 'front/sub']);
  assert.match(ringcast.log, /changes made at run time stand above the file: 1 cameras changed, 0 added, 1 removed/);

  await ctl('camera', 'reset', 'yard', '--wait');
  assert.equal((await ringcast.camera('yard')).state, 'streaming');
  await ctl('camera', 'reset', 'front', '--wait');
  assert.deepEqual(await sources(), ['front file', 'front/sub file', 'yard file']);
  assert.match((await ringcast.ctl('camera', 'reset', 'front')).stderr, /is as the file has it/);
  await ctl('camera', 'add', 'gate', `url=${first.url}`, `sub=${second.url}`, '--wait');
  assert.equal((await ringcast.camera('gate/sub')).state, 'streaming', '--wait waits for the sub stream, too');
  await ctl('camera', 'reset', 'gate', '--wait');
  assert.deepEqual(await sources(), ['front file', 'front/sub file', 'yard file']);
  assert.match((await ringcast.ctl('camera', 'reset', 'gate')).stderr, /no camera is called "gate"/);
});

scenario('restart --wait returns with pictures, reload with the difference', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = await stage.ringcast(camera);
  const before = await ringcast.camera('cam1');
  const result = await ringcast.ctl('restart', 'cam1', '--wait');
  assert.equal(result.code, 0, result.stderr);
  const after = await ringcast.camera('cam1');
  assert.notEqual(after.pid, before.pid);
  assert.equal(after.state, 'streaming');

  ringcast.settings.cameras = [{ name: 'cam1', url: camera.cameras[0].url }, { name: 'gone', url: 'rtsp://127.0.0.1:9/x' }];
  ringcast.write();
  const patient = await ringcast.ctl('reload', '--wait', '--timeout', '0.5');
  assert.equal(patient.code, 4, 'one that was added and does not stream');
  assert.match(patient.stderr, /gone: .*refused/);
  assert.equal((await ringcast.ctl('reload', '--wait')).code, 0, 'is not touched by the next reload');

  ringcast.settings.cameras = [{ name: 'cam1', url: camera.cameras[0].url }];
  ringcast.write();
  const reloaded = await ringcast.ctl('reload', '--wait');
  assert.deepEqual([reloaded.code, reloaded.stdout], [0, 'removed gone\n1 unchanged\n'], reloaded.stderr);
  ringcast.write('listen = 5;');
  // ringcastctl cannot read that file either, so it is told where the socket is.
  const socket = path.join(ringcast.runtime, 'control.sock');
  const refused = await run(program('ringcastctl'), ['--socket', socket, 'reload']);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, new RegExp(`${ringcast.config}:1: listen`));
  ringcast.write();
  assert.equal((await ringcast.camera('cam1')).pid, after.pid, 'a bad file changes nothing');
});

scenario('events, logs and levels', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = await stage.ringcast(camera);
  const follower = stage.start(program('ringcastctl'), ['--config', ringcast.config, 'events', '--follow', '--json']);
  // It may not be subscribed yet: something happens until it tells.
  await waitUntil('an event', async () => {
    if (follower.stdout !== '') return true;
    await ringcast.ctl('restart', 'cam1', '--wait');
    return false;
  });
  await follower.until('the camera to stream again', ({ stdout }) => /"event":"camera-state".*"streaming"/.test(stdout));
  for (const line of follower.stdout.split('\n').slice(0, -1)) assert.equal(JSON.parse(line).type, 'event');
  assert.deepEqual(await follower.stop('SIGINT'), { code: 0, signal: null });

  assert.equal((await ringcast.ctl('log-level', 'debug', 'cam1')).code, 0);
  assert.equal((await ringcast.ctl('log-level', 'loud')).code, 1);
  const log = await ringcast.ctl('log', 'cam1');
  assert.equal(log.code, 0, log.stderr);
  assert.match(log.stdout, /ingest\[cam1\]/);
});

scenario('status of one camera, and of those in trouble', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const [first, second] = camera.cameras;
  const cameras = [{ name: first.name, url: first.url, sub: second.url }, { name: 'gone', url: 'rtsp://127.0.0.1:9/x' }];
  const ringcast = stage.instance({ cameras }).start();
  await ringcast.streaming([first.name, `${first.name}/sub`]);
  await ringcast.until('the trouble', ({ cameras: all }) => all.find(({ name }) => name === 'gone').error);
  const names = async (...args) => {
    const { code, stdout, stderr } = await ringcast.ctl('status', '--json', ...args);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout).cameras.map(({ name }) => name);
  };
  assert.deepEqual(await names(first.name), [first.name, `${first.name}/sub`]);
  assert.deepEqual(await names('gone'), ['gone']);
  assert.deepEqual(await names('--only-bad'), ['gone']);
  const unknown = await ringcast.ctl('status', 'gon');
  assert.deepEqual([unknown.code, unknown.stderr], [1, 'ringcastctl: no camera is called "gon"; did you mean "gone"?\n']);
});

scenario('top on a terminal: trouble at the top, the titles stay, names can be filtered', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const [{ name, url }] = camera.cameras;
  const gone = Array.from({ length: 30 }, (_, i) => ({ name: `gone${i}`, url: 'rtsp://127.0.0.1:9/x' }));
  const ringcast = stage.instance({ cameras: [{ name, url }, ...gone] }).start();
  await ringcast.streaming([name]);
  await ringcast.until('the trouble', ({ cameras }) => cameras.filter(({ error }) => error).length === gone.length);
  const command = `stty rows 24 cols 100; exec ${program('ringcastctl')} --config ${ringcast.config} top`;
  const top = stage.start('script', ['-qec', command, '/dev/null'], { env: { TERM: 'xterm' } });
  await top.until('the first screen', ({ stdout }) => stdout.includes('q quit'));
  assert.ok(top.stdout.includes('NAME') && top.stdout.includes('gone0 ') && !top.stdout.includes(`${name} `), 'what works is out of sight');
  const keys = async (text, what, check) => {
    const before = top.stdout.length;
    top.child.stdin.write(text);
    await top.until(what, ({ stdout }) => check(stdout.slice(before)));
  };
  await keys('b', 'only the bad ones', (shown) => shown.includes('l cameras'));
  await keys('b', 'all', (shown) => shown.includes('trouble'));
  await keys(`/${name}`, 'the one', (shown) => shown.includes(name) && shown.includes('streaming'));
  await keys('\r', 'the filter', (shown) => shown.includes('Esc all'));
  top.child.stdin.write('q');
  assert.deepEqual(await top.finish(), { code: 0, signal: null });
});

scenario('a password that is typed stands in no argument list', async (stage) => {
  const ringcast = stage.instance({ cameras: [{ name: 'front', url: 'rtsp://127.0.0.1:9/x' }], state_dir: stage.file('state') }).start();
  await ringcast.serving();
  const args = ['--config', ringcast.config, 'camera', 'set', 'front', 'username=someone', 'password=-'];
  const result = await run(program('ringcastctl'), args, { input: `${SECRET}\n` });
  assert.deepEqual([result.code, result.stderr], [0, '']);
  assert.ok(existsSync(stage.file('state')));
  const status = await ringcast.ctl('status', '--json');
  assert.ok(!status.stdout.includes(SECRET));
});
