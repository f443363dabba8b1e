// SPDX-License-Identifier: MIT
// An installation as a packager makes it: complete, at home under its own prefix, run by a service manager.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildDirectory, program, repositoryDirectory, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const PROGRAMS = ['ringcastd', 'ringcastctl', 'ringcast-ingest', 'ringcast-fanout', 'ringcast-keeper', 'ringcast-password', 'ringcast-discover', 'ringcast-snapshot', 'ringcast-hls', 'ringcast-rtsp', 'ringcast-exporter',
  ...(existsSync(program('ringcast-relay')) ? ['ringcast-relay'] : [])]; // an optional part

async function install(stage, { prefix, root }) {
  const { code, stdout, stderr } = await run('cmake', ['--install', buildDirectory, '--prefix', prefix], { env: { DESTDIR: root } });
  assert.equal(code, 0, stderr);
  return stdout;
}

const files = (directory) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(directory, path.join(entry.parentPath ?? entry.path, entry.name)));

scenario('everything is installed, and a configuration is left alone', async (stage) => {
  const root = path.join(stage.directory, 'root');
  mkdirSync(root);
  await install(stage, { prefix: '/usr', root });
  const found = files(root);
  const expected = [
    ...PROGRAMS.map((name) => `usr/bin/${name}`),
    'etc/ringcast/ringcast.conf',
    'usr/include/ringcast.h',
    'usr/lib/systemd/system/ringcast.service',
    'usr/lib/sysusers.d/ringcast.conf',
    'usr/share/bash-completion/completions/ringcastctl',
    'usr/share/zsh/site-functions/_ringcastctl',
    'usr/share/ringcast/player/index.html',
    'usr/share/ringcast/player/ringcast-player.js',
    'usr/share/ringcast/prometheus/ringcast.rules.yml',
  ];
  for (const name of expected) assert.ok(found.includes(name), `${name} is missing; there are\n${found.join('\n')}`);
  for (const library of ['libringcast.so', 'libringcast.a', 'pkgconfig/libringcast.pc'])
    assert.ok(found.some((name) => name.endsWith(`/${library}`)), `${library} is missing`);
  if (existsSync(path.join(buildDirectory, 'docs/man/ringcastd.8'))) assert.ok(found.includes('usr/share/man/man8/ringcastd.8'));
  assert.deepEqual(found.filter((name) => /test|fuzz|bench/.test(name)), []);
  const conf = path.join(root, 'etc/ringcast/ringcast.conf');
  assert.equal(statSync(conf).mode & 0o777, 0o640, 'others could read its passwords');
  assert.equal((await run(path.join(root, 'usr/bin/ringcastd'), ['--check', conf])).code, 0);
  writeFileSync(conf, 'cameras = ();\n# mine\n');
  assert.match(await install(stage, { prefix: '/usr', root }), /Kept: .*ringcast\.conf/);
  assert.match(readFileSync(conf, 'utf8'), /# mine/);
}, { limit: 120000 });

scenario('the unit is right, and tight', async (stage) => {
  const root = path.join(stage.directory, 'root');
  mkdirSync(root);
  const prefix = path.join(stage.directory, 'ringcast');
  await install(stage, { prefix, root: '' });
  const unit = path.join(prefix, 'lib/systemd/system/ringcast.service');
  const text = readFileSync(unit, 'utf8');
  assert.ok(!/@[A-Z]+@/.test(text), 'a name was not filled in');
  assert.ok(text.includes(`ExecStart=${prefix}/bin/ringcastd `));
  const verified = await run('systemd-analyze', ['verify', '--man=no', unit]);
  assert.equal(verified.code, 0, verified.stderr);
  assert.equal(verified.stderr, '');
  const { stdout } = await run('systemd-analyze', ['security', '--offline=true', '--no-pager', '--threshold=25', unit]);
  const [, exposure] = /Overall exposure level for ringcast\.service: ([0-9.]+)/.exec(stdout);
  assert.ok(Number(exposure) <= 2.5, `an exposure of ${exposure}`);
}, { limit: 120000, skip: existsSync('/usr/bin/systemd-analyze') ? false : 'no systemd-analyze' });

scenario('it runs from where it was installed', async (stage) => {
  const prefix = path.join(stage.directory, 'ringcast');
  await install(stage, { prefix, root: '' });
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = stage.instance({ cameras: camera.cameras.map(({ name, url }) => ({ name, url })) });
  ringcast.start({ binary: path.join(prefix, 'bin/ringcastd') });
  await ringcast.streaming();
  const page = await fetch(new URL('/', ringcast.address));
  assert.equal(page.status, 200);
  assert.match(await page.text(), /<title>/);
  await stage.viewer(ringcast, 'cam1').more(5);
  await ringcast.stop();
}, { limit: 120000 });

scenario('the demo is a component of its own, and runs from where it was installed', async (stage) => {
  const prefix = path.join(stage.directory, 'ringcast');
  await install(stage, { prefix, root: '' });
  const { code, stderr } = await run('cmake', ['--install', buildDirectory, '--prefix', prefix, '--component', 'demo']);
  assert.equal(code, 0, stderr);
  assert.ok(existsSync(path.join(prefix, 'bin/ringcast-test-camera')));
  const temporary = stage.file('tmp');
  mkdirSync(temporary);
  const demo = path.join(prefix, 'bin/ringcast-demo');
  const camera = await stage.camera(['--cameras', '1']);
  const shell = stage.start(demo, ['--port', '0', camera.url()], { detached: true, env: { TMPDIR: temporary } });
  const [, address] = await shell.until('the address', ({ stdout }) => /(http:\/\/127\.0\.0\.1:\d+\/)/.exec(stdout), 60000);
  const { cameras } = await (await fetch(new URL('api/cameras', address))).json();
  assert.equal(cameras.length, 1);
  assert.deepEqual(await shell.stop('SIGTERM', 30000), { code: 0, signal: null }, shell.log);
  assert.deepEqual(readdirSync(temporary), [], 'nothing is left');
  assert.match((await run(demo, ['--help'])).stdout, /^Usage: ringcast-demo /);
}, { limit: 120000 });

scenario('what the programs need is found in them, and written as a bill of materials', async () => {
  const dependencies = path.join(repositoryDirectory, 'deploy/dependencies');
  const list = await run(dependencies, [path.join(buildDirectory, 'bin')]);
  assert.equal(list.code, 0, list.stderr);
  const names = list.stdout.trim().split('\n');
  for (const wanted of [/^libavformat\d/, /^libjansson\d/, /^libwebsockets\d/, /^libwebsockets-evlib-ev$/, /^libc6$/])
    assert.ok(names.some((name) => wanted.test(name)), `${wanted} is missing in ${names}`);
  const rtsp = existsSync(program('ringcast-rtsp')); // an optional part
  assert.equal(names.some((name) => name.startsWith('libgst')), rtsp, 'the test camera needs more of it, and does not count');

  const bill = () => run(dependencies, ['--spdx', path.join(buildDirectory, 'bin')], { env: { SOURCE_DATE_EPOCH: '1790000000' } });
  const { stdout } = await bill();
  assert.equal((await bill()).stdout, stdout, 'the same programs have the same bill');
  const { spdxVersion, packages, relationships, creationInfo } = JSON.parse(stdout);
  assert.equal(spdxVersion, 'SPDX-2.3');
  assert.equal(creationInfo.created, '2026-09-21T14:13:20Z');
  const ids = new Set(['SPDXRef-DOCUMENT', ...packages.map(({ SPDXID }) => SPDXID)]);
  assert.equal(ids.size, packages.length + 1, 'each package is there once');
  for (const { spdxElementId, relatedSpdxElement } of relationships) assert.ok(ids.has(spdxElementId) && ids.has(relatedSpdxElement));
  const directly = relationships.filter(({ relationshipType }) => relationshipType === 'DEPENDS_ON').map(({ relatedSpdxElement }) => relatedSpdxElement);
  assert.deepEqual(directly.map((id) => packages.find(({ SPDXID }) => SPDXID === id).name).sort(), names.sort());
  assert.ok(packages.every(({ versionInfo }) => /\d/.test(versionInfo)));
}, { skip: existsSync('/usr/bin/dpkg-query') ? false : 'no dpkg-query' });
