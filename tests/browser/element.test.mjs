// SPDX-License-Identifier: MIT
// <ringcast-camera> behaves like a <video>: attributes, properties, methods, events, size, and being moved about.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { launchBrowser, until, untilMoving, videos, watchErrors } from './support/browser.mjs';
import { makeClip } from './support/clip.mjs';
import { FakeCamera, FakeServer } from './support/fake-server.mjs';

const LIMIT = { timeout: 60_000 };
const HOURS = 100 * 3600; // decode times of a camera that has been on for four days
const CLOSED_EARLY = /WebSocket is closed before the connection is established/;

let server;
let browser;
let context;
let page;
let errors;
before(async () => {
  const wide = makeClip({ gop: 25, seconds: 2 });
  const narrow = makeClip({ gop: 25, seconds: 2, width: 240, height: 180 });
  server = new FakeServer([new FakeCamera('front', wide), new FakeCamera('yard', narrow, { offset: HOURS }), new FakeCamera('attic', wide)]);
  server.cameras.get('attic').announcement =
    JSON.stringify({ type: 'init', mime: 'video/mp4; codecs="hvc1.1.6.L93.B0"', codecs: 'hvc1.1.6.L93.B0', width: 320, height: 180, generation: 1 });
  await server.start();
  browser = await launchBrowser();
  context = await browser.newContext({ viewport: { width: 800, height: 600 } });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});
beforeEach(async () => {
  server.hang = false;
  page = await context.newPage();
  errors = watchErrors(page, CLOSED_EARLY);
  await page.goto(`${server.url}test/blank.html`);
  await page.evaluate(() => customElements.whenDefined('ringcast-camera'));
});
afterEach(async () => {
  assert.deepEqual(errors, []);
  await page.close();
  server.cutAll();
  await until(() => server.viewers === 0, 'no viewer');
});

const element = () => page.locator('ringcast-camera');
const show = (markup) => page.evaluate((html) => {
  document.body.innerHTML = html;
}, markup);
/** The fields of `stats`, as the package's declarations name them. */
function declaredFigures() {
  const text = readFileSync(new URL('../../player/types/player.d.ts', import.meta.url), 'utf8');
  const [, body] = /interface RingcastStats \{([^}]*)\}/.exec(text);
  return [...body.matchAll(/^ {2}(\w+): /gm)].map(([, name]) => name).sort();
}

/** What the promise of `play()` comes to: null, or the name of the error. */
const outcome = (handle) => handle.evaluate((promise) => promise.value);
const play = () => page.evaluateHandle(() => {
  const result = { value: undefined };
  result.value = document.querySelector('ringcast-camera').play().then(() => null, ({ name }) => name);
  return result;
});

test('attributes are properties, properties are attributes', LIMIT, async () => {
  const seen = await page.evaluate(() => {
    const made = document.createElement('ringcast-camera');
    const fresh = [made.camera, made.src, made.poster, made.width, made.controls, made.autoplay, made.muted, made.defaultMuted, made.targetDelay, made.volume, made.attributes.length];
    Object.assign(made, { camera: 'front', src: '/x/', poster: '/p.png', width: 320, height: 200, controls: true, autoplay: false, defaultMuted: true, targetDelay: 0.5 });
    const attributes = Object.fromEntries([...made.attributes].map(({ name, value }) => [name, value]));
    const { video } = made;
    const inside = [video.controls, video.muted, video.poster === new URL('/p.png', location).href];
    made.muted = false;
    made.volume = 0.25;
    const sound = [made.muted, made.defaultMuted, video.muted, made.volume, video.volume];
    Object.assign(made, { camera: null, poster: null, controls: false, autoplay: true, targetDelay: null });
    const left = made.getAttributeNames();
    made.setAttribute('target-delay', '99');
    const odd = [made.targetDelay, (made.setAttribute('target-delay', 'soon'), made.targetDelay), (made.setAttribute('width', '-3'), made.width)];
    return { fresh, attributes, inside, sound, left, odd, videoPoster: video.hasAttribute('poster') };
  });
  assert.deepEqual(seen.fresh, [null, '/', '', 0, false, true, false, false, 0, 1, 0]);
  assert.deepEqual(seen.attributes, {
    camera: 'front', src: '/x/', poster: '/p.png', width: '320', height: '200', controls: '', autoplay: 'false', muted: '', 'target-delay': '0.5',
  });
  assert.deepEqual(seen.inside, [true, true, true]);
  assert.deepEqual(seen.sound, [false, true, false, 0.25, 0.25]);
  assert.deepEqual(seen.left, ['src', 'width', 'height', 'autoplay', 'muted']);
  assert.deepEqual(seen.odd, [8, 0, 0]);
  assert.equal(seen.videoPoster, false);
});

