// SPDX-License-Identifier: MIT
// Logging in: the page that stands where the wall would be, and the dialog over a wall whose log-in has ended. Against a server
// that knows visitors as docs/reference/http.md says.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { until, untilMoving } from './support/browser.mjs';
import { Census, instrument } from './support/census.mjs';
import { FakeAccess } from './support/fake-server.mjs';
import { LIMIT, live, open, order, serve, server, shoot } from './support/wall.mjs';

const ROUNDS = Number(process.env.RINGCAST_LEAK_CYCLES ?? 8);
const USERS = { anna: { password: 'S3hr geheim', role: 'viewer' }, tom: { password: 'tom', cameras: ['Yard'] } };
const PHONE = { width: 390, height: 780 };

/** A server of COUNT cameras that wants a log-in; `base` is a path before every other. */
async function guarded(count, base = '') {
  await serve(count);
  server.access = new FakeAccess(USERS);
  server.base = base;
}

async function fill(page, user = 'anna', password = USERS.anna.password) {
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password', { exact: true }).fill(password);
}

async function logIn(page, user, password) {
  await page.waitForFunction(() => document.activeElement.form?.id === 'login-form', undefined, { timeout: 60_000 }); // its script has come
  await fill(page, user, password);
  await page.keyboard.press('Enter');
}

const trouble = (page) => page.getByRole('alert').textContent();
const focused = (page) => page.evaluate(() => document.activeElement.id);
const dialog = (page) => page.locator('#login');
const unauthorized = (page, count) => until(async () => (await page.locator('.tile[data-condition=unauthorized]').count()) === count, `${count} tiles that say so`);

