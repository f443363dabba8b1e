// SPDX-License-Identifier: MIT
// deploy/cluster: what systemd, a server of NATS and ringcastd say to the files, and whether everything that they name exists.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildDirectory, program, repositoryDirectory, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const deploy = path.join(repositoryDirectory, 'deploy/cluster');
const hasRelay = existsSync(program('ringcast-relay'));

/** compose.yaml as an object, without its anchors; null: there is no reader of YAML. */
async function compose() {
  const { code, stdout } = await run('python3', ['-c', 'import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))', path.join(deploy, 'compose.yaml')]);
  return code === 0 ? JSON.parse(stdout) : null;
}

scenario('the units of a node are right, and drain before they stop', async (stage) => {
  const prefix = path.join(stage.directory, 'ringcast');
  const installed = await run('cmake', ['--install', buildDirectory, '--prefix', prefix]);
  assert.equal(installed.code, 0, installed.stderr);
  const units = path.join(stage.directory, 'units');
  mkdirSync(path.join(units, 'ringcast.service.d'), { recursive: true });
  mkdirSync(path.join(units, 'nats-server.service.d'));
  copyFileSync(path.join(prefix, 'lib/systemd/system/ringcast.service'), path.join(units, 'ringcast.service'));
  const natsUnit = '/lib/systemd/system/nats-server.service';
  if (existsSync(natsUnit)) copyFileSync(natsUnit, path.join(units, 'nats-server.service'));
  copyFileSync(path.join(deploy, 'systemd/nats-server-node.conf'), path.join(units, 'nats-server.service.d/node.conf'));
  const dropIn = readFileSync(path.join(deploy, 'systemd/ringcast-cluster.conf'), 'utf8');
  const [, ...command] = /^ExecStop=-\/usr\/bin\/(ringcastctl) --config \/etc\/ringcast\/ringcast\.conf (.*)$/m.exec(dropIn);
  writeFileSync(path.join(units, 'ringcast.service.d/cluster.conf'), dropIn.replace('/usr/bin/', `${prefix}/bin/`));
  const verified = await run('systemd-analyze', ['verify', '--man=no', ...['ringcast.service', ...(existsSync(natsUnit) ? ['nats-server.service'] : [])].map((name) => path.join(units, name))], { env: { SYSTEMD_UNIT_PATH: `${units}:` } });
  assert.equal(verified.code, 0, verified.stderr);
  assert.doesNotMatch(verified.stderr, /ringcast|nats-server/);
  const words = command.join(' ').split(' ').slice(1);
  const answer = await run(path.join(prefix, 'bin/ringcastctl'), ['--socket', `ipc://${stage.file('nobody')}`, ...words]);
  assert.notEqual(answer.code, 2, `ringcastctl does not know ${words.join(' ')}: ${answer.stderr}`);
}, { limit: 120_000, skip: existsSync('/usr/bin/systemd-analyze') ? false : 'no systemd-analyze' });

scenario('the three nodes of compose.yaml have configurations that are taken, and every path that is named', async (stage) => {
  const description = await compose();
  if (!description) return console.log('# compose.yaml was not read: python3 has no yaml');
  const { services, volumes } = description;
  assert.deepEqual(Object.keys(services).sort(), ['nats-a', 'nats-b', 'nats-c', 'ringcast-a', 'ringcast-b', 'ringcast-c']);
  const docker = readFileSync(path.join(deploy, 'compose/Dockerfile'), 'utf8');
  const stages = [...docker.matchAll(/^FROM debian:12-slim AS (\w+)$/gm)].map(([, stageName]) => stageName);
  const data = stage.file('data');
  for (const [name, service] of Object.entries(services)) {
    const files = {};
    for (const volume of service.volumes) {
      const [from, to] = volume.split(':');
      if (!from.startsWith('./')) assert.ok(from in volumes, `${name}: there is no volume ${from}`);
      else assert.ok(existsSync(files[to] = path.join(deploy, from)), `${name}: ${from} is not there`);
    }
    for (const other of service.depends_on ?? []) assert.ok(other in services, `${name} depends on ${other}`);
    assert.ok(stages.includes(service.build.target), `${name}: the Dockerfile has no stage ${service.build.target}`);
    const directory = stage.file(name);
    mkdirSync(directory);
    for (const [to, from] of Object.entries(files)) writeFileSync(path.join(directory, path.basename(to)), readFileSync(from, 'utf8').replace('/var/lib/nats', data));
    if (name.startsWith('nats-')) {
      assert.ok('/etc/nats-server.conf' in files);
      const checked = await run('nats-server', ['--config', path.join(directory, 'nats-server.conf'), '-t'], { env: service.environment });
      assert.equal(checked.code, 0, checked.stderr);
    } else {
      assert.ok('/etc/ringcast/ringcast.conf' in files);
      const checked = await run(program('ringcastd'), ['--check', '--config', path.join(directory, 'ringcast.conf')]);
      assert.equal(checked.code, 0, checked.stderr);
      const text = readFileSync(files['/etc/ringcast/ringcast.conf'], 'utf8');
      assert.ok(text.includes(`node = "${name.at(-1)}"`));
      for (const [, host] of text.matchAll(/nats:\/\/([\w-]+):4222/g)) assert.ok(host in services, `there is no ${host}`);
    }
  }
  assert.match(docker, /CMD \["\/usr\/sbin\/nats-server", "--config", "\/etc\/nats-server\.conf"\]/);
  assert.match(docker, /CMD \["\/usr\/bin\/ringcastd", "--foreground", "--config", "\/etc\/ringcast\/ringcast\.conf"\]/);
  const named = readdirSync(path.join(deploy, 'compose')).filter((name) => name.endsWith('.conf'));
  assert.deepEqual(named.sort(), ['a.conf', 'b.conf', 'c.conf', 'cameras.conf', 'nats.conf']);
}, { limit: 120_000, skip: hasRelay ? false : 'ringcast-relay was not built' });