test('properties that were set before the class was there count', LIMIT, async () => {
  await page.goto(`${server.url}test/bare.html`);
  await page.evaluate(async () => {
    const early = document.createElement('ringcast-camera');
    Object.assign(early, { camera: 'front', muted: true, volume: 0.5 });
    document.body.append(early);
    await import('/ringcast-player.js');
  });
  await untilMoving(page);
  assert.deepEqual(await element().evaluate((node) => [node.getAttribute('camera'), node.muted, node.volume, Object.keys(node)]), ['front', true, 0.5, []]);
});

test('it plays by itself, tells what its video tells, and shows another camera when told to', LIMIT, async () => {
  await page.evaluate(() => {
    globalThis.heard = [];
    const node = document.createElement('ringcast-camera');
    const types = ['statechange', 'conditionchange', 'init', 'firstpicture', 'stats', 'camerastate', 'play', 'playing', 'loadedmetadata', 'loadeddata', 'canplay', 'resize', 'timeupdate', 'volumechange', 'pause'];
    for (const type of types) node.addEventListener(type, (event) => event.target === node && !event.bubbles && globalThis.heard.push(type));
    node.camera = 'front';
    node.defaultMuted = true;
    document.body.append(node);
  });
  await untilMoving(page);
  const { upgrades } = server;
  await until(() => page.evaluate(() => globalThis.heard.includes('stats')), 'figures');
  const figures = await element().evaluate(({ player }) => Object.keys(player.stats));
  assert.deepEqual(figures.sort(), declaredFigures(), 'every figure is declared, and no other');
  assert.deepEqual(await element().evaluate((node) => [node.getAttribute('state'), node.getAttribute('condition'), node.state, node.paused, node.videoWidth, node.videoHeight, node.readyState, node.error]),
    ['playing', 'live', 'playing', false, 320, 180, 4, null]);
  assert.ok(await element().evaluate((node) => node.currentTime > 0 && node.buffered.length === 1 && node.getVideoPlaybackQuality().totalVideoFrames > 5));
  assert.equal(await element().evaluate((node) => new Promise((resolve) => node.requestVideoFrameCallback((now, { width }) => resolve(width)))), 320);
  await element().evaluate((node) => (node.volume = 0.5));
  assert.equal(await element().evaluate((node) => ((node.targetDelay = 1), node.player.targetDelay)), 1);
  await element().evaluate((node) => node.pause());
  await until(() => page.evaluate(() => new Set(globalThis.heard).size === 15), 'every kind of event');

  await element().evaluate((node) => Object.assign(node, { camera: 'attic', src: './x/../../' })); // …and changes its mind:
  await element().evaluate((node) => Object.assign(node, { camera: 'yard', src: '/' }));
  await until(async () => (await videos(page))[0].time > HOURS, 'the other camera');
  await untilMoving(page);
  assert.equal(await element().evaluate((node) => node.videoWidth), 240);
  await until(() => server.viewers === 1, 'one viewer');
  assert.ok(server.upgrades - upgrades <= 2, 'what changes together is one change');
});