test('the three forms are the same, and nothing in the pages is inline or absolute', () => {
  const forms = ['login', 'index', 'camera'].map((name) => {
    const text = readFileSync(new URL(`../../player/src/wall/${name}.html`, import.meta.url), 'utf8');
    assert.doesNotMatch(text, /<script>|<style|\sstyle=|\son\w+=|(?:src|href|action)="\//);
    return /<form class="login"[^]*?<\/form>/.exec(text)[0];
  });
  assert.deepEqual(new Set(forms).size, 1);
  assert.match(forms[0], /autocomplete="username"[^]*autocomplete="current-password"/);
});

test('the log-in page stands where the wall is; afterwards the same address is the wall', LIMIT, async () => {
  await guarded(4);
  const page = await open({ path: '?order=Yard,Front%20door#Gate' });
  assert.equal(await page.title(), 'Log in · ringcast');
  assert.equal(await focused(page), 'user', 'one can type at once');
  await shoot(page, 'login');
  await logIn(page);
  await live(page, 4);
  assert.deepEqual(await page.locator('.tile.large .name').allTextContents(), ['Gate']);
  const { search, hash } = new URL(page.url());
  assert.deepEqual([search, hash], ['?order=Yard,Front%20door', '#Gate']);
  assert.equal(await page.locator('#who').textContent(), 'anna');
  assert.deepEqual(page.errors, []);
});

test('a wrong password: in words, read out, with the focus where it is wanted; and it is kept nowhere', LIMIT, async () => {
  await guarded(1);
  const page = await open();
  await page.getByRole('button', { name: 'Log in' }).click();
  assert.equal(await trouble(page), 'enter the user');
  await page.getByLabel('User').fill('anna');
  await page.keyboard.press('Enter');
  assert.equal(await trouble(page), 'enter the password');
  assert.equal(await focused(page), 'password');
  assert.deepEqual(server.access.checks, [], 'the server is not asked');
  await page.keyboard.type('falsch');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('wrong user or password').waitFor();
  assert.equal(await focused(page), 'password');
  assert.equal(await page.evaluate(() => document.activeElement.selectionEnd - document.activeElement.selectionStart), 6, 'it is selected, to be typed again');
  assert.equal(await page.getByLabel('Password', { exact: true }).getAttribute('aria-invalid'), 'true');
  await shoot(page, 'login-wrong');
  await page.keyboard.type('x');
  assert.equal(await page.getByLabel('Password', { exact: true }).getAttribute('aria-invalid'), null);
  assert.ok(!page.url().includes('falsch') && !page.url().includes('anna'));
  await logIn(page);
  await live(page, 1);
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  assert.ok(!stored.includes(USERS.anna.password) && !stored.includes('ringcast_session'), stored);
  assert.deepEqual(page.errors, []);
});

test('too many tries: the seconds are counted down, nothing is sent meanwhile, and then it works', LIMIT, async () => {
  await guarded(1);
  const page = await open({ ...PHONE });
  server.access.slow = 4;
  await page.evaluate(() => { // a busy machine does not look in each second
    window.said = [];
    const trouble = document.getElementById('login-trouble');
    new MutationObserver(() => trouble.textContent && window.said.push(trouble.textContent)).observe(trouble, { childList: true });
  });
  await logIn(page);
  await page.getByRole('alert').getByText('too many tries: again in').waitFor();
  await shoot(page, 'login-slowed');
  await page.getByLabel('Password', { exact: true }).press('Enter');
  assert.equal(server.access.checks.length, 1, 'nothing is sent');
  server.access.slow = 0;
  await until(async () => (await trouble(page)) === '', 'the end of the seconds');
  const seen = new Set((await page.evaluate(() => window.said)).map((text) => /^too many tries: again in (\d+) s$/.exec(text)[1]));
  assert.ok(seen.has('1') && seen.size >= 2, [...seen].join());
  const sorted = [...seen].map(Number);
  assert.deepEqual(sorted, [...sorted].sort((a, b) => b - a), 'downwards');
  await page.getByLabel('Password', { exact: true }).press('Enter');
  await live(page, 1);
});

test('the server cannot be reached, and does not answer: said in words, and one may try again', LIMIT, async () => {
  await guarded(1);
  const page = await open();
  await page.route('**/api/login', (route) => route.abort(), { times: 1 });
  await logIn(page);
  await page.getByRole('alert').getByText('the server cannot be reached').waitFor();
  assert.equal(await focused(page), 'login-submit');
  server.access.mute = true;
  await logIn(page);
  await page.getByRole('button', { name: 'Logging in …' }).waitFor();
  await page.getByLabel('Password', { exact: true }).press('Enter');
  server.access.mute = false;
  await page.reload();
  await logIn(page);
  await live(page, 1);
  assert.equal(server.access.checks.length, 2, 'Enter twice is one log-in');
});

test('keyboard alone: the order of the Tab key, the password shown and hidden', LIMIT, async () => {
  await guarded(1);
  const page = await open();
  await page.keyboard.type('anna');
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'password');
  await page.keyboard.type(USERS.anna.password);
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'show-password');
  const type = () => page.getByLabel('Password', { exact: true }).getAttribute('type');
  await page.keyboard.press('Space');
  assert.equal(await type(), 'text');
  assert.equal(await page.locator('#show-password').getAttribute('aria-pressed'), 'true');
  await page.keyboard.press('Space');
  assert.equal(await type(), 'password');
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'login-submit');
  await page.keyboard.press('Enter');
  await live(page, 1);
});

test('a phone: nothing is wider than the window, nothing too small to touch, and no field makes it zoom', LIMIT, async () => {
  await guarded(1);
  for (const colorScheme of ['dark', 'light']) {
    const page = await open({ ...PHONE, colorScheme, hasTouch: true, isMobile: true });
    await shoot(page, `login-phone-${colorScheme}`);
    const sizes = await page.$$eval('input, button', (nodes) => nodes.map((node) => ({
      font: parseFloat(getComputedStyle(node).fontSize), height: node.getBoundingClientRect().height, right: node.getBoundingClientRect().right, field: node.tagName === 'INPUT',
    })));
    for (const { font, height, right, field } of sizes) {
      assert.ok(!field || font >= 16, `${font}px`);
      assert.ok(height >= 40 && right <= PHONE.width, `${height} high, to ${right}`);
    }
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), PHONE.width);
  }
});

test('/login goes to the wall and nowhere else; with a log-in at once', LIMIT, async () => {
  await guarded(1);
  const page = await open({ path: 'login?next=https://evil.example/&kiosk#Front%20door' });
  await logIn(page);
  await live(page, 1);
  assert.equal(page.url(), `${server.url}?next=https://evil.example/&kiosk#Front%20door`);
  await page.goto(`${server.url}login`);
  await live(page, 1);
  assert.equal(page.url(), server.url);
  server.access = null;
  await page.goto(`${server.url}login`);
  await live(page, 1);
  assert.equal(await page.locator('#who, #logout, #login-again').filter({ visible: true }).count(), 0, 'no log-in, no name');
  await page.keyboard.press('l');
  await page.keyboard.press('l');
  assert.equal(await page.locator('#note').isVisible(), false);
  await page.keyboard.press('?');
  assert.doesNotMatch(await page.locator('#key-list').textContent(), /log out/);
});

