// SPDX-License-Identifier: MIT
// The shape and the rotation of the picture, as both browsers show them: `aspect` and `rotate` are in the init segment. `mirror` and `crop` are
// what the element makes of them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, until, untilMoving } from './support/browser.mjs';
import { Firefox } from './support/firefox.mjs';

const SCREENSHOTS = process.env.RINGCAST_SCREENSHOTS;

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

const FRAMED = [
  { name: 'plain', shown: [320, 240] },
  { name: 'mirrored', mirror: true, shown: [320, 240] },
  { name: 'upper', crop: '0,0,0,50', shown: [320, 120] },
  { name: 'part', crop: '50,0,0,0', mirror: true, shown: [160, 240] },
];

/** The picture of an element on the page's screen, in a few points: an array of [r, g, b] from left to right in a row that is `y` of the height down. */
async function row(page, name, y = 0.3) {
  const box = await page.evaluate((camera) => {
    const { x, y, width, height } = [...document.querySelectorAll('ringcast-camera')].find((one) => one.camera === camera).getBoundingClientRect();
    return { x, y, width, height };
  }, name);
  const png = await page.screenshot({ clip: box });
  return page.evaluate(async ([data, at]) => {
    const image = new Image();
    image.src = data;
    await image.decode();
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [8, 8];
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(image, 0, 0, 8, 8);
    return Array.from({ length: 8 }, (_, i) => [...context.getImageData(i, Math.floor(at * 8), 1, 1).data].slice(0, 3));
  }, [`data:image/png;base64,${png.toString('base64')}`, y]);
}

const apart = (a, b) => a.reduce((sum, colour, i) => sum + colour.reduce((part, value, k) => part + Math.abs(value - b[i][k]), 0), 0) / (a.length * 3);

scenario('mirrored and cropped pictures, and both changed by a reload without a new connection', async (stage) => {
  // Red at the left, blue at the right.
  const film = stage.file('film.mp4');
  const halves = ['red', 'blue'].flatMap((colour) => ['-f', 'lavfi', '-i', `color=${colour}:size=160x240:rate=5:duration=10`]);
  execFileSync('ffmpeg', ['-v', 'error', ...halves, '-filter_complex', 'hstack', '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-g', '5', '-bf', '0', film]);
  const cameras = FRAMED.map(({ shown, ...settings }) => ({ url: `file://${film}`, ...settings }));
  const ringcast = stage.instance({ cameras }).start();
  await ringcast.streaming();
  const list = await (await fetch(`${ringcast.address}api/cameras`)).json();
  assert.deepEqual(list.cameras.map(({ mirror, crop }) => [mirror, crop]), [[false, null], [true, null], [false, [0, 0, 0, 50]], [true, [50, 0, 0, 0]]]);
  const chromium = await launchBrowser();
  try {
    const page = await chromium.newPage({ viewport: { width: 1280, height: 720 } });
    await page.goto(ringcast.address);
    await untilMoving(page, { count: FRAMED.length, frames: 3, ms: 60_000 });
    const facts = () => page.evaluate(() => Object.fromEntries([...document.querySelectorAll('ringcast-camera')].map((one) => [one.camera, { size: one.pictureSize, look: one.look, connections: one.player.stats?.connections }])));
    await until(async () => Object.values(await facts()).every(({ size, connections }) => size.width > 0 && connections > 0), 'figures');
    const seen = await facts();
    for (const { name, shown } of FRAMED) assert.deepEqual([seen[name].size.width, seen[name].size.height], shown, name);

    const [red, blue] = [[254, 0, 0], [0, 0, 254]];
    const half = [...Array(4).fill(red), ...Array(4).fill(blue)];
    for (const [name, shown] of [['plain', half], ['mirrored', half.toReversed()], ['upper', half]]) {
      const seen = await row(page, name);
      assert.ok(apart(seen, shown) < 20, `${name}: ${JSON.stringify(seen)}`);
    }
    const part = await row(page, 'part'); // in a wider tile
    assert.ok(apart(part.slice(3, 5), [blue, blue]) < 20, `the right half: ${JSON.stringify(part)}`);
    assert.ok(part.every(([r]) => r < 60), `nothing of the left half: ${JSON.stringify(part)}`);
    const saved = await page.evaluate(async () => {
      const element = [...document.querySelectorAll('ringcast-camera')].find((one) => one.camera === 'part');
      const { blob, time, width, height } = await element.snapshot({ type: 'image/jpeg' });
      return { type: blob.type, age: Date.now() - time.getTime(), width, height };
    });
    assert.deepEqual([saved.type, saved.width, saved.height], ['image/jpeg', 160, 240]);
    assert.ok(Math.abs(saved.age) < 5000, `taken ${saved.age} ms ago`);
    if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, 'wall-framed.png') });

    const pid = (await ringcast.camera('plain')).pid;
    ringcast.settings.cameras[0].mirror = true;
    ringcast.settings.cameras[0].crop = '0,0,0,50';
    ringcast.write();
    await ringcast.ctl('reload');
    await until(async () => (await facts()).plain.look.mirror, 'the page to be told');
    const after = await facts();
    assert.deepEqual([after.plain.size, after.plain.look.crop, after.plain.connections], [{ width: 320, height: 120 }, [0, 0, 0, 50], seen.plain.connections]);
    assert.equal((await ringcast.camera('plain')).pid, pid, 'the camera goes on');
  } finally {
    await chromium.close();
  }
  const firefox = await Firefox.launch();
  try {
    const page = await firefox.open(1000, 700);
    await page.goto(ringcast.address);
    const seen = () => page.evaluate(() => [...document.querySelectorAll('ringcast-camera')].map(({ camera, pictureSize: { width, height }, video }) => [camera, width, height, /^matrix\(-/.test(getComputedStyle(video).transform)]));
    const shown = await until(async () => {
      const now = await seen();
      return now.length === FRAMED.length && now.every(([, width]) => width > 0) && now;
    }, 'pictures in Firefox');
    assert.deepEqual(shown, [['plain', 320, 120, true], ['mirrored', 320, 240, true], ['upper', 320, 120, false], ['part', 160, 240, true]]);
  } finally {
    await firefox.close();
  }
}, { limit: 240_000 });

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
