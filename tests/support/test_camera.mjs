// SPDX-License-Identifier: MIT
// The test camera: see tests/camera/README.md.
import { Running, program, sanitizerEnvironment } from './processes.mjs';

// GLib has no frame pointers: only with the slow unwinder do suppressions match its allocations. That and the search at the end cost more
// than all the rest that a camera does in most tests, so only tests of the camera itself look for its leaks (`leaks: true`).
const looking = { ASAN_OPTIONS: `${sanitizerEnvironment().ASAN_OPTIONS}:fast_unwind_on_malloc=0` };
const notLooking = { ASAN_OPTIONS: 'detect_leaks=0:halt_on_error=1:exitcode=99:detect_stack_use_after_return=0' };

export class TestCamera extends Running {
  /** ARGS as for ringcast-test-camera; PASSWORD goes to it through its environment. */
  constructor(args, { password, leaks = false, ...options } = {}) {
    const env = { ...(leaks ? looking : notLooking), GST_REGISTRY_FORK: 'no', ...options.env };
    if (password !== undefined) env.RINGCAST_CAMERA_PASSWORD = password;
    super(program('ringcast-test-camera'), args, { ...options, env });
    this.answers = 0; // lines of standard output already taken
  }

  async ready() {
    const line = await this.#line();
    this.port = line.port;
    this.cameras = line.cameras;
    return this;
  }

  async #line() {
    const index = this.answers++;
    await this.until('an answer', () => this.stdout.split('\n').length - 1 > index);
    return JSON.parse(this.stdout.split('\n')[index]);
  }

  url(index = 0) {
    return this.cameras[index].url;
  }

  async #answer(line) {
    this.child.stdin.write(`${line}\n`);
    const answer = await this.#line();
    if (!answer.ok) throw new Error(`${line}: ${answer.error}`);
    return answer;
  }

  /** "drop cam1", "pause cam1", …: returns how many connections the camera had. */
  async command(line) {
    return (await this.#answer(line)).clients;
  }

  /** How many frames camera NAME has given to its encoder. */
  async frames(name) {
    return (await this.#answer(`clients ${name}`)).frames;
  }
}