test('below a path: page, log-in, wall, log-out', LIMIT, async () => {
  await guarded(2, '/cams');
  const page = await open();
  await logIn(page);
  await live(page, 2);
  await page.goto(`${server.url}camera.html?camera=Yard`);
  await untilMoving(page);
  assert.equal(await page.locator('#who').textContent(), 'anna');
  await page.getByRole('button', { name: 'Log out' }).click();
  await dialog(page).waitFor({ state: 'visible' });
  await logIn(page);
  await untilMoving(page);
  await page.goto(`${server.url}login`);
  await live(page, 2);
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByLabel('User').waitFor();
  assert.equal(page.url(), server.url);
  assert.deepEqual(page.errors, []);
});

test('the log-in ends: over the wall one logs in again, and everything is where it was', LIMIT, async () => {
  await guarded(4);
  const page = await open();
  await logIn(page);
  await live(page, 4);
  await page.evaluate(() => (globalThis.mark = 'same page'));
  await page.keyboard.press('Shift+ArrowRight');
  await page.locator('.open').nth(2).click();
  await page.keyboard.press('m');
  await page.keyboard.press('i');
  const state = () => page.evaluate(() => ({
    mark: globalThis.mark, url: location.href, large: document.querySelector('.tile.large .name').textContent, figures: document.querySelectorAll('.figures:not([hidden])').length,
    heard: [...document.querySelectorAll('ringcast-camera')].filter(({ muted }) => !muted).map(({ camera }) => camera), focus: document.activeElement.getAttribute('aria-label')?.split(',')[0],
  }));
  const before = { ...(await state()), order: await order(page) };
  assert.deepEqual([before.large, before.heard.length, before.figures], ['Garage', 1, 4]);

  server.endLogins('expired');
  await dialog(page).waitFor({ state: 'visible' });
  await unauthorized(page, 4);
  assert.deepEqual([await page.locator('#user').inputValue(), await focused(page)], ['anna', 'password'], 'most often it is the same visitor');
  assert.match(await page.locator('.large .headline').textContent(), /^Log in again$/);
  assert.match(await page.locator('.large .reason').textContent(), /The log-in has expired/);
  await shoot(page, 'login-again');
  await logIn(page, 'anna', 'falsch');
  await page.getByRole('alert').getByText('wrong user or password').waitFor();
  await logIn(page);
  await dialog(page).waitFor({ state: 'hidden' });
  await live(page, 4);
  assert.deepEqual({ ...(await state()), order: await order(page) }, before);
  assert.equal(await page.locator('#password').inputValue(), '', 'the password is not kept');
  assert.deepEqual(page.errors, []);
});

test('pictures that still run go on under the dialog', LIMIT, async () => {
  await guarded(2);
  const page = await open();
  await logIn(page);
  await live(page, 2);
  server.access.sessions.clear();
  await dialog(page).waitFor({ state: 'visible' });
  await untilMoving(page, { count: 2 });
  assert.equal(await page.locator('.tile[data-condition=live]').count(), 2);
  await page.keyboard.press('Escape');
  await dialog(page).waitFor({ state: 'hidden' });
  await untilMoving(page, { count: 2 });
});

test('not now: the tiles say it, nobody is asked all the time, and the button or the key brings it back', LIMIT, async () => {
  await guarded(4);
  const page = await open({ path: '#Yard' });
  await logIn(page);
  await live(page, 4);
  server.endLogins('revoked');
  await dialog(page).waitFor({ state: 'visible' });
  await unauthorized(page, 4);
  await page.keyboard.press('Escape');
  await dialog(page).waitFor({ state: 'hidden' });
  assert.deepEqual(await page.locator('.tile.large .name').allTextContents(), ['Yard'], 'Escape is the dialog’s');
  assert.equal(await page.locator('#who').isVisible(), false);
  const { upgrades } = server;
  const lists = server.asked.get('/api/cameras');
  const sessions = server.asked.get('/api/session');
  const end = performance.now() + 7000; // more than two polls of the list, and many pauses of a player
  await until(() => performance.now() > end, 'a while');
  assert.equal(server.upgrades, upgrades);
  assert.ok(server.asked.get('/api/cameras') - lists <= 1); // the one that learns of it
  assert.ok(server.asked.get('/api/session') - sessions <= 1);
  assert.equal(await dialog(page).isVisible(), false);
  await page.keyboard.press('l');
  await dialog(page).waitFor({ state: 'visible' });
  await page.getByRole('button', { name: 'Not now' }).click();
  await page.locator('#login-again').click();
  await logIn(page);
  await live(page, 4);
});

