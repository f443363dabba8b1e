// SPDX-License-Identifier: MIT
// What is done to one camera by keys and by pointer: volume, figures, the stream, a window of its own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './support/browser.mjs';
import { LIMIT, live, open, serve, server, shoot } from './support/wall.mjs';

const SUB = { state: 'streaming', width: 320, height: 180, look_back: 0 };

async function openWall(options = {}) {
  await serve(3);
  for (const camera of server.cameras.values()) camera.extra = { sub: { ...SUB, mime: camera.clip.mime, codecs: camera.clip.codecs } };
  const page = await open(options);
  await live(page, 3);
  return page;
}

const enlarge = async (page, index = 0) => {
  await page.locator('.tile .open').nth(index).press('Enter');
  await page.locator('.tile.large').waitFor();
};
const figures = (page) => page.evaluate(() => [...document.querySelectorAll('.tile .figures')].map((node) => !node.hidden));
/** One tile is large and its stream, too; the others have the small one, and no tile is about to change. */
const streamsChosen = (page) => until(
  async () => (await page.evaluate(() => [...document.querySelectorAll('.tile ringcast-camera')].map(({ stream }) => stream))).join() === 'main,sub,sub',
  'the streams that fit',
);
const note = (page) => page.locator('#note').textContent();

test('volume by keys and by pointer, of the camera that is heard, and kept', LIMIT, async () => {
  const page = await openWall();
  await enlarge(page);
  await streamsChosen(page);
  const loudness = () => page.evaluate(() => [...document.querySelectorAll('.tile ringcast-camera')].map(({ volume, muted }) => [volume, muted]));
  const slider = page.getByRole('slider', { name: 'Volume' });
  assert.equal(await slider.count(), 0, 'nothing is heard');
  await page.keyboard.press('v');
  assert.deepEqual(await loudness(), [[1, false], [1, true], [1, true]], 'who makes it louder wants to hear it');
  await slider.waitFor();
  for (let i = 0; i < 3; i++) await page.keyboard.press('Shift+V');
  assert.deepEqual((await loudness()).map(([volume]) => volume), [0.7, 0.7, 0.7]);
  assert.equal(await note(page), 'Volume 70 %');
  assert.equal(await slider.inputValue(), '70');
  await shoot(page, 'volume');
  const { x, y, width, height } = await slider.boundingBox();
  await page.mouse.click(x + width / 2, y + height / 2);
  assert.ok(Math.abs((await loudness())[0][0] - 0.5) < 0.06, 'by pointer');
  assert.equal(await page.locator('.tile.large').count(), 1, 'that was no click on the picture');
  await slider.focus();
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.locator('.tile.large .name').textContent(), 'Front door', 'arrows move the knob');
  const kept = (await loudness())[0][0];
  await page.reload();
  await live(page, 3);
  await streamsChosen(page);
  assert.equal((await loudness())[0][0], kept);
  for (let i = 0; i < 12; i++) await page.keyboard.press('Shift+V');
  assert.equal((await loudness())[0][0], 0);
  assert.deepEqual(page.errors, []);
});

test('figures of one camera: by its button, a long press and a key; those of all by another', LIMIT, async () => {
  const page = await openWall();
  const { x, y } = await page.locator('.tile').nth(1).boundingBox();
  await page.mouse.move(x + 80, y + 80);
  await page.mouse.down();
  await until(async () => (await figures(page))[1], 'figures after a long press');
  await page.mouse.up();
  assert.deepEqual(await figures(page), [false, true, false]);
  assert.equal(await page.locator('.tile.large').count(), 0, 'the press is no click');
  await until(async () => /small stream$|large stream$/m.test(await page.locator('.tile .figures').nth(1).textContent()), 'which stream it is');
  await page.locator('.tile .open').nth(0).focus();
  await page.keyboard.press('Shift+I');
  assert.deepEqual(await figures(page), [true, true, false]);
  await enlarge(page);
  await page.getByRole('button', { name: 'Figures', pressed: true }).click();
  assert.deepEqual(await figures(page), [false, true, false]);
  await page.keyboard.press('i');
  assert.deepEqual(await figures(page), [true, true, true]);
  await page.keyboard.press('i');
  assert.deepEqual(await figures(page), [false, false, false]);
  assert.deepEqual(page.errors, []);
});

