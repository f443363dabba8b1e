// SPDX-License-Identifier: MIT
// ringcastctl doctor and probe: what they find, what they say to do about it, and that no secret is in it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { program, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const CANARY = 'Kanarie';

/** `ringcastctl probe` with a directory for what it leaves, which must be nothing: {code, stdout, stderr}. */
async function probe(stage, words, options = {}) {
  const temporary = stage.file(`tmp${(stage.probes = (stage.probes ?? 0) + 1)}`);
  mkdirSync(temporary);
  const result = await run(program('ringcastctl'), ['probe', ...words], { limit: 60000, ...options, env: { TMPDIR: temporary, ...options.env } });
  assert.deepEqual(readdirSync(temporary), [], 'nothing is left');
  return result;
}

const found = (findings, level, words) => findings.find((f) => f.level === level && words.test(`${f.subject}: ${f.what}`));

scenario('probe measures a camera, and says what is said with it', async (stage) => {
  const camera = await stage.camera(['--cameras', '1', '--fps', '15', '--gop', '15', '--user', 'viewer'], { password: `${CANARY}1` });
  const url = camera.url().replace('://', `://viewer:${CANARY}1@`);
  const { code, stdout, stderr } = await probe(stage, [url, '--seconds', '3', '--json', '-v']);
  assert.equal(code, 0, stderr);
  const result = JSON.parse(stdout);
  const { measured, findings } = result;
  assert.equal(result.camera.width > 0 && result.camera.codecs.startsWith('avc1'), true);
  assert.ok(measured.seconds >= 2.9 && measured.seconds < 10, `${measured.seconds} s`);
  assert.ok(measured.pictures > 20 && measured.pictures < 70, `${measured.pictures} pictures`);
  assert.equal(measured.missing, 0);
  assert.ok(measured.keyframes >= 2 && Math.abs(measured.group_s - 1) < 0.2, `${measured.keyframes} keyframes, ${measured.group_s} s apart`);
  assert.equal(result.announced_fps, 15);
  assert.ok(found(findings, 'good', /a keyframe at least every 1\.0 s/), stdout);
  for (const method of ['OPTIONS', 'DESCRIBE', 'SETUP', 'PLAY']) assert.match(stderr, new RegExp(`^> ${method} rtsp://`, 'm'));
  assert.match(stderr, /^< 200 OK$/m);
  assert.match(stderr, /^ {4}Authorization: \w+ \*\*\*$/m);
  assert.ok(!(stdout + stderr).includes(CANARY), 'its password is nowhere');
});

