#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Viewers that look back, for the benchmark: look_back_clients.mjs ADDRESS COUNT CAMERA. Each looks at another moment of the last seconds every
// few seconds, and takes the pictures from there on as they would be played. A line of JSON when each of them has got something of the past, then, when
// standard input ends, what they got, how long each had to wait for the first picture, and which had an error.
import WebSocket from 'ws';

const LOOK_MS = 4000; // at one moment
const PLAY_MS = 1000; // between two questions for more
const [address, count, camera] = process.argv.slice(2);
const waits = []; // ms from a question to the first fragment behind its answer
const sizes = []; // bytes of those fragments
let got = 0;
let drops = 0;
const errors = [];

class Looker {
  seen = 0;

  constructor(index) {
    const url = new URL(`live/${camera}`, address);
    url.protocol = 'ws:';
    this.socket = new WebSocket(url);
    this.socket.on('message', (data, binary) => this.#receive(data, binary));
    this.socket.on('error', (error) => errors.push(error.message));
    this.socket.on('close', (code) => !this.ending && errors.push(`closed with ${code}`));
    this.socket.on('open', () => {
      this.start = setTimeout(() => this.#look(), (index / Number(count)) * LOOK_MS);
    });
  }

  #look() {
    this.asked = performance.now();
    this.state = 'asked';
    this.#say({ type: 'look', ago: Math.round(10 + Math.random() * this.reach), for: 2 });
    this.more ??= setInterval(() => this.#say({ type: 'more', for: 1 }), PLAY_MS);
    this.again ??= setInterval(() => this.#look(), LOOK_MS);
  }

  reach = 10;

  #say(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  #receive(data, binary) {
    if (!binary) {
      const message = JSON.parse(data.toString());
      if (message.type === 'look') {
        if (message.ago === null) errors.push('nothing is kept');
        this.reach = Math.max(1, message.reach - 20);
        this.state = 'answered';
      } else if (message.type === 'drop' && this.state !== undefined) {
        drops++;
      }
    } else if (this.state !== undefined && data.toString('latin1', 4, 8) !== 'ftyp') {
      if (this.state === 'answered') {
        waits.push(performance.now() - this.asked);
        sizes.push(data.length);
      }
      if (this.state !== 'asked') {
        this.state = 'playing';
        this.seen++;
        got++;
      }
    }
  }

  close() {
    this.ending = true;
    clearTimeout(this.start);
    clearInterval(this.more);
    clearInterval(this.again);
    this.socket.terminate();
  }
}

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const rank = (list, share) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))] ?? 0;

const lookers = Array.from({ length: Number(count) }, (_, i) => new Looker(i));
const timer = setInterval(() => {
  if (errors.length === 0 && !lookers.every(({ seen }) => seen > 0)) return;
  clearInterval(timer);
  say({ event: 'ready', clients: lookers.length });
}, 100);

process.stdin.resume().on('end', () => {
  clearInterval(timer);
  for (const looker of lookers) looker.close();
  const wait = { count: waits.length, p50: rank(waits, 0.5), p95: rank(waits, 0.95), p99: rank(waits, 0.99), max: rank(waits, 1) };
  say({ event: 'result', got, drops, wait, first_bytes: rank(sizes, 0.5), errors: [...new Set(errors)] });
});