test('play and pause', LIMIT, async () => {
  const { upgrades } = server;
  await show('<ringcast-camera camera="front" muted controls autoplay="false"></ringcast-camera>');
  assert.deepEqual(await element().evaluate((node) => [node.paused, node.state, node.player]), [true, 'idle', null]);
  const button = element().getByRole('button', { name: 'Play front' });
  await button.click();
  await untilMoving(page);
  assert.equal(await button.isVisible(), false);
  assert.equal(server.upgrades, upgrades + 1, 'nothing was fetched before');
  assert.equal(await outcome(await play()), null, 'it plays already');

  await element().evaluate((node) => node.pause());
  await element().evaluate((node) => node.pause());
  assert.deepEqual(await element().evaluate((node) => [node.paused, node.videoWidth]), [true, 320], 'the picture stays');
  assert.equal(await outcome(await play()), null);
  assert.equal(await element().evaluate((node) => node.paused), false);
  await untilMoving(page);

  server.hang = true;
  await element().evaluate((node) => node.restart());
  const pending = await play();
  await element().evaluate((node) => node.pause());
  assert.equal(await outcome(pending), 'AbortError');
  assert.deepEqual(await element().evaluate((node) => [node.paused, node.player]), [true, null]);
  await button.waitFor();
  const again = await play();
  await element().evaluate((node) => node.remove());
  const lost = await again.evaluate((result) => result.value);
  assert.equal(lost, 'AbortError');
});

test('controls may set the time and the rate, as media-chrome does; the player returns to the newest picture', LIMIT, async () => {
  await show(`<ringcast-camera camera="front" src="${server.url}" muted></ringcast-camera>`);
  await untilMoving(page, { count: 1 });
  const result = await element().evaluate((node) => {
    'use strict';
    const newest = node.seekable.end(node.seekable.length - 1);
    node.currentTime = newest - 0.2;
    node.playbackRate = 1.5;
    return { time: node.video.currentTime - newest, rate: node.video.playbackRate };
  });
  assert.ok(Math.abs(result.time + 0.2) < 0.05, `${result.time}`);
  assert.equal(result.rate, 1.5);
  await until(() => element().evaluate((node) => node.playbackRate < 1.2), 'normal speed');
  await element().evaluate((node) => node.pause());
  await until(() => element().evaluate((node) => node.paused), 'pause');
  await element().evaluate((node) => {
    node.currentTime = node.seekable.end(0); // media-chrome's button for live
    return node.play();
  });
  await untilMoving(page, { count: 1 });
});

test('into the picture: by the wheel, by the page, kept when the size changes, whole again for another camera', LIMIT, async () => {
  await show('<ringcast-camera camera="front" muted controls zoomable width="400"></ringcast-camera>');
  await untilMoving(page);
  await element().evaluate((node) => {
    globalThis.told = [];
    node.addEventListener('zoomchange', ({ detail }) => globalThis.told.push(detail.zoom));
  });
  const drawn = () => element().evaluate((node) => {
    const { left, top, width, height } = node.video.getBoundingClientRect();
    const box = node.getBoundingClientRect();
    return [left - box.left, top - box.top, width, height].map(Math.round);
  });
  const { x, y } = await element().boundingBox();
  assert.deepEqual(await drawn(), [0, 0, 400, 225]);
  await page.mouse.move(x + 399, y + 224);
  await page.mouse.wheel(0, -400);
  await until(() => element().evaluate((node) => node.zoom > 2.2 && !node.video.controls), 'to be in the picture');
  const [left, top, width, height] = await drawn();
  assert.ok(Math.abs(left + width - 400) <= 2 && Math.abs(top + height - 225) <= 2, 'what is under the pointer stays there');
  await page.mouse.move(x + 200, y + 100);
  await page.mouse.down();
  await page.mouse.move(x + 230, y + 110, { steps: 3 });
  await page.mouse.up();
  assert.equal((await drawn())[0], left + 30, 'dragged');
  await element().evaluate((node) => (node.zoom = 1));
  assert.deepEqual([await drawn(), await element().evaluate((node) => node.video.controls)], [[0, 0, 400, 225], true]);
  await element().evaluate((node) => {
    node.zoomBy(2, { x: 0, y: 0 });
    node.panBy(-100, 0);
  });
  assert.deepEqual(await drawn(), [-100, 0, 800, 450]);
  await element().evaluate((node) => (node.width = 200));
  await until(async () => (await drawn())[0] === -50, 'the same part in the new size');
  assert.deepEqual(await drawn(), [-50, 0, 400, 225]);
  await element().evaluate((node) => (node.camera = 'yard'));
  await until(() => element().evaluate((node) => node.zoom === 1), 'another camera');
  const told = await page.evaluate(() => globalThis.told);
  assert.ok(told.length >= 6 && told.at(-1) === 1, `${told}`);
  await element().evaluate((node) => node.toggleAttribute('zoomable', false));
  await page.mouse.wheel(0, -400);
  assert.equal(await element().evaluate((node) => node.zoom), 1);
});

