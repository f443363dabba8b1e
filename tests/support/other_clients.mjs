// SPDX-License-Identifier: MIT
// Clients of every kind beside WebSocket viewers, each as small as its protocol allows: what they get is counted, and looked at
// only so far that a wrong answer is an error. `got`: pictures, or parts with pictures. `close()` leaves nothing behind.
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import WebSocket from 'ws';
import { boxes } from './mp4.mjs';
import { RtspClient } from './rtsp_client.mjs';

const AGAIN_MS = 250;

/** GET over a connection of AGENT: { status, body }. */
function get(url, { agent, signal, headers } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent, signal, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }));
    });
    request.on('error', reject);
  });
}

class Client {
  got = 0;
  error = null;

  /** Runs LOOP until it ends by itself or the client is closed. */
  begin(loop) {
    this.stopping = new AbortController();
    this.done = loop(this.stopping.signal).catch((error) => {
      if (!this.stopping.signal.aborted) this.error = error;
    });
  }

  async close() {
    this.stopping.abort();
    await this.done;
    this.agent?.destroy();
  }
}


/** `GET /stream/NAME.mp4`, read as fast as it comes. */
export class Mp4Client extends Client {
  constructor(address, camera) {
    super();
    this.begin(async (signal) => {
      const response = await new Promise((resolve, reject) => {
        http.get(new URL(`stream/${encodeURIComponent(camera)}.mp4`, address), { signal, agent: false }, resolve).on('error', reject);
      });
      if (response.statusCode !== 200) throw new Error(`/stream: ${response.statusCode}`);
      let rest = Buffer.alloc(0);
      for await (const chunk of response) {
        rest = Buffer.concat([rest, chunk]);
        while (rest.length >= 8 && rest.length >= rest.readUInt32BE(0)) {
          if (rest.toString('latin1', 4, 8) === 'moof') this.got++;
          rest = rest.subarray(rest.readUInt32BE(0));
        }
      }
    });
  }
}

/** `GET /snapshot/NAME.jpg`, again and again. */
export class SnapshotClient extends Client {
  agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

  constructor(address, camera, { everyMs = AGAIN_MS } = {}) {
    super();
    const url = new URL(`snapshot/${encodeURIComponent(camera)}.jpg`, address);
    this.begin(async (signal) => {
      for (;;) {
        const { status, body } = await get(url, { agent: this.agent, signal });
        if (status !== 200 || body.readUInt16BE(0) !== 0xffd8) throw new Error(`/snapshot: ${status}, ${body.length} bytes`);
        this.got++;
        await pause(everyMs, undefined, { signal });
      }
    });
  }
}

/** go2rtc's protocol over a WebSocket. */
export class Go2rtcClient extends Client {
  constructor(address, camera, codecs = 'avc1.640029,hvc1.1.6.L153.B0,mp4a.40.2,flac,opus') {
    super();
    const url = new URL(`api/ws?src=${encodeURIComponent(camera)}`, address);
    url.protocol = 'ws:';
    this.socket = new WebSocket(url);
    this.socket.on('open', () => this.socket.send(JSON.stringify({ type: 'mse', value: codecs })));
    this.socket.on('message', (data, binary) => {
      if (!binary) {
        const { type, value } = JSON.parse(data.toString());
        if (type !== 'mse') this.error ??= new Error(`${type}: ${value}`);
      } else if (boxes(data).some(({ type }) => type === 'moof')) {
        this.got++;
      }
    });
    this.socket.on('error', (error) => (this.error ??= error));
  }

  async close() {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.terminate();
    await closed;
  }
}

/** Follows a media playlist of `/hls/NAME/` as a player does: blocking reloads, and every part. */
export class HlsClient extends Client {
  agent = new http.Agent({ keepAlive: true, maxSockets: 2 });

  constructor(address, camera) {
    super();
    this.begin((signal) => this.#follow(new URL(`hls/${encodeURIComponent(camera)}/index.m3u8`, address), signal));
  }

  async #follow(master, signal) {
    const fetched = async (url) => {
      const { status, body } = await get(url, { agent: this.agent, signal });
      if (status !== 200) throw new Error(`${url.pathname}${url.search}: ${status}`);
      return body;
    };
    const variant = (await fetched(master)).toString().split('\n').find((line) => line !== '' && !line.startsWith('#'));
    const media = new URL(variant, master);
    const seen = new Set();
    for (let next = media; ;) {
      const playlist = (await fetched(next)).toString();
      for (const [, uri] of playlist.matchAll(/^#EXT-X-PART:.*URI="([^"]+)"/gm)) {
        if (seen.has(uri)) continue;
        seen.add(uri);
        await fetched(new URL(uri, media));
        this.got++;
      }
      const sequence = Number(/^#EXT-X-MEDIA-SEQUENCE:(\d+)/m.exec(playlist)[1]);
      const segments = [...playlist.matchAll(/^#EXTINF:/gm)].length;
      const tail = playlist.slice(playlist.lastIndexOf('#EXTINF:') < 0 ? 0 : playlist.lastIndexOf('#EXTINF:'));
      next = new URL(media);
      next.searchParams.set('_HLS_msn', String(sequence + segments));
      next.searchParams.set('_HLS_part', String([...tail.matchAll(/^#EXT-X-PART:/gm)].length));
    }
  }
}

/** RTSP out over TCP, without a password. */
export class RtspOutClient {
  error = null;

  constructor(address, camera) {
    this.client = new RtspClient(`${address}${encodeURIComponent(camera)}`);
    this.client.play().catch((error) => (this.error = error));
  }

  get got() {
    return this.client.pictures;
  }

  async close() {
    const closed = new Promise((resolve) => this.client.socket.once('close', resolve));
    if (this.client.socket.destroyed) return;
    this.client.socket.destroy();
    await closed;
  }
}

/** By kind; `rtsp` wants the address of RTSP out, the others that of HTTP. */
export const EVERY_CLIENT = { mp4: Mp4Client, hls: HlsClient, snapshot: SnapshotClient, go2rtc: Go2rtcClient, rtsp: RtspOutClient };