test('the stream of the large camera by hand, kept while the view lasts', LIMIT, async () => {
  const page = await openWall();
  await enlarge(page);
  const stream = () => page.evaluate(() => document.querySelector('.tile.large ringcast-camera:not(.leaving)').stream);
  const settled = (wanted) => until(async () => (await stream()) === wanted && (await page.locator('.tile.large ringcast-camera').count()) === 1, `the stream ${wanted}`);
  await settled('main');
  const button = page.locator('.tile.large .stream');
  assert.equal(await button.textContent(), 'Automatic');
  await page.keyboard.press('q');
  await settled('main');
  assert.equal(await note(page), 'Front door: Large stream');
  await button.click();
  await settled('sub');
  assert.deepEqual([await button.textContent(), await button.getAttribute('aria-label')], ['Small stream', 'Stream: Small stream']);
  await page.keyboard.press('Shift+I');
  await until(async () => /small stream, chosen/.test(await page.locator('.tile.large .figures').textContent()), 'it in the figures');
  await shoot(page, 'stream-chosen');

  await page.keyboard.press('ArrowRight');
  assert.equal(await button.textContent(), 'Automatic', 'each camera has its own');
  await page.keyboard.press('ArrowLeft');
  await settled('sub');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Enter');
  await settled('sub');
  await page.keyboard.press('Escape');

  // Another choice of cameras begins anew; the camera of it that was there before, too.
  await page.keyboard.press('/');
  await page.locator('#found [type=checkbox]').first().check();
  await page.locator('#chosen').click();
  await until(async () => (await page.locator('.tile').count()) === 1, 'one tile');
  await enlarge(page);
  await settled('main');
  assert.deepEqual(page.errors, []);
});

test('a window of its own: offered where there is one, and closed when its tile goes', LIMIT, async () => {
  const page = await openWall();
  const inWindow = () => page.evaluate(() => document.pictureInPictureElement?.inPictureInPicture === true);
  await enlarge(page);
  await until(async () => (await page.locator('.tile.large ringcast-camera').count()) === 1, 'one stream');
  const button = page.getByRole('button', { name: 'A window of its own' });
  await button.click();
  await until(inWindow, 'the window');
  assert.equal(await button.getAttribute('aria-pressed'), 'true');
  await shoot(page, 'window');
  // Small it would show the small stream: that would close the window.
  await page.keyboard.press('Escape');
  await until(async () => (await page.locator('.tile').first().locator('ringcast-camera').count()) === 1, 'no other stream');
  assert.equal(await inWindow(), true);
  await page.keyboard.press('p');
  await until(async () => !(await inWindow()), 'the window to close');
  await page.keyboard.press('p');
  await until(inWindow, 'the window again');
  server.cameras.delete('Front door');
  await until(async () => (await page.locator('.tile').count()) === 2, 'the tile to go');
  await until(async () => !(await inWindow()), 'its window to go');
  await page.keyboard.press('?');
  assert.match(await page.locator('#key-list').textContent(), /this camera in a small window/);
  assert.deepEqual(page.errors, []);
});

test('where the browser has no such window nothing is offered, and the element says so', LIMIT, async () => {
  const page = await openWall({ prepare: (context) => context.addInitScript(() => {
    delete HTMLVideoElement.prototype.requestPictureInPicture;
  }) });
  await enlarge(page);
  assert.equal(await page.locator('.tile.large .window').isVisible(), false);
  await page.keyboard.press('p');
  const name = await page.evaluate(() => document.querySelector('ringcast-camera').requestPictureInPicture().catch((error) => error.name));
  assert.equal(name, 'NotSupportedError');
  await page.keyboard.press('?');
  assert.doesNotMatch(await page.locator('#key-list').textContent(), /this camera in a small window/);
  assert.deepEqual(page.errors, []);
});
