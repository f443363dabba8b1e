// SPDX-License-Identifier: MIT
// A long press, and whether the browser shows a picture in a window of its own.

const LONG_MS = 600;
const SLOP_PX = 8;

/** Whether a `<video>` may have a window of its own. */
export const hasWindow = (view = globalThis) => view.document?.pictureInPictureEnabled === true && 'requestPictureInPicture' in view.HTMLVideoElement.prototype;

/** Calls `run()` when NODE was pressed for long without a move. The click that ends it is none, and no menu opens. It ends with `scope`. */
export function watchLongPress(node, scope, run) {
  let press = null; // { x, y, cancel, done }
  const end = () => press?.cancel();
  scope.listen(node, 'pointerdown', ({ isPrimary, button, clientX, clientY }) => {
    end();
    press = null;
    if (!isPrimary || button !== 0) return;
    const mine = { x: clientX, y: clientY, done: false };
    mine.cancel = scope.timeout(LONG_MS, () => {
      mine.done = true;
      run();
    });
    press = mine;
  });
  scope.listen(node, 'pointermove', ({ clientX, clientY }) => {
    if (press && Math.hypot(clientX - press.x, clientY - press.y) > SLOP_PX) end();
  });
  for (const type of ['pointerup', 'pointercancel', 'pointerleave']) scope.listen(node, type, end);
  scope.listen(node, 'contextmenu', (event) => press?.done && event.preventDefault());
  scope.listen(node, 'click', (event) => {
    if (!press?.done || event.detail === 0) return; // 0: from the keyboard
    press = null;
    event.stopImmediatePropagation();
  }, true);
}
