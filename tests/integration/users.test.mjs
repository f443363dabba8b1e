// SPDX-License-Identifier: MIT
// ringcastctl user and token: the users file, without a ringcastd and with one.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { commandLine, descendants, environment, program, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const CANARY = 'Kanarie7391 "p\\ss';
const camera = { name: 'front', url: 'rtsp://127.0.0.1:9/x' };
const groups = [{ name: 'yard', cameras: ['gate', 'shed*'] }];
const settings = { cameras: [camera], groups, auth: { users: [{ name: 'ben', cameras: ['front*'] }] } };

const ctl = (ringcast, args, input = '') => run(program('ringcastctl'), ['--config', ringcast.config, ...args], { input });
const usersFile = (ringcast) => path.join(ringcast.state, 'users.json');
const stored = (ringcast) => JSON.parse(readFileSync(usersFile(ringcast), 'utf8'));
const add = (ringcast, name, password, ...more) =>
  ctl(ringcast, ['user', 'add', name, '--password-stdin', ...more], `${password}\n`);

async function succeeds(promise) {
  const result = await promise;
  assert.equal(result.code, 0, result.stderr);
  return result;
}

/** PROMISE's command fails with CODE and says what MATCHES, in one line; the users file stays as it is. */
async function fails(ringcast, code, matches, args, input) {
  const before = existsSync(usersFile(ringcast)) ? readFileSync(usersFile(ringcast), 'utf8') : null;
  const result = await ctl(ringcast, args, input);
  assert.equal(result.code, code, `${args.join(' ')}: ${JSON.stringify(result)}`);
  assert.match(result.stderr, matches);
  assert.equal(result.stdout, '');
  assert.equal(existsSync(usersFile(ringcast)) ? readFileSync(usersFile(ringcast), 'utf8') : null, before);
}

scenario('users come, change and go', async (stage) => {
  const ringcast = stage.instance(settings);
  const added = await succeeds(add(ringcast, 'anna', CANARY, '--role', 'operator', '--camera', '*'));
  assert.equal(added.stdout, `added anna (${usersFile(ringcast)})\n`);
  assert.equal(statSync(usersFile(ringcast)).mode & 0o7777, 0o600);
  assert.equal(statSync(ringcast.state).mode & 0o7777, 0o700);
  const [anna] = stored(ringcast).users;
  assert.match(anna.hash, /^\$y\$[./A-Za-z0-9]+\$[./A-Za-z0-9]+\$[./A-Za-z0-9]{43}$/, 'yescrypt');
  assert.deepEqual({ ...anna, hash: '', since: 0 },
    { name: 'anna', hash: '', role: 'operator', cameras: ['*'], groups: [], since: 0 });
  assert.ok(anna.since > 0 && anna.since <= Date.now() / 1000, 'sessions of an earlier user of this name are void, and no later ones');

  await succeeds(ctl(ringcast, ['user', 'set', 'anna', '--role', 'viewer', '--camera', 'front*', '--group', 'yard']));
  const [changed] = stored(ringcast).users;
  assert.deepEqual(changed, { ...anna, role: 'viewer', cameras: ['front*'], groups: ['yard'] });
  await succeeds(ctl(ringcast, ['user', 'set', 'anna', '--role', 'operator']));
  assert.deepEqual(stored(ringcast).users[0], { ...changed, role: 'operator' }, 'cameras stay');

  const before = Date.now() / 1000;
  await succeeds(ctl(ringcast, ['user', 'passwd', 'anna', '--password-stdin'], 'another\n'));
  const [repassed] = stored(ringcast).users;
  assert.notEqual(repassed.hash, anna.hash);
  assert.ok(repassed.since > before, 'sessions from before are void');
  assert.ok(repassed.since <= Date.now() / 1000, 'a log-in from now on is good');
  assert.deepEqual(repassed.cameras, ['front*']);
  await succeeds(ctl(ringcast, ['user', 'logout', 'anna']));
  assert.ok(stored(ringcast).users[0].since > repassed.since);
  assert.equal(stored(ringcast).users[0].hash, repassed.hash);

  // One who is in the configuration has the rights from there, and the password from the file.
  await succeeds(ctl(ringcast, ['user', 'passwd', 'ben', '--password-stdin'], 'of ben'));
  const { users } = JSON.parse((await succeeds(ctl(ringcast, ['user', 'list', '--json']))).stdout);
  assert.deepEqual(users, [
    { name: 'ben', role: 'viewer', cameras: ['front*'], groups: [], password: true, configured: true },
    { name: 'anna', role: 'operator', cameras: ['front*'], groups: ['yard'], password: true, configured: false },
  ]);
  const table = await succeeds(ctl(ringcast, ['user', 'list']));
  assert.match(table.stdout, /^NAME .*\nben .*front\*.*yes +yes\nanna +operator +front\* +yard +yes +no\n$/);
  const removed = await succeeds(ctl(ringcast, ['user', 'remove', 'ben']));
  assert.match(removed.stderr, /still in the configuration/);
  await succeeds(ctl(ringcast, ['user', 'remove', 'anna', '--json']));
  assert.deepEqual(stored(ringcast).users, []);
  assert.deepEqual(readdirSync(ringcast.state).sort(), ['users.json', 'users.json.lock']);
});

