// SPDX-License-Identifier: MIT
// A picture as a file that the browser saves.

import { snapshotName } from './wall-words.js';

const TAKEN_MS = 3000; // some browsers read the address only after they have handled the click

/** Saves BLOB, a picture of `camera` that was taken at `date`; answers the file's name. */
export function savePicture(blob, camera, date) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = snapshotName(camera, date);
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), TAKEN_MS);
  return link.download;
}
