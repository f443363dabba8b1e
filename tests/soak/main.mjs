#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// The soak, for as long as it is told to:
//   RINGCAST_BUILD=build/release node tests/soak/main.mjs --hours 3 --output DIRECTORY [--seed N] [--pace N] [--few] [--no-browser]
// The directory gets the samples as they come, and at the end the verdict and the plot. It fails if something grows, or if a viewer
// saw what nothing of the soak's own explains.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { scenario } from '../support/scenario.mjs';
import { report } from './report.mjs';
import { soak } from './soak.mjs';

const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '0' },
    minutes: { type: 'string', default: '0' },
    output: { type: 'string' },
    seed: { type: 'string', default: '1' },
    pace: { type: 'string', default: '1' },
    few: { type: 'boolean', default: false },
    'no-browser': { type: 'boolean', default: false },
  },
});
const seconds = Number(values.hours) * 3600 + Number(values.minutes) * 60;
if (!(seconds > 0) || !values.output) {
  console.error('main.mjs --hours N | --minutes N, --output DIRECTORY');
  process.exit(2);
}
mkdirSync(values.output, { recursive: true });

scenario(`a soak of ${(seconds / 3600).toFixed(2)} hours`, async (stage) => {
  const { counts, errors, broken, samples, page } = await soak(stage, values.output, {
    seconds, seed: Number(values.seed), pace: Number(values.pace), few: values.few, browser: !values['no-browser'],
  });
  const { text, growing } = report(values.output);
  const seen = [`${samples} samples`, JSON.stringify(counts), ...errors, ...broken, ...page].join('\n');
  writeFileSync(path.join(values.output, 'verdict.txt'), `${text}\n${seen}\n`);
  console.log(`${text}\n${seen}`);
  assert.deepEqual(growing, [], 'nothing grows');
  assert.deepEqual([...errors, ...broken, ...page], [], 'viewers and page saw nothing that is not explained');
}, { limit: (seconds + 600) * 1000 });
