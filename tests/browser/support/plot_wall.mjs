// SPDX-License-Identifier: MIT
// Draws what real_wall_long.test.mjs has sampled: node tests/browser/support/plot_wall.mjs SAMPLES.csv > PLOT.svg
import { columnsOf, plot } from '../../support/plot.mjs';

const MB = 1e6;
const columns = columnsOf(process.argv[2]);
const megabytes = (name) => columns[name].map((bytes) => bytes / MB);

console.log(plot({
  across: columns.seconds.map((seconds) => seconds / 60),
  unit: 'minutes',
  panels: [
    { title: 'JavaScript heap after a collection, MB', lines: [megabytes('heap')] },
    { title: 'PSS of the page’s process (blue) and of the whole browser (red), MB', lines: [megabytes('renderer'), megabytes('browser')] },
    { title: 'fan-out and 16 workers without their rings, MB', lines: [megabytes('server')] },
    { title: 'the tile furthest behind the newest picture (blue), the furthest target (red), s', lines: [columns.delay, columns.target] },
  ],
}));
