// SPDX-License-Identifier: MIT
// The wall: every configured camera, live, in a grid that fits the window.

import { CameraList } from './cameras.js';
import '../player/ringcast-player.js';
import { Scope } from '../player/scope.js';
import { say } from '../player/words.js';
import { Account } from './wall-account.js';
import { Attention } from './wall-attention.js';
import { brand, productName } from './wall-brand.js';
import { Drag } from './wall-drag.js';
import { SMALLEST_PX, commonRatio, fitGrid, fitOne, fitPhone, step } from './wall-grid.js';
import { KEYS, actionOf } from './wall-keys.js';
import { WallHistory } from './wall-history.js';
import { Kiosk } from './wall-kiosk.js';
import { Ladder } from './wall-ladder.js';
import { speak } from './wall-language.js';
import { Memory, largeOfHash, orderOfQuery, queryWithOrder, remembered, swapped } from './wall-layout.js';
import { Load, watchTasks } from './wall-load.js';
import { savePicture } from './wall-snapshot.js';
import { fitSpans, layoutOf, neighbour } from './wall-spans.js';
import { hasWindow } from './wall-press.js';
import { CHOICES } from './wall-streams.js';
import { Tile } from './wall-tile.js';
import { Version } from './wall-version.js';
import { Views } from './wall-views.js';
import { choiceWords, isSettling, linkNews, newsOf, summaryOf, titleOf } from './wall-words.js';

const NEWS_MS = 1000; // changes within this time are reported together
const NOTE_MS = 4000;
const FAILED_MS = 3000; // after a tile could not be played, the list is looked at
const JUDGE_MS = 1000; // whether the page bears its pictures
const VOLUME_STEP = 0.1;
const STILL_MS = 3000; // full screen: a pointer that does not move disappears

const NO_BOX = { width: 0, height: 0 };

const $ = (id) => document.getElementById(id);
const memory = new Memory(() => localStorage);

class Wall {
  #scope = new Scope();
  #root = $('wall');
  #rows = new Map(); // name → row of /api/cameras
  #tiles = []; // in the order in which they are shown
  #order = orderOfQuery(location.search) ?? memory.order ?? [];
  #wanted = largeOfHash(location.hash);
  #current = null; // the tile that the Tab key reaches
  #large = null;
  #figures = false;
  #rects = [];
  #box = null; // the room for the tiles, { width, height }
  #columns = 1;
  #changes = new Map();
  #cancelNews = null;
  #cancelLook = null;
  #cancelNote = () => {};
  #cancelStill = () => {};
  #away = false;
  #listed = false; // the server has sent a list
  #drag = null;
  #views = null;
  #version = null;
  #kiosk = null;
  #list = null;
  #account = null;
  #attention = null;
  #history = new WallHistory(window);
  #ladder = new Ladder();
  #load = new Load();
  #volume = memory.volume;
  #choices = new Map(); // name → the stream that the user wants, while the view lasts
  #judgedAt = 0;

