// The wall: every configured camera, live, in a grid that fits the window.

import { CameraList } from './cameras.js';
import './ringcast-player.js';

const GAP_PX = 6;
const SMALLEST_TILE_PX = 180; // below this the page scrolls instead
const PHONE_PX = 640;

const wall = document.getElementById('wall');
const summary = document.getElementById('summary');
const template = document.getElementById('tile');
const empty = {
  box: document.getElementById('empty'),
  title: document.getElementById('empty-title'),
  text: document.getElementById('empty-text'),
  example: document.getElementById('empty-example'),
};

/** One camera on the wall. */
class Tile {
  constructor(name) {
    this.name = name;
    this.mime = null;
    this.root = document.importNode(template.content, true).firstElementChild;
    this.camera = this.root.querySelector('ringcast-camera');
    this.open = this.root.querySelector('.open');
    this.badge = this.root.querySelector('.badge');
    this.sound = this.root.querySelector('.sound');
    this.root.querySelector('.name').textContent = name;
    this.open.addEventListener('click', () => setLarge(large === this ? null : this));
    this.open.addEventListener('focus', () => setCurrent(this));
    this.sound.addEventListener('click', () => this.toggleSound());
    this.root.querySelector('.full').addEventListener('click', () => toggleFullScreen());
    this.root.querySelector('.back').addEventListener('click', () => setLarge(null));
    this.camera.addEventListener('conditionchange', () => this.show());
    this.camera.camera = name;
    this.show();
  }

  show() {
    const { name, label } = this.camera.condition;
    this.root.dataset.condition = name;
    this.badge.textContent = label;
    this.open.setAttribute('aria-label', `${this.name}, ${label}. ${large === this ? 'Show all cameras' : 'Show large'}`);
    showSummary();
  }

  /** A camera that this browser could not play is tried again when it sends something else. */
  update({ mime }) {
    if (mime !== this.mime && this.camera.condition.name === 'failed') this.camera.restart();
    this.mime = mime;
  }

  toggleSound(on = this.camera.muted) {
    this.camera.muted = !on;
    this.sound.setAttribute('aria-pressed', String(on));
  }
}

let tiles = [];
let current = null; // the tile that the Tab key reaches
let large = null;
let columns = 1;

function showSummary() {
  const live = tiles.filter(({ root }) => root.dataset.condition === 'live').length;
  const cameras = `${tiles.length} ${tiles.length === 1 ? 'camera' : 'cameras'}`;
  const text = tiles.length === 0 ? '' : `${cameras} · ${live === tiles.length ? 'all' : live} live`;
  if (summary.textContent !== text) summary.textContent = text;
  summary.dataset.good = String(live === tiles.length);
}

function setCurrent(tile) {
  current = tile;
  for (const other of tiles) other.open.tabIndex = other === tile ? 0 : -1;
}

function setLarge(tile) {
  const before = large;
  large = tile;
  if (before && before !== tile) before.toggleSound(false);
  wall.classList.toggle('one', tile !== null);
  for (const other of tiles) {
    other.root.classList.toggle('large', other === tile);
    other.show();
  }
  if (tile === null && document.fullscreenElement) document.exitFullscreen();
  const hash = tile ? `#${encodeURIComponent(tile.name)}` : '';
  history.replaceState(null, '', location.pathname + location.search + hash);
  (tile ?? before)?.open.focus({ preventScroll: true });
  arrange();
}

function toggleFullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}

/** As many columns as make the tiles largest, all of them in the window if they can be. */
function arrange() {
  const phone = innerWidth < PHONE_PX;
  const width = wall.clientWidth;
  const height = innerHeight - wall.getBoundingClientRect().top - scrollY - GAP_PX;
  const count = tiles.length;
  let tileWidth = 0;
  columns = 1;
  for (let n = 1; n <= count; n++) {
    const rows = Math.ceil(count / n);
    const byWidth = (width - (n - 1) * GAP_PX) / n;
    const byHeight = ((height - (rows - 1) * GAP_PX) / rows) * (16 / 9);
    const fit = Math.floor(Math.min(byWidth, byHeight));
    if (fit > tileWidth) [tileWidth, columns] = [fit, n];
  }
  if (phone || tileWidth < SMALLEST_TILE_PX) {
    const wanted = phone ? Math.min(width, 320) : SMALLEST_TILE_PX;
    columns = Math.max(1, Math.min(count, Math.floor((width + GAP_PX) / (wanted + GAP_PX))));
    tileWidth = Math.floor((width - (columns - 1) * GAP_PX) / columns);
  }
  wall.style.setProperty('--columns', columns);
  wall.style.setProperty('--tile', `${tileWidth}px`);
}

function showEmpty(title, text, example = false) {
  empty.box.hidden = title === null;
  empty.title.textContent = title ?? '';
  empty.text.textContent = text ?? '';
  empty.example.hidden = !example;
}

function showCameras(cameras) {
  const known = new Map(tiles.map((tile) => [tile.name, tile]));
  const next = cameras.map((camera) => {
    const tile = known.get(camera.name) ?? new Tile(camera.name);
    known.delete(camera.name);
    tile.update(camera);
    return tile;
  });
  const changed = next.length !== tiles.length || next.some((tile, i) => tile !== tiles[i]);
  if (changed) replaceTiles(next, known);
  if (next.length > 0) showEmpty(null);
  else showEmpty('No cameras yet', 'Add a camera to the configuration file and start ringcastd again:', true);
}

function replaceTiles(next, gone) {
  const first = tiles.length === 0;
  if (large && gone.has(large.name)) setLarge(null);
  for (const tile of gone.values()) tile.root.remove();
  tiles = next;
  // A node that moves is taken out and put in again, which would start its player anew: only put in what is out of place.
  tiles.forEach(({ root }, i) => {
    if (wall.children[i] !== root) wall.insertBefore(root, wall.children[i] ?? null);
  });
  setCurrent(tiles.includes(current) ? current : (tiles[0] ?? null));
  showSummary();
  arrange();
  const named = decodeURIComponent(location.hash.slice(1));
  const wanted = first && named ? tiles.find(({ name }) => name === named) : null;
  if (wanted) setLarge(wanted);
}

function showAway() {
  if (tiles.length > 0) return; // every tile says so itself, over its last picture
  showEmpty('The server is away', 'This page shows the cameras by itself as soon as ringcast answers again.');
}

function move(step) {
  const index = tiles.indexOf(current) + step;
  const next = tiles[Math.max(0, Math.min(tiles.length - 1, index))];
  if (!next) return;
  setCurrent(next);
  if (large) setLarge(next);
  else next.open.focus();
}

const KEYS = {
  ArrowLeft: () => move(-1),
  ArrowRight: () => move(1),
  ArrowUp: () => move(large ? -1 : -columns),
  ArrowDown: () => move(large ? 1 : columns),
  Home: () => move(-tiles.length),
  End: () => move(tiles.length),
  Escape: () => large && setLarge(null),
  f: toggleFullScreen,
  m: () => large?.toggleSound(),
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const action = KEYS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

new ResizeObserver(() => arrange()).observe(document.documentElement);
addEventListener('resize', () => arrange());

new CameraList({ onlist: showCameras, onerror: showAway }).open();
