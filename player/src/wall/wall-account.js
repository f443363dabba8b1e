// SPDX-License-Identifier: MIT
// Who is watching: the visitor's name and the log-out in the bar, and the log-in over a page whose log-in has ended. Pictures that
// still run go on, and after the log-in everything is where it was.

import { watchAccess } from '../player/access.js';
import { Scope } from '../player/scope.js';
import { say } from '../player/words.js';
import { LoginForm, NEWS } from './login-form.js';
import { visitorOf } from './wall-words.js';

const TIMEOUT_MS = 10_000;
const TWICE_MS = 4000;

const $ = (id) => document.getElementById(id);

export class Account {
  #scope = new Scope();
  #access = null;
  #owner;
  #session = null;
  #loggedOut = false;
  #form = new LoginForm((session) => this.#access.grant({ auth: true, via: 'session', ...session }));
  #pressedAt = -Infinity;
  #leaving = false;

  /**
   * `owner`: `unattended` if no dialog may come by itself, `onrefused()`, `onlogin()` after it, `onsession(session)` when it is known
   * who is watching, `note(text)` to tell the user.
   */
  constructor(owner) {
    this.#owner = owner;
  }

  open() {
    const scope = this.#scope;
    const { access, release } = watchAccess(new URL('api/session', document.baseURI).href, 'same-origin', {
      onrefused: () => this.#onRefused(),
      ongranted: (session) => this.#onGranted(session),
    });
    this.#access = access;
    scope.add(release);
    scope.add(() => this.#form.close());
    scope.listen(window, 'storage', ({ key }) => key === NEWS && access.check());
    // The event comes later than the close: by then the dialog may have been opened again.
    scope.listen($('login'), 'close', () => $('login').open || this.#form.close());
    scope.listen($('login-cancel'), 'click', () => $('login').close());
    scope.listen($('login-again'), 'click', () => this.ask());
    scope.listen($('logout'), 'click', () => this.leave());
    if (this.#owner.unattended) scope.listen(document, 'pointerdown', () => this.#loggedOut && this.ask());
    access.check();
  }

  close() {
    this.#scope.close();
  }

  /** True from the server's refusal to the next log-in. */
  get loggedOut() {
    return this.#loggedOut;
  }

  /** `{ auth, user, role, expires, via }`, or null while it is not known. */
  get session() {
    return this.#session;
  }

  /** The server has answered 401. */
  refuse() {
    this.#access.refuse();
  }

  /** Asks the user to log in. */
  ask() {
    if ($('login').open) return;
    $('login').showModal();
    this.#form.open(this.#session?.user ?? undefined);
  }

  /** What the key does: twice to log out, because it is pressed easily by mistake. */
  press() {
    const now = performance.now();
    if (this.#loggedOut) this.ask();
    else if ($('logout').hidden) return;
    else if (now - this.#pressedAt < TWICE_MS) this.leave();
    else this.#owner.note(say('Press L again to log out'));
    this.#pressedAt = now;
  }

  async leave() {
    if (this.#leaving) return;
    this.#leaving = true;
    const request = new AbortController();
    const cancelTimeout = this.#scope.timeout(TIMEOUT_MS, () => request.abort());
    const left = await fetch('api/logout', {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}', cache: 'no-store', signal: request.signal,
    }).then(({ ok, status }) => ok || status === 401, () => false);
    cancelTimeout();
    this.#leaving = false;
    if (this.#scope.closed) return;
    if (left) location.reload();
    else this.#owner.note(say('The server cannot be reached: you are still logged in'));
  }

  #onRefused() {
    this.#loggedOut = true;
    this.#show();
    this.#owner.onrefused();
    if (!this.#owner.unattended) this.ask();
  }

  #onGranted(session) {
    const again = this.#loggedOut;
    this.#loggedOut = false;
    this.#session = session ?? this.#session;
    if ($('login').open) $('login').close();
    this.#show();
    this.#owner.onsession(this.#session);
    if (again) this.#owner.onlogin();
  }

  #show() {
    const { auth = false, user, via = 'session' } = this.#session ?? {};
    const known = auth && !this.#loggedOut;
    $('login-again').hidden = !this.#loggedOut;
    const named = known && typeof user === 'string'; // a token may be nobody's
    $('who').hidden = !named;
    $('who').textContent = named ? user : '';
    $('who').title = named ? visitorOf(this.#session) : '';
    $('logout').hidden = !known || via !== 'session';
  }
}
