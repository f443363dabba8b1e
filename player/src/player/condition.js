// SPDX-License-Identifier: MIT
// What a person wants to know about a camera, made from what the player knows: a word and a sentence, which never
// promise more than is true.

import { say } from './words.js';

export const LATE_S = 2;

const WAKING = new Set(['starting', 'idle']); // idle: a camera on demand, which wakes for its first viewer

/** The server's close codes for what it does not give, and does not give the next time either unless somebody changes something. */
const REFUSALS = new Map([
  [4403, ['Not allowed here', 'This page may not show the cameras of that server']],
  [4404, ['No such camera', 'It was removed, or you may no longer watch it']],
  [4410, ['No such stream', 'The camera has no small stream']],
]);

const REFUSED_WORDS = {
  expired: 'The log-in has expired',
  revoked: 'The log-in was ended',
  'not logged in': '',
};

const AWAY_WORDS = {
  stalled: 'The camera sends no pictures',
  disabled: 'The camera is switched off in the configuration',
};

/** What the server says of a camera that is away, and what that means to those who watch. The first row that fits counts. */
const ERRORS = [
  [/log-?in|password|credential|unauthori[sz]ed|\b401\b/i, 'The camera does not accept its password'],
  [/keyframe|a quarter of (the|its) ring|ring_size/i, 'Waiting for a whole picture'],
  [/codec|no video|not supported|cannot be played/i, 'The camera sends what cannot be shown'],
  [/no (picture|packet|data|media)|silent|stall/i, 'The camera sends no pictures'],
  [/certificate|tls/i, 'The connection to the camera is not safe'],
];

/**
 * `facts`: `{ state, message?, reason?, retryMs?, close?, camera: { state, error }, late?, awaySince?, returning?, frames?, tooMany? }`, `late` in seconds; `returning`: the
 * camera is back, and its first new picture is not: what is on the screen is old, but that is not news; `tooMany`: how many pictures are too many for this computer.
 * Answers `{ name, label, text }` with `name` one of live, keyframes, late, connecting, reconnecting, unauthorized, offline, failed, idle.
 */
export function conditionOf(facts) {
  const { state, camera, late = 0 } = facts;
  if (state === 'failed') return { name: 'failed', label: say('Cannot play'), text: facts.message ?? '' };
  if (state === 'idle' || state === 'stopped') return { name: 'idle', label: say('Paused'), text: '' };
  if (state === 'unauthorized' && facts.retryMs !== 0) {
    return { name: 'unauthorized', label: say('Log in again'), text: say(REFUSED_WORDS[facts.reason] ?? sentence(facts.reason ?? '')) };
  }
  if (state === 'reconnecting' && REFUSALS.has(facts.close)) {
    const [label, text] = REFUSALS.get(facts.close);
    return { name: 'offline', label: say(label), text: say(text) };
  }
  if (state === 'connecting' && facts.lost) return { name: 'connecting', label: say('Connecting'), text: say('No connection to the server') };
  if (state === 'reconnecting' || state === 'unauthorized' || facts.lost) {
    return { name: 'reconnecting', label: say('Reconnecting'), text: say('No connection to the server') };
  }
  const begins = WAKING.has(camera?.state) && !camera.error;
  if (begins && state !== 'playing') return { name: 'connecting', label: say('Connecting'), text: say('Waiting for the camera') };
  // While the server connects to a camera again that has just gone away, buffered pictures are still shown.
  const dialled = WAKING.has(camera?.state) && (begins || state === 'playing');
  if (camera?.state && camera.state !== 'streaming' && !dialled) {
    return { name: 'offline', label: offlineLabel(facts.awaySince), text: shortOf(camera) };
  }
  if (facts.behind > 0) return { name: 'past', label: say('{seconds} s ago', { seconds: Math.round(facts.behind) }), text: '' };
  if (facts.returning && (state === 'stalled' || state === 'playing')) return { name: 'connecting', label: say('Connecting'), text: '' };
  if (facts.tooMany > 0 && (state === 'stalled' || late > LATE_S)) {
    return { name: 'late', label: say('Too slow'), text: say('This computer is too slow for {count} pictures', { count: facts.tooMany }) };
  }
  if (state === 'stalled' || (state === 'playing' && late > LATE_S)) {
    return { name: 'late', label: late >= 1 ? say('Late by {seconds} s', { seconds: Math.round(late) }) : say('Late'), text: '' };
  }
  if (state === 'playing' && facts.frames === 'key') return { name: 'keyframes', label: say('Keyframes'), text: say('A picture now and then') };
  if (state === 'playing') return { name: 'live', label: say('Live'), text: '' };
  return { name: 'connecting', label: say('Connecting'), text: camera?.error ? shortOf(camera) : '' }; // for example, it waits for the next keyframe
}

function offlineLabel(since) {
  if (!since) return say('Offline');
  return say('Offline since {time}', { time: since.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }) });
}

/**
 * What has happened to the camera, for those who watch: the server's own words have addresses and advice in them that are for those who run it
 * (`ringcastctl status`).
 */
function shortOf({ state, error }) {
  const known = error ? ERRORS.find(([pattern]) => pattern.test(error)) : null;
  return say(known?.[1] ?? AWAY_WORDS[state] ?? 'The camera cannot be reached');
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Where the small stream is shown and the large one would fit. */
export const SLOW_LINK = 'Small picture, because the link is slow';

/**
 * How old the picture on the screen is, in seconds, by every figure that there is: the measured latency, what is buffered and
 * not shown, and how long nothing came. The delay that was `asked` for does not count, nor do the seconds between two keyframes (`step`) where only
 * keyframes come.
 */
export function lateness({ delay, silence, age, behind, step = 0 }, asked) {
  if (behind > 0) return 0; // as old as it is meant to be
  return Math.max((delay ?? 0) - asked, (age ?? 0) - asked - step, silence - step);
}
