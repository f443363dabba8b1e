// SPDX-License-Identifier: MIT
// The rung below keyframes: a still picture that the server makes, renewed every few seconds. It takes no stream and no MediaSource, and it
// is painted on a canvas, so there is no object URL to give back. Where the server makes none, there are words.

import { conditionOf } from '../player/condition.js';
import { lookOf, paint } from '../player/look.js';
import { say } from '../player/words.js';
import { posterUrl } from './wall-poster.js';

const RENEW_MS = 3000; // from one picture to the next question
const AGAIN_MS = 10_000; // after an answer without one
const TIMEOUT_MS = 12_000; // a camera that sends nothing is given 9 s by the server
const FAILURES = 2; // in a row, and there are words instead
const AT_ONCE = 2; // of a page: a browser has six connections to a server, and others want some
const OK = 200;
const LOG_IN = 401;
const NO_CAMERA = 404;
const AWAY = new Set(['disabled', 'failed', 'backoff', 'stalled']); // the server has no picture of these

/** Whose turn it is to ask: so many at once, first come, first served. */
export class Turns {
  #free;
  #waiting = new Set();

  constructor(count) {
    this.#free = count;
  }

  /** Calls `run()` when it is its turn; the turn ends with the promise that it returns. The returned function gives up the place in the queue. */
  ask(run) {
    this.#waiting.add(run);
    queueMicrotask(() => this.#go());
    return () => this.#waiting.delete(run);
  }

  #go() {
    for (const run of this.#waiting) {
      if (this.#free === 0) return;
      this.#waiting.delete(run);
      this.#free--;
      Promise.resolve(run()).finally(() => {
        this.#free++;
        this.#go();
      });
    }
  }
}

const pageTurns = new Turns(AT_ONCE);

export class Still {
  #canvas;
  #scope;
  #onchange;
  #turns;
  #row = null; // of the stream that would be shown, in the list of cameras
  #width = 0; // of the tile, in the screen's pixels; 0: it is out of sight
  #wanted = false;
  #run = null; // the scope of a tile that is renewed
  #cancel = () => {}; // of what comes next
  #tag = null; // the server's, of the picture that is shown
  #takenAt = null; // by the page's clock, in milliseconds; null: there is no picture
  #status = null; // of the last answer; 0: there was none
  #failures = 0;
  #awaySince = null;

  /** `canvas`: hidden. `onchange()`: there is another picture, or another condition. What is begun ends with `scope`. `turns`: the page's, if a test has none of its own. */
  constructor(canvas, scope, onchange, turns = pageTurns) {
    this.#canvas = canvas;
    this.#scope = scope.child();
    this.#onchange = onchange;
    this.#turns = turns;
    this.#scope.listen(document, 'visibilitychange', () => this.#consider());
    this.#scope.add(() => this.#drop());
  }

  /** Whether it is to take the stream's place. When it is not any more, the last picture stays until `drop()`. */
  set wanted(wanted) {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    this.#failures = 0;
    this.#status = null;
    this.#consider();
  }

  set row(row) {
    this.#row = row;
    if (!AWAY.has(row?.state)) this.#awaySince = null;
    else this.#awaySince ??= new Date();
    this.#consider();
  }

  set width(width) {
    const before = this.#width;
    this.#width = width;
    if ((width > 0) !== (before > 0)) this.#consider();
  }

  /** The stream shows its own pictures again. */
  drop() {
    if (!this.#wanted) this.#drop();
  }

  /** Whether a picture is on the screen. */
  get shown() {
    return this.#takenAt !== null;
  }

  /** Whether the stream is not needed: there is a picture, or words say why there is none. */
  get settled() {
    return this.#wanted && (this.shown || this.#failures >= FAILURES || AWAY.has(this.#row?.state));
  }

  /** The picture on the screen, or null. */
  get picture() {
    return this.shown ? this.#canvas : null;
  }

  /** How old the picture is, in seconds; null: there is none. */
  get age() {
    return this.shown ? Math.max(0, performance.now() - this.#takenAt) / 1000 : null;
  }

  /** As an element's; null while the stream's own counts. */
  get condition() {
    if (!this.settled && !this.shown) return null;
    const camera = { state: this.#row?.state ?? null, error: null };
    if (this.#wanted && AWAY.has(camera.state)) return conditionOf({ state: 'connecting', camera, awaySince: this.#awaySince });
    if (this.#status === LOG_IN) return conditionOf({ state: 'unauthorized', reason: 'not logged in', camera: {} });
    if (this.#status === NO_CAMERA) return conditionOf({ state: 'reconnecting', close: 4404, camera: {} });
    if (this.#wanted && this.#failures >= FAILURES) {
      return { name: 'unseen', label: say('No picture'), text: say('This computer is too busy for the stream, and the server has no still picture') };
    }
    return { name: 'still', label: say('Still picture'), text: say('A picture every few seconds') };
  }

  // ---- asking

  #consider() {
    const runs = this.#wanted && this.#width > 0 && Boolean(this.#row?.poster) && !AWAY.has(this.#row.state) && !document.hidden;
    if (runs === (this.#run !== null) || this.#scope.closed) return;
    this.#run?.close();
    this.#run = runs ? this.#scope.child() : null;
    if (runs) this.#queue(this.#run);
    else this.#onchange();
  }

  #queue(run) {
    const leave = this.#turns.ask(() => {
      forget();
      return this.#ask(run);
    });
    const forget = run.add(leave);
  }

  async #ask(run) {
    if (run.closed) return;
    const request = new AbortController();
    const undo = run.add(() => request.abort());
    const cancelTimeout = run.timeout(TIMEOUT_MS, () => request.abort());
    const { status, bitmap, tag, age } = await this.#fetch(request.signal);
    cancelTimeout();
    if (run.closed) {
      bitmap?.close();
      return;
    }
    undo();
    this.#take({ status, bitmap, tag, age });
    run.timeout(status === OK ? RENEW_MS : AGAIN_MS, () => this.#queue(run));
  }

  /** `{ status, tag, age, bitmap }`; without a bitmap the picture is the one that is shown. */
  async #fetch(signal) {
    try {
      const answer = await fetch(posterUrl(this.#row.poster, this.#width), { signal, cache: 'no-cache' }); // asks whether it is still the newest
      const { status, headers } = answer;
      const tag = headers.get('ETag');
      const age = Number(headers.get('Ringcast-Picture-Age') ?? 0);
      if (status !== OK || (tag !== null && tag === this.#tag && this.shown)) {
        await answer.body?.cancel();
        return { status, tag, age };
      }
      return { status, tag, age, bitmap: await createImageBitmap(await answer.blob()) };
    } catch {
      return { status: 0 };
    }
  }

  #take({ status, bitmap, tag, age }) {
    this.#status = status;
    this.#failures = status === OK ? 0 : this.#failures + 1;
    if (status === OK) this.#takenAt = performance.now() - (age >= 0 ? age * 1000 : 0);
    if (bitmap) this.#paint(bitmap, tag);
    this.#onchange();
  }

  #paint(bitmap, tag) {
    this.#tag = tag;
    paint(this.#canvas, bitmap, bitmap, lookOf(this.#row));
    bitmap.close();
    this.#canvas.hidden = false;
  }

  /** The picture's memory goes, too. */
  #drop() {
    if (!this.shown) return;
    this.#tag = this.#takenAt = null;
    this.#canvas.hidden = true;
    this.#canvas.width = this.#canvas.height = 0;
    if (!this.#scope.closed) this.#onchange();
  }
}
