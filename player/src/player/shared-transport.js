// SPDX-License-Identifier: MIT
// One connection for all players of a page: a WebSocket that carries any number of cameras, each with a number of its own
// (docs/reference/websocket.md). To its player a camera of it looks like a connection of its own (transport.js). Where
// the server does not speak this, or something on the way does not let it through, each player has its own connection after all.

import { Backoff } from './backoff.js';
import { Pass } from './pass.js';
import { Scope } from './scope.js';
import { BACKOFF_FIRST_MS, BACKOFF_LAST_MS, Transport } from './transport.js';

export const BUNDLE_PROTOCOL = 'ringcast.bundle.1';
export const LINGER_MS = 1000; // an unused connection is kept for so long: players that are replaced find it
const NUMBER_BYTES = 4;
const BEGIN_MOST = 16; // cameras that are asked for in the address; the others when the connection is there
const BEGIN_LENGTH = 1500; // characters of that, before they are encoded
const FAILURES = 2; // after so many attempts that came to nothing, one camera is tried with a connection of its own
const ASK_MS = 250; // the server answers five questions for its time in a second
const ANSWER_MS = 5000;
const SILENT_MS = 5000; // nothing at all came for so long: it is the connection, and not one camera

const hubs = new Map(); // key → Hub, one for each server and way of logging in
const unusable = new Set(); // keys of servers that do not speak it

/** `{ key, address, camera, stream, frames }` of the WebSocket of one camera at `url`; null: it is another address. */
function targetOf(url, credentials) {
  const address = new URL(url);
  const [, folder, name] = /^(.*\/live)\/([^/]+)$/.exec(address.pathname) ?? [];
  if (folder === undefined) return null;
  const { searchParams } = address;
  const target = { camera: decodeURIComponent(name), stream: searchParams.get('stream') ?? 'main', frames: searchParams.get('frames') ?? 'all' };
  address.pathname = folder;
  address.search = '';
  return { ...target, address: address.href, key: `${credentials} ${address.href}` };
}

/** The one WebSocket to a server. */
class Hub {
  #key;
  #scope = new Scope();
  #transport;
  #probe = null; // a camera's own connection, while it is found out what does not work
  #channels = new Map(); // number → channel, of those that are subscribed
  #members = new Set();
  #number = 0;
  #begun = []; // { channel, number } of the address that the connection was made with, in its order
  #failures = 0;
  #opened = false;
  #room = Infinity;
  #heardAt = 0;
  #askedAt = null;
  #asking = false;
  #cancelLinger = () => {};

