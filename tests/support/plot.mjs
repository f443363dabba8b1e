// SPDX-License-Identifier: MIT
// Small plots for the documentation: columns of a file of comma-separated values, one panel below the other, as SVG.
import { readFileSync } from 'node:fs';

const WIDTH = 720;
const PANEL = 120; // px of height
const LEFT = 60;
const GAP = 44;
const COLOURS = ['#1565c0', '#c62828', '#2e7d32'];

/** The next of 1, 2, 5, 10, … that is not below VALUE. */
function rounded(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

/** FILE with its first line as names: name → numbers. */
export function columnsOf(file) {
  const [head, ...rows] = readFileSync(file, 'utf8').trim().split('\n').map((line) => line.split(','));
  return Object.fromEntries(head.map((name, i) => [name, rows.map((row) => Number(row[i]))]));
}

/** `across`: values from 0 on, of a `unit`; `panels`: `{ title, lines: [values, …] }` each, from 0 on: what is below is drawn there. Answers the text of an SVG file. */
export function plot({ across, unit, panels }) {
  const last = across.at(-1);
  const x = (value) => LEFT + (value / last) * (WIDTH - LEFT - 20);
  const drawn = panels.map(({ title, lines }, index) => {
    const to = rounded(Math.max(...lines.flat()) * 1.05);
    const top = 30 + index * (PANEL + GAP);
    const y = (value) => top + PANEL - (Math.max(0, value) / to) * PANEL;
    const grid = [0, to / 2, to].map(
      (value) => `<line x1="${LEFT}" x2="${WIDTH - 20}" y1="${y(value)}" y2="${y(value)}" stroke="#ccc"/><text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${value}</text>`,
    );
    const line = (values, i) => {
      const points = values.map((value, k) => `${x(across[k]).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
      return `<polyline points="${points}" fill="none" stroke="${COLOURS[i]}" stroke-width="2"/>`;
    };
    return `<text x="${LEFT}" y="${top - 8}" font-weight="bold">${title}</text>${grid.join('')}${lines.map(line).join('')}`;
  });
  const height = 30 + panels.length * (PANEL + GAP);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(last * part));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="#222">
<rect width="100%" height="100%" fill="#fff"/>
${drawn.join('\n')}
${ticks.map((tick) => `<text x="${x(tick)}" y="${height - 8}" text-anchor="middle">${tick}</text>`).join('')}
<text x="2" y="${height - 8}">${unit}</text>
</svg>`;
}
