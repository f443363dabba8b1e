// SPDX-License-Identifier: MIT
// The wall's own logic, without a page: where tiles are, what is remembered, its words, what a key does, and how an
// unattended wall recovers by itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GAP_PX, SMALLEST_PX, at, commonRatio, fitGrid, fitOne, step } from '../../player/src/wall/wall-grid.js';
import { WallHistory } from '../../player/src/wall/wall-history.js';
import { KEYS, actionOf } from '../../player/src/wall/wall-keys.js';
import { Poster, posterUrl } from '../../player/src/wall/wall-poster.js';
import { hasWindow, watchLongPress } from '../../player/src/wall/wall-press.js';
import { Scope } from '../../player/src/player/scope.js';
import { Memory, arranged, largeOfHash, orderOfQuery, queryWithOrder, remembered, swapped } from '../../player/src/wall/wall-layout.js';
import {
  FIRST_RELOAD_MS, HEALTHY_MS, HOPELESS_MS, LAST_RELOAD_MS, Recovery, STUCK_MS, nextReload,
} from '../../player/src/wall/wall-recovery.js';
import { fittingStream } from '../../player/src/wall/wall-streams.js';
import { figuresOf, newsOf, overlayOf, snapshotName, summaryOf, titleOf, troubleOf, visitorOf } from '../../player/src/wall/wall-words.js';
import { mockTimers, tick } from './support/clock.mjs';

const WINDOWS = [
  { width: 1268, height: 670 }, { width: 1908, height: 1030 }, { width: 378, height: 794 }, { width: 832, height: 340 },
  { width: 1012, height: 1000 }, { width: 3428, height: 1390 },
];
const RATIOS = [16 / 9, 4 / 3, 9 / 16];

function assertInside(rects, { width, height }, what) {
  for (const rect of rects) {
    assert.ok(rect.x >= 0 && rect.y >= 0 && rect.x + rect.width <= width && rect.y + rect.height <= height, `${what}: ${JSON.stringify(rect)}`);
    assert.ok(rect.width > 0 && rect.height > 0, what);
  }
}

function assertApart(rects, what) {
  rects.forEach((a, i) => rects.slice(i + 1).forEach((b) => {
    const apart = a.x + a.width + GAP_PX <= b.x + 1 || b.x + b.width + GAP_PX <= a.x + 1
      || a.y + a.height + GAP_PX <= b.y + 1 || b.y + b.height + GAP_PX <= a.y + 1;
    assert.ok(apart, `${what}: ${JSON.stringify([a, b])}`);
  }));
}

test('1 to 64 tiles fit every window: all inside, none on another, in the shape of the cameras', () => {
  for (const box of WINDOWS) {
    for (const ratio of RATIOS) {
      for (let count = 1; count <= 64; count++) {
        const what = `${count} in ${box.width}x${box.height} at ${ratio.toFixed(2)}`;
        const { rects, scrolls, columns, rows } = fitGrid(count, box, { ratio });
        assert.equal(rects.length, count);
        if (scrolls) continue;
        assertInside(rects, box, what);
        assertApart(rects, what);
        assert.ok(columns * rows >= count && columns * (rows - 1) < count, what);
        for (const { width, height } of rects) assert.ok(Math.abs(width / ratio - height) <= 1, what);
      }
    }
  }
});

test('only a window in which tiles would be too small to see scrolls', () => {
  for (const box of WINDOWS.slice(0, 2)) for (let count = 1; count <= 64; count++) assert.equal(fitGrid(count, box).scrolls, false);
  const phone = fitGrid(200, { width: 378, height: 500 });
  assert.equal(phone.scrolls, true);
  assert.ok(phone.rects.every(({ x, width }) => x >= 0 && x + width <= 378 && width > SMALLEST_PX));
  assertApart(phone.rects, 'scrolled');
  assert.deepEqual(fitGrid(0, WINDOWS[0]).rects, []);
});

test('no other number of columns would make the tiles larger', () => {
  for (const box of WINDOWS) {
    for (const count of [1, 2, 3, 4, 5, 7, 9, 12, 16, 25, 36, 64]) {
      const { rects, scrolls } = fitGrid(count, box);
      if (scrolls) continue;
      for (let columns = 1; columns <= count; columns++) {
        const rows = Math.ceil(count / columns);
        const width = Math.min((box.width - (columns - 1) * GAP_PX) / columns, ((box.height - (rows - 1) * GAP_PX) / rows) * (16 / 9));
        assert.ok(rects[0].width >= Math.floor(width), `${count}: ${columns} columns`);
      }
    }
  }
});

