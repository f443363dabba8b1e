// SPDX-License-Identifier: MIT
// Serves as docs/reference/http.md describes, without a camera, and can misbehave in every way that a server or a network can.

import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { prft } from './mp4.mjs';

const ROOMS = ['player', 'wall', 'words'].map((room) => fileURLToPath(new URL(`../../../player/src/${room}/`, import.meta.url)));
const PAGES = fileURLToPath(new URL('./pages/', import.meta.url));
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html; charset=utf-8', '.svg': 'image/svg+xml', '.json': 'application/json', '.webmanifest': 'application/manifest+json' };
const BUNDLE = 'ringcast.bundle.1';
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; " +
  "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** A file of the player, in one folder, as the build has it, but each module by itself (player/pages.cmake). */
async function playerFile(path) {
  const found = await Promise.any(ROOMS.map((room) => readFile(join(room, path), 'utf8')));
  return found.replaceAll("'../player/", "'./");
}

/** A camera of the fake server. Its film runs by the clock from the moment it is made. */
export class FakeCamera {
  #began;

  /** `past`: seconds for which the film has run already, and that can be looked back at. */
  constructor(name, clip, { offset = 0, past = 0 } = {}) {
    this.#began = performance.now() - past * 1000;
    this.past = past;
    this.name = name;
    this.clip = clip;
    this.offset = offset; // seconds added to decode times
    this.sequenceOffset = 0;
    this.state = 'streaming';
    this.error = null;
    this.silent = false;
    this.sound = null; // of a film with sound: what becomes of a unit of it, `(unit) => bytes`; null: none is sent
    this.extra = {}; // more for its row in the list
    this.picture = null; // a GIF; what is at the `poster` that a test puts into `extra`
    this.announcement = null; // replaces the text message before the init segment
  }

