// SPDX-License-Identifier: MIT
// Logging in with the real processes: by the page, over the wall after the log-in has ended, and out again.
// RINGCAST_LEAK_CYCLES=50 makes more rounds.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { program, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { launchBrowser, until, untilMoving, watchErrors } from './support/browser.mjs';
import { Census, instrument } from './support/census.mjs';
import { EXAMPLES } from './support/package.mjs';
import { Proxy } from './support/proxy.mjs';

const ROUNDS = Number(process.env.RINGCAST_LEAK_CYCLES ?? 4);
const PATIENCE_MS = 90_000;
const PASSWORD = 'Kanarie 7391 äß';
const NAMES = ['cam1', 'cam2', 'cam3', 'cam4'];
const NETWORK = /WebSocket|Failed to load resource|ERR_/; // Chromium's own words about refusals and lost connections

/** Four cameras, an instance where anna may watch them all, and a browser; ended in any case. SETTINGS(stage): more of the instance's. */
function guarded(name, body, { limit = 240_000, settings = () => ({}) } = {}) {
  scenario(name, async (stage) => {
    const camera = await stage.camera(['--cameras', '4']);
    const ringcast = stage.instance({ auth: {}, ...(await settings(stage)), cameras: camera.cameras.map(({ name: each, url }) => ({ name: each, url })) });
    const users = async (input, ...args) => {
      const { code, stderr } = await run(program('ringcastctl'), ['--config', ringcast.config, 'user', ...args], { input });
      assert.equal(code, 0, stderr);
    };
    await users(`${PASSWORD}\n`, 'add', 'anna', '--camera', '*', '--password-stdin');
    ringcast.start();
    await ringcast.streaming();
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, ignoreHTTPSErrors: true });
      page.errors = watchErrors(page, NETWORK);
      await page.addInitScript(instrument);
      await body({ ringcast, browser, page, users: (...args) => users('', ...args) });
      assert.deepEqual(page.errors, []);
      assert.ok(!stage.log.includes(PASSWORD), 'the password is in no log');
    } finally {
      await browser.close();
    }
  }, { limit });
}

async function logIn(page, password = PASSWORD, user = 'anna') {
  await page.waitForFunction(() => document.activeElement.form?.id === 'login-form', undefined, { timeout: 60_000 }); // its script has come
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.keyboard.press('Enter');
}

/** Waits until COUNT tiles have pictures, on a busy machine late ones; a failure says what all of them show. */
async function live(page, count) {
  const conditions = () => page.$$eval('.tile', (tiles) => tiles.map(({ dataset, textContent }) => `${dataset.condition} (${textContent.replace(/\s+/g, ' ')})`));
  const many = async () => (await conditions()).filter((each) => /^(live|late) /.test(each)).length === count;
  await until(many, `${count} live tiles`, PATIENCE_MS).catch(async (error) => {
    throw new Error(`${error.message}: ${(await conditions()).join(', ')}`);
  });
}
const shown = (page) => page.locator('.tile .name').allTextContents();
const large = (page) => page.locator('.tile.large .name').allTextContents();
const viewers = (ringcast, count) =>
  ringcast.until(`${count} viewers`, ({ cameras }) => cameras.reduce((sum, each) => sum + each.viewers, 0) === count);
const dialog = (page) => page.locator('#login');

