// SPDX-License-Identifier: MIT
// How a camera's picture is to be shown, as its configuration says and the server tells: mirrored, and without what is cropped. Pure, but for the
// canvas that is drawn on.

/** All of it, as it comes. */
export const PLAIN = Object.freeze({ mirror: false, crop: null });

const isShare = (value) => typeof value === 'number' && value >= 0 && value < 100;

/** `{ mirror, crop }` of what a server says; `crop`: `[left, top, right, bottom]` in per cent of the picture, before it is mirrored, or null. */
export function lookOf({ mirror, crop } = {}) {
  const good = Array.isArray(crop) && crop.length === 4 && crop.every(isShare) && crop[0] + crop[2] < 100 && crop[1] + crop[3] < 100;
  return { mirror: mirror === true, crop: good ? crop : null };
}

export const isPlain = ({ mirror, crop }) => !mirror && crop === null;
export const sameLook = (a, b) => a.mirror === b.mirror && String(a.crop) === String(b.crop);

/** The part of a picture of that size that is shown: `{ x, y, width, height }`. */
export function partOf({ width, height }, { crop }) {
  const [left, top, right, bottom] = (crop ?? [0, 0, 0, 0]).map((share) => share / 100);
  return { x: left * width, y: top * height, width: (1 - left - right) * width, height: (1 - top - bottom) * height };
}

/** What is shown of a picture of that size, in whole pixels. */
export function shownSize(picture, look) {
  const { width, height } = partOf(picture, look);
  return { width: Math.round(width), height: Math.round(height) };
}

/**
 * Where a picture is drawn that is to be shown so in a box, instead of where `fit`, as `object-fit`, puts all of it: `{ transform, clip }` for a style
 * sheet, with the origin at the box's left top corner. `box`, `picture`: sizes in pixels.
 */
export function placeOf({ box, picture, look, fit = 'contain' }) {
  const chosen = fit === 'cover' ? Math.max : Math.min;
  const scales = (part) => {
    const [x, y] = [box.width / part.width, box.height / part.height];
    return fit === 'fill' ? { x, y } : { x: chosen(x, y), y: chosen(x, y) };
  };
  // Where the browser draws all of it, and of that the part.
  const all = scales(picture);
  const part = partOf(picture, look);
  const drawn = {
    x: (box.width - picture.width * all.x) / 2 + part.x * all.x,
    y: (box.height - picture.height * all.y) / 2 + part.y * all.y,
    width: part.width * all.x,
    height: part.height * all.y,
  };
  const by = scales(drawn);
  const left = box.width / 2 - by.x * (drawn.x + drawn.width / 2);
  const top = box.height / 2 - by.y * (drawn.y + drawn.height / 2);
  const [shift, across] = look.mirror ? [box.width - left, -by.x] : [left, by.x];
  const clip = [drawn.y, box.width - drawn.x - drawn.width, box.height - drawn.y - drawn.height, drawn.x];
  const plain = (number) => String(Number(number.toFixed(6)));
  return {
    transform: `matrix(${[across, 0, 0, by.y, shift, top].map(plain).join(', ')})`,
    clip: `inset(${clip.map((pixels) => `${plain(pixels)}px`).join(' ')})`,
  };
}

/** Paints SOURCE, of which `size` is the size, on CANVAS as it is to be shown; the canvas gets the size of what is shown. */
export function paint(canvas, source, size, look) {
  const part = partOf(size, look);
  const { width, height } = shownSize(size, look);
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (look.mirror) context.setTransform(-1, 0, 0, 1, width, 0);
  context.drawImage(source, part.x, part.y, part.width, part.height, 0, 0, width, height);
}
