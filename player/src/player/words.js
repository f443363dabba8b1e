// SPDX-License-Identifier: MIT
// The words that people read, in their language. In the source they are English; a table gives others.

let table = new Map();

/** Takes a language: `{ "English words": "other words" }`; words that are missing stay English. `{name}` stands for a value. */
export function setWords(words) {
  table = new Map(Object.entries(words));
}

/** The words for `english`, with `values` in the places of their names. */
export function say(english, values = {}) {
  return (table.get(english) ?? english).replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
}