guarded('in by the page, ended by the administrator, in again over the wall, and out', async ({ ringcast, page, users }) => {
  const answer = await page.goto(`${ringcast.address}#cam3`);
  assert.equal(answer.status(), 401);
  assert.match(answer.headers()['content-security-policy'], /script-src 'self'; style-src 'self'/);
  assert.equal(answer.headers()['www-authenticate'], 'Session', 'a browser does not ask by itself');
  await logIn(page, 'falsch');
  await page.getByRole('alert').getByText('wrong user or password').waitFor();
  await logIn(page, PASSWORD, 'nobody');
  await page.getByRole('alert').getByText('wrong user or password').waitFor();
  await logIn(page);
  await live(page, 4);
  await untilMoving(page, { count: 4, ms: PATIENCE_MS });
  assert.deepEqual([await shown(page), await large(page)], [NAMES, ['cam3']]);
  assert.equal(await page.locator('#who').textContent(), 'anna');
  await page.evaluate(() => (globalThis.mark = 'same page'));

  await users('logout', 'anna');
  await dialog(page).waitFor({ state: 'visible' });
  await until(async () => (await page.locator('.tile[data-condition=unauthorized]').count()) === 4, 'four tiles that say so');
  await viewers(ringcast, 0);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.keyboard.press('Enter');
  await live(page, 4);
  await untilMoving(page, { count: 4, ms: PATIENCE_MS });
  assert.deepEqual([await shown(page), await large(page), await page.evaluate(() => globalThis.mark)], [NAMES, ['cam3'], 'same page']);

  await users('set', 'anna', '--camera', 'cam[13]');
  await until(async () => (await shown(page)).join() === 'cam1,cam3', 'the cameras that anna may still watch');
  await live(page, 2);
  await viewers(ringcast, 2);
  assert.equal(await dialog(page).isVisible(), false);
  await users('set', 'anna', '--camera', '*');
  await live(page, 4);
  assert.equal(await page.evaluate(() => globalThis.mark), 'same page');

  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  assert.equal(new URL(page.url()).hash, '#cam3');
  await viewers(ringcast, 0);
  assert.equal(await page.evaluate(async () => (await fetch('api/cameras')).status), 401);
  assert.deepEqual(await page.context().cookies(), [], 'no cookie is left');
});

/** A certificate that nobody vouches for, and a path before every other. */
async function tlsBelowPath(stage) {
  const made = await run(program('ringcastctl'), ['tls', 'self-signed', '127.0.0.1', '--output', stage.directory, '--json']);
  assert.equal(made.code, 0, made.stderr);
  const { certificate, key } = JSON.parse(made.stdout);
  return { tls: { certificate, key }, base_path: '/cams' };
}

guarded('below a path, by https: log-in, wall, one camera, log-out', async ({ ringcast, page }) => {
  const { origin } = new URL(ringcast.address);
  await page.goto(`${origin}/cams#cam2`);
  assert.equal(new URL(page.url()).pathname, '/cams/');
  await logIn(page);
  await live(page, 4);
  await untilMoving(page, { count: 4, ms: PATIENCE_MS });
  const [{ path, secure, httpOnly, sameSite }] = await page.context().cookies();
  assert.deepEqual({ path, secure, httpOnly, sameSite }, { path: '/cams/', secure: true, httpOnly: true, sameSite: 'Strict' });
  await page.goto(`${origin}/cams/camera.html?camera=cam1`);
  await untilMoving(page, { ms: PATIENCE_MS });
  assert.equal(await page.locator('#who').textContent(), 'anna');
  await page.goto(`${origin}/cams/login?x=1#cam4`);
  await live(page, 4);
  assert.equal(page.url(), `${origin}/cams/?x=1#cam4`);
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await viewers(ringcast, 0);
}, { settings: tlsBelowPath });