test('another tab logs in: the wall heals by itself, and so do an unattended screen and a log-in page', LIMIT, async () => {
  await guarded(2);
  const page = await open();
  await logIn(page);
  await live(page, 2);
  const context = page.context();
  const others = [await context.newPage(), await context.newPage()];
  await others[0].goto(`${server.url}?kiosk`);
  await live(others[0], 2);
  server.endLogins();
  await unauthorized(others[0], 2);
  assert.equal(await dialog(others[0]).isVisible(), false, 'nobody is there who could log in');
  await others[1].goto(`${server.url}#Yard`);
  await others[1].getByLabel('User').waitFor();
  await dialog(page).waitFor({ state: 'visible' });
  await logIn(page);
  await Promise.all([page, ...others].map((each) => live(each, 2)));
  assert.equal(new URL(others[1].url()).hash, '#Yard');
  assert.deepEqual(page.errors, []);
});

test('a kiosk: one who is there after all can log in', LIMIT, async () => {
  await guarded(1);
  const page = await open({ path: '?kiosk' });
  await logIn(page);
  await live(page, 1);
  server.endLogins();
  await unauthorized(page, 1);
  await page.locator('#login-again:not([hidden])').waitFor({ state: 'attached' }); // the wall knows it too
  await page.mouse.click(300, 300);
  await dialog(page).waitFor({ state: 'visible' });
  await page.getByRole('button', { name: 'Not now' }).click();
  await page.keyboard.press('l');
  await logIn(page);
  await live(page, 1);
});

test('rights that change: cameras go at once and come with the list; nobody is told of others', LIMIT, async () => {
  await guarded(4);
  const page = await open();
  await logIn(page);
  await live(page, 4);
  await page.evaluate(() => (globalThis.mark = 'same page'));
  USERS.anna.cameras = ['Yard', 'Gate'];
  try {
    server.applyRights();
    await until(async () => (await order(page)).join() === 'Yard,Gate', 'two cameras');
    delete USERS.anna.cameras;
    server.applyRights();
    await live(page, 4);
    USERS.anna.cameras = [];
    server.applyRights();
    await page.getByText('No camera may be watched by anna.').waitFor();
    assert.equal(await page.locator('#empty-example').isVisible(), false);
    await shoot(page, 'login-nothing');
  } finally {
    delete USERS.anna.cameras;
  }
  await live(page, 4);
  assert.equal(await page.evaluate(() => globalThis.mark), 'same page');
  assert.deepEqual(page.errors, []);
});

test('another visitor logs in over the wall: the wall is that visitor’s', LIMIT, async () => {
  await guarded(4);
  const page = await open({ path: '#Gate' });
  await logIn(page);
  await live(page, 4);
  server.endLogins();
  await dialog(page).waitFor({ state: 'visible' });
  await logIn(page, 'tom', 'tom');
  await until(async () => (await order(page)).join() === 'Yard', 'one camera');
  await live(page, 1);
  assert.equal(await page.locator('#who').textContent(), 'tom');
});

test('L twice logs out, once does not; the other tab asks to log in', LIMIT, async () => {
  await guarded(1);
  const page = await open();
  await logIn(page);
  await live(page, 1);
  await page.keyboard.press('l');
  assert.equal(await page.locator('#note').textContent(), 'Press L again to log out');
  await live(page, 1);
  await page.keyboard.press('?');
  assert.match(await page.locator('#key-list').textContent(), /log out/);
  await page.keyboard.press('Escape');
  await page.keyboard.press('l');
  await page.keyboard.press('l');
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  assert.equal(server.access.sessions.size, 0);
  await page.route('**/api/logout', (route) => route.abort());
  await logIn(page);
  await live(page, 1);
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.locator('#note').getByText('you are still logged in').waitFor();
  assert.equal(server.access.sessions.size, 1);
});

