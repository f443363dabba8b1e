// SPDX-License-Identifier: MIT
// The unit tests run nearly every line of the player's library.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIBRARY, measure } from './support/coverage.mjs';

const LEAST = 95; // per cent of the lines of each module

test(`at least ${LEAST} % of the lines of every module`, { timeout: 240_000 }, () => {
  const modules = measure();
  assert.deepEqual(modules.map(({ file }) => file).sort(), [...LIBRARY].sort());
  for (const { file, percent, uncovered } of modules) assert.ok(percent >= LEAST, `${file}: ${percent} %, not ${uncovered}`);
});