test('the usual numbers stand as people expect, and a short last row is in the middle', () => {
  const box = { width: 1268, height: 670 };
  assert.deepEqual([1, 4, 9, 16, 25].map((count) => fitGrid(count, box).columns), [1, 2, 3, 4, 5]);
  const { rects } = fitGrid(5, box);
  assert.ok(Math.abs(rects[3].x - (box.width - rects[4].x - rects[4].width)) <= 1);
});

test('one large: larger than all others, which are all there, inside and apart', () => {
  for (const box of WINDOWS) {
    for (const count of [1, 2, 3, 4, 9, 16, 25, 40]) {
      const what = `${count} in ${box.width}x${box.height}`;
      const { rects } = fitOne(count, count - 1, box);
      const large = rects.at(-1);
      const others = rects.slice(0, -1).filter(Boolean);
      assert.ok(others.length === count - 1 || others.length === 0, what);
      assertInside([large, ...others], box, what);
      assertApart([large, ...others], what);
      for (const other of others) assert.ok(other.width < large.width, what);
      assert.ok(large.width * large.height > (box.width * box.height) / 6, `${what}: ${JSON.stringify(large)}`);
    }
  }
  assert.deepEqual(fitOne(1, 0, { width: 1600, height: 900 }).rects, [{ x: 0, y: 0, width: 1600, height: 900 }]);
});

test('a phone held upright has the large one on top and the others right below, filling the rest', () => {
  const { rects } = fitOne(9, 2, { width: 378, height: 794 });
  assert.deepEqual({ x: rects[2].x, y: rects[2].y, width: rects[2].width }, { x: 0, y: 0, width: 378 });
  assert.ok(rects.every(({ y }, i) => i === 2 || y > rects[2].height));
  assert.ok(rects[0].width > 150);
});

test('the shape of most cameras counts; those that say nothing do not', () => {
  assert.equal(commonRatio([]), 16 / 9);
  assert.equal(commonRatio([{ width: null, height: null }, { width: 640, height: 480 }]), 4 / 3);
  assert.equal(commonRatio([{ width: 640, height: 480 }, { width: 1920, height: 1080 }, { width: 1280, height: 720 }]), 16 / 9);
  assert.equal(commonRatio([{ width: 9000, height: 1 }]), 3);
});

test('arrows go to the neighbour and never leave the wall', () => {
  assert.equal(step(0, 'left', 5, 3), 0);
  assert.equal(step(0, 'right', 5, 3), 1);
  assert.equal(step(1, 'down', 5, 3), 4);
  assert.equal(step(2, 'down', 5, 3), 4, 'below is nothing: the last one');
  assert.equal(step(4, 'down', 5, 3), 4);
  assert.equal(step(4, 'up', 5, 3), 1);
  assert.equal(step(4, 'right', 5, 3), 4);
});

test('a point finds its tile', () => {
  const { rects } = fitGrid(4, { width: 1280, height: 720 });
  const middle = ({ x, y, width, height }) => [x + width / 2, y + height / 2];
  for (const [i, rect] of rects.entries()) assert.equal(at(rects, ...middle(rect)), i);
  assert.equal(at(rects, -5, 3), -1);
  assert.equal(at([null, rects[1]], ...middle(rects[1])), 1);
});

test('an arrangement: known cameras first, new ones after them, each once', () => {
  assert.deepEqual(arranged(['a', 'b', 'c'], []), ['a', 'b', 'c']);
  assert.deepEqual(arranged(['a', 'b', 'c', 'd'], ['c', 'gone', 'a', 'c']), ['c', 'a', 'b', 'd']);
  assert.deepEqual(swapped(['a', 'b', 'c'], 0, 2), ['c', 'b', 'a']);
});

test('a camera that is away keeps its place', () => {
  assert.deepEqual(remembered([], ['b', 'a']), ['b', 'a']);
  assert.deepEqual(remembered(['a', 'away', 'b'], ['b', 'a']), ['b', 'away', 'a']);
  assert.deepEqual(remembered(['a', 'away'], ['b', 'a']), ['b', 'away', 'a']);
  assert.deepEqual(arranged(['a', 'away', 'b'], remembered(['a', 'away', 'b'], ['b', 'a'])), ['b', 'away', 'a']);
});

