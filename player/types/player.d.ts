// SPDX-License-Identifier: MIT
/** What a player is doing. */
export type RingcastState =
  | 'idle'
  | 'connecting'
  | 'buffering'
  | 'playing'
  | 'stalled'
  | 'reconnecting'
  | 'unauthorized'
  | 'stopped'
  | 'failed';

/** A token, or a function that gives a fresh one. */
export type RingcastToken = string | (() => string | Promise<string>);

interface RingcastCommonOptions {
  /**
   * Proves who is watching, where the browser's cookie does not. A function is asked before the first connection, and again
   * when the server has refused what it gave.
   */
  token?: RingcastToken;
  /** As for `fetch()`, when the player asks another origin whether its log-in holds; by default `same-origin`. */
  credentials?: RequestCredentials;
  /** Whether the players of the page that have this share one connection; only without `token`. */
  shared?: boolean;
  /** `key`: keyframes only, without sound. */
  frames?: 'all' | 'key';
  /** Seconds to stay behind the newest picture at least, 0 to 8. By default 0: as near as the jitter allows. */
  targetDelay?: number;
  /** How many bytes may wait for a slow browser, by default 16 MiB; above it whole groups of pictures are left out. */
  maxQueueBytes?: number;
  /** Aborting it is a `stop()`, and no `start()` does anything after it. */
  signal?: AbortSignal;
}

interface RingcastCameraOptions extends RingcastCommonOptions {
  /** The camera's name. */
  camera: string;
  /** Which of the camera's streams, by default `main`; `sub` is the small one, if the camera has one. */
  stream?: 'main' | 'sub';
  /** Where ringcast's own pages are, by default `/`; relative to the page. */
  src?: string;
  url?: undefined;
}

interface RingcastUrlOptions extends RingcastCommonOptions {
  /** The camera's WebSocket itself, instead of `camera` and `src`. */
  url: string;
  camera?: string;
  src?: string;
}

export type RingcastPlayerOptions = RingcastCameraOptions | RingcastUrlOptions;

export interface RingcastStateChange {
  state: RingcastState;
  previous: RingcastState;
  /** `idle`: `hidden`, `offscreen` or `paused`. After a lost connection, and `unauthorized`: why, in words. */
  reason?: string;
  /** After a lost connection, and `unauthorized`: milliseconds until the next attempt; null if it comes with the log-in. */
  retryMs?: number | null;
  /** The WebSocket's close code, if there was a connection: 4404 where the camera is gone for this visitor. */
  close?: number;
  /** `connecting`: the address of the WebSocket. */
  url?: string;
  /** `failed`. */
  code?: RingcastErrorCode;
  message?: string;
  help?: string;
  mime?: string;
}

/** `address` comes from the element only: its `src` is not an address. */
export type RingcastErrorCode = 'protocol' | 'media' | 'codec' | 'mse' | 'address';

export interface RingcastError {
  code: RingcastErrorCode;
  /** For people. */
  message: string;
  /** What would make it play; part of `message`, too. */
  help?: string;
  /** What the camera sends, if that is why nothing can be played. */
  mime?: string;
  /** An error that is not fatal has been handled. */
  fatal: boolean;
}

/** A new init segment. */
export interface RingcastInit {
  mime: string;
  codecs?: string;
  width?: number | null;
  height?: number | null;
  generation?: number;
}

/** What the server says of the camera. */
export interface RingcastCameraState extends RingcastLook {
  /** `starting`, `streaming`, `stalled`, `backoff`, `disabled`, `idle` or `failed`. */
  state: string;
  error: string | null;
}

/** How a camera's picture is to be shown. The element does so; a page with a `<video>` of its own does it itself. */
export interface RingcastLook {
  mirror: boolean;
  /** Per cent of the picture that are not shown: left, top, right, bottom, before it is mirrored. */
  crop: readonly [number, number, number, number] | null;
}

export interface RingcastSnapshotOptions {
  /** By default `image/png`. */
  type?: string;
  /** Of a JPEG or WebP: 0 to 1. */
  quality?: number;
}

export interface RingcastSnapshot {
  blob: Blob;
  /** When the camera took the picture; null: not known. */
  time: Date | null;
  width: number;
  height: number;
}

/** Once a second. Times are in seconds; null is what is not known (yet). */
export interface RingcastStats {
  /** From the moment of capture to the picture's being on the screen: the median of the last second. */
  latency: number | null;
  /** By which clock: the camera's own, or the server's because the camera does not send its own. */
  latencyFrom: 'camera' | 'server' | null;
  /** How old the picture on the screen is: as `latency`, and one that stands still grows old. */
  age: number | null;
  /** By how much the server's clock, and so `latency`, may be wrong. */
  clockError: number | null;
  /** From `start()` to the first picture on the screen. */
  firstPicture: number | null;
  /** How far behind the end of the newest picture in the browser. */
  delay: number | null;
  /** While it looks back: how far behind the newest picture; 0 while it is live. */
  behind: number;
  /** How far behind it wants to be. */
  target: number;
  buffered: number;
  /** Since the last message. */
  silence: number;
  /** Fragments that came in the last second; one is a video frame. */
  fps: number;
  /** Bits that came in the last second. */
  bitrate: number;
  fragments: number;
  connections: number;
  /** Fragments that never came. */
  missed: number;
  /** Fragments left out because this viewer is too slow. */
  dropped: number;
  /** What waits for the browser. */
  queueBytes: number;
  framesDecoded: number | null;
  framesDropped: number | null;
  codecs: string | null;
  /** Whether sound is played; null if there is none. */
  sound: boolean | null;
  width: number | null;
  height: number | null;
  /** `delay` is over 1 s more than `targetDelay`. */
  late: boolean;
  /** With `frames: 'key'`: from one keyframe to the next; else 0. */
  step: number;
  /** How many players the page has, if it is too slow for them; else 0. */
  tooMany: number;
}

