// SPDX-License-Identifier: MIT
// Starting, watching and ending programs, always by process id.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { waitUntil, within } from './wait.mjs';

const repository = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');

/** The build tree under test: RINGCAST_BUILD, which CMake sets. */
export const buildDirectory = path.resolve(process.env.RINGCAST_BUILD ?? path.join(repository, 'build/dev'));
export const repositoryDirectory = repository;

export const program = (name) => path.join(buildDirectory, 'bin', name);

const suppressions = path.join(repository, 'tests/support');

/** Settings for sanitizers; a program built without one ignores them. */
export function sanitizerEnvironment() {
  return {
    ASAN_OPTIONS: 'detect_leaks=1:halt_on_error=1:abort_on_error=0:exitcode=99:detect_stack_use_after_return=0',
    LSAN_OPTIONS: `suppressions=${suppressions}/lsan.supp:print_suppressions=0`,
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
    TSAN_OPTIONS: 'halt_on_error=1:exitcode=99',
  };
}

/** For tests that look at memory: AddressSanitizer keeps what is freed, up to 256 MB, and that would look like a leak. */
export const quickReuse = { ASAN_OPTIONS: `${sanitizerEnvironment().ASAN_OPTIONS}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64` };

const SANITIZER_REPORT =
  /(ERROR: (Address|Leak|Thread|Memory)Sanitizer|WARNING: ThreadSanitizer|runtime error:|AddressSanitizer:DEADLYSIGNAL)/;

/** The first sanitizer report in TEXT with what follows it, or null. */
export function sanitizerReport(text) {
  const found = SANITIZER_REPORT.exec(text);
  return found ? text.slice(found.index, found.index + 6000) : null;
}

function statFields(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** True while the process runs; a zombie does not. */
export function isAlive(pid) {
  try {
    return !['Z', 'X'].includes(statFields(pid)[0]);
  } catch {
    return false;
  }
}

/** Processes that are remembered for long: they are told from later ones to which the kernel gives the same id. */
export class Processes {
  #started = new Map(); // process id: when it began, in the kernel's ticks

  add(pid) {
    try {
      this.#started.set(pid, statFields(pid)[19]);
    } catch {
      // It has ended already.
    }
    return this;
  }

  /** Those that still run. */
  living() {
    return [...this.#started].filter(([pid, started]) => isAlive(pid) && began(pid) === started).map(([pid]) => pid);
  }

  /** All process ids that were added. */
  [Symbol.iterator]() {
    return this.#started.keys();
  }
}

function began(pid) {
  try {
    return statFields(pid)[19];
  } catch {
    return undefined;
  }
}

/** Process ids of all descendants of PID at this moment. */
export function descendants(pid) {
  const parents = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      parents.set(Number(entry), Number(statFields(entry)[1]));
    } catch {
      // It has ended meanwhile.
    }
  }
  const found = [];
  for (let wave = [pid]; wave.length > 0; ) {
    wave = [...parents].filter(([, parent]) => wave.includes(parent)).map(([child]) => child);
    found.push(...wave);
  }
  return found;
}

export const commandName = (pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();

/** Empty if the process has ended. */
export function commandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return '';
    throw error;
  }
}

export const environment = (pid) => readFileSync(`/proc/${pid}/environ`, 'utf8');

/** The files to which the process's descriptors refer. */
export function descriptors(pid) {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

/** A running program with its output. */
export class Running {
  constructor(command, args, { env = {}, name = path.basename(command), ...options } = {}) {
    if (path.isAbsolute(command) && !existsSync(command)) throw new Error(`${command} is not built`);
    this.name = name;
    this.stdout = '';
    this.stderr = '';
    this.child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...sanitizerEnvironment(), ...env },
      ...options,
    });
    this.child.stdin.on('error', () => {});
    this.child.stdout.setEncoding('utf8').on('data', (text) => (this.stdout += text));
    this.child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
    this.exited = once(this.child, 'exit').then(([code, signal]) => (this.result = { code, signal }));
    this.exited.catch(() => {});
  }

  get pid() {
    return this.child.pid;
  }

  get running() {
    return this.result === undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Everything it wrote, for messages. */
  get log() {
    return `--- ${this.name} (pid ${this.pid}), ${JSON.stringify(this.result ?? 'running')}\n${this.stdout}${this.stderr}`;
  }

  /** Waits until CHECK(this) is true; fails at once if the program ends before. */
  async until(what, check, limit) {
    return waitUntil(
      `${what} of ${this.name}`,
      () => {
        const value = check(this);
        if (!value && !this.running) this.gone = true;
        return value || this.gone;
      },
      limit,
    ).then((value) => {
      if (this.gone && !check(this)) throw new Error(`${this.name} ended before ${what}\n${this.log}`);
      return value;
    });
  }

  signal(signal) {
    if (this.running) this.child.kill(signal);
  }

  /** Sends SIGNAL and returns how the program ended; kills a program that does not end in LIMIT ms, and fails. */
  async stop(signal = 'SIGTERM', limit = 15000) {
    this.signal(signal);
    return this.finish(limit);
  }

  async finish(limit = 15000) {
    try {
      return await within(`the end of ${this.name}`, this.exited, limit);
    } catch (error) {
      this.signal('SIGKILL');
      await this.exited;
      throw error;
    }
  }
}

/** Runs a program to its end: {code, signal, stdout, stderr}. */
export async function run(command, args = [], { limit = 30000, input, ...options } = {}) {
  const running = new Running(command, args, options);
  running.child.stdin.end(input);
  const closed = once(running.child, 'close');
  const result = await running.finish(limit);
  await closed;
  return { ...result, stdout: running.stdout, stderr: running.stderr };
}