  constructor(key, address, url, credentials) {
    this.#key = key;
    this.#transport = new Transport(() => this.#addressWithFirst(address), {
      onopen: () => this.#onOpen(),
      ontext: (text) => this.#onText(text),
      onbinary: (data) => this.#onBinary(data),
      onlost: (detail) => this.#onLost(detail),
      onrefused: (detail) => this.#onRefused(detail),
    }, new Pass(url, { credentials, protocols: [BUNDLE_PROTOCOL] }));
    this.#scope.add(() => this.#transport.close());
    this.#scope.timeout(0, () => this.#transport.open()); // so that all that begin now are in the address
  }

  get connected() {
    return this.#transport.connected;
  }

  /** Whether nothing has come for so long that the connection itself may be dead. */
  get silent() {
    return performance.now() - this.#heardAt > SILENT_MS;
  }

  join(channel) {
    this.#cancelLinger();
    this.#members.add(channel);
    if (this.connected) this.subscribe(channel);
  }

  leave(channel) {
    this.unsubscribe(channel);
    this.#members.delete(channel);
    if (this.#members.size === 0 && !this.#scope.closed) this.#cancelLinger = this.#scope.timeout(LINGER_MS, () => this.#end());
  }

  subscribe(channel) {
    if (!this.connected || channel.number !== 0) return;
    if (this.#channels.size >= this.#room) {
      channel.standAlone();
      return;
    }
    const number = ++this.#number;
    this.#take(channel, number);
    this.#say(subscription(channel, number));
    channel.opened();
  }

  unsubscribe(channel) {
    const { number } = channel;
    if (number === 0) return;
    channel.number = 0;
    this.#channels.delete(number);
    if (this.connected) this.#say({ type: 'unsubscribe', id: number });
  }

  say(channel, message) {
    if (channel.number !== 0) this.#say({ ...message, id: channel.number });
  }

  /** The answer goes to all that have asked meanwhile: they have one clock. */
  askTime() {
    const now = performance.now();
    if (this.#asking || (this.#askedAt?.open && now - this.#askedAt.at < ANSWER_MS)) return;
    const wait = this.#askedAt ? Math.max(0, this.#askedAt.at + ASK_MS - now) : 0;
    const ask = () => {
      this.#asking = false;
      this.#askedAt = { at: performance.now(), open: true };
      this.#say({ type: 'time', client: performance.now() });
    };
    if (wait === 0) {
      ask();
      return;
    }
    this.#asking = true;
    this.#scope.timeout(wait, ask);
  }

  reconnect(reason) {
    this.#transport.reconnect(reason);
  }

  retry() {
    this.#transport.retry();
  }

  settle() {
    this.#transport.settle();
  }

  #say(message) {
    this.#transport.send(JSON.stringify(message));
  }

  #end() {
    hubs.delete(this.#key);
    this.#scope.close();
  }

  /** ADDRESS with what the first players want, for which nothing has to go there and back once more. */
  #addressWithFirst(address) {
    const url = new URL(address);
    const messages = [];
    this.#begun = [];
    for (const channel of this.#members) {
      const number = this.#number + 1;
      const message = subscription(channel, number);
      if (messages.length === BEGIN_MOST || JSON.stringify([...messages, message]).length > BEGIN_LENGTH) break;
      this.#number = number;
      messages.push(message);
      this.#begun.push({ channel, number });
    }
    if (messages.length > 0) url.searchParams.set('begin', JSON.stringify(messages));
    return url.href;
  }

  #take(channel, number) {
    this.#channels.set(number, channel);
    channel.number = number;
  }

  // ---- what the server says

  #onOpen() {
    this.#opened = true;
    this.#heardAt = performance.now();
    this.#askedAt = null;
    this.#dropProbe();
    for (const { channel, number } of this.#begun) this.#isBegun(channel, number);
    for (const channel of [...this.#members]) if (this.#members.has(channel)) channel.reached();
  }

  /** CHANNEL was asked for in the address. */
  #isBegun(channel, number) {
    if (this.#members.has(channel)) {
      this.#take(channel, number);
      channel.opened();
    } else {
      this.#say({ type: 'unsubscribe', id: number });
    }
  }

  /** Of what was said in the address the server has taken the first COUNT. */
  #onHello({ subscriptions, begun }) {
    this.#room = subscriptions > 0 ? subscriptions : Infinity;
    for (const { channel, number } of this.#begun.splice(0).slice(begun ?? 0)) {
      if (channel.number === number) this.#say(subscription(channel, number));
    }
  }

  #onText(text) {
    this.#heardAt = performance.now();
    let message = null;
    try {
      message = JSON.parse(text);
    } catch {
      this.reconnect('the server sent a text that is not JSON');
      return;
    }
    if (message?.type === 'time') this.#onTime(text);
    else if (message?.type === 'hello') this.#onHello(message);
    else if (message?.type === 'ended') this.#onEnded(message);
    else if (message?.id !== undefined) this.#channels.get(message.id)?.text(text);
  }

  #onTime(text) {
    if (this.#askedAt) this.#askedAt.open = false;
    for (const channel of [...this.#channels.values()]) if (channel.takeQuestion()) channel.text(text);
  }

  #onEnded({ id, code, reason }) {
    const channel = this.#channels.get(id);
    if (!channel) return;
    this.#channels.delete(id);
    channel.number = 0;
    channel.ended(reason ?? 'the server has ended this camera', code);
  }

  #onBinary(data) {
    this.#heardAt = performance.now();
    if (data.byteLength < NUMBER_BYTES) return;
    const channel = this.#channels.get(new DataView(data).getUint32(0));
    channel?.binary(new Uint8Array(data, NUMBER_BYTES));
  }

  #onLost(detail) {
    this.#forgetNumbers();
    if (!this.#opened && ++this.#failures >= FAILURES) this.#tryAlone();
    for (const channel of [...this.#members]) if (this.#members.has(channel)) channel.lost(detail);
  }

  #onRefused(detail) {
    this.#forgetNumbers();
    for (const channel of [...this.#members]) if (this.#members.has(channel)) channel.refused(detail);
  }

  #forgetNumbers() {
    for (const channel of this.#channels.values()) channel.number = 0;
    this.#channels.clear();
  }

  // ---- a server that does not speak this

  /** If a camera's own connection comes about where this one does not, this one is of no use. */
  #tryAlone() {
    const [first] = this.#members;
    if (this.#probe || !first) return;
    const ignore = () => {};
    const onopen = () => this.#giveUp();
    this.#probe = new Transport(first.url, { onopen, ontext: ignore, onbinary: ignore, onlost: ignore, onrefused: ignore }, first.pass);
    this.#scope.add(() => this.#dropProbe());
    this.#probe.open();
  }

  #dropProbe() {
    this.#probe?.close();
    this.#probe = null;
  }

  #giveUp() {
    unusable.add(this.#key);
    const members = [...this.#members];
    this.#end();
    for (const channel of members) channel.standAlone();
  }
}

const subscription = ({ target: { camera, stream, frames } }, id) => ({ type: 'subscribe', id, camera, stream, frames });

/** A camera on the connection that all players of the page share; to be used as a Transport. */
export class SharedTransport {
  #handlers;
  #hub = null;
  #own = null; // a connection of its own, where there is no other way
  #scope = new Scope();
  #pause = null; // a scope, before the camera is asked for again
  #backoff = new Backoff(BACKOFF_FIRST_MS, BACKOFF_LAST_MS);
  #asked = false;
  url;
  pass;
  target;
  number = 0; // of its subscription; the hub's

  constructor(url, handlers, pass, credentials = 'same-origin') {
    this.url = url;
    this.#handlers = handlers;
    this.pass = pass;
    this.target = targetOf(url, credentials);
    this.credentials = credentials;
  }

  get connected() {
    return this.#own ? this.#own.connected : this.number !== 0;
  }

  open() {
    if (!this.target || unusable.has(this.target.key)) {
      this.standAlone();
      return;
    }
    const { key, address } = this.target;
    if (!hubs.has(key)) hubs.set(key, new Hub(key, address, this.url, this.credentials));
    this.#hub = hubs.get(key);
    this.#hub.join(this);
  }

  close() {
    this.#scope.close();
    this.#hub?.leave(this);
    this.#hub = null;
    this.#own?.close();
  }

  send(text) {
    if (this.#own) {
      this.#own.send(text);
      return;
    }
    if (!this.connected) return;
    const message = JSON.parse(text);
    if (message.type === 'time') {
      this.#asked = true;
      this.#hub.askTime();
    } else if (message.type === 'look') {
      this.standAlone(); // the player asks again when it is connected
    } else {
      this.#hub.say(this, message);
    }
  }

  reconnect(reason) {
    if (this.#own) this.#own.reconnect(reason);
    else if (this.#hub?.connected && this.#hub.silent) this.#hub.reconnect(reason);
    else if (this.number !== 0) this.#again({ reason });
  }

  settle() {
    this.#backoff.reset();
    (this.#own ?? this.#hub)?.settle();
  }

  retry() {
    if (this.#own) this.#own.retry();
    else if (this.#hub && !this.#hub.connected) this.#hub.retry();
    else if (this.#pause) this.#subscribe();
  }

  // ---- for the hub

  takeQuestion() {
    const asked = this.#asked;
    this.#asked = false;
    return asked;
  }

  /** The connection is there; unless it is to be waited, the camera is asked for. */
  reached() {
    if (!this.#pause) this.#hub.subscribe(this);
  }

  opened() {
    this.#handlers.onopen();
  }

  text(text) {
    this.#handlers.ontext(text);
  }

  binary(bytes) {
    this.#handlers.onbinary(bytes);
  }

  lost(detail) {
    this.#forgetPause();
    this.#handlers.onlost(detail);
  }

  refused(detail) {
    this.#forgetPause();
    this.#handlers.onrefused(detail);
  }

  ended(reason, close) {
    this.#again({ reason, close });
  }

  /** Leaves the others, for a connection of its own, which alone leads to the past. */
  standAlone() {
    const handlers = this.#handlers;
    if (this.#scope.closed || this.#own) return;
    this.#forgetPause();
    this.#hub?.leave(this);
    this.#hub = null;
    this.#own = new Transport(this.url, handlers, this.pass);
    this.#own.open();
  }

  /** Gives the subscription up, and asks for it again after a while. */
  #again(detail) {
    const retryMs = this.#backoff.next();
    this.#hub.unsubscribe(this);
    this.#forgetPause();
    this.#pause = this.#scope.child();
    this.#pause.timeout(retryMs, () => this.#subscribe());
    this.#handlers.onlost({ retryMs, ...detail });
  }

  #subscribe() {
    this.#forgetPause();
    this.#hub?.subscribe(this);
  }

  #forgetPause() {
    this.#pause?.close();
    this.#pause = null;
  }
}

/** The transport for a player: `shared` with the page's other players, as long as the browser's cookie says who is watching. */
export function makeTransport(url, handlers, pass, { shared, token, credentials }) {
  return shared && token == null ? new SharedTransport(url, handlers, pass, credentials) : new Transport(url, handlers, pass);
}

/** Connections of the page at the moment; for tests. */
export const sharedConnections = () => hubs.size;
