// SPDX-License-Identifier: MIT
// How a picture is shown that is mirrored or cropped: what is taken of what a server says, and where each corner of the picture is on the screen.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PLAIN, isPlain, lookOf, paint, placeOf, sameLook, shownSize } from '../../player/src/player/look.js';
import { RingcastPlayer } from '../../player/src/player/player.js';
import { pictureOf } from '../../player/src/player/snapshot.js';

const BOX = { width: 400, height: 300 };
const WIDE = { width: 1600, height: 900 };

test('what a server says is taken if it makes sense, and otherwise the picture is shown as it comes', () => {
  assert.deepEqual(lookOf({ mirror: true, crop: [10, 0, 25, 5] }), { mirror: true, crop: [10, 0, 25, 5] });
  for (const crop of [undefined, null, 'x', [1, 2, 3], [50, 0, 50, 0], [0, -1, 0, 0], [0, '1', 0, 0], [NaN, 0, 0, 0]]) assert.deepEqual(lookOf({ crop }), PLAIN);
  assert.deepEqual(lookOf(), PLAIN);
  assert.ok(isPlain(lookOf({})) && !isPlain(lookOf({ mirror: true })) && !isPlain(lookOf({ crop: [1, 0, 0, 0] })));
  assert.ok(sameLook(lookOf({ crop: [1, 0, 0, 0] }), lookOf({ crop: [1, 0, 0, 0] })) && !sameLook(PLAIN, lookOf({ mirror: true })));
});

test('the size of what is shown', () => {
  assert.deepEqual(shownSize(WIDE, PLAIN), WIDE);
  assert.deepEqual(shownSize(WIDE, lookOf({ crop: [25, 10, 25, 0] })), { width: 800, height: 810 });
});

/** Where a point of the picture, in parts of its size, is in the box. */
function at(point, { box = BOX, picture = WIDE, look, fit = 'contain' }) {
  const { transform } = placeOf({ box, picture, look, fit });
  const [a, , , d, e, f] = /\((.*)\)/.exec(transform)[1].split(', ').map(Number);
  const [x, y] = [box.width / picture.width, box.height / picture.height];
  const by = fit === 'fill' ? [x, y] : Array(2).fill(fit === 'cover' ? Math.max(x, y) : Math.min(x, y));
  const drawn = [0, 1].map((i) => [box.width, box.height][i] / 2 + (point[i] - 0.5) * [picture.width, picture.height][i] * by[i]);
  return [a * drawn[0] + e, d * drawn[1] + f].map((number) => Math.round(number * 10) / 10 + 0);
}

test('a mirrored picture is where it was, the other way round', () => {
  const look = lookOf({ mirror: true });
  assert.deepEqual(at([0, 0], { look }), [400, 37.5]);
  assert.deepEqual(at([1, 1], { look }), [0, 262.5]);
});

test('what is left of a cropped picture fills the box as all of it would, in its own shape', () => {
  const look = lookOf({ crop: [50, 0, 0, 0] }); // 800 × 900
  assert.deepEqual(at([0.5, 0], { look }), [66.7, 0]);
  assert.deepEqual(at([1, 1], { look }), [333.3, 300]);
  assert.deepEqual(at([0.5, 0.5], { look, fit: 'cover' }), [0, 150]);
  assert.deepEqual(at([1, 0.5], { look, fit: 'cover' }), [400, 150]);
  assert.deepEqual(at([0.5, 0], { look, fit: 'fill' }), [0, 0]);
  assert.deepEqual(at([1, 1], { look, fit: 'fill' }), [400, 300]);
  assert.equal(placeOf({ box: BOX, picture: WIDE, look }).clip, 'inset(37.5px 0px 37.5px 200px)');
});

test('crop is said of the picture before it is mirrored', () => {
  const look = lookOf({ mirror: true, crop: [50, 0, 0, 0] });
  assert.deepEqual(at([1, 0], { look }), [66.7, 0]);
  assert.deepEqual(at([0.5, 1], { look }), [333.3, 300]);
});

test('a picture that is saved is painted as it is shown, in its own size', () => {
  const calls = [];
  const context = { setTransform: (...args) => calls.push(args), drawImage: (...args) => calls.push(args.slice(1)) };
  const canvas = { getContext: () => context };
  paint(canvas, {}, WIDE, lookOf({ mirror: true, crop: [25, 0, 25, 50] }));
  assert.deepEqual([canvas.width, canvas.height], [800, 450]);
  assert.deepEqual(calls, [[-1, 0, 0, 1, 800, 0], [400, 0, 800, 450, 0, 0, 800, 450]]);
});

/** A `<video>` of that size whose document makes canvases that say what became of them. */
function film({ width, height, readyState = 2 }) {
  const made = [];
  const createElement = () => {
    const canvas = { getContext: () => ({ setTransform() {}, drawImage() {} }), toBlob: (done, type, quality) => done({ type, quality, width: canvas.width, height: canvas.height }) };
    made.push(canvas);
    return canvas;
  };
  return { video: { videoWidth: width, videoHeight: height, readyState, ownerDocument: { createElement } }, made };
}

test('a picture of what is on the screen is as it is shown, and its canvas takes no memory afterwards', async () => {
  globalThis.HTMLMediaElement = { HAVE_CURRENT_DATA: 2 };
  const { video, made } = film(WIDE);
  const blob = await pictureOf(video, WIDE, lookOf({ crop: [50, 0, 0, 0] }), { type: 'image/jpeg', quality: 0.7 });
  assert.deepEqual(blob, { type: 'image/jpeg', quality: 0.7, width: 800, height: 900 });
  assert.deepEqual([made.length, made[0].width, made[0].height], [1, 0, 0]);
  assert.equal((await pictureOf(video, WIDE, PLAIN)).type, 'image/png');
  assert.equal(await pictureOf(film({ ...WIDE, readyState: 1 }).video, WIDE, PLAIN), null);
  assert.equal(await pictureOf(video, { width: 0, height: 0 }, PLAIN), null);
});

test('a player says when its picture was taken, and how large it is', async () => {
  globalThis.HTMLMediaElement = { HAVE_CURRENT_DATA: 2 };
  const player = new RingcastPlayer(film(WIDE).video, { url: 'ws://server/live/front' });
  const { blob, time, width, height } = await player.snapshot();
  assert.deepEqual([blob.width, time, width, height], [1600, null, 1600, 900]);
  assert.equal(await new RingcastPlayer(film({ width: 0, height: 0 }).video, { url: 'ws://server/live/front' }).snapshot(), null);
});
