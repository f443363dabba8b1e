// SPDX-License-Identifier: MIT
// Where every tile of the wall is: pure arithmetic, in CSS pixels, without a document.

export const GAP_PX = 6;
export const SMALLEST_PX = 64; // a narrower tile shows nothing useful: the wall scrolls instead
const PHONE_PX = 520; // a window that is no wider, and higher than wide, is a phone
const PHONE_TILE_PX = 150;
const PHONE_LARGE = 0.45; // of a phone's height: what the large one takes at most
const SCROLLED_PX = 128; // the least width of a tile when the wall scrolls
const USUAL_RATIO = 16 / 9;
const NARROWEST_RATIO = 0.5;
const WIDEST_RATIO = 3;
const STRIP_SHARE = 0.17; // of the window, for each tile beside a large one
const STRIP_SMALLEST_PX = 72;
const STRIP_LARGEST_PX = 240;
const STRIP_LIMIT = 0.45; // of the window: what the others may take from the large one together

/** The shape that most pictures have, as width / height; takes their sizes `{ width, height }`. */
export function commonRatio(sizes) {
  const ratios = sizes
    .filter(({ width, height }) => width > 0 && height > 0)
    .map(({ width, height }) => Math.min(WIDEST_RATIO, Math.max(NARROWEST_RATIO, width / height)))
    .sort((a, b) => a - b);
  return ratios[Math.floor(ratios.length / 2)] ?? USUAL_RATIO;
}

/** Width of a tile when `count` of them are in `columns` columns in the box. */
function tileWidth(count, columns, { width, height }, ratio, gap) {
  const rows = Math.ceil(count / columns);
  const byWidth = (width - (columns - 1) * gap) / columns;
  const byHeight = ((height - (rows - 1) * gap) / rows) * ratio;
  return Math.floor(Math.min(byWidth, byHeight));
}

/** How narrow a tile may be: on a phone, which scrolls with a thumb, no narrower than what one recognizes somebody in. */
const leastOf = (box) => (box.width <= PHONE_PX && box.height > box.width ? PHONE_TILE_PX : SMALLEST_PX);

/**
 * As many columns as make the tiles largest, `largest` px wide at most. Answers `{ columns, rows, scrolls, rects }`, `rects`
 * in the order of the tiles, `{ x, y, width, height }` from the box's top left corner; a last row that is not full is
 * centred, and so is all of it unless `top` says where it begins.
 */
export function fitGrid(count, box, { ratio = USUAL_RATIO, gap = GAP_PX, largest = Infinity, top = null, smallest = leastOf(box) } = {}) {
  let width = 0;
  let columns = 1;
  for (let n = 1; n <= count; n++) {
    const fit = Math.min(largest, tileWidth(count, n, box, ratio, gap));
    if (fit > width) [width, columns] = [fit, n];
  }
  const scrolls = count > 0 && width < smallest;
  if (scrolls) {
    columns = Math.max(1, Math.min(count, Math.floor((box.width + gap) / (Math.max(SCROLLED_PX, smallest) + gap))));
    width = Math.floor((box.width - (columns - 1) * gap) / columns);
  }
  const rows = Math.ceil(count / columns);
  const height = Math.floor(width / ratio);
  const used = rows * (height + gap) - gap;
  const first = top ?? (scrolls ? 0 : Math.floor((box.height - used) / 2));
  const rects = Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const left = (box.width - inRow * (width + gap) + gap) / 2;
    return { x: Math.floor(left + (i % columns) * (width + gap)), y: first + row * (height + gap), width, height };
  });
  return { columns, rows, scrolls, rects };
}

/**
 * One tile large and all the others small, beside or below it, whichever makes the large one larger. `index` is that of the
 * large one, `largeRatio` its shape. Answers `{ rects, scrolls: false }`; if there is no room for the others, their
 * rects are null.
 */
export function fitOne(count, index, box, { ratio = USUAL_RATIO, largeRatio = ratio, gap = GAP_PX } = {}) {
  const choices = count > 1 ? [beside, below].map((way) => way(count - 1, box, { ratio, largeRatio, gap })).filter(Boolean) : [];
  const area = ({ large }) => large.width * large.height;
  const best = choices.sort((a, b) => area(b) - area(a))[0] ?? { large: inside({ x: 0, y: 0, ...box }, largeRatio), small: [] };
  let next = 0;
  const rects = Array.from({ length: count }, (_, i) => (i === index ? best.large : (best.small[next++] ?? null)));
  return { rects, scrolls: false };
}

