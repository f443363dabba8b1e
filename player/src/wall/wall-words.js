// SPDX-License-Identifier: MIT
// The words of the wall: a summary line, a headline over each tile that is not live, and the texts for screen readers.

import { SLOW_LINK } from '../player/condition.js';
import { say } from '../player/words.js';

const GOOD = new Set(['live', 'keyframes', 'still']);
const SETTLING = new Set(['connecting', 'idle', 'past']);
export const isSettling = (name) => SETTLING.has(name);
const READ_OUT_MOST = 3; // changes at the same moment: more are only counted

const lower = (label) => label.charAt(0).toLowerCase() + label.slice(1);
const cameras = (count) => (count === 1 ? say('1 camera') : say('{count} cameras', { count }));

/** In the order in which the summary lists them. */
const KINDS = [
  { name: 'live', some: (count) => say('{count} live', { count }) },
  { name: 'keyframes', some: (count) => say('{count} keyframes only', { count }) },
  { name: 'still', some: (count) => say(count === 1 ? '1 still picture' : '{count} still pictures', { count }) },
  { name: 'unseen', some: (count) => say('{count} without a picture', { count }) },
  { name: 'late', some: (count) => say('{count} late', { count }) },
  { name: 'connecting', some: (count) => say('{count} connecting', { count }) },
  { name: 'reconnecting', some: (count) => say('{count} reconnecting', { count }) },
  { name: 'unauthorized', some: (count) => say(count === 1 ? '1 needs a log-in' : '{count} need a log-in', { count }) },
  { name: 'offline', some: (count) => say('{count} offline', { count }) },
  { name: 'failed', some: (count) => say('{count} cannot be played', { count }) },
  { name: 'idle', some: (count) => say('{count} paused', { count }) },
  { name: 'past', some: (count) => say('{count} in the past', { count }) },
];

/** For a tile that shows fewer pictures, or smaller ones, than would fit. */
export const busyComputer = () => say('Fewer pictures, because this computer is busy');

/** `conditions`: `{ name, label }` of every tile, of `total` cameras. "16 cameras, 15 live, 1 offline since 10:42", "9 of 40 cameras, all live" */
export function summaryOf(conditions, total = 0) {
  const all = conditions.length;
  if (all === 0) return '';
  const some = total > all ? say('{count} of {cameras}', { count: all, cameras: cameras(total) }) : cameras(all);
  const counts = new Map();
  for (const { name } of conditions) counts.set(name, (counts.get(name) ?? 0) + 1);
  if (counts.get('live') === all) return say(all === 1 ? '{cameras}, live' : '{cameras}, all live', { cameras: some });
  const parts = KINDS.filter(({ name }) => counts.has(name)).map(({ name, some }) => {
    const count = counts.get(name);
    const single = count === 1 && (name === 'offline' || name === 'late');
    return single ? say('1 {state}', { state: lower(conditions.find((each) => each.name === name).label) }) : some(count);
  });
  return [some, ...parts].join(', ');
}

/** The title of the tab: first, how many cameras are not live. */
export function titleOf(conditions, { large = null, product = 'ringcast' } = {}) {
  const bad = conditions.filter(({ name }) => !GOOD.has(name) && !SETTLING.has(name)).length;
  const parts = [bad > 0 ? say('{count} not live', { count: bad }) : null, large, product];
  return parts.filter(Boolean).join(' · ');
}

/**
 * The text for screen readers after `changes`, a Map of camera → { before, after } of condition names and `after`'s label.
 * A camera that becomes live for the first time is not news.
 */
export function newsOf(changes, summary) {
  const news = [...changes].filter(([, { before, after }]) => before !== after.name && !SETTLING.has(after.name)
    && !(after.name === 'live' && (before === null || SETTLING.has(before))));
  if (news.length === 0) return '';
  if (news.length > READ_OUT_MOST) return summary;
  return news.map(([camera, { after }]) => `${camera}: ${lower(after.label)}`).join('. ');
}

/** The words over a tile's picture, `{ headline, text }`, or null while the picture does not need any. */
export function overlayOf({ name, label, text }) {
  if (name === 'live' || name === 'keyframes' || name === 'still' || name === 'idle' || name === 'past') return null;
  return { headline: label, text };
}

