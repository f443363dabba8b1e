// SPDX-License-Identifier: MIT
// The form to log in: on the log-in page, and in the dialog over the wall. Its markup is in each page.

import { Scope } from '../player/scope.js';
import { say } from '../player/words.js';
import { troubleOf } from './wall-words.js';

const TIMEOUT_MS = 30_000; // a server that checks many passwords at once takes its time
const SECOND_MS = 1000;
export const NEWS = 'ringcast.login'; // in the browser's storage: tells the other tabs

const $ = (id) => document.getElementById(id);

export class LoginForm {
  #scope = null; // while it can be used
  #request = null;
  #waiting = false; // too many tries
  #onlogin;

  /** `onlogin(session)` when the server has accepted user and password. */
  constructor(onlogin) {
    this.#onlogin = onlogin;
  }

  /** `user`: who it most likely is. */
  open(user) {
    this.close();
    const scope = new Scope();
    this.#scope = scope;
    scope.listen($('login-form'), 'submit', (event) => this.#onSubmit(event));
    scope.listen($('show-password'), 'click', () => this.#show($('password').type === 'password'));
    for (const id of ['user', 'password']) scope.listen($(id), 'input', () => $(id).removeAttribute('aria-invalid'));
    scope.add(() => this.#clear());
    if (user !== undefined) $('user').value = user;
    $($('user').value === '' ? 'user' : 'password').focus();
  }

  close() {
    this.#scope?.close();
    this.#scope = null;
  }

  #clear() {
    this.#request?.abort();
    this.#request = null;
    this.#waiting = false;
    this.#show(false);
    $('password').value = '';
    this.#busy(false);
    this.#say('');
  }

  #onSubmit(event) {
    event.preventDefault();
    if (this.#request || this.#waiting) return;
    for (const [id, words] of [['user', 'enter the user'], ['password', 'enter the password']]) {
      if ($(id).value === '') return this.#complain(say(words), id);
    }
    this.#show(false); // a browser keeps passwords, and not other text
    this.#send({ user: $('user').value, password: $('password').value });
  }

  async #send(body) {
    const scope = this.#scope;
    const request = new AbortController();
    this.#request = request;
    this.#busy(true);
    this.#say('');
    const cancelTimeout = scope.timeout(TIMEOUT_MS, () => request.abort());
    let answer = null;
    let session = null;
    try {
      answer = await fetch('api/login', {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), cache: 'no-store', signal: request.signal,
      });
      const text = await answer.text();
      if (answer.ok) session = JSON.parse(text);
    } catch {
      if (answer?.ok) answer = null; // half an answer
    }
    cancelTimeout();
    if (scope.closed) return;
    this.#request = null;
    this.#busy(false);
    if (answer?.ok) this.#enter(session);
    else if (answer?.status === 429) this.#wait(Number(answer.headers.get('Retry-After')) || 1);
    else if (answer?.status === 404) this.#enter({ auth: false }); // nobody has to log in any more
    else if (answer?.status === 401) this.#complain(troubleOf({ status: 401 }), 'password', ['user', 'password']);
    else this.#complain(troubleOf({ status: answer?.status ?? null }), 'login-submit', []);
  }

  #enter(session) {
    try {
      localStorage.setItem(NEWS, String(Date.now()));
    } catch {
      // The other tabs notice it by themselves, later.
    }
    this.#onlogin(session);
  }

  #complain(words, focus, wrong = [focus]) {
    this.#say(words);
    for (const id of wrong) {
      $(id).setAttribute('aria-invalid', 'true');
      $(id).setAttribute('aria-describedby', 'login-trouble');
    }
    $(focus).focus();
    if (focus === 'password') $('password').select();
  }

  /** The seconds are counted down for the eye; a screen reader hears the number once. */
  #wait(seconds) {
    const scope = this.#scope;
    const end = performance.now() + seconds * SECOND_MS;
    const tell = () => {
      const left = Math.ceil((end - performance.now()) / SECOND_MS);
      if (left <= 0) {
        this.#waiting = false;
        this.#busy(false);
        this.#say('');
        return;
      }
      this.#say(troubleOf({ status: 429, seconds: left }));
      scope.timeout((end - performance.now()) % SECOND_MS || SECOND_MS, () => {
        $('login-trouble').setAttribute('aria-live', 'off');
        tell();
      });
    };
    this.#waiting = true;
    $('login-submit').setAttribute('aria-disabled', 'true');
    tell();
    $('password').focus();
  }

  /** A button that is disabled would lose the focus. */
  #busy(busy) {
    $('login-submit').setAttribute('aria-disabled', String(busy));
    $('login-submit').textContent = say(busy ? 'Logging in …' : 'Log in');
  }

  #say(words) {
    const trouble = $('login-trouble');
    if (words === '') {
      trouble.removeAttribute('aria-live');
      for (const id of ['user', 'password']) {
        $(id).removeAttribute('aria-invalid');
        $(id).removeAttribute('aria-describedby');
      }
    }
    if (trouble.textContent !== words) trouble.textContent = words;
  }

  #show(shown) {
    $('password').type = shown ? 'text' : 'password';
    $('show-password').setAttribute('aria-pressed', String(shown));
    const words = say(shown ? 'Hide the password' : 'Show the password');
    $('show-password').title = words;
  }
}
