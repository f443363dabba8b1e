// SPDX-License-Identifier: MIT
// A user of the package in TypeScript, to be checked by `tsc --strict` and never run: correct code must be accepted, and code
// marked as an error must be refused.

import { RingcastCameraElement, RingcastCameras, RingcastPlayer, type RingcastStats, type RingcastToken } from 'ringcast-player';
import { RingcastCameraElement as Element } from 'ringcast-player/element';
import { RingcastPlayer as Player, type RingcastPlayerOptions } from 'ringcast-player/player';

const video = document.createElement('video');
const leaving = new AbortController();
const options: RingcastPlayerOptions = { camera: 'front', src: '/cameras/', targetDelay: 0.2, maxQueueBytes: 1 << 20, signal: leaving.signal };
const player: Player = new RingcastPlayer(video, options);
new RingcastPlayer(video, { url: 'wss://server/live/front' });

const fresh: RingcastToken = async () => (await fetch('/token')).text();
new RingcastPlayer(video, { camera: 'front', token: fresh, credentials: 'include' });
// @ts-expect-error: a token is text
new RingcastPlayer(video, { camera: 'front', token: 7 });
player.token = 'rct_0123abcd_x';
player.token = null;
player.addEventListener('unauthorized', ({ detail: { reason, retryMs } }) => console.log(reason.length, retryMs === null ? 'log in' : retryMs.toFixed()));
player.retry();

player.addEventListener('statechange', ({ detail }) => {
  if (detail.state === 'reconnecting') console.log(detail.reason?.length, detail.retryMs?.toFixed());
  // @ts-expect-error: there is no such state
  if (detail.state === 'sleeping') player.stop();
});
player.addEventListener('error', ({ detail: { code, message, fatal, help } }) => console.log(code, message.length, !fatal, help ?? ''));
player.addEventListener('stats', ({ detail }) => {
  const latest: RingcastStats = detail;
  console.log(latest.fps.toFixed(1), latest.latency?.toFixed(3));
  // @ts-expect-error: it may be null
  console.log(latest.delay.toFixed(1));
}, { once: true, signal: leaving.signal });
player.addEventListener('drop', ({ detail }) => console.log(detail.fragments, detail.by === 'server'));
player.addEventListener('soundchange', ({ detail: { state, reason, text } }) => console.log(state === 'away', reason ?? '', text.length));
// @ts-expect-error: it is the player's own
player.sound = null;
player.targetDelay = 1;
player.start();
player.setVisible(false);
player.stop();
// @ts-expect-error: neither a camera nor an address
new RingcastPlayer(video, {});
// @ts-expect-error: the state is the player's own
player.state = 'playing';

const camera: RingcastCameraElement = document.createElement('ringcast-camera');
const found: Element | null = document.querySelector('ringcast-camera');
camera.camera = 'front';
camera.src = null;
camera.token = fresh;
camera.credentials = 'include';
camera.width = 320;
const width: number = camera.width + camera.videoWidth;
camera.muted = !camera.paused && width > 0;
camera.addEventListener('conditionchange', ({ detail }) => console.log(detail.name === 'offline', detail.label.trim()));
camera.addEventListener('error', ({ detail }) => console.log(detail.message.length, camera.error?.code));
camera.addEventListener('click', ({ clientX }) => console.log(clientX));
camera.addEventListener('playing', (event) => console.log(event.timeStamp));
camera.requestVideoFrameCallback((now, { mediaTime }) => console.log(now, mediaTime));
camera.play().then(() => found?.pause(), ({ name }: DOMException) => console.log(name));
camera.player?.stop();
camera.currentTime = 0;

const list = new RingcastCameras({ src: 'https://server/', token: fresh, signal: leaving.signal });
list.addEventListener('change', ({ detail }) => console.log(detail.added.length, detail.cameras.map(({ name, sub, crop }) => `${name} ${sub?.width ?? 0} ${crop?.[0] ?? 0}`)));
list.addEventListener('event', ({ detail: { camera, text } }) => console.log(camera, text));
list.addEventListener('statechange', ({ detail }) => {
  // @ts-expect-error: there is no such state
  if (detail.state === 'playing') list.stop();
});
// @ts-expect-error: the server's
list.cameras.push();
list.start();
void player.snapshot({ type: 'image/jpeg', quality: 0.8 }).then((taken) => console.log(taken?.blob.size, taken?.time?.toISOString()));
// @ts-expect-error: there may be no picture
void player.snapshot().then(({ blob }) => blob.size);