test('the address holds any name, and other parameters stay', () => {
  const order = ['Front door', 'a,b', 'ü&=?#', '<b>', '100%'];
  const query = queryWithOrder('?kiosk&order=old&x=1', order);
  assert.match(query, /^\?kiosk&x=1&order=/);
  assert.deepEqual(orderOfQuery(query), order);
  assert.equal(queryWithOrder(query, null), '?kiosk&x=1');
  assert.equal(queryWithOrder('?order=a', null), '');
  assert.equal(orderOfQuery(''), null);
  assert.equal(orderOfQuery('?order='), null);
  assert.equal(orderOfQuery('?reorder=a'), null);
  assert.deepEqual(orderOfQuery('?order=100%,b'), ['100%', 'b'], 'written by hand');
  assert.equal(largeOfHash(''), null);
  assert.equal(largeOfHash('#Front%20door'), 'Front door');
  assert.equal(largeOfHash('#100%'), '100%');
});

test('what the browser remembers; rubbish and a browser that forbids it are nothing', () => {
  const items = new Map();
  const storage = { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value) };
  const memory = new Memory(() => storage);
  assert.deepEqual([memory.order, memory.theme], [null, null]);
  memory.order = ['b', 'a'];
  memory.theme = 'light';
  assert.deepEqual([memory.order, memory.theme], [['b', 'a'], 'light']);
  memory.order = null;
  assert.deepEqual([memory.order, memory.theme], [null, 'light']);
  for (const rubbish of ['', '{', 'null', '[]', '{"order":"x","theme":7}', '{"order":[1],"theme":"pink"}']) {
    items.set([...items.keys()][0], rubbish);
    assert.deepEqual([memory.order, memory.theme], [null, null], rubbish);
  }
  const forbidden = new Memory(() => {
    throw new Error('SecurityError');
  });
  forbidden.order = ['a'];
  assert.equal(forbidden.order, null);
});

const live = { name: 'live', label: 'Live', text: '' };
const offline = { name: 'offline', label: 'Offline since 10:42', text: 'no answer' };
const many = (count, condition) => Array.from({ length: count }, () => condition);

test('one summary line', () => {
  assert.equal(summaryOf([]), '');
  assert.equal(summaryOf([live]), '1 camera, live');
  assert.equal(summaryOf(many(4, live)), '4 cameras, all live');
  assert.equal(summaryOf([...many(15, live), offline]), '16 cameras, 15 live, 1 offline since 10:42');
  const rest = [{ name: 'late', label: 'Late by 3 s' }, { name: 'failed', label: 'Cannot play' }, { name: 'reconnecting', label: 'Reconnecting' }];
  assert.equal(summaryOf([live, offline, offline, ...rest]), '6 cameras, 1 live, 1 late by 3 s, 1 reconnecting, 2 offline, 1 cannot be played');
  assert.equal(summaryOf(many(2, { name: 'connecting', label: 'Connecting' })), '2 cameras, 2 connecting');
});

test('the tab says first what is wrong', () => {
  assert.equal(titleOf(many(3, live)), 'ringcast');
  assert.equal(titleOf([live, offline], { large: 'Yard' }), '1 not live · Yard · ringcast');
  assert.equal(titleOf([{ name: 'connecting' }, live]), 'ringcast');
});

test('news are read out: what became worse or better, not what comes up, and many at once as a sum', () => {
  const news = (entries) => newsOf(new Map(entries), 'the sum');
  assert.equal(news([['Yard', { before: null, after: live }]]), '');
  assert.equal(news([['Yard', { before: 'connecting', after: live }]]), '');
  assert.equal(news([['Yard', { before: 'live', after: offline }]]), 'Yard: offline since 10:42');
  assert.equal(news([['Yard', { before: 'offline', after: live }], ['Gate', { before: 'live', after: offline }]]), 'Yard: live. Gate: offline since 10:42');
  assert.equal(news([['Yard', { before: 'live', after: live }]]), '', 'there and back is no news');
  assert.equal(news(['a', 'b', 'c', 'd'].map((name) => [name, { before: 'live', after: offline }])), 'the sum');
});

