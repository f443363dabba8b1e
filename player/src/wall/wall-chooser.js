// SPDX-License-Identifier: MIT
// The dialog in which a user finds cameras and chooses what the wall shows: a search, groups, saved views, single cameras, a layout, a tour.

import { say } from '../player/words.js';
import { Scope } from '../player/scope.js';
import { LAYOUTS } from './wall-spans.js';
import { ALL, found, sameCameras, viewOfQuery } from './wall-view.js';

const TOURS = [10, 20, 30, 60, 300];
const NAME_MAX = 64;

const $ = (id) => document.getElementById(id);

export class Chooser {
  #scope = new Scope();
  #owner;
  #chosen = new Set(); // names with a mark
  #items = new Map(); // name → its <li>, while the dialog is open

  /**
   * `owner`: `state()` with `names`, `groups`, `saved`, `view`, `shown` (names); `onview(change)`, `onquery(saved)`, `onlarge(name)`, `onsave(name)`,
   * `onforget(name)`, `onsaved(text)`.
   */
  constructor(owner) {
    this.#owner = owner;
  }

  open() {
    const scope = this.#scope;
    const dialog = $('chooser');
    scope.listen($('search'), 'input', () => this.#filter());
    scope.listen($('search'), 'keydown', (event) => event.key === 'Enter' && this.#takeFirst(event));
    scope.listen(dialog, 'keydown', (event) => this.#onArrow(event));
    // The event comes later than the close: by then the dialog may have been opened again.
    scope.listen(dialog, 'close', () => dialog.open || this.#empty());
    scope.listen(dialog, 'click', (event) => this.#onClick(event));
    scope.listen($('found'), 'change', ({ target }) => this.#mark(target));
    scope.listen($('chosen'), 'click', () => this.#take());
    scope.listen($('layout'), 'change', ({ target }) => this.#owner.onview({ layout: target.value || null }));
    scope.listen($('tour-time'), 'change', ({ target }) => this.#owner.onview({ tour: Number(target.value) || null }));
    scope.listen($('save'), 'submit', (event) => this.#save(event));
    scope.listen($('chooser-close'), 'click', () => dialog.close());
    scope.add(() => dialog.open && dialog.close());
  }

  close() {
    this.#scope.close();
  }

  show() {
    if ($('chooser').open) return;
    const { view, shown } = this.#owner.state();
    this.#chosen = new Set(view.cameras && !view.group ? shown : []);
    $('search').value = '';
    $('save-name').value = '';
    this.#fill();
    $('chooser').showModal();
    $('search').focus();
  }

  /** The server lists other cameras. */
  update() {
    if ($('chooser').open) this.#fill();
  }

  #fill() {
    const { view } = this.#owner.state();
    this.#fillViews();
    fillSelect($('layout'), [['', say('As large as possible')], ...LAYOUTS.map((name) => [name, layoutWords(name)])], view.layout ?? '');
    fillSelect($('tour-time'), [['', say('Off')], ...tours(view.tour).map((seconds) => [String(seconds), timeWords(seconds)])], String(view.tour ?? ''));
    this.#filter();
    this.#showChosen();
  }

  #fillViews() {
    const { names, groups, saved, view } = this.#owner.state();
    const make = ({ text, pressed, count, data, forget }) => {
      const button = document.createElement('button');
      Object.assign(button, { type: 'button', className: 'plain view' });
      button.append(isolated(text), counted(count));
      button.setAttribute('aria-pressed', String(pressed));
      Object.assign(button.dataset, data);
      const item = document.createElement('li');
      item.append(button);
      if (forget) item.append(forgetButton(text));
      return item;
    };
    const same = (other) => sameCameras(other, view);
    $('views').replaceChildren(
      make({ text: say('All cameras'), pressed: same(ALL), count: names.length, data: { all: '' } }),
      ...groups.map((group) => make({
        text: group.name, pressed: same({ ...ALL, group: group.name }), count: group.cameras.length, data: { group: group.name },
      })),
      ...saved.map(({ name, query }) => make({ text: name, pressed: same(viewOfQuery(query)), data: { saved: name }, forget: true })),
    );
  }

  /** The cameras that the search finds. Nodes stay what they are, so that marks and the focus do. */
  #filter() {
    const { names } = this.#owner.state();
    const fitting = found(names, $('search').value);
    for (const name of this.#items.keys()) if (!names.includes(name)) this.#items.delete(name);
    $('found').replaceChildren(...fitting.map((name) => this.#item(name)));
    $('found-none').hidden = fitting.length > 0;
  }

  #item(name) {
    const known = this.#items.get(name);
    if (known) return known;
    const item = document.createElement('li');
    const label = document.createElement('label');
    const box = Object.assign(document.createElement('input'), { type: 'checkbox', value: name, checked: this.#chosen.has(name) });
    label.append(box, isolated(name));
    const large = Object.assign(document.createElement('button'), { type: 'button', className: 'plain', textContent: say('Large') });
    large.setAttribute('aria-label', say('Show {camera} large', { camera: name }));
    large.dataset.large = name;
    item.append(label, large);
    this.#items.set(name, item);
    return item;
  }

  #empty() {
    this.#items.clear();
    $('found').replaceChildren();
    $('views').replaceChildren();
  }

  #mark({ value, checked }) {
    if (checked) this.#chosen.add(value);
    else this.#chosen.delete(value);
    this.#showChosen();
  }

  #showChosen() {
    const count = this.#chosen.size;
    $('chosen').textContent = count === 0 ? say('Show all cameras') : say(count === 1 ? 'Show 1 camera' : 'Show {count} cameras', { count });
  }

  #take() {
    const { names } = this.#owner.state();
    const cameras = names.filter((name) => this.#chosen.has(name));
    this.#end(() => this.#owner.onview({ group: null, cameras: cameras.length > 0 ? cameras : null }));
  }

  #takeFirst(event) {
    event.preventDefault();
    const first = $('found').querySelector('[data-large]')?.dataset.large;
    if (first !== undefined) this.#end(() => this.#owner.onlarge(first));
  }

  #onClick({ target }) {
    const dialog = $('chooser');
    if (target === dialog) dialog.close();
    const { dataset } = target.closest('button') ?? dialog;
    if (dataset.all !== undefined) this.#end(() => this.#owner.onview({ group: null, cameras: null }));
    else if (dataset.group !== undefined) this.#end(() => this.#owner.onview({ group: dataset.group, cameras: null }));
    else if (dataset.saved !== undefined) this.#openSaved(dataset.saved);
    else if (dataset.large !== undefined) this.#end(() => this.#owner.onlarge(dataset.large));
    else if (dataset.forget !== undefined) this.#forget(dataset.forget);
  }

  #openSaved(name) {
    const saved = this.#owner.state().saved.find((each) => each.name === name);
    if (saved) this.#end(() => this.#owner.onquery(saved));
  }

  #forget(name) {
    this.#owner.onforget(name);
    this.#fillViews();
    $('views').querySelector('button').focus();
  }

  #save(event) {
    event.preventDefault();
    const name = $('save-name').value.trim().slice(0, NAME_MAX);
    if (name === '') return;
    this.#owner.onsave(name);
    this.#end(() => this.#owner.onsaved(say('Saved as “{name}”', { name })));
  }

  /** Arrows go from the search into the list and along it; the other keys are the browser's own. */
  #onArrow(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || event.target.tagName === 'SELECT') return;
    const stops = [$('search'), ...$('found').querySelectorAll('input')];
    const index = stops.indexOf(event.target.closest('li')?.querySelector('input') ?? event.target);
    const next = stops[index + by];
    if (index === -1 || !next) return;
    event.preventDefault();
    next.focus();
  }

  /** The focus first goes back to where it was, and then where the change takes it. */
  #end(run) {
    $('chooser').close();
    run();
  }
}

function isolated(text) {
  return Object.assign(document.createElement('bdi'), { textContent: text, title: text });
}

function counted(count) {
  return Object.assign(document.createElement('span'), { className: 'count', textContent: count ?? '' });
}

function forgetButton(name) {
  const button = Object.assign(document.createElement('button'), { type: 'button', className: 'icon', textContent: '×' });
  button.setAttribute('aria-label', say('Forget the view {name}', { name }));
  button.dataset.forget = name;
  return button;
}

function fillSelect(select, options, value) {
  select.replaceChildren(...options.map(([key, text]) => new Option(text, key)));
  if (!options.some(([key]) => key === value)) select.append(new Option(value, value));
  select.value = value;
}

const tours = (seconds) => (seconds === null || TOURS.includes(seconds) ? TOURS : [...TOURS, seconds].sort((a, b) => a - b));

const timeWords = (seconds) => (seconds % 60 === 0 ? say('every {count} min', { count: seconds / 60 }) : say('every {count} s', { count: seconds }));

function layoutWords(name) {
  const [, columns, rows] = /^(\d+)x(\d+)$/.exec(name) ?? [];
  if (columns) return `${columns} × ${rows}`;
  return {
    'hero-6': say('1 large, 5 small'),
    'hero-8': say('1 large, 7 small'),
    'hero-13': say('1 in the middle, 12 around it'),
    'two-10': say('2 large, 8 small'),
  }[name];
}
