// SPDX-License-Identifier: MIT
// What the wall shows at the moment: the view, its page, its tour, and the controls for them in the bar. Which cameras that are is
// computed in wall-view.js.

import { say } from '../player/words.js';
import { Scope } from '../player/scope.js';
import { Ahead, isSettled } from './wall-ahead.js';
import { Chooser } from './wall-chooser.js';
import { Tour } from './wall-tour.js';
import { ALL, TOUR_USUAL_S, nameOfView, namesOf, pageOf, pageWith, pagesOf, queryWithView, sameCameras, viewOfQuery } from './wall-view.js';
import { queryWithOrder } from './wall-layout.js';

const $ = (id) => document.getElementById(id);

export class Views {
  #scope = new Scope();
  #owner;
  #memory;
  #view;
  #names = []; // all that the visitor may watch, in the server's order
  #groups = [];
  #ahead;
  #tour;
  #chooser;
  #next = null; // the name of the camera that the tour makes large next

  /**
   * `owner`: `order()` as arranged, `first()` names that come first and `also()` names that are there in any case, because of events, `setOrder(order)`, `onchange(others)` when another page, layout or order is to be shown, or `others`, another choice of cameras, `make(name)` for a
   * tile (Ahead), `rects(count)` where so many tiles would be, `tile(name)`, `large()` the name or null, `setLarge(name)`, `busy()` while
   * the user is at something, `arrange()`, `say(text)`, `note(text)`.
   */
  constructor(memory, query, owner) {
    this.#memory = memory;
    this.#owner = owner;
    this.#view = viewOfQuery(query);
    this.#ahead = new Ahead({ make: (name) => owner.make(name) });
    this.#tour = new Tour({
      busy: () => owner.busy() || document.querySelector('dialog[open]') !== null,
      prepare: () => this.#prepare(),
      ready: () => this.#isReady(),
      step: () => this.#step(),
      forget: () => this.#forget(),
      onchange: () => this.#showTour(),
    });
    this.#chooser = new Chooser({
      state: () => ({ names: this.#names, groups: this.#groups, saved: memory.views, view: this.#view, shown: this.all }),
      onview: (view) => this.set({ ...view, page: 1 }),
      onquery: (saved) => this.#open(saved),
      onlarge: (name) => this.find(name),
      onsave: (name) => this.#save(name),
      onforget: (name) => (memory.views = memory.views.filter((each) => each.name !== name)),
      onsaved: (text) => owner.note(text),
    });
  }

  open() {
    const press = (id, run) => this.#scope.listen($(id), 'click', run);
    press('choose', () => this.choose());
    press('page-back', () => this.turn(-1));
    press('page-on', () => this.turn(1));
    press('tour', () => this.tour());
    this.#chooser.open();
    this.#scope.add(() => this.#chooser.close());
    this.#scope.add(() => this.#tour.stop());
    this.#scope.add(() => this.#ahead.drop());
    if (this.#view.tour) this.#tour.start(this.#view.tour);
  }

  close() {
    this.#scope.close();
  }

  /** The chosen layout's name, or null. */
  get layout() {
    return this.#view.layout;
  }

  /** The names of the view, on whatever page, as the user has arranged them. */
  get arranged() {
    return namesOf(this.#view, this.#names, this.#groups, this.#owner.order());
  }

  /** The same with what events want to be seen. */
  get all() {
    const here = new Set(this.#names);
    const [first, also] = [this.#owner.first(), this.#owner.also()].map((names) => names.filter((name) => here.has(name)));
    return [...new Set([...first, ...this.arranged, ...also])];
  }

  /** The names of the page that is shown. */
  get shown() {
    return pageOf(this.#view, this.all);
  }

  /** How many cameras the visitor may watch. */
  get total() {
    return this.#names.length;
  }

  /** The camera that plays under the large one, or null. */
  get next() {
    return this.#next;
  }

  /** Tiles that are loaded and not shown. */
  get ahead() {
    return this.#ahead;
  }

  /** `query` with the present view in it. */
  write(query) {
    return queryWithView(query, this.#view);
  }

  /** Takes what the server lists. */
  update(names, groups) {
    this.#names = names;
    this.#groups = groups;
    this.show();
    this.#chooser.update();
  }

  /** Before the first tile: the page that has the camera. */
  reach(name) {
    const page = pageWith(this.#view, this.all, name);
    if (page !== null) this.#view = { ...this.#view, page };
  }

  set(change) {
    const before = this.#view;
    this.#view = { ...before, ...change };
    this.#tour.restart();
    if (this.#view.tour !== before.tour) {
      if (this.#view.tour) this.#tour.start(this.#view.tour);
      else this.#tour.stop();
    }
    this.#owner.onchange(!sameCameras(before, this.#view));
    this.show();
    const { all } = this;
    const pages = pagesOf(this.#view, all.length);
    if (!sameCameras(before, this.#view)) this.#owner.say(say('{view}: {count} cameras', { view: this.#name(), count: all.length }));
    else if (before.page !== this.#view.page) this.#owner.say(say('Page {page} of {pages}', { page: this.#view.page, pages }));
  }

  // ---- pages

  turn(by) {
    const pages = pagesOf(this.#view, this.all.length);
    if (pages < 2) return;
    const page = Math.min(this.#view.page, pages);
    this.set({ page: ((page - 1 + by + pages) % pages) + 1 });
  }

  /** Makes a camera large, wherever it is: on another page, or outside of the view. */
  find(name, options) {
    const page = pageWith(this.#view, this.all, name);
    if (page === null) this.set({ ...ALL, layout: this.#view.layout, tour: this.#view.tour, page: pageWith({ ...ALL, layout: this.#view.layout }, namesOf(ALL, this.#names, [], this.#owner.order()), name) ?? 1 });
    else if (page !== this.#view.page) this.set({ page });
    this.#owner.setLarge(name, options);
  }

  // ---- the chooser and what it saves

  choose() {
    this.#chooser.show();
  }

  #open({ query, name }) {
    this.#owner.setOrder(query);
    this.set(viewOfQuery(query));
    this.#owner.note(name);
  }

  #save(name) {
    const order = this.#owner.order();
    const query = queryWithOrder(queryWithView('', { ...this.#view, page: 1 }), order.length > 0 ? order : null);
    this.#memory.views = [...this.#memory.views.filter((each) => each.name !== name), { name, query }];
    this.show();
  }

  #name() {
    return nameOfView(this.#view, this.#memory.views, { all: say('All cameras'), some: (count) => say(count === 1 ? '1 camera' : '{count} cameras', { count }) });
  }

  // ---- the tour

  /** On and off. */
  tour() {
    const tour = this.#tour.state === 'off' ? (this.#view.tour ?? TOUR_USUAL_S) : null;
    this.set({ tour });
    this.#owner.note(tour ? say('Tour: every {seconds} s', { seconds: tour }) : say('Tour off'));
  }

  /** The tour goes over pages, or if there is one page only or a camera is large, over large cameras. */
  #overPages() {
    return this.#owner.large() === null && pagesOf(this.#view, this.all.length) > 1;
  }

  #nextPage() {
    const pages = pagesOf(this.#view, this.all.length);
    return (Math.min(this.#view.page, pages) % pages) + 1;
  }

  #prepare() {
    if (this.#overPages()) {
      const shown = new Set(this.shown);
      const names = pageOf(this.#view, this.all, this.#nextPage());
      const rects = this.#owner.rects(names.length);
      const fresh = names.map((name, i) => ({ name, rect: rects[i] })).filter(({ name }) => !shown.has(name));
      this.#ahead.load(fresh.map(({ name }) => name), fresh.map(({ rect }) => rect));
    } else {
      const { shown } = this;
      this.#next = shown[(shown.indexOf(this.#owner.large()) + 1) % shown.length] ?? null;
      this.#owner.arrange();
    }
  }

  #isReady() {
    const tile = this.#next === null ? null : this.#owner.tile(this.#next);
    return this.#ahead.ready && (!tile || isSettled(tile));
  }

  #step() {
    const name = this.#next;
    this.#next = null;
    if (name !== null) this.#owner.setLarge(name, { focus: false, returns: false });
    else this.turn(1);
  }

  #forget() {
    this.#ahead.drop();
    if (this.#next === null) return;
    this.#next = null;
    this.#owner.arrange();
  }

  // ---- the bar

  show() {
    const { all } = this;
    const pages = pagesOf(this.#view, all.length);
    write($('view-name'), this.#name());
    $('choose').hidden = this.#names.length < 2 && all.length === this.#names.length;
    $('pages').hidden = pages < 2;
    write($('page'), say('{page} of {pages}', { page: Math.min(this.#view.page, pages), pages }));
    this.#showTour();
  }

  #showTour() {
    const { state } = this.#tour;
    $('tour').hidden = this.all.length < 2;
    $('tour').setAttribute('aria-pressed', String(state !== 'off'));
    $('tour').dataset.state = state;
  }
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
