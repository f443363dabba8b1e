// SPDX-License-Identifier: MIT
// What each key does, and its text in the help dialog: one table for both.

/**
 * `keys` as KeyboardEvent.key has them, `shown` as people read them; `visitor`: only where visitors log in; `window`: only where the browser shows a picture
 * in a window of its own.
 */
export const KEYS = [
  { keys: ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'], shown: ['←', '→', '↑', '↓'], text: 'choose a camera; the next or previous one while one is large' },
  { keys: ['Home', 'End'], shown: ['Home', 'End'], text: 'the first or last camera' },
  { keys: ['Enter'], shown: ['Enter'], text: 'make this camera large, and back' },
  { keys: ['Escape'], shown: ['Esc'], text: 'all cameras again' },
  { keys: ['Shift+ArrowLeft', 'Shift+ArrowRight', 'Shift+ArrowUp', 'Shift+ArrowDown'], shown: ['Shift', '←', '→', '↑', '↓'], text: 'move the camera to another place (or drag it); while it is large, move its picture' },
  { keys: ['+', '-', '0'], shown: ['+', '−', '0'], text: 'into the picture of the large camera and out of it (or the wheel, or two fingers)' },
  { keys: ['/', 'g'], shown: ['/'], text: 'find a camera, choose what is shown: groups, views, layouts' },
  { keys: ['PageUp', 'PageDown'], shown: ['Page ↑', 'Page ↓'], text: 'the previous or next page' },
  { keys: ['t'], shown: ['T'], text: 'a tour over the pages, or over large cameras' },
  { keys: ['f'], shown: ['F'], text: 'full screen' },
  { keys: ['m'], shown: ['M'], text: 'turn the sound of this camera on or off' },
  { keys: ['v', 'Shift+v'], shown: ['V', 'Shift', 'V'], text: 'louder, or with Shift quieter' },
  { keys: ['p'], shown: ['P'], text: 'this camera in a small window over all others, and back', window: true },
  { keys: ['q'], shown: ['Q'], text: 'which stream of the large camera: the one that fits, the large or the small one' },
  { keys: ['s'], shown: ['S'], text: 'save the picture' },
  { keys: ['b'], shown: ['B'], text: 'look 30 s back, and 30 s more each time' },
  { keys: ['n', ',', '.', 'c'], shown: ['N', ',', '.', 'C'], text: 'in the past: back to now, one picture back or on, save the clip' },
  { keys: ['i', 'Shift+i'], shown: ['I', 'Shift', 'I'], text: 'show figures over every picture: delay, frames, bit rate; with Shift over this one (or press it for long)' },
  { keys: ['d'], shown: ['D'], text: 'dark or light' },
  { keys: ['l'], shown: ['L', 'L'], text: 'log out; where the log-in has ended, L once: log in again', visitor: true },
  { keys: ['?'], shown: ['?'], text: 'this list' },
];

const ACTIONS = {
  ArrowLeft: ['move', 'left'],
  ArrowRight: ['move', 'right'],
  ArrowUp: ['move', 'up'],
  ArrowDown: ['move', 'down'],
  Home: ['move', 'first'],
  End: ['move', 'last'],
  'Shift+ArrowLeft': ['place', 'left'],
  'Shift+ArrowRight': ['place', 'right'],
  'Shift+ArrowUp': ['place', 'up'],
  'Shift+ArrowDown': ['place', 'down'],
  Enter: ['choose'],
  Escape: ['back'],
  '+': ['zoom', 1],
  '=': ['zoom', 1],
  '-': ['zoom', -1],
  0: ['zoom', 0],
  '/': ['views'],
  g: ['views'],
  GoBack: ['leave'], // the keys of remote controls
  BrowserBack: ['leave'],
  ChannelUp: ['page', 1],
  ChannelDown: ['page', -1],
  MediaTrackNext: ['move', 'right'],
  MediaTrackPrevious: ['move', 'left'],
  MediaPlayPause: ['tour'],
  PageUp: ['page', -1],
  PageDown: ['page', 1],
  t: ['tour'],
  f: ['fullScreen'],
  m: ['sound'],
  v: ['louder', 1],
  'Shift+v': ['louder', -1],
  AudioVolumeUp: ['louder', 1],
  AudioVolumeDown: ['louder', -1],
  p: ['pictureInPicture'],
  q: ['stream'],
  s: ['snapshot'],
  b: ['lookBack'],
  n: ['lookLive'],
  c: ['saveClip'],
  ',': ['stepBy', -1],
  '.': ['stepBy', 1],
  i: ['figures'],
  'Shift+i': ['ownFigures'],
  d: ['theme'],
  l: ['account'],
  '?': ['help'],
};

const REPEATS = new Set(['move', 'place', 'zoom', 'stepBy', 'louder']);

/** The letter on the key: of the keyboard's own layout, or, where that has no Latin letters, of the key's place. */
function letterOf(key, code) {
  if (key.length !== 1) return key;
  if (key > '\u007f' && /^Key[A-Z]$/.test(code ?? '')) return code.slice(3).toLowerCase();
  return key.toLowerCase();
}

/**
 * `[action, argument]` for a KeyboardEvent, or null. Keys with Ctrl, Alt or Meta belong to the browser, and a key that is
 * held down repeats only moves.
 */
export function actionOf({ key, code, ctrlKey, altKey, metaKey, shiftKey, repeat }) {
  if (ctrlKey || altKey || metaKey) return null;
  const letter = letterOf(key, code);
  const action = (shiftKey && ACTIONS[`Shift+${letter}`]) || ACTIONS[letter];
  if (!action || (repeat && !REPEATS.has(action[0]))) return null;
  return action;
}
