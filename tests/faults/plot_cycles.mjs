// Draws what cycles.test.mjs has sampled: node tests/faults/plot_cycles.mjs SAMPLES.csv > PLOT.svg
import { readFileSync } from 'node:fs';

const WIDTH = 720;
const PANEL = 120; // px of height
const LEFT = 60;
const GAP = 44;
const PANELS = [
  { column: 'pss_kib', title: 'PSS of the worker without its ring, KiB', from: 0 },
  { column: 'descriptors', title: 'descriptors', from: 0 },
  { column: 'threads', title: 'threads', from: 0 },
];

const [head, ...rows] = readFileSync(process.argv[2], 'utf8').trim().split('\n').map((line) => line.split(','));
const column = (name) => rows.map((row) => Number(row[head.indexOf(name)]));
const cycles = column('cycle');
const last = cycles.at(-1);
const x = (cycle) => LEFT + (cycle / last) * (WIDTH - LEFT - 20);

/** The next of 1, 2, 5, 10, … that is not below VALUE. */
function rounded(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

function panel({ column: name, title, from }, index) {
  const values = column(name);
  const to = rounded(Math.max(...values) * 1.05);
  const top = 30 + index * (PANEL + GAP);
  const y = (value) => top + PANEL - ((value - from) / (to - from)) * PANEL;
  const line = values.map((value, i) => `${x(cycles[i]).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  const grid = [from, (from + to) / 2, to].map(
    (value) => `<line x1="${LEFT}" x2="${WIDTH - 20}" y1="${y(value)}" y2="${y(value)}" stroke="#ccc"/><text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${value}</text>`,
  );
  return `<text x="${LEFT}" y="${top - 8}" font-weight="bold">${title}: ${values[0]} at first, ${values.at(-1)} at last</text>${grid.join('')}<polyline points="${line}" fill="none" stroke="#1565c0" stroke-width="2"/>`;
}

const height = 30 + PANELS.length * (PANEL + GAP);
const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(last * part));
console.log(`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="#222">
<rect width="100%" height="100%" fill="#fff"/>
${PANELS.map(panel).join('\n')}
${ticks.map((tick) => `<text x="${x(tick)}" y="${height - 8}" text-anchor="middle">${tick}</text>`).join('')}
</svg>`);