guarded('a page of another origin, by tokens of its own server: revoked, used up, and each time a fresh one', async ({ ringcast, page }) => {
  const folder = join(EXAMPLES, 'plain');
  const pages = Object.fromEntries(readdirSync(folder).map((name) => [`plain/${name}`, readFileSync(join(folder, name), 'utf8')]));
  const policy = `default-src 'self'; img-src data:; media-src blob:; connect-src 'self' ${ringcast.address} ${ringcast.address.replace('http', 'ws')}`;
  const proxy = await new Proxy(ringcast.address, pages, policy).start();
  try {
    ringcast.settings.cors_origins = [new URL(proxy.url).origin];
    ringcast.write();
    const reload = await ringcast.ctl('reload');
    assert.equal(reload.code, 0, reload.stderr);
    const given = [];
    const more = [['--ttl', '1h'], ['--ttl', '1h', '--once'], ['--ttl', '1h']];
    await page.route('**/camera-token', async (route) => {
      const { code, stdout, stderr } = await ringcast.ctl('token', '--camera', 'cam2', ...more[given.length]);
      assert.equal(code, 0, stderr);
      given.push(stdout.trim());
      await route.fulfill({ body: stdout });
    });
    await page.goto(`${proxy.url}example/plain/token.html?camera=cam2&src=${encodeURIComponent(ringcast.address)}`);
    await page.evaluate(() => {
      globalThis.heard = [];
      document.querySelector('ringcast-camera').addEventListener('unauthorized', ({ detail }) => globalThis.heard.push(detail));
    });
    await untilMoving(page, { ms: PATIENCE_MS });
    const revoked = await ringcast.ctl('token', 'revoke', given[0]);
    assert.equal(revoked.code, 0, revoked.stderr);
    await until(() => given.length === 2, 'another token', PATIENCE_MS);
    await untilMoving(page, { ms: PATIENCE_MS });
    assert.deepEqual(await page.evaluate(() => globalThis.heard), [{ reason: 'revoked', retryMs: 0 }]);

    const { fanouts } = await ringcast.status();
    process.kill(fanouts[0].pid, 'SIGKILL'); // the next connection finds its token used up
    await until(() => given.length === 3, 'one more token', PATIENCE_MS);
    await untilMoving(page, { ms: PATIENCE_MS });
    assert.equal((await page.evaluate(() => globalThis.heard)).at(-1).reason, 'not logged in');
    // The list of cameras by a token: that token's cameras, and its end when the token is revoked.
    const listing = await ringcast.ctl('token', '--camera', 'cam2', '--ttl', '1h');
    given.push(listing.stdout.trim());
    await page.evaluate(async ([src, token]) => {
      const { RingcastCameras } = await import('/ringcast-player.js');
      globalThis.list = new RingcastCameras({ src, token });
      globalThis.list.start();
    }, [ringcast.address, given.at(-1)]);
    await until(() => page.evaluate(() => globalThis.list.cameras.map(({ name }) => name).join() === 'cam2'), 'its list', PATIENCE_MS);
    assert.equal((await ringcast.ctl('token', 'revoke', given.at(-1))).code, 0);
    await until(() => page.evaluate(() => globalThis.list.state === 'unauthorized'), 'its end', PATIENCE_MS);
    await page.evaluate(() => globalThis.list.stop());
    for (const token of given) assert.ok(!page.url().includes(token) && !ringcast.log.includes(token));
    await page.goto('about:blank');
  } finally {
    await proxy.stop();
  }
});

guarded(`${ROUNDS} times out and in again over the same wall: every count as at the start`, async ({ ringcast, page, users }) => {
  await page.goto(ringcast.address);
  const followed = page.waitForEvent('websocket', (socket) => socket.url().endsWith('/api/events'));
  await logIn(page);
  await live(page, 4);
  const news = await followed;
  await news.waitForEvent('framereceived', { timeout: PATIENCE_MS });
  const census = await Census.of(page);
  const round = async (i) => {
    if (i % 5 === 1) await users('logout', 'anna');
    else await page.evaluate(() => fetch('api/logout', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' }));
    await until(() => page.evaluate(() => document.getElementById('login').open), 'the dialog');
    await page.evaluate((password) => (document.getElementById('password').value = password), PASSWORD);
    await page.keyboard.press('Enter');
    await until(() => page.evaluate(() => !document.getElementById('login').open), 'the log-in');
    await until(() => page.evaluate(() => document.querySelectorAll('.tile:is([data-condition=live], [data-condition=late])').length === 4), 'four live tiles', PATIENCE_MS);
  };
  for (let i = 0; i < 2; i++) await round(i);
  const quiet = async () => {
    let least = await census.books();
    const end = performance.now() + 2000; // longer than a round of news, shorter than two polls of the list
    await until(async () => {
      const books = await census.books();
      if (books.timers < least.timers || (books.timers === least.timers && books.listeners < least.listeners)) least = books;
      return performance.now() > end;
    }, 'the end of the samples');
    return least;
  };
  const books = await quiet();
  const { nodes } = await census.memory();
  for (let i = 0; i < ROUNDS; i++) await round(i);
  await untilMoving(page, { count: 4, ms: PATIENCE_MS });
  assert.deepEqual(await quiet(), books);
  let objects;
  const expected = { MediaSource: 4, SourceBuffer: 4, WebSocket: 2, RingcastPlayer: 4, Video: 4 };
  await until(async () => JSON.stringify((objects = await census.objects())) === JSON.stringify(expected), 'as many objects').catch(() => assert.deepEqual(objects, expected));
  let more; // words over a tile that is late for a moment are nodes, too
  await until(async () => (more = (await census.memory()).nodes - nodes) <= 3, 'as many nodes').catch(() => {});
  assert.ok(more <= 3, `${more} more nodes`); // the texts of the last news and of the summary
  await viewers(ringcast, 4);
  console.log(`# ${ROUNDS} rounds: ${JSON.stringify(books)}, ${more} more nodes, ${JSON.stringify(objects)}`);
}, { limit: 180_000 + ROUNDS * 6000 });