  /** Number of the newest frame that has been "recorded". */
  get newest() {
    return Math.floor(((performance.now() - this.#began) / 1000) * this.clip.fps);
  }

  /** The keyframe at or before the frame INDEX. */
  keyframe(index) {
    return index - (index % this.clip.gop);
  }

  get initMessage() {
    const { mime, codecs } = this.clip;
    return this.announcement ?? JSON.stringify({ type: 'init', mime, codecs, width: 320, height: 180, generation: 1 });
  }

  /** A fragment, with the wall clock of the moment at which its picture was "recorded". */
  message(index) {
    const time = index / this.clip.fps + this.offset;
    const capture = prft({ at: performance.timeOrigin + this.#began + (index / this.clip.fps) * 1000, time, timescale: this.clip.timescale });
    const { clip, offset, sound } = this;
    const sequence = index + this.sequenceOffset;
    const fragment = sound && clip.units ? clip.soundFragment(index, offset, sequence, sound) : clip.fragment(index, offset, sequence);
    return Buffer.concat([capture, fragment]);
  }

  get row() {
    const { mime, codecs } = this.announcement ? JSON.parse(this.announcement) : this.clip;
    return { name: this.name, state: this.state, codecs, mime, width: 320, height: 180, viewers: 0, live: `/live/${encodeURIComponent(this.name)}`, ...this.extra };
  }
}

/** Who may watch: log-ins by cookie, and tokens. `users`: name → { password, role, cameras: names or null for all }. */
export class FakeAccess {
  sessions = new Map(); // cookie → name
  tokens = new Map(); // token → name
  slow = 0; // seconds that it says to those who try too often
  checks = []; // names that were tried
  mute = false; // never answer a log-in
  lifetime = 3600;

  constructor(users) {
    this.users = new Map(Object.entries(users));
  }

  /** The visitor's name, or null. */
  visitor({ headers }) {
    const bearer = /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1];
    const protocol = /ringcast\.token\.([^\s,]+)/.exec(headers['sec-websocket-protocol'] ?? '')?.[1];
    const token = bearer ?? protocol;
    if (token !== undefined) return this.tokens.get(token) ?? null;
    const cookie = /ringcast_session=([^;]*)/.exec(headers.cookie ?? '')?.[1];
    return this.sessions.get(cookie) ?? null;
  }

  may(visitor, camera) {
    const { cameras } = this.users.get(visitor);
    return !cameras || cameras.includes(camera);
  }

  about(visitor) {
    return { user: visitor, role: this.users.get(visitor).role ?? 'viewer', expires: Math.floor(Date.now() / 1000) + this.lifetime, auth: true, via: 'session' };
  }
}

/** One subscription of a WebSocket with several cameras, to be used as a WebSocket of one camera. */
class Subscription {
  constructor(socket, id, onend) {
    Object.assign(this, { socket, id, onend });
  }

  send(data) {
    if (typeof data === 'string') {
      this.socket.send(`{"id":${this.id},${data.slice(1)}`);
      return;
    }
    const number = Buffer.alloc(4);
    number.writeUInt32BE(this.id);
    this.socket.send(Buffer.concat([number, data]));
  }

  close(code, reason) {
    if (code === 4401) this.socket.close(code, reason);
    else this.end(code, reason);
  }

  end(code, reason) {
    this.socket.send(JSON.stringify({ type: 'ended', id: this.id, code, reason }));
    this.onend();
  }

  terminate() {
    this.socket.terminate();
  }
}

export class FakeServer {
  #http;
  #sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [BUNDLE, 'ringcast'].find((name) => offered.has(name)) ?? false });
  #bundles = new Set(); // WebSockets with several cameras
  #viewers = new Set();
  #hanging = new Set();
  #connections = new Set();
  #timer = null;
  #followers = new Set(); // { socket, visitor, told }
  #port = 0;
  upgrades = 0;
  asked = new Map(); // path → how often it was asked for
  access = null; // FakeAccess: visitors must log in
  base = ''; // a path before every other
  hang = false; // accept TCP and never answer an upgrade
  clockSkewMs = 0; // how far the clock in its answers is ahead of its cameras'
  about = { title: null, logo: null }; // what /api/wall answers
  theme = ''; // the style sheet
  groups = []; // { name, cameras }, as the list has them
  away = false; // refuse the list of cameras
  events = true; // there are some: false, and the list must be asked for
  oneCameraOnly = false; // as a server that has no sockets with several cameras
  version = ''; // a change of it changes every file

  constructor(cameras) {
    this.cameras = new Map(cameras.map((camera) => [camera.name, camera]));
  }

  get url() {
    return `http://127.0.0.1:${this.#port}${this.base}/`;
  }

  get viewers() {
    return this.#viewers.size;
  }

  /** Connections that wait for an answer that never comes. */
  get waiting() {
    return this.#hanging.size;
  }

  /** Connections with several cameras. */
  get bundles() {
    return this.#bundles.size;
  }

  /** How many viewers get fragments. */
  get served() {
    return [...this.#viewers].filter(({ paused }) => !paused).length;
  }

  /** Starts, and after stop() starts again on the same port. */
  async start() {
    this.#http = createServer((request, response) => this.#answer(request, response));
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#http.on('connection', (socket) => {
      this.#connections.add(socket);
      socket.on('close', () => this.#connections.delete(socket));
    });
    await new Promise((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = this.#http.address().port;
    let turns = 0;
    this.#timer = setInterval(() => {
      this.#send();
      if (++turns % 10 === 0) this.#tell();
    }, 10);
  }

  async stop() {
    clearInterval(this.#timer);
    this.cutAll();
    for (const socket of this.#connections) socket.destroy();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  /** Cuts every viewer's connection without a close handshake. */
  cutAll() {
    for (const viewer of this.#viewers) viewer.socket.terminate();
    for (const { socket } of this.#followers) socket.terminate();
    for (const socket of this.#bundles) socket.terminate();
    for (const socket of this.#hanging) socket.destroy();
  }

  /** Tells an event to all who follow and may watch its camera. */
  raise(event) {
    for (const { socket, visitor } of this.#followers) {
      if (!this.access || this.access.may(visitor, event.camera)) socket.send(JSON.stringify({ event }));
    }
  }

  get followers() {
    return this.#followers.size;
  }

  /** The list, to those who have another one. */
  #tell() {
    for (const follower of this.#followers) {
      if (this.access && this.access.visitor(follower.request) === null) {
        follower.socket.close(4401, 'log in again: revoked');
        continue;
      }
      const text = this.#list(follower.visitor);
      if (this.away) follower.socket.terminate();
      else if (follower.told !== text) follower.socket.send(text);
      follower.told = text;
    }
  }

  #list(visitor) {
    const rows = [...this.cameras.values()].filter(({ name }) => !visitor || !this.access || this.access.may(visitor, name)).map(({ row }) => row);
    return JSON.stringify({ cameras: rows, groups: this.groups });
  }

  /** Ends all log-ins and the streams of those who had one. */
  endLogins(reason = 'expired') {
    this.access.sessions.clear();
    this.access.tokens.clear();
    for (const { socket } of [...this.#viewers, ...this.#followers]) socket.close(4401, `log in again: ${reason}`);
  }

  /** Viewers whose rights have gone lose their cameras; all who follow are told what is left to them. */
  applyRights() {
    this.#tell();
    for (const { socket, visitor, camera } of this.#viewers) if (!this.access.may(visitor, camera.name)) socket.close(4404, 'no such camera');
  }

  /** Sends something to every viewer of a camera, out of turn. */
  say(name, ...messages) {
    for (const viewer of this.#viewers) {
      if (viewer.camera.name === name) for (const message of messages) viewer.socket.send(message);
    }
  }

  /** Changes a camera's state and reports it to its viewers as ringcast does. */
  setState(name, state, error = null) {
    const camera = this.cameras.get(name);
    Object.assign(camera, { state, error, silent: state !== 'streaming' });
    this.say(name, JSON.stringify({ type: 'state', state, error }));
  }

  /** Changes a camera's film; the decode times go on, with the next keyframe of the new one. */
  changeClip(name, clip) {
    const camera = this.cameras.get(name);
    camera.clip = clip;
    for (const viewer of this.#viewers) {
      if (viewer.camera !== camera) continue;
      this.#begin(viewer);
      viewer.next += clip.gop;
    }
  }

  /** The init segment, and then fragments from the newest keyframe on. */
  #begin(viewer) {
    const { camera, socket } = viewer;
    socket.send(camera.initMessage);
    socket.send(camera.clip.init);
    const newest = camera.newest;
    viewer.next = newest - (newest % camera.clip.gop);
  }

  #send() {
    for (const viewer of this.#viewers) {
      const { camera, socket } = viewer;
      if (viewer.paused) continue;
      if (viewer.until !== undefined) {
        this.#sendPast(viewer);
        continue;
      }
      const newest = camera.newest;
      if (camera.silent) viewer.next = newest + camera.clip.gop - (newest % camera.clip.gop);
      while (!camera.silent && viewer.next <= newest) socket.send(camera.message(viewer.next++));
    }
  }

  /** No more than was asked for; who has everything is live. */
  #sendPast(viewer) {
    const { camera, socket } = viewer;
    while (viewer.next <= Math.min(viewer.until, camera.newest)) socket.send(camera.message(viewer.next++));
    if (viewer.next > camera.newest) this.#live(viewer);
  }

  #live(viewer) {
    viewer.until = undefined;
    viewer.socket.send('{"type":"live"}');
  }

  /** A look at the past: the answer, and from then on what was asked for. */
  #look(viewer, { ago, for: seconds }) {
    const { camera, socket } = viewer;
    const { fps } = camera.clip;
    const oldest = camera.keyframe(Math.max(0, camera.newest - camera.past * fps) + camera.clip.gop);
    if (camera.past === 0) {
      socket.send('{"type":"look","ago":null,"reach":0}');
      return;
    }
    viewer.next = Math.max(oldest, camera.keyframe(Math.floor(camera.newest - ago * fps)));
    viewer.until = viewer.next + Math.ceil(seconds * fps) + camera.clip.gop;
    socket.send(JSON.stringify({ type: 'look', ago: (camera.newest - viewer.next) / fps, reach: (camera.newest - oldest) / fps }));
  }

  #upgrade(request, socket, head) {
    socket.on('error', () => {});
    if (new URL(request.url, this.url).pathname === `${this.base}/api/events`) {
      this.#upgradeFollower(request, socket, head);
      return;
    }
    this.upgrades++;
    if (this.hang) {
      this.#hanging.add(socket);
      socket.on('close', () => this.#hanging.delete(socket));
      socket.on('end', () => socket.destroy());
      socket.resume();
      return;
    }
    const visitor = this.access?.visitor(request) ?? null;
    if (this.access && visitor === null) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const { pathname } = new URL(request.url, this.url);
    if (pathname === `${this.base}/live` && !this.oneCameraOnly) {
      this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#bundle(ws, visitor));
      return;
    }
    const name = decodeURIComponent(pathname.slice(`${this.base}/live/`.length));
    const camera = this.cameras.get(name);
    if (!camera || (this.access && !this.access.may(visitor, name))) {
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      const viewer = this.#watch(camera, visitor, ws);
      ws.on('error', () => {});
      ws.on('message', (text) => this.#command(viewer, JSON.parse(text)));
      ws.on('close', () => this.#viewers.delete(viewer));
    });
  }

  #upgradeFollower(request, socket, head) {
    const visitor = this.access?.visitor(request) ?? null;
    const refused = this.access && visitor === null ? '401 Unauthorized' : this.events && !this.away && !this.hang ? null : '404 Not Found';
    if (refused) {
      socket.end(`HTTP/1.1 ${refused}\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      const follower = { socket: ws, request, visitor, told: null };
      ws.on('error', () => {});
      ws.on('close', () => this.#followers.delete(follower));
      this.#followers.add(follower);
      this.#tell();
    });
  }

  #watch(camera, visitor, socket) {
    const viewer = { camera, visitor, socket, next: 0 };
    socket.send(JSON.stringify({ type: 'state', state: camera.state, error: camera.error }));
    this.#begin(viewer);
    this.#viewers.add(viewer);
    return viewer;
  }

  #bundle(ws, visitor) {
    const viewers = new Map();
    const forget = (id) => {
      this.#viewers.delete(viewers.get(id));
      viewers.delete(id);
    };
    this.#bundles.add(ws);
    ws.on('error', () => {});
    ws.on('close', () => {
      this.#bundles.delete(ws);
      for (const id of [...viewers.keys()]) forget(id);
    });
    ws.on('message', (text) => {
      const message = JSON.parse(text);
      const { type, id } = message;
      if (type === 'subscribe') {
        const camera = this.cameras.get(message.camera);
        const subscription = new Subscription(ws, id, () => forget(id));
        if (!camera || (this.access && !this.access.may(visitor, message.camera))) subscription.end(4404, 'no such camera');
        else viewers.set(id, this.#watch(camera, visitor, subscription));
      } else if (type === 'unsubscribe') {
        forget(id);
      } else if (type === 'time') {
        this.#command({ socket: ws }, message);
      } else if (viewers.has(id)) {
        this.#command(viewers.get(id), message);
      }
    });
    ws.send(JSON.stringify({ type: 'hello', version: 1, subscriptions: 512 }));
  }

  #command(viewer, message) {
    const { type, client } = message;
    const { camera, socket } = viewer;
    if (type === 'look') this.#look(viewer, message);
    if (type === 'more' && viewer.until !== undefined) viewer.until = viewer.next + Math.ceil(message.for * camera.clip.fps);
    if (type === 'live' && viewer.until !== undefined) {
      viewer.next = camera.keyframe(camera.newest);
      this.#live(viewer);
    }
    if (type === 'time') {
      const server_ms = performance.timeOrigin + performance.now() + this.clockSkewMs;
      socket.send(JSON.stringify({ type, client, server_ms }));
    } else if (type === 'pause') {
      viewer.paused = true;
    } else if (type === 'resume' && viewer.paused) {
      viewer.paused = false;
      const keyframe = camera.newest - (camera.newest % camera.clip.gop);
      viewer.next = Math.max(viewer.next, keyframe);
    }
  }

  async #answer(request, response) {
    const { pathname: whole } = new URL(request.url, this.url);
    const pathname = whole.slice(this.base.length);
    this.asked.set(pathname, (this.asked.get(pathname) ?? 0) + 1);
    if (!whole.startsWith(`${this.base}/`)) {
      response.writeHead(404).end();
      return;
    }
    const visitor = this.access?.visitor(request) ?? null;
    if (/^\/api\/(login|logout|session)$/.test(pathname) && (this.access || pathname === '/api/session')) {
      await this.#answerAccess(pathname, request, response, visitor);
      return;
    }
    const shut = this.access && visitor === null;
    if (shut && pathname === '/api/cameras') {
      response.writeHead(401, { 'Content-Type': 'application/json', 'WWW-Authenticate': 'Session', 'Cache-Control': 'no-store' });
      response.end(JSON.stringify({ error: 'log in' }));
      return;
    }
    if (pathname === '/api/cameras') {
      response.writeHead(this.away ? 503 : 200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
      response.end(this.away ? '' : this.#list(visitor));
      return;
    }
    if (pathname === '/api/wall' || pathname === '/theme.css') {
      const [type, body] = pathname === '/theme.css' ? ['text/css', this.theme] : ['application/json', JSON.stringify(this.about)];
      response.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': POLICY });
      response.end(body);
      return;
    }
    if (pathname.startsWith('/snapshot/')) {
      const camera = this.cameras.get(decodeURIComponent(pathname.slice('/snapshot/'.length, -'.jpg'.length)));
      const ETag = `"${createHash('sha256').update(camera?.picture ?? '').digest('hex').slice(0, 16)}"`;
      const same = request.headers['if-none-match'] === ETag;
      const headers = { 'Content-Security-Policy': POLICY, 'Cache-Control': 'private, max-age=1', ETag, 'Ringcast-Picture-Age': '0.480' };
      response.writeHead(!camera?.picture ? 503 : same ? 304 : 200, camera?.picture ? { 'Content-Type': 'image/gif', ...headers } : headers);
      response.end(same ? undefined : camera?.picture);
      return;
    }
    const test = pathname.startsWith('/test/');
    const path = normalize(test ? pathname.slice('/test'.length) : this.#page(pathname, shut));
    try {
      const body = test ? await readFile(join(PAGES, path)) : await playerFile(path);
      const ETag = `"${createHash('sha256').update(body).update(this.version).digest('hex').slice(0, 16)}"`;
      response.writeHead(shut && pathname === '/' ? 401 : 200, { 'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream', 'Content-Security-Policy': POLICY, ETag });
      response.end(body);
    } catch {
      response.writeHead(404);
      response.end();
    }
  }
  #page(pathname, shut) {
    if (pathname === '/login' || (shut && pathname === '/')) return '/login.html';
    return pathname === '/' ? '/index.html' : pathname;
  }

  async #answerAccess(pathname, request, response, visitor) {
    const { access } = this;
    const say = (status, body, headers = {}) => {
      response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers });
      response.end(body === null ? undefined : JSON.stringify(body));
    };
    let text = '';
    for await (const part of request) text += part;
    if (pathname === '/api/session') {
      if (!access) say(200, { auth: false });
      else if (visitor === null) say(401, { error: 'log in' }, { 'WWW-Authenticate': 'Session' });
      else say(200, access.about(visitor));
    } else if (request.method !== 'POST' || request.headers['content-type'] !== 'application/json') {
      say(request.method === 'POST' ? 415 : 405, null);
    } else if (pathname === '/api/logout') {
      const cookie = /ringcast_session=([^;]*)/.exec(request.headers.cookie ?? '')?.[1];
      access.sessions.delete(cookie);
      say(204, null, { 'Set-Cookie': `ringcast_session=; Max-Age=0; Path=${this.base}/; HttpOnly; SameSite=Strict` });
    } else {
      const { user, password } = JSON.parse(text);
      access.checks.push(user);
      if (access.mute) return;
      if (access.slow > 0) {
        say(429, { error: 'too many tries' }, { 'Retry-After': String(access.slow) });
      } else if (access.users.get(user)?.password !== password || password === undefined) {
        say(401, { error: 'wrong user or password' });
      } else {
        const id = randomUUID();
        access.sessions.set(id, user);
        say(200, access.about(user), { 'Set-Cookie': `ringcast_session=${id}; Path=${this.base}/; HttpOnly; SameSite=Strict` });
      }
    }
  }
}
