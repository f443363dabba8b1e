// SPDX-License-Identifier: MIT
// The picture on the screen as a PNG file, in the camera's own size.

import { snapshotName } from './wall-words.js';

const TAKEN_MS = 3000; // some browsers read the address only after they have handled the click

/** Saves what `video` shows; answers the file's name, or null when there is no picture. */
export async function saveSnapshot(video, camera, date = new Date()) {
  if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || video.videoWidth === 0) return null;
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d').drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
  canvas.width = canvas.height = 0; // frees its memory now and not with the next collection
  if (!blob) return null;
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = snapshotName(camera, date);
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), TAKEN_MS);
  return link.download;
}
