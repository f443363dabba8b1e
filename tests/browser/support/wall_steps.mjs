// SPDX-License-Identifier: MIT
// What a tile costs the browser on each step of the wall's ladder: as many elements as tiles on one page, all on the same step, and the
// processor time of all processes of the browser meanwhile.
//   RINGCAST_BUILD=build/release node tests/browser/support/wall_steps.mjs [--tiles 16] [--seconds 20] [--width 320] STEP…
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { processFigures } from '../../support/process_figures.mjs';
import { scenario } from '../../support/scenario.mjs';
import { launchBrowser, processesOf, untilMoving } from './browser.mjs';
import { Proxy } from './proxy.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { tiles: { type: 'string', default: '16' }, seconds: { type: 'string', default: '20' }, width: { type: 'string', default: '320' } },
});
const TILES = Number(options.tiles);
const MAIN = 'size=1280x720';
const SUB = 'size=640x360';
const PAGE = '<!doctype html><title>steps</title><link rel="icon" href="data:,"><script type="module" src="/ringcast-player.js"></script><body></body>';
const RENEW_MS = 3000; // as wall-still.js
const SETTLE_MS = 8000;

const STEPS = {
  main: { stream: 'main', frames: 'all' },
  sub: { stream: 'sub', frames: 'all' },
  'sub, keyframes only': { stream: 'sub', frames: 'key' },
  'still picture': null,
};

function showStreams({ names, width, step }) {
  for (const camera of names) {
    const node = document.createElement('ringcast-camera');
    Object.assign(node, { camera, stream: step.stream, frames: step.frames, defaultMuted: true, width });
    document.body.append(node);
  }
}

function showStills({ names, width, renewMs }) {
  for (const [i, name] of names.entries()) {
    const canvas = document.createElement('canvas');
    document.body.append(canvas);
    const renew = async () => {
      const bitmap = await createImageBitmap(await (await fetch(`/snapshot/${name}.jpg?width=${width}`)).blob());
      Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
      canvas.getContext('2d').drawImage(bitmap, 0, 0);
      bitmap.close();
      setTimeout(renew, renewMs);
    };
    setTimeout(renew, (i * renewMs) / names.length);
  }
}

async function cpu(browser) {
  return (await processesOf(browser)).map((pid) => processFigures(pid)?.cpu ?? 0).reduce((all, each) => all + each, 0);
}

async function measure(proxy, names, name) {
  const step = STEPS[name];
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
    await page.goto(`${proxy.url}example/steps.html`);
    const width = Number(options.width);
    if (step) {
      await page.evaluate(showStreams, { names, width, step });
      await untilMoving(page, { count: names.length, frames: 1 });
    } else {
      await page.evaluate(showStills, { names, width, renewMs: RENEW_MS });
    }
    await sleep(SETTLE_MS);
    const before = await cpu(browser);
    const began = performance.now();
    await sleep(options.seconds * 1000);
    const cores = (await cpu(browser) - before) / ((performance.now() - began) / 1000);
    console.log(`| ${name} | ${((1000 * cores) / names.length).toFixed(1)} | ${cores.toFixed(2)} |`);
  } finally {
    await browser.close();
  }
}

scenario('what a tile costs on each step', async (stage) => {
  const own = Array.from({ length: TILES }, (_, i) => [`--camera`, `m${i}:${MAIN}`, '--camera', `s${i}:${SUB}`]).flat();
  const camera = await stage.camera(['--fps', '15', '--gop', '30', ...own]);
  const cameras = Array.from({ length: TILES }, (_, i) => ({ name: `cam${i + 1}`, url: camera.url(2 * i), sub: camera.url(2 * i + 1) }));
  const ringcast = stage.instance({ cameras }).start();
  await ringcast.streaming(undefined, 180_000);
  const { headers } = await fetch(ringcast.address);
  const proxy = await new Proxy(ringcast.address, { 'steps.html': PAGE }, headers.get('content-security-policy')).start();
  try {
    console.log('| step | ms of a core a second and tile | cores in all |\n|---|---|---|');
    for (const name of positionals.length > 0 ? positionals : Object.keys(STEPS)) await measure(proxy, cameras.map((each) => each.name), name);
  } finally {
    await proxy.stop();
  }
}, { limit: 600_000 });
