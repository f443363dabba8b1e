// SPDX-License-Identifier: MIT
// The language of a page: that of the address (`?lang=de`), else the first of the browser's that there is. English is what the pages are written in.

import { say, setWords } from '../player/words.js';
import { textOf } from './wall-query.js';

const OTHERS = ['de', 'zh'];
const RIGHT_NOW_MS = 4000; // a page in English is better than none
const ATTRIBUTES = ['title', 'aria-label', 'placeholder'];

/** The language to speak, of `asked` and the browser's `preferred` ones. */
export function languageOf(asked, preferred) {
  const plain = (tag) => tag.toLowerCase().split('-')[0];
  for (const tag of asked ? [asked, ...preferred] : preferred) {
    if (plain(tag) === 'en') return 'en';
    if (OTHERS.includes(plain(tag))) return plain(tag);
  }
  return 'en';
}

/** Takes the words, and translates what is in the document. */
export async function speak() {
  const language = languageOf(textOf(location.search, 'lang'), navigator.languages ?? [navigator.language ?? 'en']);
  if (language === 'en') return;
  try {
    const answer = await fetch(`words-${language}.json`, { signal: AbortSignal.timeout(RIGHT_NOW_MS) });
    if (!answer.ok) return;
    setWords(await answer.json());
  } catch {
    return;
  }
  document.documentElement.lang = language;
  translate(document);
}

/** Text and attributes that are words of a language; everything else stays. */
function translate(root) {
  for (const element of root.querySelectorAll('*')) {
    for (const name of ATTRIBUTES) if (element.hasAttribute(name)) element.setAttribute(name, say(element.getAttribute(name)));
    for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE) node.data = worded(node.data);
    if (element instanceof HTMLTemplateElement) translate(element.content);
  }
}

/** Words in the middle of blanks. */
const worded = (text) => text.replace(/\S(?:[^]*\S)?/, (words) => say(words.replace(/\s+/g, ' ')));