test('a token of the page’s own: asked for once, again when it was refused, and no cookie is needed', LIMIT, async () => {
  await guarded(1);
  const page = await open({ path: 'test/bare.html' });
  server.access.tokens.set('first', 'anna');
  await page.evaluate(async () => {
    await import('/ringcast-player.js');
    const camera = document.createElement('ringcast-camera');
    const tokens = ['first', 'second'];
    globalThis.given = 0;
    globalThis.heard = [];
    camera.muted = true;
    camera.token = async () => tokens[globalThis.given++];
    camera.addEventListener('unauthorized', ({ detail }) => globalThis.heard.push(detail));
    camera.camera = 'Front door';
    document.body.append(camera);
  });
  await untilMoving(page);
  server.access.tokens.delete('first');
  server.access.tokens.set('second', 'anna');
  server.endLogins();
  server.access.tokens.set('second', 'anna');
  await until(() => page.evaluate(() => globalThis.given === 2), 'a second token');
  await untilMoving(page);
  assert.deepEqual(await page.evaluate(() => globalThis.heard), [{ reason: 'expired', retryMs: 0 }]);
  assert.equal(server.asked.get('/api/session') ?? 0, 0);
  assert.deepEqual(page.errors, []);
});

const quiet = async (census) => {
  let least = await census.books();
  const end = performance.now() + 2000;
  await until(async () => {
    const books = await census.books();
    if (books.timers < least.timers) least = books;
    return performance.now() > end;
  }, 'the end of the samples');
  return least;
};

test(`${ROUNDS} times logged out and in again over the same wall: every count as at the start`, { timeout: 60_000 + ROUNDS * 5000 }, async () => {
  await guarded(4);
  const page = await open({ prepare: (context) => context.addInitScript(instrument) });
  await logIn(page);
  await live(page, 4);
  const census = await Census.of(page);
  const round = async (i) => {
    server.endLogins(i % 2 ? 'expired' : 'revoked');
    await until(() => page.evaluate(() => document.getElementById('login').open), 'the dialog');
    if (i % 3 === 0) await page.keyboard.press('Escape');
    if (i % 3 === 0) await page.keyboard.press('l');
    await page.evaluate(([user, password]) => {
      document.getElementById('user').value = user;
      document.getElementById('password').value = password;
    }, i % 4 === 0 ? ['anna', 'falsch'] : ['anna', USERS.anna.password]);
    await page.keyboard.press('Enter');
    if (i % 4 === 0) {
      await until(() => page.evaluate(() => document.getElementById('login-trouble').textContent !== ''), 'the refusal');
      await page.evaluate((password) => (document.getElementById('password').value = password), USERS.anna.password);
      await page.keyboard.press('Enter');
    }
    await until(() => page.evaluate(() => !document.getElementById('login').open), 'the log-in');
    await until(() => server.viewers === 4 && server.followers === 1, 'four viewers, and the page that follows');
  };
  for (let i = 0; i < 4; i++) await round(i);
  await untilMoving(page, { count: 4 });
  const books = await quiet(census);
  const { nodes } = await census.memory();
  for (let i = 0; i < ROUNDS; i++) await round(i);
  await untilMoving(page, { count: 4 });
  let after;
  await until(async () => JSON.stringify((after = await census.books())) === JSON.stringify(books), 'the same counts').catch(() => assert.deepEqual(after, books));
  let objects;
  const expected = { MediaSource: 4, SourceBuffer: 4, WebSocket: 2, RingcastPlayer: 4, Video: 4, Tile: 4 };
  const tiles = { Tile: "import('/wall-tile.js').then((m) => m.Tile.prototype)" };
  await until(async () => JSON.stringify((objects = await census.objects(tiles))) === JSON.stringify(expected), 'as many objects').catch(() => assert.deepEqual(objects, expected));
  let more; // words over a tile that is late for a moment are nodes, too
  await until(async () => (more = (await census.memory()).nodes - nodes) <= 3, 'as many nodes').catch(() => {});
  assert.ok(more <= 3, `${more} more nodes`); // the text of the last news, and of the summary
  assert.equal(server.viewers, 4);
  assert.deepEqual(page.errors, []);
});
