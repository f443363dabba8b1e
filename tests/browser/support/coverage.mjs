// Lines of the player's library that its unit tests run, as Node counts them:
//     node tests/browser/support/coverage.mjs

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const TESTS = fileURLToPath(new URL('../', import.meta.url));
const ROW = /player\/src\/([\w-]+\.js)\s*\|\s*([\d.]+)\s*\|\s*[\d.]+\s*\|\s*[\d.]+\s*\|\s*([\d\s,-]*)/;

/** What is measured: the modules that do without a document, and are therefore tested without a browser. */
export const LIBRARY = [
  ...['append-queue', 'boxes', 'condition', 'continuity', 'live-edge', 'media', 'meter', 'player', 'program', 'scope'],
  ...['server-clock', 'session', 'transport'],
].map((name) => `${name}.js`);

/** `{ file, percent, uncovered }` of every module of the library, from a run of the unit tests of those modules. */
export function measure() {
  const files = readdirSync(TESTS).filter((name) => /^unit_(boxes|edge|media|meter|player|program|queue|transport)\.test\.mjs$/.test(name));
  const { NODE_TEST_CONTEXT, NODE_V8_COVERAGE, ...env } = process.env; // a test may run this
  const args = ['--test', '--experimental-test-coverage', '--test-reporter=tap', ...files.map((name) => TESTS + name)];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8', env, maxBuffer: 64 << 20 });
  if (status !== 0) throw new Error(`the unit tests fail:\n${stdout}`);
  const rows = stdout.split('\n').map((line) => ROW.exec(line)).filter(Boolean);
  return rows.map(([, file, percent, uncovered]) => ({ file, percent: Number(percent), uncovered: uncovered.trim() }))
    .filter(({ file }) => LIBRARY.includes(file));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { file, percent, uncovered } of measure()) console.log(`${file.padEnd(18)} ${percent.toFixed(2).padStart(6)} %  ${uncovered}`);
}