/** Whether the camera is heard. */
export interface RingcastSound {
  /**
   * `none`: the camera has no sound. `muted`: the video is muted. `away`: sound should be heard and cannot be played; the
   * pictures go on alone, and sound is tried again.
   */
  state: 'none' | 'muted' | 'playing' | 'away';
  /**
   * For `away`: no sound comes, it comes with gaps, it cannot be decoded, the browser does not play its codec, or the camera
   * no longer sends any.
   */
  reason: 'missing' | 'broken' | 'decoder' | 'codec' | 'ended' | null;
  /** The same for people; empty unless `away`. */
  text: string;
}

/** The server wants another log-in. */
export interface RingcastUnauthorized {
  /** `expired`, `revoked`, `wrong user or password`, `not logged in`, or why there is no token. */
  reason: string;
  /** Milliseconds until the next attempt; null: as soon as the visitor has logged in. */
  retryMs: number | null;
}

export interface RingcastLookBack {
  looking: boolean;
  reach: number | null;
}

export interface RingcastPlayerEventMap {
  statechange: CustomEvent<RingcastStateChange>;
  /** `seconds` from `start()` to the first picture on the screen. */
  firstpicture: CustomEvent<{ seconds: number }>;
  error: CustomEvent<RingcastError>;
  init: CustomEvent<RingcastInit>;
  camerastate: CustomEvent<RingcastCameraState>;
  /** How many fragments were left out because this viewer is too slow. */
  drop: CustomEvent<{ fragments: number; by: 'server' | 'browser' }>;
  /** The browser let it start only without sound. */
  automuted: CustomEvent<Record<string, never>>;
  soundchange: CustomEvent<RingcastSound>;
  /** The video is about to be emptied, to begin again at once. */
  reset: CustomEvent<Record<string, never>>;
  unauthorized: CustomEvent<RingcastUnauthorized>;
  /** It looks back, or is live again. `reach`: how many seconds the server has; null: not known. */
  lookback: CustomEvent<RingcastLookBack>;
  stats: CustomEvent<RingcastStats>;
}

/** Shows one live camera in a `<video>`. */
export class RingcastPlayer extends EventTarget {
  /** The player has `video` to itself between `start()` and `stop()`. */
  constructor(video: HTMLVideoElement, options: RingcastPlayerOptions);

  readonly video: HTMLVideoElement;
  /** The address of the WebSocket. */
  readonly url: string;
  readonly state: RingcastState;
  /** The detail of the last `stats` event since `start()`. */
  readonly stats: RingcastStats | null;
  readonly sound: RingcastSound;
  /** May be changed at any time. */
  targetDelay: number;

  /** May be changed at any time: the next connection uses it, at once if the player waits for one. */
  get token(): RingcastToken | undefined;
  set token(token: RingcastToken | null | undefined);

  /** Begins to show the camera. Does nothing while it is shown already. */
  start(): void;
  /** Ends at once and undoes all that `start()` made. Allowed in every state and as often as you like. */
  stop(): void;
  /** Tries at once, if it waits before it connects again: the visitor has logged in, say. */
  retry(): void;
  /** How far behind the newest picture playback is, in seconds: 0 while it is live. */
  readonly behind: number;
  /** How far back pictures are kept, in seconds, by the server's last answer; null: not known. */
  readonly reach: number | null;
  /** When the picture on the screen was taken; null: not known. */
  readonly time: Date | null;
  /** Shows what was `seconds` later, or with a negative number earlier, if the server keeps it. */
  seek(seconds: number): void;
  /** Back to the newest picture. */
  live(): void;
  /** The picture stands still, `count` pictures further on, or with a negative number back. */
  step(count: number): void;
  /** The picture on the screen, in the camera's own size, as it is to be shown; null: there is none. */
  snapshot(options?: RingcastSnapshotOptions): Promise<RingcastSnapshot | null>;
  /** Says whether the video can be seen; after a few seconds out of sight nothing is fetched any more. */
  setVisible(visible: boolean): void;

  addEventListener<K extends keyof RingcastPlayerEventMap>(
    type: K,
    listener: (this: RingcastPlayer, event: RingcastPlayerEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof RingcastPlayerEventMap>(
    type: K,
    listener: (this: RingcastPlayer, event: RingcastPlayerEventMap[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}
