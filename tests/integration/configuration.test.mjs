// SPDX-License-Identifier: MIT
// Errors in the configuration: a message with file, line and field, exit code 2, and nothing started.
import assert from 'node:assert/strict';
import { chmodSync, existsSync } from 'node:fs';
import { program, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const good = { name: 'front', url: 'rtsp://127.0.0.1:9/x' };

const bad = [
  ['a setting of a camera that nobody knows', { cameras: [{ ...good, transprot: 'tcp' }] }, /cameras\[0\]\.transprot.*transport/],
  ['a setting that nobody knows', { cameras: [good], listne: '127.0.0.1:0' }, /listne.*listen/],
  ['no camera', {}, /cameras/],
  ['no URL', { cameras: [{ name: 'front' }] }, /url/],
  ['no name', { cameras: [{ url: good.url }] }, /name/],
  ['a name twice', { cameras: [good, good] }, /cameras\[1\]\.name/],
  ['a slash in a name', { cameras: [{ ...good, name: 'a/b' }] }, /name/],
  ['a URL that is none', { cameras: [{ ...good, url: 'front door' }] }, /url/],
  ['a scheme that starts programs', { cameras: [{ ...good, url: 'exec:/bin/true' }] }, /url/],
  ['a transport that is none', { cameras: [{ ...good, transport: 'pigeon' }] }, /transport/],
  ['a number for a string', { cameras: [{ ...good, name: 5 }] }, /name/],
  ['a string for a boolean', { cameras: [{ ...good, audio: 'yes' }] }, /audio/],
  ['an address that all can reach', { cameras: [good], listen: '0.0.0.0:8080' }, /listen.*insecure/],
  ['a port out of range', { cameras: [good], listen: '127.0.0.1:70000' }, /listen/],
  ['a ring too small', { cameras: [good], ring_size: 5 }, /ring_size/],
  ['a form of log lines that is none', { cameras: [good], log_format: 'xml' }, /log_format.*auto, plain, json, journal/],
  ['a setting of a user that nobody knows', { cameras: [good], auth: { users: [{ name: 'a', camera: ['*'], groups: [] }] } }, /auth\.users\[0\]\.camera.*cameras/],
  ['a password in the configuration', { cameras: [good], auth: { users: [{ name: 'a', cameras: ['*'], password: 'x' }] } }, /auth\.users\[0\]\.password: .*user passwd/],
  ['a group that is not there', { cameras: [good], auth: { users: [{ name: 'a', groups: ['yard'] }] } }, /auth\.users\[0\]\.groups\[0\]: .*yard/],
  ['a pattern that never ends', { cameras: [good], groups: [{ name: 'g', cameras: ['a['] }] }, /groups\[0\]\.cameras\[0\]/],
  ['everybody as a trusted proxy', { cameras: [good], trusted_proxies: ['0.0.0.0/0'] }, /trusted_proxies\[0\]/],
  ['an origin with a path', { cameras: [good], origins: ['https://nvr.example/'] }, /origins\[0\].*"https:\/\/nvr\.example"/],
  ['every origin', { cameras: [good], cors_origins: ['*'] }, /cors_origins\[0\]/],
  ['a path that ends in /', { cameras: [good], base_path: '/cams/' }, /base_path.*"\/cams"/],
  ['a header in a header', { cameras: [good], frame_ancestors: ["'self'; script-src *"] }, /frame_ancestors\[0\]/],
  ['a JWT without signature', { cameras: [good], auth: { jwt: [{ algorithm: 'none', key: '/k' }] } }, /auth\.jwt\[0\]\.algorithm.*HS256, RS256, ES256/],
  ['a node whose name NATS could not have', { cameras: [good], cluster: { node: 'a.b', nats: ['nats://127.0.0.1'] } }, /cluster\.node: .*letters, digits/],
  ['a cluster without servers', { cameras: [good], cluster: { node: 'a' } }, /cluster\.nats: missing/],
  ['a camera of another node without a cluster', { cameras: [{ name: 'front', url: 'ringcast://b/front' }] }, /cameras\[0\]\.url: .*add cluster/],
  ['a level that is none', { cameras: [good], log_level: 'loud' }, /log_level/],
];

async function assertRefused(stage, ringcast, expected) {
  for (const args of [['--check', ringcast.config], ['--config', ringcast.config, '--check'], ['--config', ringcast.config, '--foreground']]) {
    const result = await run(program('ringcastd'), args);
    assert.equal(result.code, 2, `${args.join(' ')}: ${JSON.stringify(result)}`);
    assert.match(result.stderr, expected);
    assert.match(result.stderr, new RegExp(`${ringcast.config}:\\d+: `), 'the message names the file and the line');
  }
  assert.ok(!existsSync(ringcast.runtime), 'no runtime directory was made');
  assert.deepEqual(ringcast.rings(), []);
}

scenario('each error is named and nothing starts', async (stage) => {
  for (const [what, settings, expected] of bad) {
    const ringcast = stage.instance(settings);
    await assertRefused(stage, ringcast, expected).catch((error) => {
      throw new Error(`${what}: ${error.message}`, { cause: error });
    });
  }
});

scenario('a file that does not parse', async (stage) => {
  const ringcast = stage.instance({ cameras: [good] });
  ringcast.write('listen = "127.0.0.1:0";\ncameras = ( { name = "front"\n  url = } );\n');
  await assertRefused(stage, ringcast, /:3: /);
});

scenario('a file that is not there', async (stage) => {
  const result = await run(program('ringcastd'), ['--config', stage.file('none.conf'), '--foreground']);
  assert.equal(result.code, 2);
  assert.match(result.stderr, /none\.conf/);
});

scenario('all errors at once, and no secret among them', async (stage) => {
  const cameras = [{ ...good, url: 'front door', password: 5 }, { ...good, name: 'x', url: 'http//admin:Kanarie7391@host', pasword: 'Kanarie7391' }];
  const ringcast = stage.instance({ cameras, ring_size: 1 });
  const result = await run(program('ringcastd'), ['--check', ringcast.config]);
  assert.equal(result.code, 2);
  for (const field of [/ring_size/, /cameras\[0\]/, /cameras\[1\]/, /pasword.*password/]) assert.match(result.stderr, field);
  assert.doesNotMatch(result.stderr + result.stdout, /Kanarie/);
});

scenario('keys are checked, and what is unwise is told', async (stage) => {
  const key = stage.file('key', 'Kanarie7391');
  const ringcast = stage.instance({ cameras: [good], auth: { jwt: [{ algorithm: 'HS256', key }], users: [{ name: 'a', cameras: ['frnt*'] }] } });
  const check = () => run(program('ringcastd'), ['--check', ringcast.config]);
  chmodSync(key, 0o644);
  assert.match((await check()).stderr, /ringcast\.conf:\d+: auth\.jwt\[0\]\.key: .*key: other users may read or change it \(mode 644\); /);
  chmodSync(key, 0o600);
  const short = await check();
  assert.equal(short.code, 2);
  assert.match(short.stderr, /11 bytes, which can be guessed; use at least 32/);
  assert.doesNotMatch(short.stderr, /Kanarie/);
  const start = await run(program('ringcastd'), ['--config', ringcast.config, '--foreground']);
  assert.equal(start.code, 1);
  assert.match(start.stderr, /auth\.jwt\[0\]\.key: .*11 bytes, which can be guessed/);
  stage.file('key', 'x'.repeat(32));
  ringcast.settings.listen = '0.0.0.0:0';
  ringcast.write();
  const fine = await check();
  assert.equal(fine.code, 0, fine.stderr);
  assert.match(fine.stdout, /ok, 1 camera, viewers log in/);
  assert.match(fine.stderr, /warning: passwords and pictures are sent over 0\.0\.0\.0:0 without encryption/);
  assert.match(fine.stderr, /warning: auth\.users\[0\]\.cameras\[0\]: no camera in the file is called "frnt\*"/);
});

scenario('the files of a cluster are checked', async (stage) => {
  const credentials = stage.file('a.creds', 'Kanarie7391');
  const ringcast = stage.instance({ cameras: [good], cluster: { node: 'a', nats: ['nats://127.0.0.1:9'], credentials, ca: `${credentials}.away` } });
  const check = () => run(program('ringcastd'), ['--check', ringcast.config]);
  chmodSync(credentials, 0o644);
  const open = await check();
  assert.equal(open.code, 2);
  assert.match(open.stderr, /ringcast\.conf:\d+: cluster\.credentials: .*a\.creds: other users may read or change it \(mode 644\); /);
  chmodSync(credentials, 0o600);
  const strange = await check();
  assert.match(strange.stderr, /cluster\.credentials: .*neither a credentials file of NATS, .* nor the seed/);
  assert.doesNotMatch(strange.stderr, /Kanarie/);
  stage.file('a.creds', `SU${'A'.repeat(56)}\n`);
  assert.match((await check()).stderr, /ringcast\.conf:\d+: cluster\.ca: .*a\.creds\.away: No such file or directory; correct the path/);
  delete ringcast.settings.cluster.ca;
  ringcast.write();
  const fine = await check();
  assert.equal(fine.code, 0, fine.stderr);
});

scenario('a good file is good, and starts nothing either', async (stage) => {
  const ringcast = stage.instance({ cameras: [good] });
  for (const args of [['--check', ringcast.config], ['--config', ringcast.config, '--check']]) {
    const result = await run(program('ringcastd'), args);
    assert.equal(result.code, 0, result.stderr);
  }
  assert.ok(!existsSync(ringcast.runtime));
  assert.deepEqual(ringcast.rings(), []);
});

scenario('passwords that every user can read are told at --check, at the start and at a reload', async (stage) => {
  const ringcast = stage.instance({ cameras: [{ ...good, username: 'u', password: 'Kanarie7391' }] });
  const told = /has passwords in it and every user of this machine can read it: `chmod o-r /;
  chmodSync(ringcast.config, 0o644);
  const check = await run(program('ringcastd'), ['--check', ringcast.config]);
  assert.equal(check.code, 0, check.stderr);
  assert.match(check.stderr, told);
  ringcast.start();
  await ringcast.until('it serves', ({ address }) => address);
  assert.match(ringcast.log, told);
  const reloaded = await ringcast.ctl('reload');
  assert.equal(reloaded.code, 0);
  assert.match(reloaded.stderr, told);
  chmodSync(ringcast.config, 0o600);
  assert.equal((await ringcast.ctl('reload')).stderr, '');
  assert.equal((await run(program('ringcastd'), ['--check', ringcast.config])).stderr, '');
});
