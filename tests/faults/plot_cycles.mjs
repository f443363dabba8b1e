// SPDX-License-Identifier: MIT
// Draws what cycles.test.mjs has sampled: node tests/faults/plot_cycles.mjs SAMPLES.csv > PLOT.svg
import { columnsOf, plot } from '../support/plot.mjs';

const columns = columnsOf(process.argv[2]);
const panel = (values, title) => ({ title: `${title}: ${values[0]} at first, ${values.at(-1)} at last`, lines: [values] });

console.log(plot({
  across: columns.cycle,
  unit: 'cycles',
  panels: [
    panel(columns.pss_kib, 'PSS of the worker without its ring, KiB'),
    panel(columns.descriptors, 'descriptors'),
    panel(columns.threads, 'threads'),
  ],
}));
