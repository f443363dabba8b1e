// SPDX-License-Identifier: MIT
// Which cameras a view shows, its address, its pages and its layouts: pure functions, in plain Node.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listOf, textOf, withList } from '../../player/src/wall/wall-query.js';
import { LAYOUTS, fitSpans, layoutOf, neighbour, placesOf, roomOf } from '../../player/src/wall/wall-spans.js';
import { ALL, found, nameOfView, namesOf, pageOf, pageWith, pagesOf, queryWithView, viewOfQuery } from '../../player/src/wall/wall-view.js';
import { queryWithOrder } from '../../player/src/wall/wall-layout.js';
import { say, setWords } from '../../player/src/player/words.js';

const BOX = { width: 1280, height: 676 };

test('a view is read from an address and written back to it; everything else in the address stays', () => {
  for (const view of [
    ALL,
    { ...ALL, group: 'Yard & gate' },
    { ...ALL, cameras: ['a,b', 'ü', 'x y'] },
    { group: 'doors', cameras: ['roof'], layout: 'hero-6', page: 3, tour: 15 },
  ]) assert.deepEqual(viewOfQuery(queryWithView('?kiosk', view)), view);
  assert.equal(queryWithView('?kiosk&order=b,a&page=2', { ...ALL, group: 'yard' }), '?kiosk&order=b,a&group=yard');
  assert.equal(queryWithView('?group=yard&tour=9', ALL), '');
  assert.equal(queryWithOrder('?kiosk', Array.from({ length: 600 }, (_, i) => `camera ${i}`)), '?kiosk', 'an address has an end');
});

test('an address that people wrote is understood as far as it makes sense', () => {
  assert.deepEqual(viewOfQuery('?tour'), ALL, 'no value, no parameter');
  assert.equal(viewOfQuery('?tour=').tour, 20);
  assert.equal(viewOfQuery('?tour=1').tour, null);
  assert.equal(viewOfQuery('?tour=99999').tour, 3600);
  assert.equal(viewOfQuery('?layout=99x1').layout, null);
  assert.equal(viewOfQuery('?layout=constructor').layout, null);
  assert.equal(viewOfQuery('?layout=12x1').layout, '12x1');
  assert.equal(viewOfQuery('?page=0').page, 1);
  assert.equal(viewOfQuery('?page=x').page, 1);
  assert.deepEqual(viewOfQuery('?cameras=,a,,b').cameras, ['a', 'b']);
  assert.equal(viewOfQuery('?cameras=').cameras, null);
  assert.deepEqual(viewOfQuery('?cameras=50%').cameras, ['50%']);
  assert.deepEqual(listOf('?mycameras=a', 'cameras'), null);
  assert.equal(textOf('?a=1+1', 'a'), '1+1');
  assert.equal(withList('?order=a&orders=b', 'order', ['c']), '?orders=b&order=c');
});

test('a group, names, both, or all; arranged as the user did, and what is not there is left out', () => {
  const names = ['a', 'b', 'c', 'd'];
  const groups = [{ name: 'yard', cameras: ['d', 'b'] }];
  assert.deepEqual(namesOf(ALL, names, groups, []), names);
  assert.deepEqual(namesOf({ ...ALL, group: 'yard' }, names, groups, []), ['d', 'b']);
  assert.deepEqual(namesOf({ ...ALL, group: 'yard' }, names, groups, ['c', 'b', 'd']), ['b', 'd']);
  assert.deepEqual(namesOf({ ...ALL, cameras: ['c', 'gone', 'a', 'c'] }, names, groups, []), ['c', 'a']);
  assert.deepEqual(namesOf({ ...ALL, group: 'yard', cameras: ['a', 'b'] }, names, groups, []), ['d', 'b', 'a']);
  assert.deepEqual(namesOf({ ...ALL, group: 'gone' }, names, groups, []), []);
});

test('pages are as large as the layout, and a page that has gone is the last one', () => {
  const names = Array.from({ length: 14 }, (_, i) => `c${i}`);
  const view = { ...ALL, layout: 'hero-6' };
  assert.equal(pagesOf(view, 14), 3);
  assert.equal(pagesOf(view, 12), 2);
  assert.equal(pagesOf(view, 0), 1);
  assert.equal(pagesOf(ALL, 1000), 1);
  assert.deepEqual(pageOf(view, names, 2), names.slice(6, 12));
  assert.deepEqual(pageOf(view, names, 9), names.slice(12));
  assert.deepEqual(pageOf(ALL, names), names);
  assert.equal(pageWith(view, names, 'c11'), 2);
  assert.equal(pageWith(view, names, 'c12'), 3);
  assert.equal(pageWith(view, names, 'gone'), null);
});