test('words over a picture only when there is something to say', () => {
  assert.equal(overlayOf(live), null);
  assert.equal(overlayOf({ name: 'idle', label: 'Paused', text: '' }), null);
  assert.deepEqual(overlayOf(offline), { headline: 'Offline since 10:42', text: 'no answer' });
});

test('figures, and dashes for what is not known', () => {
  const stats = { width: 1280, height: 720, codecs: 'avc1.64001F', fps: 24.96, bitrate: 1_940_000, latency: 0.187, latencyFrom: 'camera', delay: 0.123, target: 0.15, buffered: 4.02, framesDropped: 2, dropped: 3, missed: 0, connections: 1 };
  assert.deepEqual(figuresOf(stats), [
    '1280×720 · avc1.64001F', '25.0 frames/s · 1.9 Mbit/s', 'latency 0.19 s camera to screen', '0.12 s behind the newest (target 0.15 s)', 'buffer 4.0 s · dropped 5 · missed 0 · connections 1',
  ]);
  assert.deepEqual(figuresOf({ delay: null, codecs: null, bitrate: 64_000 }), [
    'no picture', '– frames/s · 64 kbit/s', 'latency – s', '– s behind the newest (target – s)', 'buffer – s · dropped 0 · missed 0 · connections 0',
  ]);
});

test('a file name that every system takes', () => {
  const date = new Date(2026, 10, 3, 9, 5, 7);
  assert.equal(snapshotName('Front door', date), 'Front door 2026-11-03 09-05-07.png');
  assert.equal(snapshotName('../a\\b:c*?"<>|', date), '_a_b_c______ 2026-11-03 09-05-07.png');
  assert.equal(snapshotName('...', date), 'camera 2026-11-03 09-05-07.png');
  assert.ok(snapshotName('x'.repeat(500), date).length < 120);
});

test('keys: the table that is shown and the one that acts are the same', () => {
  for (const { keys } of KEYS) {
    for (const name of keys) {
      const shiftKey = name.startsWith('Shift+');
      const action = actionOf({ key: name.replace('Shift+', ''), shiftKey });
      assert.notEqual(action, null, name);
    }
  }
  assert.deepEqual(actionOf({ key: 'ArrowLeft' }), ['move', 'left']);
  assert.deepEqual(actionOf({ key: 'ArrowLeft', shiftKey: true }), ['place', 'left']);
  assert.deepEqual(actionOf({ key: 'F', shiftKey: true }), ['fullScreen']);
  assert.deepEqual(actionOf({ key: '?', shiftKey: true }), ['help']);
  for (const modifier of ['ctrlKey', 'altKey', 'metaKey']) assert.equal(actionOf({ key: 's', [modifier]: true }), null);
  assert.equal(actionOf({ key: 'm', repeat: true }), null);
  assert.deepEqual(actionOf({ key: 'ArrowDown', repeat: true }), ['move', 'down']);
  assert.equal(actionOf({ key: 'Tab' }), null);
  assert.deepEqual([actionOf({ key: 'i' }), actionOf({ key: 'I', shiftKey: true })], [['figures'], ['ownFigures']]);
  assert.deepEqual([actionOf({ key: 'v' }), actionOf({ key: 'V', shiftKey: true, repeat: true }), actionOf({ key: 'AudioVolumeUp' })], [['louder', 1], ['louder', -1], ['louder', 1]]);
  assert.deepEqual(actionOf({ key: '\u041c', code: 'KeyV', shiftKey: true }), ['louder', -1], 'a keyboard without Latin letters');
});

