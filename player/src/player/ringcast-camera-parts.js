// SPDX-License-Identifier: MIT
// What is inside <ringcast-camera>, and how it looks. The style sheets are constructed, because a strict
// Content-Security-Policy does not allow a <style>.

const RULES = `
  :host {
    display: block; position: relative; overflow: hidden; background: #000; aspect-ratio: 16 / 9;
    object-fit: var(--ringcast-fit, contain); container-type: inline-size;
  }
  :host([hidden]) { display: none; }
  :host(:fullscreen) { background: #000; }
  video, canvas { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: inherit; object-position: inherit; }
  video { transition: filter 0.4s, opacity 0.4s; }
  canvas { pointer-events: none; transition: filter 0.4s; }
  [hidden] { display: none; }
  :host(:is([condition='offline'], [condition='reconnecting'], [condition='unauthorized'], [condition='failed'])) :is(video, canvas) {
    filter: brightness(0.4) saturate(0.35);
  }
  [part='message'] {
    position: absolute; inset: 0; margin: auto; height: fit-content; width: fit-content; max-width: min(34em, 86%);
    box-sizing: border-box; text-align: center; text-wrap: balance; color: #f4f6f8; pointer-events: none;
    font: 500 clamp(11px, 3.2cqi, 15px) / 1.45 system-ui, sans-serif; text-shadow: 0 0 2px #000, 0 1px 4px #000c;
  }
  [part='label'] { display: block; font-weight: 650; }
  [part='reason'] { display: block; }
  /* A camera that connects at once does not need words. */
  :host([condition='connecting']) [part='message'] { animation: appear 0.3s 1s both; }
  /* Late, but alive: not across the picture. */
  :host([condition='late']) [part='message'] {
    inset: auto 0 8%; margin: 0 auto; padding: 2px 10px; border-radius: 99px; background: #000a;
  }
  :is([part='silence'], [part='link']) {
    position: absolute; inset: 8px auto auto 8px; padding: 2px 10px; border-radius: 99px; background: #000a; color: #f4f6f8;
    font: 500 clamp(11px, 2.6cqi, 13px) / 1.45 system-ui, sans-serif;
  }
  [part='link'] { inset: 8px 8px auto auto; pointer-events: none; }
  :is([part='silence'], [part='link']):empty { display: none; }
  [part='start'] {
    position: absolute; inset: 0; margin: auto; width: 64px; height: 64px; padding: 0; border: 0; border-radius: 50%;
    color: #fff; background: #000a; cursor: pointer;
  }
  [part='start']:hover { background: #000d; }
  [part='start']:focus-visible { outline: 3px solid #fff; outline-offset: 2px; }
  [part='start'] svg { display: block; margin: auto; fill: currentColor; }
  :host([zoomable]) { touch-action: none; }
  @keyframes appear { from { opacity: 0; } }
  @media (prefers-reduced-motion: reduce) { video, canvas { transition: none; } }
`;

const shared = new WeakMap(); // document → the sheet that all elements in it share

/** The rules of all elements in `document`: a constructed sheet can only be used in its own document. */
export function sheetFor(document) {
  let sheet = shared.get(document);
  if (!sheet) {
    sheet = emptySheet(document);
    sheet.replaceSync(RULES);
    shared.set(document, sheet);
  }
  return sheet;
}

export function emptySheet(document) {
  const { CSSStyleSheet } = document.defaultView ?? globalThis;
  return new CSSStyleSheet();
}

/** What the size of the picture and the attributes `width` and `height` say, as they do for a `<video>`; `place`: where it is drawn (look.js), or null. */
export function shapeRules({ width, height, picture, place = null }) {
  const rules = [];
  if (picture) rules.push(`aspect-ratio: ${picture.width} / ${picture.height};`);
  if (width !== null) rules.push(`width: ${width}px;`);
  if (height !== null) rules.push(`height: ${height}px;`);
  const placed = place ? ` video, canvas { transform-origin: 0 0; transform: ${place.transform}; clip-path: ${place.clip}; }` : '';
  return `:host { ${rules.join(' ')} }${placed}`;
}

/** Fills the shadow root. */
export function makeParts(root) {
  const document = root.ownerDocument;
  const make = (tag, part, ...children) => {
    const node = document.createElement(tag);
    node.part = part;
    node.append(...children);
    return node;
  };
  const video = make('video', 'video');
  video.playsInline = true;
  const still = make('canvas', 'still');
  still.hidden = true;
  const label = make('span', 'label');
  const reason = make('span', 'reason');
  const message = make('div', 'message', label, reason);
  message.setAttribute('role', 'status');
  const silence = make('div', 'silence');
  silence.setAttribute('aria-live', 'polite');
  const link = make('div', 'link');
  link.setAttribute('aria-live', 'polite');
  const start = make('button', 'start');
  start.type = 'button';
  start.hidden = true;
  start.append(makeTriangle(document));
  root.append(video, still, message, silence, link, start);
  return { video, still, message, label, reason, silence, link, start };
}

function makeTriangle(document) {
  const make = (tag, attributes) => {
    const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };
  const icon = make('svg', { viewBox: '0 0 24 24', width: '32', height: '32', 'aria-hidden': 'true' });
  icon.append(make('path', { d: 'M8 5v14l11-7z' }));
  return icon;
}
