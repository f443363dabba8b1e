// SPDX-License-Identifier: MIT
/** English words → those of another language; `{name}` stands for a value and is kept. */
export type RingcastWords = Readonly<Record<string, string>>;

/** Has the element speak another language: `setWords(await (await fetch('words-de.json')).json())`. What is missing stays English. */
export function setWords(words: RingcastWords): void;