test('a long press is one: a move, a short press and another button are not, and its click is none', (context) => {
  mockTimers(context, ['setTimeout']);
  const node = new EventTarget();
  const scope = new Scope();
  let [presses, clicks] = [0, 0];
  watchLongPress(node, scope, () => presses++);
  node.addEventListener('click', () => clicks++);
  const fire = (type, facts = {}) => {
    const event = Object.assign(new Event(type, { cancelable: true }), { isPrimary: true, button: 0, clientX: 5, clientY: 5, ...facts });
    Object.defineProperty(event, 'detail', { value: facts.detail ?? 1 });
    node.dispatchEvent(event);
    return event.defaultPrevented;
  };
  const press = (ms, end = 'pointerup', facts = {}) => {
    fire('pointerdown', facts);
    tick(context, ms);
    if (facts.moved) fire('pointermove', { clientX: 30 });
    tick(context, ms);
    fire(end);
    tick(context, 1000);
    fire('click');
    return [presses, clicks];
  };
  assert.deepEqual(press(200), [0, 1], 'short');
  assert.deepEqual(press(400), [1, 1], 'long');
  assert.deepEqual(press(200), [1, 2], 'the next click counts');
  assert.deepEqual(press(400, 'pointerup', { moved: true }), [1, 3]);
  assert.deepEqual(press(400, 'pointerup', { button: 2 }), [1, 4]);
  assert.deepEqual(press(400, 'pointerup', { isPrimary: false }), [1, 5]);
  fire('pointerdown');
  assert.equal(fire('contextmenu'), false);
  tick(context, 700);
  assert.deepEqual([presses, fire('contextmenu')], [2, true], 'no menu over it');
  fire('click', { detail: 0 });
  assert.equal(clicks, 6, 'a click by a key counts');
  fire('pointerdown');
  scope.close();
  tick(context, 1000);
  assert.deepEqual([presses, scope.size], [2, 0]);
});

test('a window of its own is offered where the browser has it', () => {
  const video = { prototype: { requestPictureInPicture() {} } };
  assert.equal(hasWindow({ document: { pictureInPictureEnabled: true }, HTMLVideoElement: video }), true);
  assert.equal(hasWindow({ document: { pictureInPictureEnabled: false }, HTMLVideoElement: video }), false);
  assert.equal(hasWindow({ document: {}, HTMLVideoElement: { prototype: {} } }), false);
});

test('the volume is kept; nonsense is as loud as it goes', () => {
  const stored = new Map();
  const memory = new Memory(() => ({ getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, value) }));
  assert.equal(memory.volume, 1);
  memory.volume = 0.3;
  assert.equal(memory.volume, 0.3);
  memory.volume = 'loud';
  assert.equal(memory.volume, 1);
});

test('keys: a keyboard without Latin letters has them in the same places', () => {
  for (const [key, code, action] of [
    ['\u0430', 'KeyF', 'fullScreen'], // Russian
    ['\u0424', 'KeyA', null],
    ['\u03c3', 'KeyS', 'snapshot'], // Greek
    ['\u05d3', 'KeyS', 'snapshot'], // Hebrew
    ['\u0649', 'KeyN', 'lookLive'], // Arabic
    ['a', 'KeyQ', null], // French: what is written on the key counts
    ['s', 'KeyO', 'snapshot'], // Dvorak
    ['\u00e9', 'Digit2', null],
  ]) assert.deepEqual(actionOf({ key, code }), action && [action], `${key} ${code}`);
});

/** A window with a history as browsers have it: `back()` is done later. */
function fakeWindow() {
  const entries = [{ state: null, address: '/' }];
  const it = { entries, at: 0, pending: [] };
  it.history = {
    get state() { return entries[it.at].state; },
    pushState(state, _, address) {
      entries.splice(++it.at, Infinity, { state, address });
    },
    replaceState(state, _, address) {
      entries[it.at] = { state, address };
    },
    back() {
      it.pending.push(-1);
    },
  };
  it.go = (by) => {
    it.at += by;
    return it.wall.onPop();
  };
  it.run = () => it.pending.splice(0).map((by) => it.go(by));
  it.addresses = () => entries.map(({ address }) => address);
  it.wall = new WallHistory(it);
  return it;
}

test('history: Back returns from a large camera, and a day of use leaves no trail', () => {
  const it = fakeWindow();
  for (let i = 0; i < 20; i++) {
    it.wall.write('/#a', { large: true, step: true });
    it.wall.write('/#b', { large: true, step: false }); // an arrow key
    assert.deepEqual(it.addresses(), ['/', '/#b']);
    it.wall.write('/', { large: false, step: false }); // Escape
    assert.deepEqual(it.run(), [false], 'the wall need not follow what it did itself');
    assert.equal(it.at, 0);
  }
  it.wall.write('/#a', { large: true, step: true });
  assert.equal(it.go(-1), true, 'the user went back');
  it.wall.write('/', { large: false, step: false });
  assert.deepEqual([it.at, it.addresses()], [0, ['/', '/#a']]);
  assert.equal(it.go(1), true);
  it.wall.write('/#a', { large: true, step: false });
  assert.deepEqual([it.at, it.addresses()], [1, ['/', '/#a']]);
});

