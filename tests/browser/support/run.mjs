// SPDX-License-Identifier: MIT
// Runs one test file. If it cannot run here, prints the reason and ends with 77, which ctest shows as skipped.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SKIPPED = 77;
const [file] = process.argv.slice(2);
const name = basename(file);
const tests = fileURLToPath(new URL('../../', import.meta.url));

function missing() {
  const packages = [...readFileSync(file, 'utf8').matchAll(/^(?:import|\}) .*'(?!node:|\.)([^']+)';/gm)].map(([, module]) => module);
  if (!name.startsWith('unit_')) packages.push('playwright-core', 'puppeteer-core', 'ws');
  for (const module of packages) {
    if (!existsSync(join(tests, 'node_modules', module))) return `the npm package ${module} is missing: run npm ci in tests/`;
  }
  if (name.startsWith('unit_')) return null;
  const [variable, usual] = name.includes('firefox') ? ['RINGCAST_FIREFOX', '/usr/bin/firefox-esr'] : ['RINGCAST_CHROMIUM', '/usr/bin/chromium'];
  const browser = process.env[variable] ?? usual;
  if (!existsSync(browser)) return `there is no ${browser} (set ${variable})`;
  if (name.startsWith('real_')) {
    for (const program of ['ringcastd', 'ringcast-fanout', 'ringcast-ingest', 'ringcast-test-camera']) {
      const path = join(process.env.RINGCAST_BUILD ?? '', 'bin', program);
      if (!existsSync(path)) return `${path} has not been built`;
    }
  } else if (spawnSync('ffmpeg', ['-version'], { stdio: 'ignore' }).error) {
    return 'there is no ffmpeg';
  }
  return null;
}

const reason = missing();
if (reason) {
  console.log(`skipped: ${reason}`);
  process.exit(SKIPPED);
}
const child = spawn(process.execPath, ['--test', '--test-reporter=spec', file], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
