// SPDX-License-Identifier: MIT
// What a wall of many real cameras shows, every ten seconds: how many tiles are in each condition, on each rung of the ladder, connected
// again, without a picture, or more than four seconds old, and how long the page takes for an answer.
//   RINGCAST_BUILD=build/release node tests/browser/support/watch_wall.mjs CAMERAS SIZE FPS SECONDS
import { setTimeout as sleep } from 'node:timers/promises';
import { scenario } from '../../support/scenario.mjs';
import { launchBrowser } from './browser.mjs';

const [count = '200', size = '320x180', fps = '2', seconds = '90'] = process.argv.slice(2);
const EVERY_MS = 10_000;

function look() {
  const tally = (values) => values.reduce((all, value) => ({ ...all, [value]: (all[value] ?? 0) + 1 }), {});
  const tiles = [...document.querySelectorAll('.tile')];
  const elements = tiles.map((tile) => [...tile.querySelectorAll('ringcast-camera:not(.leaving)')].at(-1));
  return {
    conditions: tally(tiles.map(({ dataset }) => dataset.condition)),
    rungs: tally(tiles.map(({ dataset }) => dataset.rung)),
    reconnections: elements.reduce((sum, { player }) => sum + Math.max(0, (player?.stats?.connections ?? 1) - 1), 0),
    withoutPicture: elements.filter(({ video }) => video.readyState < 2).length,
    old: elements.filter(({ player }) => (player?.stats?.age ?? 0) > 4).length,
  };
}

scenario(`a wall of ${count} cameras`, async (stage) => {
  const camera = await stage.camera(['--cameras', count, '--fps', fps, '--gop', `${2 * fps}`, '--size', size]);
  const ringcast = stage.instance({ cameras: camera.cameras.map(({ name, url }) => ({ name, url })) }).start();
  await ringcast.streaming(undefined, 180_000);
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
    await page.goto(ringcast.address);
    const began = performance.now();
    while (performance.now() - began < seconds * 1000) {
      await sleep(EVERY_MS);
      const asked = performance.now();
      const seen = await page.evaluate(look);
      console.log(`${Math.round((performance.now() - began) / 1000)} s ${JSON.stringify(seen)}, answered after ${Math.round(performance.now() - asked)} ms`);
    }
  } finally {
    await browser.close();
  }
}, { limit: 300_000 + seconds * 1000 });
