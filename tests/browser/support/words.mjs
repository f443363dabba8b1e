// SPDX-License-Identifier: MIT
// All English words that the pages and the element say: those in say(…), in the tables that are said, and in the pages themselves.

import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const SOURCES = fileURLToPath(new URL('../../../player/src/', import.meta.url));
const PAGES = ['index.html', 'login.html', 'camera.html'];
const SAID = /^(AWAY_WORDS|REFUSED_WORDS|REFUSALS|ERRORS|REASONS|CODECS|USE_H264|UNKNOWN_HELP|NO_MSE_HELP|LATENCY_FROM|SLOW_LINK|KEYS)$/; // tables of words
const UNSAID = /^(ringcast|[?×‹›\d\s]*|\?kiosk|Shift\+.*|Arrow.*|Page(Up|Down)|Escape|not logged in)$/; // names of keys and parameters

const read = (path) => readFileSync(SOURCES + path, 'utf8');

function ofScript(text, add) {
  const source = ts.createSourceFile('x.js', text, ts.ScriptTarget.ES2022, true);
  const strings = (node, take) => {
    if (ts.isStringLiteralLike(node)) take(node.text);
    else ts.forEachChild(node, (child) => strings(child, take));
  };
  const visit = (node) => {
    // The words are the first argument; of a choice between two, both.
    if (ts.isCallExpression(node) && node.expression.getText() === 'say' && node.arguments.length > 0) literals(node.arguments[0], add);
    if (ts.isVariableDeclaration(node) && SAID.test(node.name.getText()) && node.initializer) {
      strings(node.initializer, (words) => / |^[A-Z][a-z]/.test(words) && add(words));
    }
    // The form says what is missing.
    if (ts.isForOfStatement(node) && /enter the user/.test(node.expression.getText())) strings(node.expression, (words) => / /.test(words) && add(words));
    ts.forEachChild(node, visit);
  };
  visit(source);
}

function literals(node, add) {
  if (ts.isStringLiteralLike(node)) add(node.text);
  else if (ts.isConditionalExpression(node)) for (const each of [node.whenTrue, node.whenFalse]) literals(each, add);
  else if (ts.isBinaryExpression(node)) for (const each of [node.left, node.right]) literals(each, add);
  else if (ts.isParenthesizedExpression(node)) literals(node.expression, add);
}

function ofPage(text, add) {
  const body = text.replace(/<!--[^]*?-->|<script[^]*?<\/script>|<pre[^]*?<\/pre>|<title>[^]*?<\/title>/g, '');
  for (const [, words] of body.matchAll(/>([^<]+)</g)) add(words.trim().replace(/\s+/g, ' ').replaceAll('&amp;', '&'));
  for (const [, words] of body.matchAll(/\s(?:title|aria-label|placeholder)="([^"]*)"/g)) add(words);
}

/** A sorted list. */
export function allWords() {
  const words = new Set();
  const add = (text) => UNSAID.test(text) || words.add(text);
  for (const room of ['player', 'wall']) {
    for (const file of readdirSync(SOURCES + room)) if (file.endsWith('.js')) ofScript(read(`${room}/${file}`), add);
  }
  for (const page of PAGES) ofPage(read(`wall/${page}`), add);
  return [...words].sort();
}

export const tableOf = (language) => JSON.parse(read(`words/words-${language}.json`));