scenario('what is wrong is refused, and changes nothing', async (stage) => {
  const ringcast = stage.instance(settings);
  const pipe = ['--password-stdin'];
  await fails(ringcast, 2, /--camera '\*'/, ['user', 'add', 'zoe', ...pipe], 'x\n');
  await fails(ringcast, 2, /--camera a\[: .*"\]"/, ['user', 'add', 'zoe', '--camera', 'a[', ...pipe], 'x\n');
  await fails(ringcast, 2, /no such group/, ['user', 'add', 'zoe', '--group', 'garden', ...pipe], 'x\n');
  await fails(ringcast, 2, /viewer or operator/, ['user', 'add', 'zoe', '--camera', '*', '--role', 'king', ...pipe], 'x\n');
  await fails(ringcast, 2, /":"/, ['user', 'add', 'a:b', '--camera', '*', ...pipe], 'x\n');
  await fails(ringcast, 2, /is in the configuration/, ['user', 'add', 'ben', '--camera', '*', ...pipe], 'x\n');
  for (const [password, matches] of [
    ['\n', /empty/],
    ['', /no password was given/],
    [`${'x'.repeat(257)}\n`, /more than 256 bytes/],
    [`${'x'.repeat(5000)}\n`, /more than 256 bytes/],
    [Buffer.from('a\xffb\n', 'latin1'), /UTF-8/],
    ['a\0b\n', /NUL/],
    ['a\tb\n', /control character/],
  ]) await fails(ringcast, 2, matches, ['user', 'add', 'zoe', '--camera', '*', ...pipe], password);
  await fails(ringcast, 2, /takes the name of a user/, ['user', 'add', 'zoe', 'password', '--camera', '*']);
  await fails(ringcast, 2, /--password-stdin/, ['user', 'list', ...pipe]);
  for (const command of ['passwd', 'remove', 'logout']) await fails(ringcast, 1, /no user zoe/, ['user', command, 'zoe'], 'x\n');
  await fails(ringcast, 1, /no user zoe/, ['user', 'set', 'zoe', '--role', 'viewer']);
  await fails(ringcast, 2, /--config/, ['user', 'list', '--socket', '/run/x']);
  await succeeds(add(ringcast, 'zoe', 'x'.repeat(256), '--camera', '*'));
  await fails(ringcast, 1, /is a user already/, ['user', 'add', 'zoe', '--camera', '*', ...pipe], 'x\n');
  await fails(ringcast, 2, /--role, --camera or --group/, ['user', 'set', 'zoe']);
  await fails(ringcast, 2, /--ttl 1h/, ['token', '--camera', '*']);
  for (const ttl of ['0s', '1', '1y', '11y', '-1h', 'h', '1hh', '99999999999h', '600w'])
    await fails(ringcast, 2, /never/, ['token', '--camera', '*', '--ttl', ttl]);
  await fails(ringcast, 2, /--camera '\*'/, ['token', '--ttl', '1h']);
  await fails(ringcast, 1, /no token/, ['token', 'revoke', '01234567']);

  // A file that others may read, and one that is no users file.
  chmodSync(usersFile(ringcast), 0o640);
  await fails(ringcast, 1, /users\.json: other users may read or change it \(mode 640\); `chmod 600 /, ['user', 'list']);
  chmodSync(usersFile(ringcast), 0o600);
  const { users } = stored(ringcast);
  writeFileSync(usersFile(ringcast), `{"version":1,"users":[${JSON.stringify({ ...users[0], role: 'king' })}]}`);
  await fails(ringcast, 1, /users\.json: users\[0\]\.role: not a role; /, ['user', 'remove', 'zoe']);
  writeFileSync(usersFile(ringcast), `{"version":1,\n"users":[${CANARY}`);
  await fails(ringcast, 1, /^((?!Kanarie)[^])*users\.json: line 2 is not valid JSON((?!Kanarie)[^])*$/, ['user', 'remove', 'zoe']);
});

scenario('the terminal asks twice, and shows nothing', async (stage) => {
  const ringcast = stage.instance(settings);
  const command = (...args) => `'${program('ringcastctl')}' --config '${ringcast.config}' ${args.join(' ')}`;
  const begin = (...args) => stage.start('script', ['-qec', command(...args), '/dev/null']);
  const asked = async (terminal, what, times = 1) => {
    await terminal.until(what, ({ stdout }) => stdout.split(what).length > times);
    for (const pid of descendants(terminal.pid)) {
      assert.doesNotMatch(commandLine(pid), /Kanarie/);
      assert.doesNotMatch(environment(pid), /Kanarie/);
    }
  };
  const type = (terminal, text) => terminal.child.stdin.write(text);

  const good = begin('user', 'add', 'anna', '--camera', "'*'");
  await asked(good, 'New password for anna: ');
  type(good, `${CANARY}\n`);
  await asked(good, 'The same again for anna: ');
  type(good, `${CANARY}\n`);
  assert.equal((await good.finish()).code, 0, good.log);
  assert.doesNotMatch(good.log, /Kanarie/);
  const [{ hash }] = stored(ringcast).users;
  const check = 'import crypt,sys; sys.exit(crypt.crypt(sys.argv[1], sys.argv[2]) != sys.argv[2])';
  let python = true;
  try {
    execFileSync('python3', ['-W', 'ignore', '-c', 'import crypt']);
  } catch {
    python = false; // later Pythons have no crypt
  }
  if (python) execFileSync('python3', ['-W', 'ignore', '-c', check, CANARY, hash]);

  const different = begin('user', 'passwd', 'anna');
  await asked(different, 'New password for anna: ');
  type(different, `${CANARY}\n`);
  await asked(different, 'The same again for anna: ');
  type(different, `${CANARY}x\n`);
  assert.equal((await different.finish()).code, 2, different.log);
  assert.match(different.stdout, /the two passwords differ/);
  assert.doesNotMatch(different.log, /Kanarie/);
  assert.equal(stored(ringcast).users[0].hash, hash);

  // Ctrl-C ends it, and gives the echo back.
  const interrupted = stage.start('script', ['-qec', `trap : INT; ${command('user', 'passwd', 'anna')}; echo code $?; stty -a`, '/dev/null']);
  await asked(interrupted, 'New password for anna: ');
  type(interrupted, '\x03');
  await interrupted.finish();
  assert.match(interrupted.stdout, /code 130/);
  assert.match(interrupted.stdout, / echo /);
  assert.equal(stored(ringcast).users[0].hash, hash);
});

scenario('tokens are shown once, and end', async (stage) => {
  const ringcast = stage.instance(settings);
  const made = await succeeds(ctl(ringcast, ['token', '--camera', 'front*', '--ttl', '1h', '--once', '--name', 'the wall']));
  assert.match(made.stdout, /^rct_[0-9a-f]{8}_[A-Za-z0-9_-]{43}\n$/);
  const text = made.stdout.trim();
  assert.doesNotMatch(made.stderr, new RegExp(text.slice(13)));
  const [token] = stored(ringcast).tokens;
  assert.equal(token.id, text.slice(4, 12));
  assert.equal(token.hash, createHash('sha256').update(text).digest('hex'));
  assert.ok(Math.abs(token.expires - 3600 - token.created) <= 1 && Math.abs(token.created - Date.now() / 1000) < 60);
  assert.deepEqual({ ...token, id: '', hash: '', expires: 0, created: 0 },
    { id: '', hash: '', name: 'the wall', role: 'viewer', cameras: ['front*'], groups: [], expires: 0, once: true, created: 0 });
  assert.ok(!readFileSync(usersFile(ringcast), 'utf8').includes(text.slice(13)));
  const lasting = JSON.parse((await succeeds(ctl(ringcast, ['token', 'add', '--group', 'yard', '--role', 'operator', '--ttl', 'never', '--json']))).stdout);
  assert.match(lasting.token, /^rct_/);
  assert.deepEqual([lasting.expires, lasting.once, lasting.role, lasting.hash], [0, false, 'operator', undefined]);

  const list = await succeeds(ctl(ringcast, ['token', 'list', '--json']));
  assert.deepEqual(JSON.parse(list.stdout).tokens.map(({ id }) => id), [token.id, lasting.id]);
  for (const secret of [text.slice(13), token.hash, lasting.token.slice(13)]) assert.ok(!list.stdout.includes(secret));
  const table = await succeeds(ctl(ringcast, ['token', 'list']));
  assert.match(table.stdout, new RegExp(`${token.id}  the wall  .* once  viewer, cameras front\\*\n${lasting.id}  -  .* never .*operator, groups yard`));
  await succeeds(ctl(ringcast, ['token', 'revoke', token.id]));
  await succeeds(ctl(ringcast, ['token', 'revoke', lasting.token]));
  assert.deepEqual(stored(ringcast).tokens, []);

  // One that has expired is neither listed nor kept.
  writeFileSync(usersFile(ringcast), JSON.stringify({ version: 1, tokens: [{ ...token, expires: 5 }] }));
  assert.equal(JSON.parse((await succeeds(ctl(ringcast, ['token', 'list', '--json']))).stdout).tokens.length, 0);
  await succeeds(ctl(ringcast, ['token', '--camera', '*', '--ttl', '4w']));
  assert.deepEqual(stored(ringcast).tokens.map(({ cameras }) => cameras), [['*']]);
});

scenario('many at once lose nothing', async (stage) => {
  const ringcast = stage.instance(settings);
  const names = Array.from({ length: 6 }, (_, i) => `user${i}`);
  await Promise.all(names.map((name) => succeeds(add(ringcast, name, CANARY, '--camera', name))));
  assert.deepEqual(stored(ringcast).users.map(({ name }) => name).sort(), names);
});

scenario("without a configuration's word, the file is in the state directory; without auth, that is told", async (stage) => {
  const ringcast = stage.instance({ cameras: [camera], groups });
  const added = await succeeds(add(ringcast, 'anna', CANARY, '--camera', '*'));
  assert.match(added.stderr, /nobody has to log in yet; add auth = \{ \};/);
  const elsewhere = stage.file('elsewhere/users.json');
  ringcast.settings.auth = { passwords: elsewhere };
  ringcast.write();
  await succeeds(add(ringcast, 'ben', CANARY, '--group', 'yard'));
  assert.equal(JSON.parse(readFileSync(elsewhere, 'utf8')).users[0].name, 'ben');
  assert.deepEqual(stored(ringcast).users.map(({ name }) => name), ['anna']);

  // No configuration at all.
  const env = { XDG_STATE_HOME: '', HOME: stage.file('home'), STATE_DIRECTORY: stage.file('state'), RINGCAST_CONFIG: '' };
  const alone = await run(program('ringcastctl'), ['user', 'add', 'zoe', '--camera', '*', '--password-stdin'], { env, input: 'x\n' });
  if (!existsSync('/etc/ringcast/ringcast.conf')) {
    assert.equal(alone.code, 0, alone.stderr);
    assert.equal(JSON.parse(readFileSync(stage.file('state/users.json'), 'utf8')).users[0].name, 'zoe');
  }
});

scenario("root's change leaves the file to the user that runs ringcastd", async (stage) => {
  if (process.getuid() !== 0) return; // an ordinary user cannot give files away
  const ringcast = stage.instance(settings);
  mkdirSync(ringcast.state, { mode: 0o700 });
  chownSync(ringcast.state, 65534, 65534);
  await succeeds(add(ringcast, 'anna', CANARY, '--camera', '*'));
  await succeeds(ctl(ringcast, ['token', '--camera', '*', '--ttl', '1h']));
  for (const name of readdirSync(ringcast.state)) {
    const { uid, gid, mode } = statSync(path.join(ringcast.state, name));
    assert.deepEqual([name, uid, gid, mode & 0o7777], [name, 65534, 65534, 0o600]);
  }
});

scenario('a running ringcastd is told, and shows no secret', async (stage) => {
  const ringcast = stage.instance({ cameras: [camera], groups, auth: {}, log_level: 'debug' }).start();
  await ringcast.serving();
  const silent = async (promise) => assert.equal((await succeeds(promise)).stderr, '');
  await silent(add(ringcast, 'anna', CANARY, '--camera', '*'));
  await silent(ctl(ringcast, ['user', 'passwd', 'anna', '--password-stdin'], `${CANARY}2\n`));
  await silent(ctl(ringcast, ['user', 'logout', 'anna']));
  const token = (await succeeds(ctl(ringcast, ['token', '--camera', 'front', '--ttl', '1h']))).stdout.trim();
  await silent(ctl(ringcast, ['token', 'revoke', token.slice(4, 12)]));

  // Another configuration with the same socket: the file that was changed is not the one that ringcastd reads.
  const other = stage.file('other.conf', readFileSync(ringcast.config, 'utf8').replace(ringcast.state, stage.file('other')));
  const missed = await run(program('ringcastctl'), ['--config', other, 'user', 'add', 'ben', '--camera', '*', '--password-stdin'], { input: 'x\n' });
  assert.equal(missed.code, 1);
  assert.match(missed.stderr, /other\/users\.json is changed, but the running ringcastd reads .*state\/users\.json; set auth\.passwords/);

  const seen = [ringcast.log];
  for (const args of [['status', '--json'], ['log', 'fanout'], ['user', 'list', '--json'], ['token', 'list', '--json']]) {
    const { stdout, stderr } = await ctl(ringcast, args);
    seen.push(stdout + stderr);
  }
  for (const pid of [ringcast.pid, ...ringcast.children]) seen.push(commandLine(pid));
  for (const pid of [ringcast.pid, ...descendants(ringcast.pid)]) {
    try {
      seen.push(environment(pid));
    } catch {
      // It has ended, or may not be looked into.
    }
  }
  const { hash } = stored(ringcast).users[0];
  for (const secret of ['Kanarie', hash.slice(-43), token.slice(13), createHash('sha256').update(token).digest('hex')])
    for (const text of seen) assert.ok(!text.includes(secret), `${secret}: ${text}`);
});
