// SPDX-License-Identifier: MIT
// Which of the cameras the wall shows, and how: a group or some names, a layout, a page, a tour. Pure: a view is made of the
// page's address and written back to it, so an address is a view that can be shared, and a saved view is an address.

import { arranged } from './wall-layout.js';
import { listOf, textOf, withList } from './wall-query.js';
import { layoutOf, roomOf } from './wall-spans.js';

const MOST = 4096; // names that are read
const TOUR_MIN_S = 3; // less than that shows nothing: a stream has to begin
const TOUR_MAX_S = 3600;
export const TOUR_USUAL_S = 20;

export const ALL = Object.freeze({ group: null, cameras: null, layout: null, page: 1, tour: null });

function numberOf(query, name, least, most) {
  const number = Number(textOf(query, name) ?? NaN);
  return Number.isInteger(number) && number >= least ? Math.min(number, most) : null;
}

/** `{ group, cameras, layout, page, tour }`: names, a name of a layout (wall-spans.js), a page from 1 on, seconds. Null: not asked for. */
export function viewOfQuery(query) {
  const cameras = listOf(query, 'cameras')?.slice(0, MOST) ?? null;
  const layout = textOf(query, 'layout');
  const tour = textOf(query, 'tour');
  return {
    group: textOf(query, 'group') || null,
    cameras: cameras?.length > 0 ? cameras : null,
    layout: layoutOf(layout) ? layout : null,
    page: numberOf(query, 'page', 1, MOST) ?? 1,
    tour: tour === null ? null : tour === '' ? TOUR_USUAL_S : numberOf(query, 'tour', TOUR_MIN_S, TOUR_MAX_S),
  };
}

/** `query` with another view in it; what else is in it stays. */
export function queryWithView(query, { group, cameras, layout, page, tour }) {
  let next = withList(query, 'group', group && [group]);
  next = withList(next, 'cameras', cameras);
  next = withList(next, 'layout', layout && [layout]);
  next = withList(next, 'page', page > 1 ? [String(page)] : null);
  return withList(next, 'tour', tour && [String(tour)]);
}

/**
 * The names that `view` shows, of `names`, the cameras that there are, and `groups` as /api/cameras has them; arranged by `order`. A group
 * and names together are both: the cameras of the group and the named ones.
 */
export function namesOf({ group, cameras }, names, groups, order) {
  if (!group && !cameras) return arranged(names, order);
  const here = new Set(names);
  const ofGroup = groups.find(({ name }) => name === group)?.cameras ?? [];
  const wanted = [...new Set([...ofGroup, ...(cameras ?? [])])].filter((name) => here.has(name));
  return arranged(wanted, order);
}

/** How many of `count` cameras are on one page; all of them where no layout is chosen. */
const perPage = ({ layout }, count) => (layoutOf(layout) ? roomOf(layoutOf(layout)) : Math.max(1, count));

export const pagesOf = (view, count) => Math.max(1, Math.ceil(count / perPage(view, count)));

/** The names on page `page`, from 1 on; of a page that is not there any more the last one's. */
export function pageOf(view, names, page = view.page) {
  const size = perPage(view, names.length);
  const first = (Math.min(page, pagesOf(view, names.length)) - 1) * size;
  return names.slice(first, first + size);
}

/** The page that has the camera, or null. */
export function pageWith(view, names, name) {
  const index = names.indexOf(name);
  return index === -1 ? null : Math.floor(index / perPage(view, names.length)) + 1;
}

/** What people call a view: `saved` are the views with names. */
export function nameOfView(view, saved, words) {
  const same = saved.find(({ query }) => sameCameras(viewOfQuery(query), view));
  if (same) return same.name;
  if (view.cameras && !view.group) return words.some(view.cameras.length);
  return view.group ?? words.all;
}

export function sameCameras(a, b) {
  const list = ({ cameras }) => (cameras ?? []).join('\n');
  return a.group === b.group && list(a) === list(b);
}

/** Names that have every word of `search` in them, in any case and with or without accents; those that begin with it come first. */
export function found(names, search) {
  const plain = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const words = plain(search).split(/\s+/).filter(Boolean);
  const fitting = names.filter((name) => words.every((word) => plain(name).includes(word)));
  const begins = (name) => words.length > 0 && plain(name).startsWith(words[0]);
  return [...fitting.filter(begins), ...fitting.filter((name) => !begins(name))];
}