  open() {
    const scope = this.#scope;
    scope.listen(document, 'keydown', (event) => this.#onKey(event));
    scope.listen(document, 'fullscreenchange', () => this.#arrange());
    scope.listen(window, 'popstate', () => this.#history.onPop() && this.#onAddress());
    this.#watchSize();
    this.#openParts();
    this.#bindBar();
    scope.add(watchTasks((ms) => this.#load.took(ms)));
    scope.interval(JUDGE_MS, () => this.#judge());
    dispatchEvent(new Event('ringcaststarted')); // wall-boot.js need not wait any longer
  }

  /** The page has another title. */
  renamed() {
    this.#showSummary();
  }

  #watchSize() {
    const observer = new ResizeObserver(() => this.#arrange());
    observer.observe($('stage'));
    this.#scope.add(() => observer.disconnect());
  }

  #openParts() {
    const scope = this.#scope;
    const part = (one) => {
      one.open();
      scope.add(() => one.close());
      return one;
    };
    this.#version = part(new Version(() => this.#onVersion()));
    this.#attention = part(this.#makeAttention());
    this.#views = part(this.#makeViews());
    if (new URLSearchParams(location.search).has('kiosk')) {
      this.#kiosk = part(new Kiosk({ tiles: () => this.#expectations(), restart: (name) => this.#tile(name)?.camera.restart() }));
    } else {
      this.#drag = part(new Drag(this.#root, {
        rects: () => this.#rects,
        one: () => this.#large !== null,
        indexOf: (node) => this.#tiles.findIndex(({ root }) => root.contains(node)),
        tile: (index) => this.#tiles[index]?.root,
        onswap: (from, to) => this.#swap(from, to),
        onswipe: (direction) => this.#move(direction),
      }));
    }
    this.#account = part(new Account({
      unattended: this.#kiosk !== null,
      onrefused: () => this.#onRefused(),
      onlogin: () => this.#list.ask(),
      onsession: () => this.#showNone(),
      note: (text) => this.#note(text),
    }));
    this.#list = part(new CameraList({
      onlist: (rows, groups) => this.#onList(rows, groups),
      onevent: (event) => this.#rows.has(event.camera) && this.#attention.take(event),
      onerror: () => this.#onAway(),
      onrefused: () => this.#account.refuse(),
    }));
  }

  #makeAttention() {
    const quietly = { focus: false, returns: false };
    return new Attention({
      onchange: () => this.#showAttention(),
      large: () => this.#large?.name ?? null,
      setLarge: (name) => (name === null ? this.#setLarge(null, quietly) : this.#views.find(name, quietly)),
      alert: (text) => ($('alarm').textContent = text),
    });
  }

  #makeViews() {
    return new Views(memory, location.search, {
      order: () => this.#order,
      first: () => this.#attention.first,
      also: () => this.#attention.large,
      setOrder: (query) => this.#saveOrder(orderOfQuery(query) ?? this.#order),
      onchange: (others) => this.#showView(others),
      make: (name) => this.#make(name),
      rects: (count) => this.#grid(count).rects,
      tile: (name) => this.#tile(name),
      large: () => this.#large?.name ?? null,
      setLarge: (name, options) => this.#tile(name) && this.#setLarge(this.#tile(name), options),
      busy: () => this.#drag?.active === true,
      arrange: () => this.#arrange(),
      say: (text) => this.#say(text),
      note: (text) => this.#note(text),
    });
  }

  #bindBar() {
    const press = (id, run) => this.#scope.listen($(id), 'click', run);
    press('theme', () => this.theme());
    press('full', () => this.fullScreen());
    press('help', () => this.help());
    press('close', () => $('keys').close());
    press('forget', () => this.#forgetOrder());
    press('reload', () => location.reload());
    this.#scope.listen($('keys'), 'click', ({ target }) => target === $('keys') && $('keys').close());
    this.#scope.listen(document, 'pointermove', () => this.#onPointer());
    this.#showTheme();
  }

  // ---- the cameras

  #tile(name) {
    return this.#tiles.find((tile) => tile.name === name);
  }

  #onList(rows, groups) {
    this.#rows = new Map(rows.map((row) => [row.name, row]));
    this.#views.update([...this.#rows.keys()], groups);
    if (this.#wanted !== null) this.#views.reach(this.#wanted);
    this.#showTiles();
    for (const tile of [...this.#tiles, ...this.#views.ahead.tiles]) {
      tile.update(this.#rows.get(tile.name));
      tile.welcome();
    }
    this.#listed = true;
    this.#showNone();
    if (this.#away) this.#version.check();
    this.#away = false;
    this.#arrange(); // sizes may have become known
  }

  /** Makes the tiles those of the view. */
  #showTiles() {
    const before = new Map(this.#tiles.map((tile) => [tile.name, tile]));
    const next = this.#views.shown.map((name) => before.get(name) ?? this.#views.ahead.take(name) ?? this.#make(name));
    if (next.length !== this.#tiles.length || next.some((tile, i) => tile !== this.#tiles[i])) this.#replace(next);
    for (const tile of this.#tiles) tile.attention = this.#attention.textOf(tile.name);
  }

  /** An event has begun or ended. */
  #showAttention() {
    this.#showTiles();
    this.#views.show();
    this.#arrange();
  }

  /** The user, or the tour, shows something else. */
  #showView(others = false) {
    this.#wanted = null;
    if (others) this.#forgetChoices();
    this.#showTiles();
    this.#writeAddress();
    this.#showNone();
    this.#arrange();
  }

  /** Streams are chosen for a view, on all of its pages. */
  #forgetChoices() {
    this.#choices.clear();
    for (const tile of this.#tiles) tile.choice = 'auto';
  }

  /** A tile in the document, above the wall's others. */
  #make(name) {
    const tile = new Tile($('tile'), name, {
      ontoggle: (one) => this.#setLarge(this.#large === one ? null : one),
      onfocus: (one) => this.#setCurrent(one),
      oncondition: (one) => this.#onCondition(one),
      ongone: () => this.#list.ask(),
      onsize: () => this.#arrange(),
      onstats: (one, stats) => this.#onStats(one, stats),
      onsound: (one) => this.#toggleSound(one),
      onsilence: (one) => this.#say(say('{camera}: no sound. {reason}', { camera: one.name, reason: one.camera.sound.text })),
      onlink: (one) => this.#say(linkNews(one.name, one.slow)),
      onsnapshot: (one) => this.#snapshot(one),
      onfullscreen: () => this.fullScreen(),
      onwant: () => this.#rank(),
      onstream: (one) => this.#nextStream(one),
      onvolume: (volume) => this.#setVolume(volume),
      onwindow: (one) => this.#note(say('{camera}: no window of its own is possible now', { camera: one.name })),
      onlook: (one, looking) => this.#onLook(one, looking),
      onnopast: (one) => this.#note(say('{camera}: nothing is kept to look back at', { camera: one.name })),
      onclip: (one) => this.#note(say('{camera}: the clip is being saved', { camera: one.name })),
    });
    tile.figures = this.#figures;
    tile.volume = this.#volume;
    tile.choice = this.#choices.get(name) ?? 'auto';
    this.#root.append(tile.root);
    tile.update(this.#rows.get(name));
    return tile;
  }

  /** Tiles that stay are not touched: moving a node in the document would restart its player. */
  #replace(next) {
    const gone = this.#tiles.filter((tile) => !next.includes(tile));
    const hadFocus = gone.some(({ root }) => root.contains(document.activeElement));
    this.#drag?.cancel();
    this.#tiles = next;
    if (gone.includes(this.#large)) this.#setLarge(null);
    for (const tile of gone) tile.close();
    this.#root.setAttribute('aria-owns', next.map(({ root }) => root.id).join(' ')); // the order for users who cannot see it
    this.#setCurrent(next.includes(this.#current) ? this.#current : (next[0] ?? null));
    if (hadFocus) this.#current?.open.focus({ preventScroll: true });
    const wanted = this.#wanted && this.#tile(this.#wanted);
    if (wanted) this.#setLarge(wanted, { focus: false, returns: false });
    this.#showSummary();
  }

  #onLook(tile, looking) {
    this.#say(say(looking ? '{camera}: in the past' : '{camera}: live again', { camera: tile.name }));
    this.#rank();
  }

  #onAway() {
    this.#away = true;
    if (this.#tiles.length > 0) return; // every tile shows it itself, over its last picture
    showEmpty(say('The server is away'), say('This page shows the cameras by itself as soon as ringcast answers again.'));
  }

  /** The tiles stay as they are, and those that still have pictures go on. */
  #onRefused() {
    this.#say(say('Log in again'));
    if (this.#tiles.length === 0) showEmpty(say('Log in again'), say('This page shows the cameras by itself as soon as somebody has logged in.'));
  }

  /** What is said where no camera is. */
  #showNone() {
    if (!this.#listed) return;
    const { auth, user, role } = this.#account.session ?? {};
    if (this.#tiles.length > 0) showEmpty(null);
    else if (this.#rows.size > 0) showEmpty(say('Nothing to show here'), say('None of these cameras is there. Press / to choose others.'));
    else if (auth && role !== 'operator') showEmpty(say('No cameras'), say('No camera may be watched by {user}.', { user: user ?? say('this visitor') }));
    else showEmpty(say('No cameras yet'), say('Add one to the configuration file, then run “ringcastctl reload”:'), true);
  }

  #onVersion() {
    if (this.#kiosk) this.#kiosk.reloadNow();
    else $('reload').hidden = false;
  }

  /** The tiles as Recovery.judge takes them. */
  #expectations() {
    return this.#tiles.map((tile) => ({
      name: tile.name,
      live: ['live', 'keyframes', 'still', 'late'].includes(tile.condition.name),
      expected: !this.#away && !this.#account.loggedOut && !tile.root.hidden && !['failed', 'unseen'].includes(tile.condition.name) && isStreaming(this.#rows.get(tile.name)),
    }));
  }

  // ---- where they are

  #arrange() {
    const stage = $('stage');
    const style = getComputedStyle(stage);
    const box = {
      width: stage.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight),
      height: stage.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom),
    };
    if (box.width <= 0 || box.height <= 0) return;
    this.#box = box;
    const layout = this.#large ? this.#layoutOne(box) : this.#grid(this.#tiles.length);
    this.#rects = layout.rects;
    if (!this.#large) this.#columns = layout.columns;
    const bottom = Math.max(...layout.rects.map((rect) => (rect ? rect.y + rect.height : 0)));
    this.#root.style.height = layout.scrolls ? `${bottom}px` : '100%';
    stage.classList.toggle('scrolls', layout.scrolls);
    this.#tiles.forEach((tile, i) => tile.place(layout.rects[i]));
    this.#layUnder();
    this.#rank();
  }

  // ---- what the page can bear

  /** Brings the ladder up to date; the largest tiles first, of equal ones the current and then the first ones. */
  #rank() {
    const area = (i) => (this.#rects[i] ? this.#rects[i].width * this.#rects[i].height : 0);
    const order = [...this.#tiles.keys()].filter((i) => area(i) > 0);
    const isCurrent = (i) => Number(this.#tiles[i] === this.#current);
    order.sort((a, b) => area(b) - area(a) || isCurrent(b) - isCurrent(a) || a - b);
    this.#climb(this.#ladder.arrange(order.map((i) => this.#tiles[i].standing)));
  }

  #climb(rungs) {
    for (const tile of this.#tiles) if (rungs.has(tile.name)) tile.rung = rungs.get(tile.name);
  }

  #onStats(tile, stats) {
    if (!tile.root.hidden && stats.behind === 0) this.#load.report(tile.name, tile.camera.video, stats, tile.camera.targetDelay);
  }

  #judge() {
    const now = performance.now();
    const strained = this.#load.judge(this.#tiles.length, (now - this.#judgedAt) / 1000);
    this.#judgedAt = now;
    if (document.hidden) this.#ladder.forget();
    else if (this.#ladder.second(now, strained)) this.#rank();
  }

  get #ratio() {
    return commonRatio(this.#tiles.map(({ size }) => size));
  }

  #grid(count) {
    const ratio = this.#ratio;
    const chosen = layoutOf(this.#views.layout);
    const layout = chosen && this.#box ? fitSpans(chosen, count, this.#box, { ratio }) : null;
    const tooSmall = layout?.rects.some((rect) => rect && rect.width < SMALLEST_PX);
    return layout && !tooSmall ? layout : fitGrid(count, this.#box ?? NO_BOX, { ratio });
  }

  /** The camera that the tour makes large next plays under the large one, if it has no place of its own. */
  #layUnder() {
    const under = this.#views.next === null ? null : this.#tile(this.#views.next);
    for (const tile of this.#tiles) tile.root.classList.toggle('ahead', tile === under && tile.root.hidden);
    if (under?.root.hidden) under.place(this.#rects[this.#tiles.indexOf(this.#large)]);
  }

  #layoutOne(box) {
    const ratio = this.#ratio;
    const index = this.#tiles.indexOf(this.#large);
    const largeRatio = commonRatio([this.#large.size]);
    const sizes = { ratio, largeRatio };
    const count = this.#tiles.length;
    if (!document.fullscreenElement) return fitPhone(count, index, box, sizes) ?? fitOne(count, index, box, sizes);
    const rects = this.#tiles.map((_, i) => (i === index ? { x: 0, y: 0, ...box } : null));
    return { rects, scrolls: false };
  }

  #swap(from, to) {
    const all = this.#views.arranged;
    const [one, other] = [from, to].map((index) => all.indexOf(this.#tiles[index].name));
    if (one === -1 || other === -1) return; // it is there because of an event, and has no place of its own
    this.#tiles = swapped(this.#tiles, from, to);
    this.#root.setAttribute('aria-owns', this.#tiles.map(({ root }) => root.id).join(' '));
    this.#saveOrder(remembered(this.#order, swapped(all, one, other)));
    this.#arrange();
    const moved = this.#tiles[to];
    this.#setCurrent(moved);
    this.#say(say('{camera} is now in place {place} of {count}', { camera: moved.name, place: to + 1, count: this.#tiles.length }));
  }

  #saveOrder(order) {
    this.#order = order;
    memory.order = order.length > 0 ? order : null;
    this.#writeAddress();
  }

  #forgetOrder() {
    this.#saveOrder([]);
    $('keys').close();
    this.#showView();
  }

  #writeAddress(returns = false) {
    const query = this.#views.write(queryWithOrder(location.search, this.#order.length > 0 ? this.#order : null));
    const hash = this.#large ? `#${encodeURIComponent(this.#large.name)}` : '';
    this.#history.write(location.pathname + query + hash, { large: this.#large !== null, step: returns });
  }

  /** The user went back or on, or wrote another name behind the #. */
  #onAddress() {
    const name = largeOfHash(location.hash);
    const tile = name === null ? null : this.#tile(name);
    if (tile !== undefined && tile !== this.#large) this.#setLarge(tile, { returns: false });
  }

  // ---- the current tile, and the large one

  #setCurrent(tile) {
    this.#current = tile;
    for (const other of this.#tiles) other.current = other === tile;
  }

  /** `focus`: the keyboard goes there; `returns`: the browser's Back returns from it. */
  #setLarge(tile, { focus = true, returns = true } = {}) {
    const before = this.#large;
    if (before && before !== tile) {
      const heard = !before.muted;
      before.muted = true;
      if (tile && heard) this.#hear(tile);
    }
    this.#drag?.cancel();
    this.#large = tile;
    this.#wanted = null;
    this.#root.classList.toggle('one', tile !== null);
    for (const other of this.#tiles) other.show(other === tile);
    if (tile) this.#setCurrent(tile);
    this.#arrange();
    this.#writeAddress(returns && !before);
    this.#showSummary();
    const target = tile ?? before;
    if (focus && this.#tiles.includes(target)) target.open.focus({ preventScroll: true });
  }

  #move(direction) {
    const count = this.#tiles.length;
    if (count === 0) return;
    const index = this.#tiles.indexOf(this.#current);
    const next = this.#tiles[this.#target(direction, index)];
    if (this.#large) {
      if (next !== this.#large) this.#setLarge(next);
    } else {
      this.#setCurrent(next);
      next.open.focus();
    }
  }

  #target(direction, index) {
    const last = this.#tiles.length - 1;
    if (direction === 'first') return 0;
    if (direction === 'last') return last;
    const spans = this.#large ? null : layoutOf(this.#views.layout)?.spans;
    if (spans?.length > 0) return neighbour(this.#rects, index, direction);
    return step(index, direction, last + 1, this.#large ? 1 : this.#columns);
  }

  // ---- what the keys do

  #onKey(event) {
    if (document.querySelector('dialog[open]') || event.defaultPrevented) return;
    const action = actionOf(event);
    if (!action || (action[0] === 'choose' && event.target.closest?.('button, a, input'))) return;
    if (['move', 'page'].includes(action[0]) && event.target.matches?.('input[type=range]')) return; // they move its own knob
    if (action[0] === 'leave' && !this.#large && !this.#drag?.active) return; // the browser's own Back
    event.preventDefault();
    this[action[0]](action[1]);
  }

  move(direction) {
    this.#move(direction);
  }

  place(direction) {
    if (this.#large) this.#large.zoom.pan(direction);
    if (this.#large || this.#kiosk || !this.#current) return;
    const from = this.#tiles.indexOf(this.#current);
    const to = this.#target(direction, from);
    if (to === from) return;
    this.#swap(from, to);
    this.#current.open.focus();
  }

  /** Where nothing has the focus, which would do it itself. */
  choose() {
    if (this.#current) this.#setLarge(this.#large ? null : this.#current);
  }

  back() {
    if (this.#drag?.active) this.#drag.cancel();
    else if (this.#large) this.#setLarge(null);
  }

  /** The Back of a remote control. */
  leave() {
    this.back();
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    else document.documentElement.requestFullscreen?.().catch(() => this.#note(say('This browser does not allow full screen here')));
  }

  sound() {
    if (this.#current) this.#toggleSound(this.#large ?? this.#current);
  }

  snapshot() {
    if (this.#current) this.#snapshot(this.#large ?? this.#current);
  }

  /** Of the camera that keys are about. */
  get #past() {
    return (this.#large ?? this.#current)?.past;
  }

  lookBack() {
    (this.#large ?? this.#current)?.lookBack();
  }

  lookLive() {
    (this.#large ?? this.#current)?.lookLive();
  }

  stepBy(count) {
    this.#past?.step(count);
  }

  saveClip() {
    this.#past?.save();
  }

  pictureInPicture() {
    if (hasWindow()) (this.#large ?? this.#current)?.pictureInPicture();
  }

  /** Which stream: the next one that can be chosen. */
  stream() {
    if (this.#large) this.#nextStream(this.#large);
  }

  #nextStream(tile) {
    if (!this.#rows.get(tile.name)?.sub) return;
    const choice = CHOICES[(CHOICES.indexOf(tile.choice) + 1) % CHOICES.length];
    this.#choices.set(tile.name, choice);
    tile.choice = choice;
    this.#note(say('{camera}: {choice}', { camera: tile.name, choice: choiceWords(choice) }));
  }

  /** Of the camera that is heard; who makes a silent one louder wants to hear it. */
  louder(direction) {
    const tile = this.#large ?? this.#current;
    if (!tile) return;
    if (tile.muted && direction > 0) this.#toggleSound(tile);
    else this.#setVolume(this.#volume + direction * VOLUME_STEP);
  }

  #setVolume(volume) {
    this.#volume = Math.round(Math.min(1, Math.max(0, volume)) * 100) / 100;
    memory.volume = this.#volume;
    for (const tile of this.#tiles) tile.volume = this.#volume;
    this.#note(say('Volume {percent} %', { percent: Math.round(this.#volume * 100) }));
  }

  ownFigures() {
    (this.#large ?? this.#current)?.toggleFigures();
  }

  figures() {
    this.#figures = !this.#figures;
    for (const tile of this.#tiles) tile.figures = this.#figures;
  }

  theme() {
    const light = shownTheme() === 'light';
    const next = light ? 'dark' : 'light';
    const system = matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
    memory.theme = next === system ? null : next; // a user who chooses the system's setting keeps following it
    this.#showTheme();
  }

  zoom(direction) {
    this.#large?.zoom.step(direction);
  }

  account() {
    this.#account.press();
  }

  views() {
    if (!this.#kiosk) this.#views.choose();
  }

  page(by) {
    if (!this.#large) this.#views.turn(by);
  }

  tour() {
    this.#views.tour();
  }

  help() {
    fillHelp($('key-list'), this.#account.session?.auth === true);
    $('forget').hidden = this.#order.length === 0;
    $('keys').showModal();
  }

  /** One camera is heard at a time. */
  #hear(tile) {
    for (const other of this.#tiles) if (other !== tile && !other.muted) other.muted = true;
    tile.muted = false;
  }

  #toggleSound(tile) {
    const on = tile.muted;
    if (on) this.#hear(tile);
    else tile.muted = true;
    this.#rank();
    this.#say(say(on ? '{camera}: sound on' : '{camera}: sound off', { camera: tile.name }));
  }

  async #snapshot(tile) {
    const taken = await tile.snapshot();
    this.#note(taken ? say('Saved {file}', { file: savePicture(taken.blob, tile.name, taken.time ?? new Date()) }) : say('{camera}: there is no picture to save', { camera: tile.name }));
  }

  #showTheme() {
    const { theme } = memory;
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    $('theme').setAttribute('aria-pressed', String(shownTheme() === 'light'));
  }

  #onPointer() {
    document.documentElement.classList.remove('still');
    this.#cancelStill();
    this.#cancelStill = this.#scope.timeout(STILL_MS, () => document.documentElement.classList.add('still'));
  }

  // ---- its words

  #onCondition(tile) {
    if (!this.#tiles.includes(tile)) return; // it is not shown yet
    // What was refused may be over before the list has said anything of it, and then the list has no reason to come again.
    if (tile.condition.name === 'failed') this.#cancelLook ??= this.#scope.timeout(FAILED_MS, () => this.#lookAgain());
    const { name, label } = tile.condition;
    const before = this.#changes.get(tile.name)?.before ?? tile.seen;
    this.#changes.set(tile.name, { before, after: { name, label } });
    if (!isSettling(name) || tile.seen === null) tile.seen = name; // what it becomes then is news, or not, against what it was
    this.#showSummary();
    this.#cancelNews ??= this.#scope.timeout(NEWS_MS, () => this.#tellNews());
  }

  /** One question for all that failed: what fails again asks again, and would ask more often each time. */
  #lookAgain() {
    this.#cancelLook = null;
    this.#list.ask();
  }

  #tellNews() {
    this.#cancelNews = null;
    const news = newsOf(this.#changes, $('summary').textContent);
    this.#changes.clear();
    if (news) this.#say(news);
  }

  #showSummary() {
    const conditions = this.#tiles.map(({ condition }) => condition);
    const text = summaryOf(conditions, this.#views.total);
    const summary = $('summary');
    if (summary.textContent !== text) summary.textContent = text;
    summary.dataset.state = conditions.every(({ name }) => name === 'live') ? 'good' : 'other';
    const title = titleOf(conditions, { large: this.#large?.name, product: productName() });
    if (document.title !== title) document.title = title;
  }

  /** Only for screen readers. */
  #say(text) {
    $('news').textContent = text;
  }

  /** For all users, for a moment. */
  #note(text) {
    this.#say(text);
    $('note').textContent = text;
    $('note').hidden = false;
    this.#cancelNote();
    this.#cancelNote = this.#scope.timeout(NOTE_MS, () => ($('note').hidden = true));
  }
}

/** True if the server has pictures of the camera, large or small ones. */
const isStreaming = (row) => row?.state === 'streaming' || row?.sub?.state === 'streaming';

function shownTheme() {
  const { theme } = document.documentElement.dataset;
  return theme ?? (matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark');
}

function showEmpty(title, text, example = false) {
  $('empty').hidden = title === null;
  $('empty-title').textContent = title ?? '';
  $('empty-text').textContent = text ?? '';
  $('empty-example').hidden = !example;
}

function fillHelp(list, visitor) {
  list.replaceChildren();
  for (const { shown, text } of KEYS.filter((key) => (visitor || !key.visitor) && (hasWindow() || !key.window))) {
    const term = document.createElement('dt');
    term.append(...shown.map((key) => Object.assign(document.createElement('kbd'), { textContent: say(key) })));
    const description = document.createElement('dd');
    description.textContent = say(text);
    list.append(term, description);
  }
}

await speak();
const wall = new Wall();
wall.open();
brand(() => wall.renamed());
