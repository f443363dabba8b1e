// SPDX-License-Identifier: MIT
// Events of cameras on the wall, and the list of cameras as the server tells it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './support/browser.mjs';
import { FakeCamera } from './support/fake-server.mjs';
import { LIMIT, NAMES, clips, live, open, order, serve, server, shoot } from './support/wall.mjs';

const tile = (page, name) => page.locator('.tile', { has: page.locator('.name', { hasText: name }) });
const large = async (page) => (await page.locator('.tile.large .name').allTextContents()).join();
const attention = (page) => page.locator('.tile.attention .name').allTextContents();
const following = () => until(() => server.followers === 1, 'the page to follow');

test('an event outlines its tile, is read out at once, says what it is, and ends', LIMIT, async () => {
  await serve(4);
  const page = await open();
  await live(page, 4);
  await following();
  server.raise({ camera: 'Garage', text: 'Somebody at the door', for: 30 });
  await until(async () => (await attention(page)).join() === 'Garage', 'the outline');
  assert.equal(await page.getByRole('alert').textContent(), 'Garage: Somebody at the door');
  assert.equal(await tile(page, 'Garage').locator('.alarm').textContent(), 'Somebody at the door');
  await until(async () => /^Garage, Somebody at the door\. Live/.test(await tile(page, 'Garage').locator('.open').getAttribute('aria-label')), 'its name');
  assert.deepEqual(await order(page), NAMES.slice(0, 4), 'no more than that');
  assert.equal(await large(page), '');
  await shoot(page, 'wall-attention');
  server.raise({ camera: 'Garage', for: 0 });
  await until(async () => (await attention(page)).length === 0, 'the end');
  assert.equal(await tile(page, 'Garage').locator('.alarm').textContent(), '');
  server.raise({ camera: 'Yard', text: '', for: 0.5 });
  await until(async () => (await page.getByRole('alert').textContent()) === 'Yard: event', 'one without words');
  await until(async () => (await attention(page)).length === 0, 'the end of its time');
  server.raise({ camera: 'gone', text: 'x', for: 30, large: true });
  server.raise({ camera: 'Gate', text: '<b>&', for: 30 });
  await until(async () => (await attention(page)).join() === 'Gate', 'a camera that is there');
  assert.equal(await tile(page, 'Gate').locator('.alarm').textContent(), '<b>&');
  assert.deepEqual(page.errors, []);
});

test('first and large: before all others and in the middle, also when the view has it not, and afterwards as it was', LIMIT, async () => {
  await serve(5);
  const page = await open({ path: '?cameras=Front%20door,Yard,Garage#Yard' });
  await live(page, 3);
  await following();
  server.raise({ camera: 'Gate', text: 'Car', for: 60, first: true, large: true });
  await until(async () => (await large(page)) === 'Gate', 'it to be large');
  await page.evaluate(() => document.querySelector('.tile.large .back') !== null);
  server.raise({ camera: 'Gate', for: 0 });
  await until(async () => (await large(page)) === 'Yard', 'what was large before');
  assert.equal(await page.locator('.tile').count(), 3);

  await page.keyboard.press('Escape');
  server.raise({ camera: 'Garage', text: 'Here', for: 60, first: true, large: true });
  await until(async () => (await order(page)).join() === 'Garage,Front door,Yard', 'it to come first');
  assert.equal(await large(page), '', 'who uses the page is left alone');
  assert.doesNotMatch(page.url(), /order/);
  await page.locator('.open').first().focus();
  await page.keyboard.press('Shift+ArrowRight');
  server.raise({ camera: 'Garage', for: 0 });
  await until(async () => (await attention(page)).length === 0, 'the end');
  assert.deepEqual([...(await order(page))].sort(), ['Front door', 'Garage', 'Yard']);
  assert.deepEqual(page.errors, []);
});

test('a sound is made and let go', LIMIT, async () => {
  await serve(1);
  const page = await open({
    prepare: (context) => context.addInitScript(() => {
      globalThis.contexts = [];
      const Real = globalThis.AudioContext;
      globalThis.AudioContext = class extends Real {
        constructor() {
          super();
          globalThis.contexts.push(this);
        }
      };
    }),
  });
  await live(page, 1);
  await following();
  server.raise({ camera: 'Front door', text: 'Ding', for: 30, sound: true });
  await until(() => page.evaluate(() => globalThis.contexts.length === 1), 'a sound');
  await until(() => page.evaluate(() => globalThis.contexts.every(({ state }) => state === 'closed')), 'its end');
  assert.deepEqual(page.errors, []);
});

test('the list is told and not asked for; where it cannot be told it is asked for, and told again later', LIMIT, async () => {
  await serve(2);
  const page = await open();
  await live(page, 2);
  await following();
  const asked = server.asked.get('/api/cameras');
  server.cameras.set('Gate', new FakeCamera('Gate', clips[0]));
  await live(page, 3);
  server.cameras.delete('Gate');
  await until(async () => (await page.locator('.tile').count()) === 2, 'it to go');
  assert.equal(server.asked.get('/api/cameras'), asked);

  await server.stop();
  server.events = false;
  await server.start();
  await until(() => server.asked.get('/api/cameras') > asked, 'it to be asked for');
  await live(page, 2);
  server.cameras.set('Gate', new FakeCamera('Gate', clips[0]));
  await live(page, 3);
  server.events = true;
  await until(() => server.followers === 1, 'it to be told again');
  assert.deepEqual(page.errors, []);
});

test('a page that cannot be seen does not follow', LIMIT, async () => {
  await serve(1);
  const page = await open();
  await live(page, 1);
  await following();
  const hide = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  await hide(true);
  await until(() => server.followers === 0, 'nobody to follow');
  await hide(false);
  await following();
  assert.deepEqual(page.errors, []);
});
