// SPDX-License-Identifier: MIT
// Takes the pictures of docs/guide/wall.md from real cameras and real processes:
//     RINGCAST_BUILD=$PWD/build/release node tests/browser/support/screenshots.mjs docs/images

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program, run } from '../../support/processes.mjs';
import { Ringcast } from '../../support/ringcast.mjs';
import { TestCamera } from '../../support/test_camera.mjs';
import { launchBrowser, until, videos } from './browser.mjs';

const [target = 'docs/images', only = ''] = process.argv.slice(2);
const PLACES = [
  'Entrance', 'Yard', 'Garage', 'Roof', 'Gate', 'Reception', 'Loading dock', 'Car park', 'Stairs', 'Corridor', 'Workshop', 'Store',
  'Office', 'Canteen', 'Server room', 'Lift', 'Ramp', 'Fence north', 'Fence east', 'Fence south', 'Fence west', 'Barn', 'Cellar',
  'Attic', 'Garden',
];
const DESKTOP = { width: 1280, height: 720 };
const PHONE = { width: 390, height: 780 };

const directory = mkdtempSync(join(tmpdir(), 'ringcast-pictures-'));
mkdirSync(target, { recursive: true });
const browser = await launchBrowser();

/** COUNT cameras and what shows them; UNPLAYABLE of them sends what Chromium cannot play. BODY gets `open` and both. */
async function stage(count, body, unplayable = null) {
  const options = PLACES.slice(0, count).flatMap((name) => ['--camera', name === unplayable ? `${name}:codec=h265` : name]);
  const camera = await new TestCamera([...options, '--size', '480x270', '--fps', '5', '--gop', '10']).ready();
  const cameras = camera.cameras.map(({ name, url }) => ({ name, url }));
  const ringcast = new Ringcast(join(directory, `${count}-${unplayable}`), { cameras });
  const pages = [];
  const open = async ({ path = '', viewport = DESKTOP, colorScheme = 'dark', live = count } = {}) => {
    const page = await browser.newPage({ viewport, colorScheme, locale: 'en-GB', timezoneId: 'UTC' });
    pages.push(page);
    await page.goto(ringcast.address + path);
    const alive = () => page.locator('.tile[data-condition=live]').count();
    await until(async () => (await alive()) >= live, `${live} live`, 60_000);
    const near = ({ behind }) => behind === null || behind < 0.6;
    await until(async () => (await videos(page)).every(near), 'all near the newest picture', 60_000);
    return page;
  };
  try {
    ringcast.start();
    await ringcast.streaming();
    await body({ open, camera, ringcast });
  } finally {
    for (const page of pages) await page.close();
    await ringcast.clear();
    await camera.stop();
  }
}

async function save(page, name) {
  await page.evaluate(() => Promise.all([...document.querySelectorAll('ringcast-camera')]
    .flatMap(({ video }) => video.getAnimations().map(({ finished }) => finished.catch(() => {})))));
  await page.screenshot({ path: join(target, `${name}.png`) });
}

const conditions = (page, name, count) => until(async () => (await page.locator(`.tile[data-condition=${name}]`).count()) === count, name, 60_000);

const scenes = {
  async one() {
    await stage(1, async ({ open }) => save(await open(), 'wall-1'));
  },
  async four() {
    await stage(4, async ({ open }) => {
      await save(await open(), 'wall');
      await save(await open({ colorScheme: 'light' }), 'wall-light');
      const figures = await open();
      await figures.keyboard.press('i');
      const told = async () => (await figures.locator('.figures').allTextContents()).every((text) => /latency \d/.test(text));
      await until(told, 'figures');
      await save(figures, 'wall-figures');
      const page = await open({ path: '#Yard' });
      await save(page, 'wall-large');
      await page.keyboard.press('?');
      await save(page, 'wall-help');
    });
  },
  async nine() {
    await stage(9, async ({ open }) => {
      await save(await open(), 'wall-9');
      await save(await open({ viewport: PHONE }), 'wall-phone');
      await save(await open({ viewport: PHONE, path: '#Yard' }), 'wall-phone-large');
    });
  },
  async many() {
    await stage(25, async ({ open }) => save(await open(), 'wall-25'));
  },
  async login() {
    await stage(9, async ({ ringcast }) => {
      const credentials = ['anna', 'Kettle-Drum-42'];
      const users = (input, ...args) => run(program('ringcastctl'), ['--config', ringcast.config, 'user', ...args], { input });
      await users(`${credentials[1]}\n`, 'add', credentials[0], '--camera', '*', '--password-stdin');
      ringcast.settings.auth = {};
      ringcast.write();
      await ringcast.ctl('reload', '--wait');
      const show = async (options) => {
        const page = await browser.newPage({ viewport: DESKTOP, colorScheme: 'dark', locale: 'en-GB', timezoneId: 'UTC', ...options });
        await page.goto(`${ringcast.address}#Yard`);
        await page.getByLabel('User').waitFor();
        return page;
      };
      const logIn = async (page, [user, password]) => {
        await page.getByLabel('User').fill(user);
        await page.getByLabel('Password', { exact: true }).fill(password);
        await page.keyboard.press('Enter');
      };
      const page = await show();
      await save(page, 'login');
      await save(await show({ colorScheme: 'light' }), 'login-light');
      await save(await show({ viewport: PHONE, isMobile: true, hasTouch: true }), 'login-phone');
      await logIn(page, ['anna', 'kettle']);
      await page.getByRole('alert').getByText('wrong').waitFor();
      await save(page, 'login-wrong');
      await logIn(page, credentials);
      await conditions(page, 'live', 9);
      await save(page, 'wall-visitor');
      await users('', 'logout', 'anna');
      await conditions(page, 'unauthorized', 9);
      await page.locator('#login').waitFor();
      await save(page, 'login-again');
      const slowed = await show({ viewport: PHONE, isMobile: true, hasTouch: true });
      await until(async () => {
        await logIn(slowed, ['ben', 'guess']);
        await until(async () => /wrong|too many/.test(await slowed.getByRole('alert').textContent()), 'an answer');
        return /too many/.test(await slowed.getByRole('alert').textContent());
      }, 'to be slowed', 120_000);
      await save(slowed, 'login-slowed');
      for (const context of browser.contexts()) await context.close();
    });
  },
  async states() {
    await stage(9, async ({ open, camera, ringcast }) => {
      const page = await open({ live: 8 });
      const light = await open({ live: 8, colorScheme: 'light' });
      await camera.command('off Gate');
      for (const each of [page, light]) await conditions(each, 'offline', 1);
      await save(page, 'wall-states');
      await save(light, 'wall-states-light');
      await ringcast.daemon.stop();
      await conditions(page, 'reconnecting', 8);
      await save(page, 'wall-reconnecting');
    }, 'Garage');
  },
};

try {
  for (const [name, take] of Object.entries(scenes)) if (name.includes(only)) await take();
} finally {
  await browser.close();
  rmSync(directory, { recursive: true, force: true });
}
