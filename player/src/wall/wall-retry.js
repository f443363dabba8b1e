// SPDX-License-Identifier: MIT
// What a tile without a connection says of its next try, and the button that tries now.

import { say } from '../player/words.js';

const SECOND_MS = 1000;
const WORTH_MS = 1500; // a shorter wait needs no words

export class Retry {
  #scope;
  #button;
  #text;
  #run = null; // the scope of the countdown

  /** `button`: hidden while there is nothing to wait for; `text`: where the seconds are said; `onretry()`. What is begun ends with `scope`. */
  constructor(scope, { button, text, onretry }) {
    this.#scope = scope;
    this.#button = button;
    this.#text = text;
    scope.listen(button, 'click', () => onretry());
  }

  /** The next try is in so many milliseconds; null or undefined: there is none to wait for. */
  wait(ms) {
    this.#run?.close();
    this.#run = null;
    const waits = ms >= WORTH_MS;
    this.#button.hidden = !waits;
    this.#text.textContent = '';
    if (!waits || this.#scope.closed) return;
    const end = performance.now() + ms;
    const run = this.#scope.child();
    this.#run = run;
    const tell = () => {
      const left = end - performance.now();
      this.#text.textContent = left > 0 ? say('Again in {seconds} s', { seconds: Math.ceil(left / SECOND_MS) }) : '';
      if (left > 0) run.timeout((left % SECOND_MS) || SECOND_MS, tell);
    };
    tell();
  }
}
