// SPDX-License-Identifier: MIT
// Lines of the player's library that its unit tests run, as Node counts them:
//     node tests/browser/support/coverage.mjs
// and those of the element, which needs a document, that its tests run in Chromium:
//     node tests/browser/support/coverage.mjs --browser

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TESTS = fileURLToPath(new URL('../', import.meta.url));
const ROW = /player\/src\/player\/([\w-]+\.js)\s*\|\s*([\d.]+)\s*\|\s*[\d.]+\s*\|\s*[\d.]+\s*\|\s*([\d\s,-]*)/;

const ELEMENT = ['ringcast-camera.js', 'ringcast-camera-parts.js', 'ringcast-player.js'];

/** The modules that are measured: those that do not need a document, and are therefore tested without a browser. */
export const LIBRARY = readdirSync(new URL('../../../player/src/player/', import.meta.url)).filter((name) => !ELEMENT.includes(name));

/** Tests of what is no part of the library, and the long ones that do not run other lines. */
const OTHERS = /^unit_(cameras|coverage|package|streams|view|walk|wall|wall_ladder|wall_still)\./;

/** `{ file, percent, uncovered }` of every module of the library, from a run of the unit tests of those modules. */
export function measure() {
  const files = readdirSync(TESTS).filter((name) => name.startsWith('unit_') && !OTHERS.test(name));
  const { NODE_TEST_CONTEXT, NODE_V8_COVERAGE, ...env } = process.env; // a test may run this
  const args = ['--test', '--experimental-test-coverage', '--test-reporter=tap', ...files.map((name) => TESTS + name)];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8', env, maxBuffer: 64 << 20 });
  if (status !== 0) throw new Error(`the unit tests fail:\n${stdout}`);
  const rows = stdout.split('\n').map((line) => ROW.exec(line)).filter(Boolean);
  return rows.map(([, file, percent, uncovered]) => ({ file, percent: Number(percent), uncovered: uncovered.trim() }))
    .filter(({ file }) => LIBRARY.includes(file));
}

const ELEMENT_TESTS = ['element', 'faults', 'pictures'];

/** Which characters of a script were run, from V8's coverage: inner ranges come after outer ones. */
function runCharacters({ source, functions }) {
  const run = new Uint8Array(source.length);
  for (const { ranges } of functions) for (const { startOffset, endOffset, count } of ranges) run.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return run;
}

function linesOf(source, run) {
  const uncovered = [];
  let at = 0;
  const lines = source.split('\n');
  for (const [i, line] of lines.entries()) {
    if (line.trim() !== '' && !run.subarray(at, at + line.length).includes(1)) uncovered.push(i + 1);
    at += line.length + 1;
  }
  return { percent: 100 * (1 - uncovered.length / lines.length), uncovered: uncovered.join(' ') };
}

/** The same as measure(), of the modules that need a document. */
export function measureInBrowser() {
  const directory = mkdtempSync(join(tmpdir(), 'ringcast-coverage-'));
  try {
    const env = { ...process.env, RINGCAST_COVERAGE: directory };
    const { stdout, status } = spawnSync(process.execPath, ['--test', ...ELEMENT_TESTS.map((name) => `${TESTS}${name}.test.mjs`)], { encoding: 'utf8', env });
    if (status !== 0) throw new Error(`the tests fail:\n${stdout}`);
    const merged = new Map(); // file → { source, run }
    for (const name of readdirSync(directory)) {
      for (const entry of JSON.parse(readFileSync(join(directory, name), 'utf8'))) {
        const file = new URL(entry.url).pathname.slice(1);
        if (!ELEMENT.includes(file)) continue;
        const run = runCharacters(entry);
        const known = merged.get(file);
        if (known) run.forEach((value, i) => (known.run[i] |= value));
        else merged.set(file, { source: entry.source, run });
      }
    }
    return [...merged].map(([file, { source, run }]) => ({ file, ...linesOf(source, run) }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const modules = process.argv.includes('--browser') ? measureInBrowser() : measure();
  for (const { file, percent, uncovered } of modules) console.log(`${file.padEnd(25)} ${percent.toFixed(2).padStart(6)} %  ${uncovered}`);
}
