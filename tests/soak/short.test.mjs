// SPDX-License-Identifier: MIT
// The soak in a short form: everything happens, and is counted. A minute shows no slope, so none is asked for.
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.mjs';
import { FIGURES, PROCESSES, rowsOf } from './samples.mjs';
import { soak } from './soak.mjs';

const SECONDS = 60;
const EVERY_S = 5;
const PACE = 8;

scenario(`${SECONDS} s of everything at once`, async (stage) => {
  const { counts, broken, samples } = await soak(stage, stage.directory, { seconds: SECONDS, every: EVERY_S, few: true, pace: PACE, browser: false });
  console.log(JSON.stringify(counts));
  assert.deepEqual(broken, []);
  assert.ok(samples >= 3, `${samples} samples`);
  for (const what of ['camera', 'reload', 'worker']) assert.ok(counts.trouble[what] > 0, `${what}: ${JSON.stringify(counts.trouble)}`);
  for (const [kind, { visits, got }] of Object.entries(counts.viewers)) assert.ok(visits > 0 && got > 0, `${kind}: ${visits} visits, got ${got}`);
  const roles = new Set(rowsOf(stage.directory, PROCESSES).map(({ role }) => role));
  for (const role of ['ringcastd', 'fan-out 1', 'keeper', 'worker hevc', 'worker doubled/sub']) assert.ok(roles.has(role), `${role}: ${[...roles]}`);
  const figures = rowsOf(stage.directory, FIGURES);
  assert.ok(figures.every(({ rings, shared_kib: shared }) => rings > 0 && shared > 0));
  assert.ok(figures.some(({ latency_ms: latency }) => latency > 0), 'latency was measured');
}, { limit: 280_000 });
