// SPDX-License-Identifier: MIT
// Layouts that a user chooses: fields of equal size, of which some tiles take several. Pure arithmetic, in CSS pixels.

import { GAP_PX } from './wall-grid.js';

const MOST = 12; // fields in a row or a column

/** A large tile and small ones around it: `columns` × `rows` fields, `spans` of the first tiles, the others take one field each. */
const NAMED = {
  'hero-6': { columns: 3, rows: 3, spans: [{ x: 0, y: 0, size: 2 }] },
  'hero-8': { columns: 4, rows: 4, spans: [{ x: 0, y: 0, size: 3 }] },
  'hero-13': { columns: 4, rows: 4, spans: [{ x: 1, y: 1, size: 2 }] },
  'two-10': { columns: 4, rows: 4, spans: [{ x: 0, y: 0, size: 2 }, { x: 2, y: 0, size: 2 }] },
};

export const LAYOUTS = ['2x2', '3x3', '4x4', '5x5', ...Object.keys(NAMED)];

/** The layout of that name, `{ columns, rows, spans }`: `3x2`, `hero-6`; null: there is none, as for `auto`. */
export function layoutOf(name) {
  if (Object.hasOwn(NAMED, name ?? '')) return NAMED[name];
  const [, columns, rows] = /^(\d{1,2})x(\d{1,2})$/.exec(name ?? '')?.map(Number) ?? [];
  const fits = (count) => count >= 1 && count <= MOST;
  return fits(columns) && fits(rows) ? { columns, rows, spans: [] } : null;
}

/** Every place of a layout, `{ x, y, size }` in fields: those that span several first, then the fields that are left, row by row. */
export function placesOf({ columns, rows, spans }) {
  const taken = ({ x, y }) => spans.some((span) => x >= span.x && x < span.x + span.size && y >= span.y && y < span.y + span.size);
  const fields = Array.from({ length: columns * rows }, (_, i) => ({ x: i % columns, y: Math.floor(i / columns), size: 1 }));
  return [...spans, ...fields.filter((field) => !taken(field))];
}

/** How many cameras the layout shows at a time. */
export const roomOf = (layout) => placesOf(layout).length;

/**
 * The rects of `count` tiles, `{ rects, columns, scrolls: false }` as of fitGrid: as large as the box allows, with fields of the shape `ratio`, in the
 * middle of the box. The tiles beyond the layout's places have null.
 */
export function fitSpans(layout, count, box, { ratio = 16 / 9, gap = GAP_PX } = {}) {
  const { columns, rows } = layout;
  const byWidth = (box.width - (columns - 1) * gap) / columns;
  const byHeight = ((box.height - (rows - 1) * gap) / rows) * ratio;
  const width = Math.max(1, Math.floor(Math.min(byWidth, byHeight)));
  const height = Math.max(1, Math.floor(width / ratio));
  const left = Math.floor((box.width - columns * (width + gap) + gap) / 2);
  const top = Math.floor((box.height - rows * (height + gap) + gap) / 2);
  const places = placesOf(layout);
  const rects = Array.from({ length: count }, (_, i) => {
    const place = places[i];
    if (!place) return null;
    const span = (field) => place.size * field + (place.size - 1) * gap;
    return { x: left + place.x * (width + gap), y: top + place.y * (height + gap), width: span(width), height: span(height) };
  });
  return { rects, columns, scrolls: false };
}

/** The rect that is next to `rects[index]` in that direction, as an index; the same one if there is none. For tiles of different sizes. */
export function neighbour(rects, index, direction) {
  const from = rects[index];
  if (!from) return index;
  const [main, cross, sign] = { left: ['x', 'y', -1], right: ['x', 'y', 1], up: ['y', 'x', -1], down: ['y', 'x', 1] }[direction];
  const length = { x: 'width', y: 'height' };
  const centre = (rect, axis) => rect[axis] + rect[length[axis]] / 2;
  let best = index;
  let least = Infinity;
  rects.forEach((rect, i) => {
    if (!rect || i === index) return;
    const away = sign > 0 ? rect[main] - (from[main] + from[length[main]]) : from[main] - (rect[main] + rect[length[main]]);
    if (away < 0) return;
    const beside = Math.abs(centre(rect, cross) - centre(from, cross));
    const overlaps = rect[cross] < from[cross] + from[length[cross]] && from[cross] < rect[cross] + rect[length[cross]];
    const cost = away + beside * 2 + (overlaps ? 0 : 1e6);
    if (cost < least) [best, least] = [i, cost];
  });
  return best;
}
