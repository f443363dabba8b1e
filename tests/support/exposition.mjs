// SPDX-License-Identifier: MIT
// Prometheus' text format 0.0.4, read as strictly as its own tools do (parser and naming rules).
import assert from 'node:assert/strict';

const METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:\\[\\n"]|[^"\\\n])*",?)*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:\\[\\n"]|[^"\\\n])*)"/g;
const SUFFIXES = { histogram: ['_bucket', '_sum', '_count'], counter: [''], gauge: [''] };

const number = (text) => ({ '+Inf': Infinity, '-Inf': -Infinity, NaN })[text] ?? Number(text);

function readSample(line, family) {
  const found = SAMPLE.exec(line);
  assert.ok(found, `not a sample: ${line}`);
  const [, name, labelText = '', value] = found;
  const suffix = SUFFIXES[family.type].find((end) => name === family.name + end);
  assert.notEqual(suffix, undefined, `${line}: not of the family ${family.name}`);
  const labels = Object.fromEntries([...labelText.matchAll(LABEL)].map(([, label, text]) => [label, text]));
  assert.ok(value !== '' && (value === 'NaN' || !Number.isNaN(number(value))), `${line}: no value`);
  return { suffix, labels, value: number(value), series: `${name}{${labelText}}` };
}

/** Buckets grow with their bounds, the last one has no bound and is the count. */
function checkHistogram({ name, samples }) {
  const groups = new Map();
  for (const sample of samples) {
    const { le, ...others } = sample.labels;
    const key = JSON.stringify(others);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [labels, group] of groups) {
    const buckets = group.filter(({ suffix }) => suffix === '_bucket');
    const bounds = buckets.map(({ labels: { le } }) => number(le));
    const where = `${name}${labels}`;
    assert.ok(bounds.length > 1 && bounds.at(-1) === Infinity, `${where}: no bucket +Inf`);
    for (let i = 1; i < buckets.length; i++) {
      assert.ok(bounds[i] > bounds[i - 1], `${where}: bounds do not grow`);
      assert.ok(buckets[i].value >= buckets[i - 1].value, `${where}: buckets shrink`);
    }
    const [count] = group.filter(({ suffix }) => suffix === '_count');
    assert.equal(count?.value, buckets.at(-1).value, `${where}: the count is the last bucket`);
    assert.ok(group.some(({ suffix, value }) => suffix === '_sum' && value >= 0), `${where}: no sum`);
  }
}

function checkNames({ name, type, samples }) {
  assert.match(name, METRIC);
  assert.equal(name.endsWith('_total'), type === 'counter', `${name}: counters, and nothing else, end with _total`);
  if (type === 'counter') for (const { value, series } of samples) assert.ok(value >= 0, `${series}: a counter below 0`);
  if (type === 'histogram') checkHistogram({ name, samples });
}

/** Reads TEXT; fails on what Prometheus would refuse, or its linter would complain of. Families by name. */
export function readExposition(text) {
  const families = new Map();
  let family = null;
  let help = null;

  assert.ok(text.endsWith('\n'), 'the last line ends');
  for (const line of text.slice(0, -1).split('\n')) {
    const [, what, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (what === 'HELP') {
      assert.equal(help, null, `${line}: HELP without TYPE before it`);
      help = name;
    } else if (what === 'TYPE') {
      assert.equal(help, name, `${line}: no HELP`);
      assert.ok(rest in SUFFIXES, `${line}: no such type`);
      assert.ok(!families.has(name), `${name} comes twice`);
      family = { name, type: rest, samples: [] };
      families.set(name, family);
      help = null;
    } else {
      assert.ok(family && help === null, `${line}: a sample outside of a family`);
      family.samples.push(readSample(line, family));
    }
  }
  const series = [...families.values()].flatMap(({ samples }) => samples.map((sample) => sample.series));
  assert.equal(new Set(series).size, series.length, 'a series comes twice');
  for (const found of families.values()) checkNames(found);
  return families;
}
