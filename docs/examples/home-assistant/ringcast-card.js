// SPDX-License-Identifier: MIT
// A card for a Home Assistant dashboard: one camera of a ringcast server, live. The settings are in README.md.

import { RingcastCameras, setWords } from 'ringcast-player';
import de from 'ringcast-player/words-de.json';
import zh from 'ringcast-player/words-zh.json';

const WORDS = { de, zh };
const PASSED_ON = ['camera', 'stream', 'src', 'token', 'muted', 'controls']; // to the element, if they are set

const STYLE = `
  ha-card, .card { display: block; overflow: hidden; }
  ringcast-camera { width: 100%; cursor: pointer; }
  .bar { display: flex; justify-content: space-between; gap: 1em; padding: 8px 16px; }
  .event { color: var(--warning-color, #b26a00); }
  .event:empty { display: none; }
`;

class RingcastCard extends HTMLElement {
  #config = null;
  #list = null;
  #hass = null;
  #ends = 0; // a timer: when what is said is over

  /** Home Assistant calls it with the card's YAML; what it throws is shown in the place of the card. */
  setConfig(config) {
    if (typeof config.camera !== 'string' || config.camera === '') throw new Error('camera: the name of a camera of ringcast is missing');
    this.#config = { muted: true, controls: false, ...config };
    this.#build();
  }

  /** Home Assistant sets it with each change of anything; only its language matters here. */
  set hass(hass) {
    if (hass?.language && hass.language !== this.#hass?.language) setWords(WORDS[hass.language.split('-')[0]] ?? {});
    this.#hass = hass;
  }

  /** In units of 50 pixels. */
  getCardSize() {
    return 5;
  }

  static getStubConfig() {
    return { camera: 'front', src: '/ringcast/' };
  }

  connectedCallback() {
    if (this.#config) this.#follow();
  }

  /** The element ends by itself when it is taken out; the list does not. */
  disconnectedCallback() {
    this.#leave();
  }

  #build() {
    const root = this.shadowRoot ?? this.attachShadow({ mode: 'open' });
    const make = (tag, name, ...children) => {
      const node = document.createElement(tag);
      if (name) node.className = name;
      node.append(...children);
      return node;
    };
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const camera = document.createElement('ringcast-camera');
    for (const name of PASSED_ON) if (this.#config[name] !== undefined) camera[name] = this.#config[name];
    camera.toggleAttribute('muted', this.#config.muted);
    const state = make('span', 'state', camera.condition.label);
    const event = make('span', 'event');
    event.setAttribute('role', 'status');
    camera.addEventListener('conditionchange', ({ detail }) => (state.textContent = detail.label));
    camera.addEventListener('click', () => camera.requestFullscreen().catch(() => {}));
    const title = make('span', 'title', this.#config.title ?? this.#config.camera);
    const card = make(customElements.get('ha-card') ? 'ha-card' : 'div', 'card', camera, make('div', 'bar', title, event, state));
    root.replaceChildren(card);
    if (this.isConnected) this.#follow();
  }

  /** What asks for attention at this camera is said on the card. */
  #follow() {
    this.#leave();
    const { src, token, camera: name } = this.#config;
    this.#list = new RingcastCameras({ src, token });
    this.#list.addEventListener('event', ({ detail }) => {
      if (detail.camera !== name) return;
      const node = this.shadowRoot.querySelector('.event');
      node.textContent = detail.for > 0 ? detail.text : '';
      clearTimeout(this.#ends);
      this.#ends = setTimeout(() => (node.textContent = ''), detail.for * 1000);
    });
    this.#list.start();
  }

  #leave() {
    clearTimeout(this.#ends);
    this.#list?.stop();
    this.#list = null;
  }
}

customElements.define('ringcast-card', RingcastCard);

// The list of cards that Home Assistant offers.
globalThis.customCards ??= [];
globalThis.customCards.push({ type: 'ringcast-card', name: 'ringcast', description: 'A live camera of a ringcast server' });