test('a mirrored and cropped picture has the shape of what is left, no controls of the browser, and is saved so', LIMIT, async () => {
  const say = (facts) => server.say('front', JSON.stringify({ type: 'state', state: 'streaming', error: null, ...facts }));
  await show('<ringcast-camera camera="front" muted controls width="400"></ringcast-camera>');
  await untilMoving(page);
  const facts = () => element().evaluate((node) => ({ look: node.look, size: node.pictureSize, controls: node.video.controls, height: node.clientHeight }));
  assert.deepEqual(await facts(), { look: { mirror: false, crop: null }, size: { width: 320, height: 180 }, controls: true, height: 225 });
  say({ mirror: true, crop: [50, 0, 0, 0] });
  await until(async () => (await facts()).look.mirror, 'the page to be told');
  assert.deepEqual(await facts(), { look: { mirror: true, crop: [50, 0, 0, 0] }, size: { width: 160, height: 180 }, controls: false, height: 450 });
  const saved = await element().evaluate(async (node) => {
    const { blob, width, height, time } = await node.snapshot({ type: 'image/webp', quality: 0.5 });
    const bitmap = await createImageBitmap(blob);
    return { size: [width, height, bitmap.width, bitmap.height], type: blob.type, age: Date.now() - time };
  });
  assert.deepEqual([saved.size, saved.type], [[160, 180, 160, 180], 'image/webp']);
  assert.ok(saved.age >= 0 && saved.age < 3000, `${saved.age} ms`);
  say({});
  await until(async () => !(await facts()).look.mirror, 'as it comes');
  assert.equal((await facts()).height, 225);
});

test('the list of cameras is told as it changes', LIMIT, async () => {
  await page.evaluate(async () => {
    const { RingcastCameras } = await import('/ringcast-player.js');
    globalThis.list = new RingcastCameras();
    globalThis.changes = [];
    globalThis.list.addEventListener('change', ({ detail: { added, removed, changed } }) => globalThis.changes.push({ added, removed, changed }));
    globalThis.list.start();
  });
  const changes = () => page.evaluate(() => globalThis.changes);
  await until(async () => (await changes()).length === 1, 'a list');
  const guest = new FakeCamera('guest', server.cameras.get('front').clip);
  server.cameras.set('guest', guest);
  await until(async () => (await changes()).length === 2, 'the next one');
  guest.state = 'stalled';
  await until(async () => (await changes()).length === 3, 'a change');
  server.cameras.delete('guest');
  await until(async () => (await changes()).length === 4, 'the end');
  assert.deepEqual(await changes(), [
    { added: ['front', 'yard', 'attic'], removed: [], changed: [] },
    { added: ['guest'], removed: [], changed: [] },
    { added: [], removed: [], changed: ['guest'] },
    { added: [], removed: ['guest'], changed: [] },
  ]);
  assert.equal(server.followers, 1);
  await page.evaluate(() => globalThis.list.stop());
  await until(() => server.followers === 0, 'no follower');
});

