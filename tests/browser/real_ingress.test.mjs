// SPDX-License-Identifier: MIT
// The wall in a frame of Home Assistant, behind its ingress: the whole chain in Chromium.

import assert from 'node:assert/strict';
import { Ingress } from '../support/ingress.mjs';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, until, untilMoving, watchErrors } from './support/browser.mjs';

/** A wall with two cameras, its ingress and a browser; ended in any case. */
function shown(name, settings, body) {
  scenario(name, async (stage) => {
    const camera = await stage.camera(['--cameras', '2']);
    const ringcast = await stage.ringcast(camera, {}, settings);
    const ingress = await new Ingress(ringcast.address).open();
    const browser = await launchBrowser();
    try {
      await body({ page: await browser.newPage({ viewport: { width: 1280, height: 720 } }), ingress });
    } finally {
      await browser.close();
      await ingress.close();
    }
  }, { limit: 300_000 });
}

shown('in a frame, pictures move and large ones have an address', { trusted_proxies: ['127.0.0.1'] }, async ({ page, ingress }) => {
  const errors = watchErrors(page);
  page.on('request', (request) => {
    const inside = request.url().startsWith(ingress.address) || request.url() === `${ingress.origin}/` || request.url().startsWith('blob:');
    if (!inside) errors.push(`a request to ${request.url()}`);
  });
  await page.goto(ingress.origin);
  const frame = await until(() => page.frames().find((each) => each.url().startsWith(ingress.address)), 'the frame');
  await until(async () => (await frame.locator('ringcast-camera').count()) === 2, 'two tiles', 60_000);
  await untilMoving(frame, { count: 2, ms: 60_000 });
  await page.goto(`${ingress.address}camera.html?camera=cam2`);
  await untilMoving(page, { ms: 60_000 });
  await page.locator('a[title="All cameras"]').click();
  await until(async () => page.url() === ingress.address && (await page.locator('ringcast-camera').count()) === 2, 'the wall', 60_000);
  assert.deepEqual(errors, []);
});

shown('frame_ancestors keeps it out of frames', { trusted_proxies: ['127.0.0.1'], frame_ancestors: ["'none'"] }, async ({ page, ingress }) => {
  const refusals = [];
  page.on('console', (message) => refusals.push(message.text()));
  await page.goto(ingress.origin);
  await until(() => refusals.some((text) => /frame-ancestors 'none'/.test(text)), 'the refusal');
  const shownFrames = page.frames().filter((each) => each.url().startsWith(ingress.address));
  for (const frame of shownFrames) assert.equal(await frame.locator('ringcast-camera').count(), 0);
  await page.goto(ingress.address);
  await untilMoving(page, { count: 2, ms: 60_000 });
});
