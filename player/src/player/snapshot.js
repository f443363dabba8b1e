// SPDX-License-Identifier: MIT
// A picture of what is on the screen, in the camera's own size, as it is to be shown.

import { paint } from './look.js';

/** A picture of SOURCE, a `<video>` or a `<canvas>` of `size`, as `look` wants it: a promise of a Blob; null: there is no picture. `type`, `quality`: as for `canvas.toBlob()`. */
export async function pictureOf(source, size, look, { type = 'image/png', quality } = {}) {
  const hasNone = source.readyState !== undefined && source.readyState < HTMLMediaElement.HAVE_CURRENT_DATA;
  if (hasNone || !(size.width > 0 && size.height > 0)) return null;
  const canvas = source.ownerDocument.createElement('canvas');
  paint(canvas, source, size, look);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, quality));
  canvas.width = canvas.height = 0; // frees its memory now and not with the next collection
  return blob;
}