test('history: what happens while the browser goes back is written when it is there', () => {
  const it = fakeWindow();
  it.wall.write('/#a', { large: true, step: true });
  it.wall.write('/', { large: false, step: false });
  it.wall.write('/#b', { large: true, step: true });
  it.wall.write('/#c', { large: true, step: false });
  it.run();
  assert.deepEqual([it.at, it.addresses()], [1, ['/', '/#c']]);
  it.wall.write('/?order=x', { large: false, step: false });
  it.run();
  assert.deepEqual([it.at, it.addresses()[0]], [0, '/?order=x']);
});

test('history: a camera that the address names is no step; leaving it stays on the page', () => {
  const it = fakeWindow();
  it.wall.write('/#a', { large: true, step: false });
  it.wall.write('/', { large: false, step: false });
  assert.deepEqual([it.pending, it.addresses()], [[], ['/']]);
});

test('an order of hundreds of cameras is remembered, and left out of the address, where it would be too long', () => {
  const names = Array.from({ length: 600 }, (_, i) => `Camera number ${i}`);
  const store = new Map();
  const memory = new Memory(() => ({ getItem: (key) => store.get(key) ?? null, setItem: (key, value) => store.set(key, value) }));
  memory.order = names;
  assert.deepEqual(memory.order, names);
  assert.equal(queryWithOrder('?kiosk', names), '?kiosk');
  const few = names.slice(0, 100);
  assert.deepEqual(orderOfQuery(queryWithOrder('', few)), few);
});

test('a tile that should be live and is not gets a new player, again and again, and then the page is reloaded', () => {
  const recovery = new Recovery();
  const stuck = (now) => recovery.judge([{ name: 'a', live: false, expected: true }, { name: 'b', live: true, expected: true }], now);
  assert.deepEqual(stuck(0), { restart: [], reload: false });
  assert.deepEqual(stuck(STUCK_MS - 1), { restart: [], reload: false });
  assert.deepEqual(stuck(STUCK_MS), { restart: ['a'], reload: false });
  assert.deepEqual(stuck(STUCK_MS + 1), { restart: [], reload: false });
  assert.deepEqual(stuck(2 * STUCK_MS), { restart: ['a'], reload: false });
  assert.deepEqual(stuck(HOPELESS_MS), { restart: [], reload: true });
});

test('a camera that is away, live again, removed, or asleep with the page is no reason to do anything', () => {
  const recovery = new Recovery();
  const judge = (tile, now) => recovery.judge(tile ? [{ name: 'a', ...tile }] : [], now);
  const stuck = { live: false, expected: true };
  for (const pause of [{ live: false, expected: false }, { live: true, expected: true }, null]) {
    judge(stuck, 0);
    judge(pause, STUCK_MS / 2);
    assert.deepEqual(judge(stuck, STUCK_MS), { restart: [], reload: false }, JSON.stringify(pause));
    judge(null, STUCK_MS);
  }
  judge(stuck, 0);
  recovery.excuse();
  assert.deepEqual(judge(stuck, HOPELESS_MS), { restart: [], reload: false });
});

test('a page that breaks again and again is loaded ever more rarely, and soon again after a healthy time', () => {
  let memory = null;
  let now = 0;
  const delays = [];
  for (let i = 0; i < 9; i++) {
    const next = nextReload(memory, now);
    delays.push(next.delay);
    memory = next.memory;
    now += next.delay + 1000;
  }
  assert.deepEqual(delays.slice(0, 3), [FIRST_RELOAD_MS, 2 * FIRST_RELOAD_MS, 4 * FIRST_RELOAD_MS]);
  assert.equal(delays.at(-1), LAST_RELOAD_MS);
  assert.equal(nextReload(memory, now + HEALTHY_MS + LAST_RELOAD_MS).delay, FIRST_RELOAD_MS);
});

