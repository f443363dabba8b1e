import { conditionOf } from './condition.js';
import { RingcastPlayer } from './player.js';
import { Scope } from './scope.js';

const FORWARDED = ['statechange', 'error', 'init', 'drop', 'camerastate', 'stats', 'automuted'];

// A constructed sheet, because a strict Content-Security-Policy allows no <style>.
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
  :host { display: block; position: relative; overflow: hidden; background: #000; aspect-ratio: 16 / 9; }
  :host([hidden]) { display: none; }
  video, canvas { position: absolute; inset: 0; width: 100%; height: 100%; }
  video { object-fit: var(--ringcast-fit, contain); transition: filter 0.4s, opacity 0.4s; }
  canvas { object-fit: var(--ringcast-fit, contain); pointer-events: none; transition: filter 0.4s; }
  canvas[hidden] { display: none; }
  :host(:is([condition='offline'], [condition='reconnecting'], [condition='failed'])) :is(video, canvas) {
    filter: brightness(0.4) saturate(0.35);
  }
  [part='message'] {
    position: absolute; inset: 0; margin: auto; height: fit-content; width: fit-content; max-width: min(34em, 86%);
    box-sizing: border-box; text-align: center; text-wrap: balance; color: #f4f6f8; pointer-events: none;
    font: 500 clamp(11px, 3.2cqi, 15px) / 1.45 system-ui, sans-serif; text-shadow: 0 1px 3px #000c;
  }
  [part='message']:empty { display: none; }
  :host { container-type: inline-size; }
  @media (prefers-reduced-motion: reduce) { video, canvas { transition: none; } }
`);

/**
 * `<ringcast-camera src="https://server/" camera="front" muted controls>`: one live camera.
 *
 * It plays while it is in the document. Attributes: `camera` (name), `src` (where ringcast's own pages are, by default
 * the root of the page's server), `muted`, `controls`. It dispatches the events of RingcastPlayer, and
 * `conditionchange`; the attributes `state` and `condition` show the present ones to style sheets.
 */
export class RingcastCameraElement extends HTMLElement {
  static observedAttributes = ['src', 'camera', 'muted', 'controls'];

  #video = document.createElement('video');
  #still = document.createElement('canvas');
  #message = document.createElement('div');
  #scope = null;
  #player = null;
  #restartPending = false;
  #facts = emptyFacts();
  #condition = conditionOf({ state: 'idle' });

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet];
    this.#video.playsInline = true;
    this.#video.part = 'video';
    this.#still.part = 'still';
    this.#still.hidden = true;
    this.#message.part = 'message';
    root.append(this.#video, this.#still, this.#message);
  }

  get video() {
    return this.#video;
  }

  /** The player of the present camera, or null while the element is out of the document. */
  get player() {
    return this.#player;
  }

  get state() {
    return this.#player?.state ?? 'idle';
  }

  /** `{ name, label, text }` for people; `name` is live, late, connecting, reconnecting, offline, failed or idle. */
  get condition() {
    return this.#condition;
  }

  get camera() {
    return this.getAttribute('camera');
  }

  set camera(name) {
    if (name == null) this.removeAttribute('camera');
    else this.setAttribute('camera', name);
  }

  get src() {
    return this.getAttribute('src') ?? '/';
  }

  set src(base) {
    this.setAttribute('src', base);
  }

  get muted() {
    return this.#video.muted;
  }

  set muted(muted) {
    this.#video.muted = muted;
  }

  get controls() {
    return this.hasAttribute('controls');
  }

  set controls(controls) {
    this.toggleAttribute('controls', controls);
  }

  connectedCallback() {
    this.#restart();
  }

  disconnectedCallback() {
    this.#end();
  }

  attributeChangedCallback(name, before, after) {
    if (name === 'muted') this.#video.muted = after !== null;
    else if (name === 'controls') this.#video.controls = after !== null;
    else if (before !== after) this.#restartSoon();
  }

  /** Ends the present player and begins with a new one. */
  restart() {
    if (this.isConnected) this.#restart();
  }

  /** Several attributes that change together are one change. */
  #restartSoon() {
    if (!this.isConnected || this.#restartPending) return;
    this.#restartPending = true;
    queueMicrotask(() => {
      this.#restartPending = false;
      if (this.isConnected) this.#restart();
    });
  }

  #restart() {
    this.#end();
    if (this.camera === null) return;
    const scope = new Scope();
    this.#scope = scope;
    const player = new RingcastPlayer(this.#video, { src: this.src, camera: this.camera });
    this.#player = player;
    scope.listen(player, 'statechange', ({ detail }) => this.#learn({ ...detail, lost: detail.retryMs !== undefined }));
    scope.listen(player, 'camerastate', ({ detail }) => this.#learn({ camera: detail }));
    scope.listen(player, 'stats', ({ detail }) => this.#learn({ late: lateness(detail) }));
    scope.listen(player, 'reset', () => this.#keepPicture());
    for (const type of FORWARDED) {
      scope.listen(player, type, ({ detail }) => this.dispatchEvent(new CustomEvent(type, { detail })));
    }
    scope.listen(this.#video, 'playing', () => this.#dropPicture());
    this.#watchVisibility(scope, player);
    scope.add(() => player.stop());
    player.start();
  }

  #watchVisibility(scope, player) {
    const observer = new IntersectionObserver((entries) => player.setVisible(entries.at(-1).isIntersecting));
    observer.observe(this);
    scope.add(() => observer.disconnect());
  }

  #end() {
    this.#scope?.close();
    this.#scope = null;
    this.#player = null;
    this.#dropPicture();
    this.#facts = emptyFacts();
    this.#show();
  }

  #learn(facts) {
    Object.assign(this.#facts, facts);
    const { camera } = this.#facts;
    if (camera.state === 'streaming') this.#facts.awaySince = null;
    else if (camera.state) this.#facts.awaySince ??= new Date();
    this.#show();
  }

  #show() {
    const condition = conditionOf(this.#facts);
    this.setAttribute('state', this.#facts.state);
    const before = this.#condition;
    if (Object.keys(condition).every((key) => condition[key] === before[key])) return;
    this.#condition = condition;
    this.setAttribute('condition', condition.name);
    this.#message.textContent = condition.text;
    this.dispatchEvent(new CustomEvent('conditionchange', { detail: condition }));
  }

  /** Between two MediaSources a video is black: the last picture stays until the next one comes. */
  #keepPicture() {
    const { videoWidth, videoHeight, readyState } = this.#video;
    if (readyState < HTMLMediaElement.HAVE_CURRENT_DATA || videoWidth === 0) return;
    this.#still.width = videoWidth;
    this.#still.height = videoHeight;
    this.#still.getContext('2d').drawImage(this.#video, 0, 0);
    this.#still.hidden = false;
  }

  #dropPicture() {
    this.#still.hidden = true;
    this.#still.width = this.#still.height = 0;
  }
}

const emptyFacts = () => ({ state: 'idle', camera: { state: null, error: null }, late: 0, awaySince: null, lost: false });

/** Seconds behind the camera, as far as this end can tell: what is buffered and not shown, or how long nothing came. */
function lateness({ delay, silence }) {
  return Math.max(delay ?? 0, silence);
}