scenario('probe of a camera with long groups, in words', async (stage) => {
  const camera = await stage.camera(['--cameras', '1', '--fps', '15', '--gop', '600']);
  const { code, stdout } = await probe(stage, [camera.url(), '--seconds', '5']);
  assert.equal(code, 0);
  assert.match(stdout, /^WARNING {1,}camera: at most one keyframe in \d+ s\n {8}-> Set the camera's I-frame interval/m);
});

scenario('probe of cameras that do not work says what to do', async (stage) => {
  const camera = await stage.camera(['--cameras', '1', '--user', 'viewer'], { password: `${CANARY}2` });
  const cases = [
    [['rtsp://127.0.0.1:9/x'], /connection refused/, /RTSP is usually at 554/],
    [[camera.url()], /wants a username and password/, /username=NAME/],
    [[camera.url(), 'username=viewer', `password=${CANARY}3`], /refuses the username or password/, /lock/],
    [[`${camera.url().replace('://', `://viewer:${CANARY}2@`)}/none`], /404/, /path of the URL is wrong/],
  ];
  await Promise.all(cases.map(async ([words, error, advice]) => {
    const { code, stdout, stderr } = await probe(stage, [...words, '--json']);
    assert.equal(code, 5, stderr);
    const { findings, measured } = JSON.parse(stdout);
    assert.equal(measured, null);
    const wrong = found(findings, 'error', error);
    assert.ok(wrong, stdout);
    assert.match(wrong.do, advice);
    assert.ok(!(stdout + stderr).includes(CANARY));
  }));
});

scenario('probe takes settings and the URL from standard input, and refuses what is none', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const piped = await probe(stage, ['-', 'transport=tcp', '--seconds', '1', '--json'], { input: `${camera.url()}\n` });
  assert.equal(piped.code, 0, piped.stderr);
  assert.ok(JSON.parse(piped.stdout).measured.pictures > 1);
  for (const words of [['rtsp://127.0.0.1:9/x', 'transport=pigeon'], ['gopher://127.0.0.1/'], []]) {
    const { code, stderr } = await probe(stage, words);
    assert.equal(code, 2, stderr);
    assert.notEqual(stderr, '');
  }
});

scenario('doctor with a ringcastd: the machine, the configuration, each camera', async (stage) => {
  const camera = await stage.camera(['--camera', 'front:size=640x360,fps=15,gop=15', '--camera', 'small:size=600x352,fps=15,gop=15']);
  const [front, small] = camera.cameras;
  const ringcast = stage.instance({
    cameras: [{ name: 'front', url: front.url, sub: small.url }, { name: 'gone', url: 'rtsp://127.0.0.1:9/x' }],
  }).start();
  await ringcast.streaming(['front', 'front/sub']);
  await ringcast.until('an error', ({ cameras }) => cameras.find(({ name }) => name === 'gone').error !== null);
  await ringcast.until('what the workers count', ({ cameras }) => cameras.filter(({ keyframe_ms, fragments }) => keyframe_ms >= 0 && fragments > 40).length === 2);
  const { code, stdout, stderr } = await ringcast.ctl('doctor', '--json');
  assert.equal(code, 5, stderr);
  const { findings } = JSON.parse(stdout);
  for (const subject of ['kernel', 'limits', 'shared memory', 'memory', 'entropy', 'clock', 'port', 'configuration', 'ringcastd'])
    assert.ok(findings.some((f) => f.subject === subject), `nothing about ${subject}: ${stdout}`);
  if (existsSync('/usr/bin/apt-cache')) assert.ok(findings.some((f) => f.subject === 'libraries'), stdout);
  assert.ok(found(findings, 'good', /^front: pictures come: H\.264, 640x360 \(avc1/), stdout);
  assert.ok(found(findings, 'warning', /^front: its sub stream is hardly smaller/), stdout);
  assert.match(found(findings, 'error', /^gone: no pictures/).do, /RTSP is usually at 554/);
  assert.deepEqual(findings.filter(({ level, subject }) => level === 'error' && subject !== 'gone'), []);
  for (const words of ['front: a keyframe at least every', 'front: the first keyframe came', 'front/sub: measured for'])
    assert.ok(findings.some(({ subject, what }) => `${subject}: ${what}`.startsWith(words)), `${words}: ${stdout}`);
  assert.equal((await ringcast.camera('front')).announced_fps, 15);
  const long = JSON.parse((await ringcast.ctl('doctor', '--json', '--seconds', '2')).stdout).findings;
  for (const name of ['front', 'front/sub']) assert.ok(long.some(({ subject, what }) => subject === name && /^measured for \d+ s/.test(what)), JSON.stringify(long));
  const words = await ringcast.ctl('doctor');
  assert.equal(words.code, 5);
  assert.match(words.stdout, /^ERROR {3}gone: no pictures.*\n {8}-> The machine is there/m);
});

scenario('doctor without a ringcastd, and with a configuration that has errors', async (stage) => {
  const file = stage.file('ringcast.conf');
  writeFileSync(file, `runtime_dir = "${stage.file('run')}";\nlistne = "x";\ncameras = ( { name = "a"; url = "rtsp://u:${CANARY}4@x/"; transport = "pigeon"; } );\n`);
  const { code, stdout, stderr } = await run(program('ringcastctl'), ['--config', file, 'doctor', '--json'], { limit: 30000 });
  assert.equal(code, 5, stderr);
  const { findings } = JSON.parse(stdout);
  assert.match(found(findings, 'error', /configuration: .*listne/).do, /listen/);
  assert.ok(found(findings, 'error', /configuration: .*transport/));
  assert.match(found(findings, 'error', /^ringcastd: none answers/).do, /systemctl start ringcast/);
  assert.ok(!(stdout + stderr).includes(CANARY));
});

/** Whether a machine can be shown with other mounts than this one's. */
function mountable() {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/dev/shm'], { stdio: 'ignore' });
    return true;
  } catch {
    console.log('left out: nothing can be mounted here');
    return false;
  }
}

if (mountable()) scenario('doctor of a machine with a read-only disk and hardly any shared memory', async (stage) => {
  const file = stage.file('ringcast.conf');
  const disk = stage.file('disk');
  mkdirSync(disk);
  const camera = '{ name = "NAME"; url = "rtsp://192.0.2.1/a"; }';
  writeFileSync(file, `runtime_dir = "${disk}/a/run";\nstate_dir = "${disk}/b/state";\ncameras = ( ${camera.replace('NAME', 'one')}, ${camera.replace('NAME', 'two')} );\n`, { mode: 0o600 });
  const doctor = `exec ${program('ringcastctl')} --config ${file} doctor --json`;
  const mounts = `mount -t tmpfs -o size=300k tmpfs /dev/shm && mount -t tmpfs -o ro tmpfs ${disk} && ulimit -n 64`;
  const broken = await run('unshare', ['--mount', 'sh', '-c', `${mounts} && ${doctor}`], { limit: 30000 });
  const { findings } = JSON.parse(broken.stdout);
  assert.match(found(findings, 'error', /^disk: .*a\/run is read-only/).do, /runtime_dir/);
  assert.match(found(findings, 'warning', /^disk: .*b\/state is read-only/).do, /state_dir/);
  assert.match(found(findings, 'error', /^shared memory: only 0\.3 MiB/).do, /larger/);
  assert.match(found(findings, 'warning', /^limits: a process may have 64 descriptors/).do, /LimitNOFILE/);
  assert.match(found(findings, 'note', /^two: it has the same URL as one/).do, /any number of viewers/);
  const whole = await run('sh', ['-c', doctor], { limit: 30000 });
  assert.deepEqual(JSON.parse(whole.stdout).findings.filter(({ what }) => /read-only|only \d/.test(what)), []);
});

scenario('the bundle has what a report needs, and no secret', async (stage) => {
  const camera = await stage.camera(['--cameras', '1', '--user', `${CANARY}u`], { password: `${CANARY}5/ä` });
  const ringcast = stage.instance({ cameras: [{ name: 'cam1', url: camera.url(), username: `${CANARY}u`, password: `${CANARY}5/ä` }] });
  ringcast.write(`${readFileSync(ringcast.config, 'utf8')}
# { name = "old"; url = "rtsp://x:${CANARY}6@192.0.2.1/a?token=${CANARY}7&channel=1"; password = "${CANARY}\\"8"; }
`);
  ringcast.start();
  await ringcast.streaming();
  await ringcast.ctl('log-level', 'debug');
  await ringcast.ctl('restart', 'cam1', '--wait');
  const file = stage.file('report.txt');
  const { code, stdout, stderr } = await ringcast.ctl('doctor', '--bundle', file);
  assert.equal(code, 0, stdout + stderr);
  const text = readFileSync(file, 'utf8');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(!text.includes(CANARY), text.split('\n').find((line) => line.includes(CANARY)));
  for (const part of ['=== findings', '=== system', '=== status', '=== cam1', '"state": "streaming"', '# { name = "old"; url = "rtsp://***@192.0.2.1/a?***"; password = "***"; }', 'ingest[cam1]'])
    assert.ok(text.includes(part), `${part} is missing in\n${text}`);
  const again = await ringcast.ctl('doctor', '--bundle', file);
  assert.equal(again.code, 1, 'a file is not overwritten');
  assert.equal(readFileSync(file, 'utf8'), text);
});
