// SPDX-License-Identifier: MIT
// The words that people read, in their language. In the source they are English; a table gives others.

let table = new Map();

/** Takes a language: `{ "English words": "other words" }`; words that are missing stay English. `{name}` stands for a value. */
export function setWords(words) {
  table = new Map(Object.entries(words));
}

/** A value that is written from right to left keeps its own order, and does not change that of the words around it (UAX 9, isolates). */
const isolated = (text) => (/[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(text) ? `\u2068${text}\u2069` : text);

/** The words for `english`, with `values` in the places of their names. */
export function say(english, values = {}) {
  return (table.get(english) ?? english).replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? isolated(String(values[name])) : whole));
}