/** The file name for a picture of `camera` taken at `date`, in local time, without characters that file systems forbid. */
export function snapshotName(camera, date) {
  const two = (number) => String(number).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}-${two(date.getMinutes())}-${two(date.getSeconds())}`;
  const safe = camera.replace(/[\u0000-\u001f\u007f<>:"/\\|?*]/g, '_').replace(/^[.\s]+|[.\s]+$/g, '').slice(0, 80);
  return `${safe || 'camera'} ${day} ${time}.png`;
}

const number = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : '–');

function bitrateOf(bitsPerSecond) {
  if (!Number.isFinite(bitsPerSecond)) return '–';
  return bitsPerSecond >= 1e6 ? `${number(bitsPerSecond / 1e6, 1)} Mbit/s` : `${number(bitsPerSecond / 1e3, 0)} kbit/s`;
}

const LATENCY_FROM = {
  camera: 'latency {seconds} s camera to screen',
  server: 'latency {seconds} s server to screen', // the camera does not send the capture time of its pictures
};

/** Why a tile shows the small stream. */
export const slowLink = () => say(SLOW_LINK);

/** What the user may choose of a camera's streams, in short. */
export function choiceWords(choice) {
  if (choice === 'main') return say('Large stream');
  return choice === 'sub' ? say('Small stream') : say('Automatic');
}

/** The stream that is shown, `main` or `sub`, and whether the user wanted it. */
function streamLine(stream, chosen) {
  if (chosen) return say(stream === 'sub' ? 'small stream, chosen' : 'large stream, chosen');
  return say(stream === 'sub' ? 'small stream' : 'large stream');
}

/** What has become of a link: for screen readers. */
export const linkNews = (camera, slow) => (slow ? `${camera}: ${lower(slowLink())}` : say('{camera}: the large picture again', { camera }));

/** Lines of figures over a picture, from the detail of a player's `stats` event. */
export function figuresOf(stats) {
  const { width, height, codecs, fps, bitrate, delay, target, buffered, framesDropped, dropped, missed, connections } = stats;
  const size = width && height ? `${width}×${height}` : say('no picture');
  const lost = (framesDropped ?? 0) + (dropped ?? 0);
  return [
    [size, codecs].filter(Boolean).join(' · '),
    say('{count} frames/s · {rate}', { count: number(fps, 1), rate: bitrateOf(bitrate) }),
    say(LATENCY_FROM[stats.latencyFrom] ?? 'latency {seconds} s', { seconds: number(stats.latency, 2) }),
    say('{seconds} s behind the newest (target {target} s)', { seconds: number(delay, 2), target: number(target, 2) }),
    ...(stats.stream ? [streamLine(stats.stream, stats.chosen)] : []),
    ...(stats.slow ? [lower(slowLink())] : []),
    say('buffer {seconds} s · dropped {lost} · missed {missed} · connections {connections}', {
      seconds: number(buffered, 1), lost, missed: missed ?? 0, connections: connections ?? 0,
    }),
  ];
}

/** The same of a still picture, `age` seconds old. */
export const stillFigures = (age) => say('still picture, {seconds} s old', { seconds: number(age, 1) });

/** What is wrong with a log-in: `status` of the answer, null if there was none; `seconds` until the next try. */
export function troubleOf({ status, seconds = 0 }) {
  if (status === null) return say('the server cannot be reached');
  if (status === 401) return say('wrong user or password');
  if (status === 429) return say('too many tries: again in {seconds} s', { seconds });
  if (status === 403) return say('this address may not log in here: open the page by its own address');
  return status === 503 ? say('the server is busy: try again') : say('the server answers {status}', { status });
}

/** Who is logged in, and until when: `expires` in seconds since 1970. */
export function visitorOf({ user, role, expires }) {
  const until = expires > 0 ? new Date(expires * 1000).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' }) : null;
  const who = say(role === 'operator' ? '{user}, operator' : '{user}, viewer', { user });
  return until ? say('{who}: logged in until {time}', { who, time: until }) : who;
}

/** When a picture of the past was taken, for people. */
export const pastTime = (date) => date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

/** The address of a clip of `camera`, from `from` to `to` seconds ago. */
export function clipAddress(camera, { from, to, stream = 'main' }) {
  const query = new URLSearchParams({ from: (-from).toFixed(1) });
  if (to > 0) query.set('to', (-to).toFixed(1));
  if (stream === 'sub') query.set('stream', 'sub');
  return `clip/${encodeURIComponent(camera)}.mp4?${query}`;
}