test('a view is called by the name that it was saved with, its group, or what it has', () => {
  const words = { all: 'All', some: (count) => `${count} of them` };
  const saved = [{ name: 'Night', query: '?cameras=a,b&layout=2x2' }];
  assert.equal(nameOfView(ALL, saved, words), 'All');
  assert.equal(nameOfView({ ...ALL, group: 'yard' }, saved, words), 'yard');
  assert.equal(nameOfView({ ...ALL, cameras: ['a', 'b'] }, saved, words), 'Night');
  assert.equal(nameOfView({ ...ALL, cameras: ['a'] }, saved, words), '1 of them');
});

test('a search finds every word anywhere, whatever the case and the accents; beginnings come first', () => {
  const names = ['Front gate', 'Gate', 'Größe', 'Lagerhaus Tor', 'تاریکی', '前门'];
  assert.deepEqual(found(names, 'gate'), ['Gate', 'Front gate']);
  assert.deepEqual(found(names, ' GATE front '), ['Front gate']);
  assert.deepEqual(found(names, 'gro'), ['Größe']);
  assert.deepEqual(found(names, '门'), ['前门']);
  assert.deepEqual(found(names, ''), names);
  assert.deepEqual(found(names, 'zzz'), []);
});

test('every layout fills its fields without an overlap, inside the box, and spans are as large as their fields and the gaps between them', () => {
  for (const name of [...LAYOUTS, '1x12', '5x1']) {
    const layout = layoutOf(name);
    const count = roomOf(layout);
    const fields = placesOf(layout).reduce((sum, { size }) => sum + size * size, 0);
    assert.equal(fields, layout.columns * layout.rows, name);
    for (const box of [BOX, { width: 390, height: 700 }]) {
      const { rects } = fitSpans(layout, count + 1, box);
      assert.equal(rects.at(-1), null, 'one too many');
      rects.pop();
      for (const [i, rect] of rects.entries()) {
        assert.ok(rect.x >= 0 && rect.y >= 0 && rect.x + rect.width <= box.width && rect.y + rect.height <= box.height, `${name} ${i}`);
        for (const other of rects.slice(i + 1)) {
          const apart = rect.x + rect.width <= other.x || other.x + other.width <= rect.x || rect.y + rect.height <= other.y || other.y + other.height <= rect.y;
          assert.ok(apart, `${name}: ${JSON.stringify([rect, other])}`);
        }
      }
      if (layout.spans.length > 0) assert.equal(rects[0].width, rects.at(-1).width * layout.spans[0].size + 6 * (layout.spans[0].size - 1));
    }
  }
  assert.equal(roomOf(layoutOf('hero-6')), 6);
  assert.equal(roomOf(layoutOf('hero-8')), 8);
  assert.equal(roomOf(layoutOf('hero-13')), 13);
  assert.equal(roomOf(layoutOf('two-10')), 10);
});

test('arrows reach every tile of every layout, and go where they point', () => {
  for (const name of LAYOUTS) {
    const { rects } = fitSpans(layoutOf(name), roomOf(layoutOf(name)), BOX);
    const reached = new Set([0]);
    for (const index of reached) for (const direction of ['left', 'right', 'up', 'down']) reached.add(neighbour(rects, index, direction));
    assert.equal(reached.size, rects.length, name);
  }
  const { rects } = fitSpans(layoutOf('hero-6'), 6, BOX);
  assert.equal(neighbour(rects, 0, 'right'), 1);
  assert.equal(neighbour(rects, 0, 'left'), 0, 'there is none');
  assert.equal(neighbour(rects, 3, 'up'), 0);
});

test('words are those of the language, with their values; what is missing stays English', () => {
  assert.equal(say('Show {camera} large', { camera: 'a {b}' }), 'Show a {b} large');
  setWords({ 'Show {camera} large': '{camera} groß zeigen' });
  assert.equal(say('Show {camera} large', { camera: 'Tor' }), 'Tor groß zeigen');
  assert.equal(say('Large'), 'Large');
  setWords({});
});
