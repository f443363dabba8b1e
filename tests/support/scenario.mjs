// SPDX-License-Identifier: MIT
// A test with a stage of its own: a temporary directory, cameras, ringcast instances and viewers. All of them are
// ended and checked in any case. On a failure the captured logs are printed.
import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { LiveViewer } from './live_viewer.mjs';
import { Running, buildDirectory, sanitizerReport } from './processes.mjs';
import { Ringcast } from './ringcast.mjs';
import { TestCamera } from './test_camera.mjs';

const LIMIT_MS = 120000;
const LOG_TAIL = 20000;

// The exit code that means "skipped" to ctest; for a file whose only scenario cannot run here.
const SKIPPED = 77;

class Stage {
  constructor() {
    this.directory = mkdtempSync(path.join(os.tmpdir(), 'ringcast-test-'));
    chmodSync(this.directory, 0o711); // so that a test can run something as another user below it
    this.running = [];
    this.instances = [];
    this.viewers = [];
  }

  /** A path in this test's directory; with CONTENT, a file. */
  file(name, content) {
    const file = path.join(this.directory, name);
    if (content !== undefined) writeFileSync(file, content);
    return file;
  }

  /**
   * The programs' directory for an ordinary user, who may not be able to enter the build's: a copy. Its environment goes
   * with it, because a sanitizer's suppressions lie beside the build, too.
   */
  copyPrograms() {
    const copy = path.join(this.directory, 'programs');
    for (const part of ['bin', 'share']) cpSync(path.join(buildDirectory, part), path.join(copy, part), { recursive: true });
    return { program: (name) => path.join(copy, 'bin', name), env: { LSAN_OPTIONS: '' } };
  }

  start(command, args, options) {
    const running = new Running(command, args, options);
    this.running.push(running);
    return running;
  }

  /** A test camera program that is ready to serve. */
  async camera(args = [], options = {}) {
    const camera = new TestCamera(['--size', '320x180', '--fps', '15', '--gop', '15', ...args], options);
    this.running.push(camera);
    return camera.ready();
  }

  /** A ringcast instance that is not started yet. */
  instance(settings) {
    const instance = new Ringcast(path.join(this.directory, `instance${this.instances.length}`), settings);
    this.instances.push(instance);
    return instance;
  }

  /** An instance that shows every camera of CAMERA (a TestCamera), and streams. EXTRA: settings of each camera. */
  async ringcast(camera, extra = {}, settings = {}) {
    const cameras = camera.cameras.map(({ name, url }) => ({ name, url, ...extra }));
    const instance = this.instance({ cameras, ...settings }).start();
    await instance.streaming();
    return instance;
  }

  viewer(instance, camera, options) {
    const viewer = new LiveViewer(instance.address, camera, options);
    this.viewers.push(viewer);
    return viewer;
  }

  get log() {
    const logs = [...this.instances.map((instance) => instance.log), ...this.running.map((running) => running.log)];
    return logs.map((log) => (log.length > LOG_TAIL ? `…${log.slice(-LOG_TAIL)}` : log)).join('\n');
  }

  /** The end of a test that succeeded: every process must end, and end cleanly. */
  async finish() {
    for (const viewer of this.viewers) await viewer.close();
    for (const instance of this.instances) if (instance.daemon?.running) await instance.stop();
    for (const running of this.running) {
      if (!running.running) continue;
      assert.deepEqual(await running.stop(), { code: 0, signal: null }, `${running.name} ends cleanly`);
    }
    const report = sanitizerReport(this.log);
    assert.equal(report, null, `a sanitizer's report:\n${report}`);
  }

  async clear() {
    for (const viewer of this.viewers) viewer.socket.terminate();
    for (const instance of this.instances) {
      await instance.clear();
      instance.removeRings();
    }
    for (const running of this.running) if (running.running) await running.stop('SIGKILL').catch(() => {});
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** test(NAME) with a Stage. SKIP: false, or the reason why it cannot run here. */
export function scenario(name, body, { limit = LIMIT_MS, skip = false } = {}) {
  if (skip) {
    console.log(`skipped: ${skip}`);
    process.exitCode = SKIPPED;
    return;
  }
  test(name, { timeout: limit }, async () => {
    const stage = new Stage();
    try {
      await body(stage);
      await stage.finish();
    } catch (error) {
      console.error(`${name}: ${error.stack}\n${stage.log}`);
      throw error;
    } finally {
      await stage.clear();
    }
  });
}
