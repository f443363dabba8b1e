// SPDX-License-Identifier: MIT
// What a tile shows while it waits for its first picture: the camera's newest keyframe as the server makes a picture of it. A tile that
// has its picture soon never asks for one.

const WAIT_MS = 600; // most streams have begun by then
const STEP_PX = 160; // tiles of about the same size ask for the same picture, which the server makes once
const AWAY = new Set(['disabled', 'failed', 'backoff', 'stalled']); // the server has no picture of these

/** The address of the picture, relative as all of the wall's are: `poster` is the path as the server sees it. */
export function posterUrl(poster, width) {
  const path = poster.slice(poster.lastIndexOf('/snapshot/') + 1);
  return `${path}${path.includes('?') ? '&' : '?'}width=${Math.max(STEP_PX, Math.ceil(width / STEP_PX) * STEP_PX)}`;
}

export class Poster {
  #image;
  #scope;
  #row = null; // of the stream that is shown, in the list of cameras
  #width = 0; // of the tile, in the screen's pixels; 0: it is out of sight
  #waiting = false;
  #cancel = null; // of the timer, while it runs
  #asked = false; // once for each wait

  /** `image`: an <img> that is hidden. What is begun ends with `scope`. */
  constructor(image, scope) {
    this.#image = image;
    this.#scope = scope.child();
    this.#scope.listen(image, 'load', () => this.#show(this.#asked));
    this.#scope.listen(image, 'error', () => this.#drop());
    this.#scope.add(() => this.#drop());
  }

  set row(row) {
    this.#row = row;
    this.#consider();
  }

  set width(width) {
    this.#width = width;
    this.#consider();
  }

  /** The server's pictures are whole: it is shown as the stream will be, where the browser can crop an <img>. */
  set look({ mirror, crop }) {
    const [left, top, right, bottom] = (crop ?? [0, 0, 0, 0]).map((share) => `${share}%`);
    this.#image.style.setProperty('transform', mirror ? 'scaleX(-1)' : 'none');
    this.#image.style.setProperty('object-view-box', crop ? `inset(${top} ${right} ${bottom} ${left})` : 'none');
  }

  /** Whether the tile waits for its first picture. */
  set waiting(waiting) {
    if (waiting === this.#waiting) return;
    this.#waiting = waiting;
    this.#asked = false;
    this.#drop();
    this.#consider();
  }

  #consider() {
    const wanted = this.#waiting && !this.#asked && this.#width > 0 && Boolean(this.#row?.poster) && !AWAY.has(this.#row.state);
    if (wanted && !this.#cancel) this.#cancel = this.#scope.timeout(WAIT_MS, () => this.#ask());
    if (!wanted) this.#forget();
  }

  #forget() {
    this.#cancel?.();
    this.#cancel = null;
  }

  #ask() {
    this.#cancel = null;
    this.#asked = true;
    this.#image.src = posterUrl(this.#row.poster, this.#width);
  }

  #show(shown) {
    this.#image.hidden = !shown;
  }

  /** The picture's memory goes, too. */
  #drop() {
    this.#forget();
    this.#show(false);
    this.#image.removeAttribute('src');
  }
}
