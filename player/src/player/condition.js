// SPDX-License-Identifier: MIT
// What a person wants to know about a camera, made from what the player knows: a word and a sentence, which never
// promise more than is true.

const LATE_S = 2;

const WAKING = new Set(['starting', 'idle']); // idle: a camera on demand, which wakes for its first viewer

const NO_CAMERA = 4404; // the server's close code: it was removed, or this visitor may no longer watch it

const REFUSED_WORDS = {
  expired: 'The log-in has expired',
  revoked: 'The log-in was ended',
  'not logged in': '',
};

const AWAY_WORDS = {
  stalled: 'The camera sends no pictures',
  disabled: 'The camera is switched off in the configuration',
};

/**
 * `facts`: `{ state, message?, reason?, retryMs?, close?, camera: { state, error }, late?, awaySince? }`, `late` in seconds.
 * Answers `{ name, label, text }` with `name` one of live, late, connecting, reconnecting, unauthorized, offline, failed, idle.
 */
export function conditionOf(facts) {
  const { state, camera, late = 0 } = facts;
  if (state === 'failed') return { name: 'failed', label: 'Cannot play', text: facts.message ?? '' };
  if (state === 'idle' || state === 'stopped') return { name: 'idle', label: 'Paused', text: '' };
  if (state === 'unauthorized' && facts.retryMs !== 0) {
    return { name: 'unauthorized', label: 'Log in again', text: REFUSED_WORDS[facts.reason] ?? sentence(facts.reason ?? '') };
  }
  if (state === 'reconnecting' && facts.close === NO_CAMERA) {
    return { name: 'offline', label: 'No such camera', text: 'It was removed, or you may no longer watch it' };
  }
  if (state === 'reconnecting' || state === 'unauthorized' || facts.lost) {
    return { name: 'reconnecting', label: 'Reconnecting', text: 'No connection to the server' };
  }
  const begins = WAKING.has(camera?.state) && !camera.error;
  if (begins && state !== 'playing') return { name: 'connecting', label: 'Connecting', text: 'Waiting for the camera' };
  // While the server connects to a camera again that has just gone away, buffered pictures are still shown.
  const dialled = WAKING.has(camera?.state) && (begins || state === 'playing');
  if (camera?.state && camera.state !== 'streaming' && !dialled) {
    return { name: 'offline', label: offlineLabel(facts.awaySince), text: awayText(camera) };
  }
  if (state === 'stalled' || (state === 'playing' && late > LATE_S)) {
    return { name: 'late', label: late >= 1 ? `Late by ${Math.round(late)} s` : 'Late', text: '' };
  }
  if (state === 'playing') return { name: 'live', label: 'Live', text: '' };
  return { name: 'connecting', label: 'Connecting', text: camera?.error ?? '' }; // for example, it waits for the next keyframe
}

function offlineLabel(since) {
  if (!since) return 'Offline';
  return `Offline since ${since.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })}`;
}

function awayText(camera) {
  return camera.error ?? AWAY_WORDS[camera.state] ?? 'The camera cannot be reached';
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Where the small stream is shown and the large one would fit. */
export const SLOW_LINK = 'Small picture, because the link is slow';

/**
 * How old the picture on the screen is, in seconds, by every figure that there is: the measured latency, what is buffered and
 * not shown, and how long nothing came. The delay that was `asked` for does not count.
 */
export function lateness({ delay, silence, age }, asked) {
  return Math.max((delay ?? 0) - asked, (age ?? 0) - asked, silence);
}
