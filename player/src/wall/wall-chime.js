// SPDX-License-Identifier: MIT
// A short sound, two notes.

const NOTES = [{ at: 0, hertz: 660 }, { at: 0.18, hertz: 880 }];
const LENGTH_S = 0.35;
const LOUD = 0.2;
const PATIENCE_MS = 3000;

/** Sounds once, where the browser allows it without a touch of the page. */
export function chime() {
  const Context = globalThis.AudioContext;
  if (!Context) return;
  const context = new Context();
  const end = () => context.state !== 'closed' && context.close().catch(() => {});
  const patience = setTimeout(end, PATIENCE_MS); // a context that may not begin never ends either
  NOTES.forEach(({ at, hertz }, i) => {
    const tone = new OscillatorNode(context, { frequency: hertz });
    const gain = new GainNode(context, { gain: 0 });
    const begin = context.currentTime + at;
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(LOUD, begin + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, begin + LENGTH_S);
    tone.connect(gain).connect(context.destination);
    tone.start(begin);
    tone.stop(begin + LENGTH_S);
    if (i < NOTES.length - 1) return;
    tone.addEventListener('ended', () => {
      clearTimeout(patience);
      end();
    }, { once: true });
  });
}