test('controls that go back look back, and their button for live, the end of what can be sought, is the present', LIMIT, async () => {
  server.cameras.set('past', new FakeCamera('past', server.cameras.get('front').clip, { past: 60 }));
  await show('<ringcast-camera camera="past" muted></ringcast-camera>');
  await untilMoving(page);
  await element().evaluate((node) => (node.currentTime -= 20));
  await until(() => element().evaluate((node) => node.behind > 15 && node.condition.name === 'past'), 'the past');
  const { end, start } = await element().evaluate((node) => ({ start: node.currentTime - node.seekable.start(0), end: node.seekable.end(0) - node.currentTime }));
  assert.ok(end > 15 && end < 25 && start > 20 && start < 60, `${start} s before, ${end} s behind`);
  await element().evaluate((node) => (node.currentTime = node.seekable.end(node.seekable.length - 1)));
  await until(() => element().evaluate((node) => node.behind === 0 && node.condition.name === 'live'), 'the present');
  server.cameras.delete('past');
});

test('a play that cannot be says why', LIMIT, async () => {
  await show('<ringcast-camera camera="attic" autoplay="false" muted></ringcast-camera>');
  await element().evaluate((node) => node.addEventListener('error', ({ detail }) => (globalThis.heard = detail)));
  assert.equal(await outcome(await play()), 'NotSupportedError');
  assert.equal(await page.evaluate(() => globalThis.heard.fatal), true);
  assert.deepEqual(await element().evaluate(({ error, condition }) => [error.code, condition.name]), ['codec', 'failed']);
  assert.match(await element().getByRole('status').innerText(), /^Cannot play\nThis browser cannot play H\.265/);
  await element().evaluate((node) => (node.camera = 'front'));
  await untilMoving(page);
  assert.equal(await element().evaluate(({ error }) => error), null);
  await element().evaluate((node) => (node.src = 'http://['));
  await until(() => element().evaluate(({ error }) => error?.code === 'address'), 'the address is refused');
  assert.equal(await outcome(await play()), 'NotSupportedError');
  await element().evaluate((node) => node.removeAttribute('src'));
  await untilMoving(page);
  await element().evaluate((node) => (node.camera = null));
  assert.equal(await outcome(await play()), 'InvalidStateError');
});

test('its size is that of a video: the picture’s shape, attributes, style sheets, full screen', LIMIT, async () => {
  await show('<ringcast-camera camera="front" muted></ringcast-camera>');
  const box = () => element().evaluate((node) => {
    const { width, height } = node.getBoundingClientRect();
    const inner = node.video.getBoundingClientRect();
    return [width, height, inner.width === width && inner.height === height, getComputedStyle(node.video).objectFit];
  });
  await page.evaluate(() => (document.body.style.margin = 0));
  assert.deepEqual(await box(), [800, 450, true, 'contain']);
  await untilMoving(page);
  await element().evaluate((node) => (node.camera = 'yard'));
  await until(async () => (await box())[1] === 600, 'the shape of the other picture');
  await element().evaluate((node) => (node.width = 320));
  assert.deepEqual(await box(), [320, 240, true, 'contain']);
  await element().evaluate((node) => (node.height = 200));
  assert.deepEqual(await box(), [320, 200, true, 'contain']);
  await element().evaluate((node) => Object.assign(node.style, { width: '300px', height: '100px', objectFit: 'cover', objectPosition: '0 0' }));
  assert.deepEqual(await box(), [300, 100, true, 'cover']);
  await element().evaluate((node) => Object.assign(node.style, { width: '', height: '', objectFit: '' }));
  await element().evaluate((node) => node.requestFullscreen());
  await until(() => page.evaluate(() => document.fullscreenElement === document.querySelector('ringcast-camera')), 'full screen');
  await until(async () => (await box())[0] >= 800 && (await box())[1] >= 600, 'it fills the screen');
  await page.evaluate(() => document.exitFullscreen());
});