test('which of two streams fits a tile', () => {
  assert.equal(fittingStream({ large: true, width: 300, subWidth: 640 }), 'main');
  assert.equal(fittingStream({ large: false, width: 632, subWidth: 640 }), 'sub');
  assert.equal(fittingStream({ large: false, width: 960, subWidth: 640 }), 'sub');
  assert.equal(fittingStream({ large: false, width: 961, subWidth: 640 }), 'main');
  assert.equal(fittingStream({ large: false, width: 1900, subWidth: null }), 'sub', 'a size that is not known yet');
});

test('what is wrong with a log-in, in words', () => {
  assert.equal(troubleOf({ status: null }), 'the server cannot be reached');
  assert.equal(troubleOf({ status: 401 }), 'wrong user or password');
  assert.equal(troubleOf({ status: 429, seconds: 12 }), 'too many tries: again in 12 s');
  assert.equal(troubleOf({ status: 500 }), 'the server answers 500');
  assert.match(troubleOf({ status: 403 }), /its own address/);
  assert.match(troubleOf({ status: 503 }), /busy/);
});

test('the visitor, and cameras that need a log-in, in words', () => {
  assert.equal(visitorOf({ user: 'anna', role: 'viewer', expires: 0 }), 'anna, viewer');
  assert.match(visitorOf({ user: 'anna', role: 'operator', expires: 1e9 }), /^anna, operator: logged in until .*2001/);
  const conditions = [{ name: 'live', label: 'Live' }, { name: 'unauthorized', label: 'Log in again' }];
  assert.equal(summaryOf(conditions), '2 cameras, 1 live, 1 needs a log-in');
  assert.equal(summaryOf([...conditions, conditions[1]]), '3 cameras, 1 live, 2 need a log-in');
  assert.equal(titleOf(conditions), '1 not live · ringcast');
  assert.equal(overlayOf({ name: 'unauthorized', label: 'Log in again', text: 'The log-in has expired' }).headline, 'Log in again');
});

/** An <img> as far as a poster uses it, and a scope whose timers the test runs out. */
function posterStage() {
  const timers = new Set();
  const image = Object.assign(new EventTarget(), { hidden: true, src: '', removeAttribute() { this.src = ''; } });
  class Clocked extends Scope {
    child() {
      const scope = super.child();
      scope.timeout = (ms, run) => {
        const timer = { run };
        timers.add(timer);
        return () => timers.delete(timer);
      };
      return scope;
    }
  }
  const scope = new Clocked();
  const expire = () => [...timers].forEach((timer) => timers.delete(timer) && timer.run());
  return { image, scope, timers, expire, poster: new Poster(image, scope) };
}

test('a poster is asked for after a wait, once, and not by a tile that has its picture soon', () => {
  const row = { state: 'streaming', poster: '/cams/snapshot/front%20door.jpg?stream=sub' };
  const { image, scope, timers, expire, poster } = posterStage();
  poster.width = 330;
  poster.waiting = true;
  assert.equal(timers.size, 0, 'nothing is known of the camera');
  poster.row = row;
  poster.row = row;
  assert.equal(timers.size, 1);
  poster.waiting = false;
  assert.deepEqual([timers.size, image.src], [0, ''], 'the picture came');
  poster.waiting = true;
  expire();
  assert.equal(image.src, 'snapshot/front%20door.jpg?stream=sub&width=480');
  assert.equal(image.hidden, true, 'until it is there');
  image.dispatchEvent(new Event('load'));
  assert.equal(image.hidden, false);
  poster.row = row;
  poster.width = 500;
  assert.equal(timers.size, 0, 'once');
  poster.waiting = false;
  assert.deepEqual([image.hidden, image.src], [true, '']);
  poster.waiting = true;
  poster.row = { ...row, state: 'failed' };
  assert.equal(timers.size, 0, 'the server has none');
  poster.row = row;
  poster.width = 0;
  assert.equal(timers.size, 0, 'nobody sees it');
  poster.width = 100;
  expire();
  image.dispatchEvent(new Event('error'));
  assert.deepEqual([image.hidden, image.src, timers.size], [true, '', 0]);
  scope.close();
  image.dispatchEvent(new Event('load'));
  assert.equal(image.hidden, true);
});

test('posters of tiles that are about as wide have the same address', () => {
  assert.equal(posterUrl('/snapshot/a.jpg', 1), 'snapshot/a.jpg?width=160');
  assert.equal(posterUrl('/snapshot/a.jpg', 161), posterUrl('/x/snapshot/a.jpg', 320));
});
