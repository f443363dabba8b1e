// SPDX-License-Identifier: MIT
// A camera whose pictures change their size in flight, with the real processes: the same video element goes on with the other
// size.

import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, until, untilMoving, watchErrors } from './support/browser.mjs';

const SIZES = [[320, 180], [480, 270], [192, 108]];

scenario('pictures of another size', async (stage) => {
  const camera = await stage.camera(['--camera', `front:size=${SIZES[0].join('x')},audio=aac`]);
  const ringcast = await stage.ringcast(camera);
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    const errors = watchErrors(page);
    await page.goto(ringcast.address);
    await untilMoving(page, { count: 1, ms: 60_000 });
    const shown = () => page.evaluate(() => [...document.querySelectorAll('ringcast-camera')].map(({ video }) => [video.videoWidth, video.videoHeight]));
    for (const size of SIZES) {
      if (size !== SIZES[0]) await camera.command(`size=${size.join('x')} front`);
      await until(async () => JSON.stringify(await shown()) === JSON.stringify([size]), `pictures of ${size}`);
      await untilMoving(page, { count: 1, frames: 8 });
    }
    const { viewers } = await ringcast.camera('front');
    assert.equal(viewers, 1);
    assert.equal(await camera.command('clients front'), 1);
    assert.deepEqual(errors, []);
  } finally {
    await browser.close();
  }
}, { limit: 240_000 });
