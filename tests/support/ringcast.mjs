// SPDX-License-Identifier: MIT
// One ringcastd of the build under test, with its own configuration, runtime directory and instance name.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Processes, Running, descendants, isAlive, program, run } from './processes.mjs';
import { waitUntil } from './wait.mjs';

let instances = 0;

const quote = (text) =>
  `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n').replace(/\t/g, '\\t').replace(/\r/g, '\\r')}"`;

function format(value) {
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return `(${value.map(format).join(',\n')})`;
  if (typeof value === 'object') return `{ ${Object.entries(value).map(([k, v]) => `${k} = ${format(v)};`).join(' ')} }`;
  return String(value);
}

/** SETTINGS as a configuration file. */
export const configuration = (settings) =>
  Object.entries(settings).map(([name, value]) => `${name} = ${format(value)};\n`).join('');

export class Ringcast {
  /** DIRECTORY is this instance's own. SETTINGS are added to (and override) those that keep instances apart. */
  constructor(directory, settings) {
    mkdirSync(directory, { recursive: true });
    this.directory = directory;
    this.runtime = path.join(directory, 'run');
    this.instance = `test-${process.pid}-${++instances}`;
    this.config = path.join(directory, 'ringcast.conf');
    this.state = path.join(directory, 'state');
    this.settings = {
      listen: '127.0.0.1:0',
      runtime_dir: this.runtime,
      state_dir: this.state,
      instance: this.instance,
      ...settings,
    };
    this.instance = this.settings.instance;
    this.children = new Processes(); // every descendant seen
    this.past = []; // earlier runs of the supervisor
    this.write();
  }

  /** As a whole: a command that reads the file at this moment has the old one or the new one. */
  write(text = configuration(this.settings)) {
    const next = `${this.config}.next`;
    writeFileSync(next, text, { mode: 0o600 });
    renameSync(next, this.config);
  }

  /** BINARY: another program than that of the build tree. OPTIONS as for spawn: uid and gid start it as another user. */
  start({ binary = program('ringcastd'), ...options } = {}) {
    if (this.daemon) this.past.push(this.daemon);
    this.daemon = new Running(binary, ['--config', this.config, '--foreground'], options);
    return this;
  }

  get pid() {
    return this.daemon.pid;
  }

  get log() {
    return [...this.past, this.daemon].filter(Boolean).map((daemon) => daemon.log).join('\n');
  }

  async ctl(...args) {
    return run(program('ringcastctl'), ['--config', this.config, ...args]);
  }

  async status() {
    const result = await this.ctl('status', '--json');
    if (result.code !== 0) {
      if (!this.daemon.running) throw new Error('ringcastd has ended');
      throw new Error(`ringcastctl status: exit ${result.code}: ${result.stderr}`);
    }
    for (const pid of descendants(this.pid)) this.children.add(pid);
    const status = JSON.parse(result.stdout);
    // Processes that were taken over are not descendants.
    for (const { pid } of [...status.cameras, ...status.fanouts, status.template, status.keeper, ...Object.values(status.programs).filter(Boolean)]) if (pid) this.children.add(pid);
    return status;
  }

  async camera(name) {
    const found = (await this.status()).cameras.find((camera) => camera.name === name);
    assert.ok(found, `no camera ${name} in status`);
    return found;
  }

  /** Waits until CHECK(status) is true, and returns the status. */
  async until(what, check, limit = 30000) {
    return waitUntil(
      what,
      async () => {
        if (!this.daemon.running) return { ended: true };
        const status = await this.status();
        return check(status) && status;
      },
      limit,
    ).then((status) => {
      assert.ok(!status.ended, `ringcastd ended before ${what}`);
      return status;
    });
  }

  /** Waits until it serves and every camera (or those named) streams. */
  async streaming(names = this.settings.cameras.map((camera) => camera.name), limit = 60000) {
    const status = await this.until(
      `cameras ${names} to stream`,
      ({ address, cameras }) =>
        address && names.every((name) => cameras.some((camera) => camera.name === name && camera.state === 'streaming')),
      limit,
    );
    this.address = status.address;
    return status;
  }

  /** Waits until it serves, whatever its cameras do. */
  async serving() {
    const status = await this.until('the address', ({ address, fanouts }) => address && fanouts[0]?.state === 'running');
    this.address = status.address;
    return status;
  }

  /** The ids of all its processes: also of those that an earlier ringcastd began, and this one has taken over. */
  processes() {
    for (const pid of descendants(this.pid)) this.children.add(pid);
    return [...new Set([...(isAlive(this.pid) ? [this.pid] : []), ...this.children.living()])];
  }

  rings() {
    return readdirSync('/dev/shm').filter((name) => name.startsWith(`ringcast.${this.instance}.`));
  }

  /** Ends it with SIGNAL and checks that it ended cleanly and left nothing. */
  async stop(signal = 'SIGTERM') {
    for (const pid of descendants(this.pid)) this.children.add(pid);
    const result = await this.daemon.stop(signal, 30000);
    assert.deepEqual(result, { code: 0, signal: null }, `ringcastd ended with ${JSON.stringify(result)}`);
    await this.assertNothingLeft();
  }

  /** Fails if a process, shared memory or a socket of this instance is left. */
  async assertNothingLeft() {
    await waitUntil(`the children to end (${this.children.living()})`, () => this.children.living().length === 0);
    assert.deepEqual(this.rings(), [], 'no ring is left in /dev/shm');
    const left = existsSync(this.settings.runtime_dir) ? readdirSync(this.settings.runtime_dir) : [];
    assert.deepEqual(left.filter((name) => name !== 'lock'), [], 'nothing but the lock is left in the runtime directory');
  }

  /** What a node leaves whose processes were all killed at once; the next ringcastd of its name would remove it. */
  removeRings() {
    for (const name of this.rings()) rmSync(`/dev/shm/${name}`, { force: true });
  }

  /** After a test that failed half-way: ends all processes that still run. Returns those that it had to kill. */
  async clear() {
    const killed = [];
    if (!this.daemon) return killed;
    if (this.daemon.running) {
      for (const pid of descendants(this.pid)) this.children.add(pid);
      await this.daemon.stop('SIGTERM', 10000).catch(() => killed.push(this.pid));
    }
    for (const pid of this.children.living()) {
      killed.push(pid);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
    return killed;
  }
}