/**
 * A phone with many cameras: the large one on top, where it stays, and a list of the others that scrolls under it. Null: this is no phone, or they all have room
 * below the large one.
 */
export function fitPhone(count, index, box, { ratio = USUAL_RATIO, largeRatio = ratio, gap = GAP_PX } = {}) {
  if (leastOf(box) !== PHONE_TILE_PX || count < 2) return null;
  const height = Math.floor(Math.min(box.height * PHONE_LARGE, box.width / largeRatio));
  const list = fitGrid(count - 1, { width: box.width, height: box.height - height - gap }, { ratio, gap, top: 0 });
  if (!list.scrolls) return null;
  let next = 0;
  const rects = Array.from({ length: count }, (_, i) => {
    if (i === index) return { x: 0, y: 0, width: box.width, height };
    const rect = list.rects[next++];
    return { ...rect, y: rect.y + height + gap };
  });
  return { rects, scrolls: true };
}

/** The largest rect of the shape `ratio` in the middle of `room`. */
export function inside(room, ratio) {
  const width = Math.floor(Math.min(room.width, room.height * ratio));
  const height = Math.floor(Math.min(room.height, width / ratio));
  return { x: room.x + Math.floor((room.width - width) / 2), y: room.y + Math.floor((room.height - height) / 2), width, height };
}

/**
 * How deep a strip of `long` px is that holds `count` tiles in as few lines as possible, each at least `smallest` px long;
 * null when that is more than `deepest`. `across`: a tile's depth for each px of its length.
 */
function stripDepth(count, { long, deepest, smallest, wanted, across, gap }) {
  for (let lines = 1; lines <= count; lines++) {
    const inLine = Math.ceil(count / lines);
    const length = Math.floor(Math.min((long - (inLine - 1) * gap) / inLine, wanted));
    const depth = lines * (Math.ceil(length * across) + gap);
    if (depth > deepest) return null;
    if (length >= smallest) return depth;
  }
  return null;
}

const stripWidth = ({ width }) => Math.min(STRIP_LARGEST_PX, Math.max(STRIP_SMALLEST_PX, width * STRIP_SHARE));

/** The others, as large as `room` allows. */
function fill(count, room, { ratio, gap }, top = null) {
  const { rects } = fitGrid(count, room, { ratio, gap, largest: STRIP_LARGEST_PX, top, smallest: SMALLEST_PX });
  return rects.map((rect) => ({ ...rect, x: rect.x + room.x, y: rect.y + room.y }));
}

function beside(count, box, options) {
  const { ratio, largeRatio, gap } = options;
  const lengths = { smallest: STRIP_SMALLEST_PX / ratio, wanted: stripWidth(box) / ratio };
  const depth = stripDepth(count, { ...lengths, long: box.height, deepest: box.width * STRIP_LIMIT, across: ratio, gap });
  if (depth === null) return null;
  // In a wide window the large one does not need all the remaining space.
  const needed = Math.min(box.width - depth, Math.ceil(box.height * largeRatio));
  const large = inside({ x: 0, y: 0, width: needed, height: box.height }, largeRatio);
  const room = { x: needed + gap, y: 0, width: box.width - needed - gap, height: box.height };
  return { large, small: fill(count, room, options) };
}

function below(count, box, options) {
  const { ratio, largeRatio, gap } = options;
  const lengths = { smallest: STRIP_SMALLEST_PX, wanted: stripWidth(box) };
  const depth = stripDepth(count, { ...lengths, long: box.width, deepest: box.height * STRIP_LIMIT, across: 1 / ratio, gap });
  if (depth === null) return null;
  const needed = Math.min(box.height - depth, Math.ceil(box.width / largeRatio));
  const large = inside({ x: 0, y: 0, width: box.width, height: needed }, largeRatio);
  const room = { x: 0, y: needed + gap, width: box.width, height: box.height - needed - gap };
  return { large, small: fill(count, room, options, 0) };
}

/** The index that an arrow reaches from `index`; `columns` is 1 in a row of choices. Never leaves the wall. */
export function step(index, direction, count, columns) {
  const by = { left: -1, right: 1, up: -columns, down: columns }[direction];
  const next = index + by;
  if (next >= 0 && next < count) return next;
  const lastRow = Math.floor((count - 1) / columns);
  if (direction === 'down' && Math.floor(index / columns) < lastRow) return count - 1;
  return index;
}

/** The rect that holds the point, as an index, or -1. */
export function at(rects, x, y) {
  return rects.findIndex((rect) => rect && x >= rect.x && x < rect.x + rect.width && y >= rect.y && y < rect.y + rect.height);
}