test('moved, taken out while it connects, put in again', LIMIT, async () => {
  await show('<main></main><aside></aside>');
  await page.evaluate(() => {
    const node = document.createElement('ringcast-camera');
    Object.assign(node, { camera: 'front', defaultMuted: true });
    document.querySelector('main').append(node);
    globalThis.kept = node;
  });
  await untilMoving(page);
  const { upgrades } = server;
  await page.evaluate(() => document.querySelector('aside').append(globalThis.kept));
  await page.evaluate(() => document.querySelector('main').moveBefore?.(globalThis.kept, null));
  await untilMoving(page);
  assert.equal(server.upgrades, upgrades, 'it plays on');
  assert.equal(await element().evaluate((node) => node.paused), false);

  await page.evaluate(() => globalThis.kept.remove());
  await until(() => server.viewers === 0, 'no viewer');
  assert.deepEqual(await page.evaluate(() => [globalThis.kept.video.src, globalThis.kept.player, globalThis.kept.state]), ['', null, 'idle']);
  server.hang = true;
  await page.evaluate(() => document.body.append(globalThis.kept));
  await until(() => server.upgrades === upgrades + 1, 'it connects');
  await page.evaluate(() => globalThis.kept.remove());
  await until(() => server.waiting === 0, 'the socket is gone');
  server.hang = false;
  await page.evaluate(() => document.body.append(globalThis.kept));
  await untilMoving(page);

  await page.evaluate(() => {
    const frame = document.createElement('iframe');
    document.body.append(frame);
    frame.contentDocument.body.append(globalThis.kept);
  });
  await until(() => page.evaluate(() => globalThis.kept.video.getVideoPlaybackQuality().totalVideoFrames > 5 && globalThis.kept.state === 'playing'), 'it plays in another document');
  assert.equal(await page.evaluate(() => getComputedStyle(globalThis.kept.video).position), 'absolute', 'with its looks');
});

test('a page that asks for something else in every event gets one player of what it asked for last', LIMIT, async () => {
  await page.evaluate(() => {
    const node = document.createElement('ringcast-camera');
    globalThis.kept = node;
    let count = 0;
    node.addEventListener('statechange', () => {
      const deed = [() => node.restart(), () => (node.camera = 'yard'), () => node.pause(), () => node.play().catch(() => {}), () => node.remove(), () => document.body.append(node), () => node.player?.stop(), () => node.play().catch(() => {})][count++];
      deed?.();
    });
    Object.assign(node, { camera: 'front', defaultMuted: true });
    document.body.append(node);
  });
  await until(async () => (await videos(page))[0]?.time > HOURS, 'the camera that was asked for last');
  await untilMoving(page);
  await until(() => server.viewers === 1, 'one viewer');
});

test('assistive technology hears a name, a state, and what is wrong', LIMIT, async () => {
  await show('<ringcast-camera camera="front" muted></ringcast-camera>');
  const session = await context.newCDPSession(page);
  const named = async (name) => {
    const { nodes } = await session.send('Accessibility.getFullAXTree');
    return nodes.find((node) => node.role?.value === 'group' && node.name?.value === name);
  };
  await untilMoving(page);
  await until(() => named('front: Live'), 'its name and state');
  server.setState('front', 'backoff', 'connection refused');
  const status = element().getByRole('status');
  await until(async () => /^Offline since \d\d:\d\d\nThe camera cannot be reached$/.test(await status.innerText()), 'what is wrong');
  server.setState('front', 'streaming');
  await until(async () => (await status.innerText()) === '', 'nothing is wrong any more');
  await element().evaluate((node) => node.setAttribute('aria-label', 'The front door'));
  await until(() => named('The front door'), 'the page’s own name for it');
});
