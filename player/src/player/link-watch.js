// SPDX-License-Identifier: MIT
// For one <ringcast-camera> that may choose its stream: watches whether the link gets the large one through. The other stream plays out of
// sight before it is shown: the small one, because a camera may have none, and the large one, because the link may still be slow.

import { lateness } from './condition.js';
import { LinkChoice } from './link-choice.js';
import { Scope } from './scope.js';

const BEGIN_MS = 15_000; // the server must first connect to a camera on demand
const ABSENT_MS = 600_000; // until a small stream that does not exist is looked for again …
const FAILED_MS = 60_000; // … and one that brought no picture
const ABSENT = new Set([4404, 4410]); // close codes: there is no such camera, or no such stream of it
const LOST = new Set(['reconnecting', 'unauthorized', 'failed']);

export class LinkWatch {
  #scope = new Scope();
  #owner;
  #choice = new LinkChoice();
  #stream = 'main';
  #trial = null; // { stream, scope } while another stream plays out of sight
  #aloneUntil = -Infinity; // there is no small stream to change to

  /** `open(stream, scope)`: a player, not started, that plays out of sight until `scope` closes. `change(stream)`: it is to be shown now. */
  constructor({ open, change }) {
    this.#owner = { open, change };
  }

  close() {
    this.#scope.close();
  }

  /** `main` or `sub`: the stream to show. */
  get stream() {
    return this.#stream;
  }

  /** `player` shows the stream until `scope` closes; `condition()` names what people see of it. */
  follow(player, scope, condition) {
    scope.listen(player, 'drop', ({ detail }) => detail.by === 'server' && this.#choice.dropped(performance.now()));
    scope.listen(player, 'stats', ({ detail }) => this.#onStats(lateness(detail, player.targetDelay), condition()));
    scope.add(() => this.#giveUp());
  }

  #onStats(late, condition) {
    const now = performance.now();
    if (this.#trial?.stream === 'sub') return;
    if (now < this.#aloneUntil || (condition !== 'live' && condition !== 'late')) this.#choice.forget();
    else if (this.#choice.report(now, late)) this.#turn();
  }

  #turn() {
    const aim = this.#choice.trying ? 'main' : this.#choice.stream;
    if (aim === this.#stream) this.#end();
    else if (this.#trial?.stream !== aim) this.#try(aim);
  }

  #try(stream) {
    this.#end();
    const scope = this.#scope.child();
    const player = this.#owner.open(stream, scope);
    this.#trial = { stream, scope };
    if (stream === 'sub') this.#awaitSmall(player, scope);
    else this.#watchLarge(player, scope);
    player.start();
  }

  #awaitSmall(player, scope) {
    scope.listen(player, 'firstpicture', () => this.#show('sub'));
    scope.listen(player, 'statechange', ({ detail }) => {
      if (ABSENT.has(detail.close)) this.#stay(ABSENT_MS);
      else if (LOST.has(detail.state)) this.#stay(FAILED_MS);
      else if (detail.state === 'idle') this.#giveUp();
    });
    scope.timeout(BEGIN_MS, () => this.#stay(FAILED_MS));
  }

  #watchLarge(player, scope) {
    let dropped = false;
    scope.listen(player, 'drop', ({ detail }) => {
      dropped ||= detail.by === 'server';
    });
    scope.listen(player, 'stats', ({ detail }) => {
      const ended = this.#choice.tried(performance.now(), { late: lateness(detail, player.targetDelay), dropped });
      dropped = false;
      if (ended && this.#choice.stream === 'main') this.#show('main');
      else if (ended) this.#end();
    });
    scope.listen(player, 'statechange', ({ detail }) => (LOST.has(detail.state) || detail.state === 'idle') && this.#giveUp());
  }

  #show(stream) {
    this.#end();
    this.#stream = stream;
    this.#owner.change(stream);
  }

  /** The large stream, whatever the link is like, for `ms`. */
  #stay(ms) {
    this.#aloneUntil = performance.now() + ms;
    this.#giveUp();
  }

  /** What is tried cannot be tried to the end now. */
  #giveUp() {
    if (this.#trial?.stream === 'sub') this.#choice = new LinkChoice();
    else if (this.#trial) this.#choice.failed(performance.now());
    this.#end();
  }

  #end() {
    const trial = this.#trial;
    this.#trial = null;
    trial?.scope.close();
  }
}
