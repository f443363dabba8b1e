// SPDX-License-Identifier: MIT
import type { RingcastLook, RingcastToken } from './player.js';

/** One stream of a camera, as `/api/cameras` has it. */
export interface RingcastStreamRow extends RingcastLook {
  /** `starting`, `streaming`, `stalled`, `backoff`, `disabled`, `idle` or `failed`. */
  state: string;
  /** Null until the camera has sent something. */
  codecs: string | null;
  mime: string | null;
  width: number | null;
  height: number | null;
  audio: string | null;
  audio_error: string | null;
  viewers: number;
  /** How many seconds of the past are kept; 0: none. */
  look_back: number;
  /** The node of the cluster from which it comes; null: it is the server's own. */
  node: string | null;
  /** The path of the WebSocket. */
  live: string;
  /** The path of a picture. */
  poster: string;
}

export interface RingcastCameraRow extends RingcastStreamRow {
  name: string;
  /** The small stream, if the camera has one. */
  sub: RingcastStreamRow | null;
}

export interface RingcastGroup {
  name: string;
  /** Names of the visitor's cameras in it. */
  cameras: string[];
}

export interface RingcastCamerasOptions {
  /** Where ringcast's own pages are, by default `/`. */
  src?: string;
  token?: RingcastToken;
  credentials?: RequestCredentials;
  /** Aborting it is a `stop()`, and no `start()` does anything after it. */
  signal?: AbortSignal;
}

export type RingcastCamerasState = 'idle' | 'connecting' | 'following' | 'reconnecting' | 'unauthorized';

/** The list, and names of what is new, gone and different in it. */
export interface RingcastCamerasChange {
  cameras: readonly RingcastCameraRow[];
  groups: readonly RingcastGroup[];
  added: string[];
  removed: string[];
  changed: string[];
}

/** Something asks for attention. */
export interface RingcastAttention {
  camera: string;
  text: string;
  /** Seconds that are left; 0: it is over. */
  for: number;
  large: boolean;
  first: boolean;
  sound: boolean;
}

export interface RingcastCamerasEventMap {
  change: CustomEvent<RingcastCamerasChange>;
  event: CustomEvent<RingcastAttention>;
  statechange: CustomEvent<{
    state: RingcastCamerasState;
    previous: RingcastCamerasState;
    reason?: string;
    /** Milliseconds until the next attempt; null: as soon as the visitor has logged in. */
    retryMs?: number | null;
  }>;
}

/** The cameras that the visitor may watch, as the server tells them. */
export class RingcastCameras extends EventTarget {
  constructor(options?: RingcastCamerasOptions);

  /** The address of the WebSocket. */
  readonly url: string;
  readonly state: RingcastCamerasState;
  /** The newest list. */
  readonly cameras: readonly RingcastCameraRow[];
  readonly groups: readonly RingcastGroup[];

  /** May be changed at any time: the next connection uses it, at once if it waits for one. */
  get token(): RingcastToken | undefined;
  set token(token: RingcastToken | null | undefined);

  /** Begins to follow the list. Does nothing while it does so already. */
  start(): void;
  /** Ends at once and undoes all that `start()` made. The last list stays. */
  stop(): void;
  /** Tries at once, if it waits before it connects again. */
  retry(): void;

  addEventListener<K extends keyof RingcastCamerasEventMap>(
    type: K,
    listener: (this: RingcastCameras, event: RingcastCamerasEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof RingcastCamerasEventMap>(
    type: K,
    listener: (this: RingcastCameras, event: RingcastCamerasEventMap[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}
