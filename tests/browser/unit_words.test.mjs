// SPDX-License-Identifier: MIT
// Languages: each table has exactly what is said, with the same places for values; and which language a page speaks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { languageOf } from '../../player/src/wall/wall-language.js';
import { conditionOf } from '../../player/src/player/condition.js';
import { say, setWords } from '../../player/src/player/words.js';
import { allWords, tableOf } from './support/words.mjs';

const LANGUAGES = ['en', 'de', 'zh'];
const places = (text) => (text.match(/\{\w+\}/g) ?? []).sort().join();

for (const language of LANGUAGES) {
  test(`${language}: every word that is said, and no other; values keep their places`, () => {
    const table = tableOf(language);
    const said = allWords();
    assert.ok(said.length > 150, 'the words are found');
    assert.deepEqual(said.filter((words) => !Object.hasOwn(table, words)), [], 'missing');
    assert.deepEqual(Object.keys(table).filter((words) => !said.includes(words)), [], 'not said any more');
    for (const [english, words] of Object.entries(table)) {
      assert.equal(places(words), places(english), english);
      assert.ok(words.trim() !== '', english);
      if (language === 'en') assert.equal(words, english);
    }
  });
}

test('the element says its words in the language that was set', () => {
  const facts = { state: 'reconnecting', camera: { state: null } };
  setWords(tableOf('de'));
  assert.deepEqual(conditionOf(facts), { name: 'reconnecting', label: 'Verbindet neu', text: 'Keine Verbindung zum Server' });
  setWords({});
  assert.equal(conditionOf(facts).label, 'Reconnecting');
  assert.equal(say('{camera}: {text}', { camera: '{text}', text: 'x' }), '{text}: x', 'values are not words');
});

test('the address chooses the language, then the browser; a region does not matter', () => {
  assert.equal(languageOf('de', ['en-GB']), 'de');
  assert.equal(languageOf(null, ['fr', 'zh-TW', 'de']), 'zh');
  assert.equal(languageOf('xx', ['de-AT']), 'de');
  assert.equal(languageOf(null, ['en-US', 'de']), 'en');
  assert.equal(languageOf(null, []), 'en');
});

test('what the server says of a camera that is away becomes a few words without addresses', () => {
  const words = (error, state = 'backoff') => conditionOf({ state: 'connecting', camera: { state, error } }).text;
  assert.equal(words('192.168.1.20:554: connection refused'), 'The camera cannot be reached');
  assert.equal(words('the camera refuses the log-in for user admin'), 'The camera does not accept its password');
  assert.equal(words('no pictures for 10 s', 'stalled'), 'The camera sends no pictures');
  assert.equal(words(null, 'disabled'), 'The camera is switched off in the configuration');
  assert.equal(words('the certificate is not accepted: self signed'), 'The connection to the camera is not safe');
});
