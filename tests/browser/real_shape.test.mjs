// SPDX-License-Identifier: MIT
// The shape and the rotation of the picture, as both browsers show them: `aspect` and `rotate` are in the init segment.

import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, until, untilMoving } from './support/browser.mjs';
import { Firefox } from './support/firefox.mjs';

// The camera sends 320x240. What is shown has its height, before it is turned.
const CAMERAS = [
  { name: 'plain', shown: [320, 240] },
  { name: 'wide', aspect: '16:9', shown: [426, 240] },
  { name: 'right', rotate: 90, shown: [240, 320] },
  { name: 'over', rotate: 180, shown: [320, 240] },
  { name: 'left', aspect: '16:9', rotate: 270, shown: [240, 426] },
];

/** Of each camera its name, the size that is shown, and how bright each quarter of the picture is. */
const quarters = (page) => page.evaluate(() => [...document.querySelectorAll('ringcast-camera')].map(({ camera, video }) => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [2, 2];
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0, 2, 2);
  const { data } = context.getImageData(0, 0, 2, 2);
  return [camera, [video.videoWidth, video.videoHeight], [0, 1, 2, 3].map((i) => data[4 * i] + data[4 * i + 1] + data[4 * i + 2])];
}));

async function expectShapes(page, browser) {
  await untilMoving(page, { count: CAMERAS.length, ms: 60_000 });
  await until(async () => (await quarters(page)).every(([, [width]]) => width > 0), 'pictures of every camera');
  const seen = Object.fromEntries((await quarters(page)).map(([name, size, bright]) => [name, { size, bright }]));
  for (const { name, shown } of CAMERAS) {
    for (const side of [0, 1]) assert.ok(Math.abs(seen[name].size[side] - shown[side]) <= 2, `${browser}: ${name} is ${seen[name].size}`);
  }
  // The picture is brighter at its top, so the brightest side shows where the top is now.
  const edges = ({ bright: [a, b, c, d] }) => ({ top: a + b, right: b + d, bottom: c + d, left: a + c });
  for (const [name, edge] of [['plain', 'top'], ['wide', 'top'], ['right', 'right'], ['over', 'bottom'], ['left', 'left']]) {
    const sums = edges(seen[name]);
    assert.ok(Object.keys(sums).every((other) => sums[other] <= sums[edge]), `${browser}: ${name} has its top at the ${edge}: ${JSON.stringify(sums)}`);
  }
}

scenario('the shape of the picture', async (stage) => {
  const camera = await stage.camera(['--camera', 'front:size=320x240,audio=none']);
  const cameras = CAMERAS.map(({ shown, ...settings }) => ({ url: camera.cameras[0].url, ...settings }));
  const ringcast = stage.instance({ cameras }).start();
  await ringcast.streaming();
  const chromium = await launchBrowser();
  try {
    const page = await chromium.newPage();
    await page.goto(ringcast.address);
    await expectShapes(page, 'Chromium');
  } finally {
    await chromium.close();
  }
  const firefox = await Firefox.launch();
  try {
    const page = await firefox.open(1000, 700);
    await page.goto(ringcast.address);
    await expectShapes(page, 'Firefox');
  } finally {
    await firefox.close();
  }
}, { limit: 240_000 });
