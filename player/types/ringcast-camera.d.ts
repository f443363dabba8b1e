// SPDX-License-Identifier: MIT
import type { RingcastError, RingcastLook, RingcastPlayer, RingcastPlayerEventMap, RingcastSnapshot, RingcastSnapshotOptions, RingcastSound, RingcastState, RingcastToken } from './player.js';

/** What a person wants to know about a camera. */
export interface RingcastCondition {
  name: 'live' | 'keyframes' | 'late' | 'connecting' | 'reconnecting' | 'unauthorized' | 'offline' | 'failed' | 'idle' | 'past';
  /** A word or two, such as `Live` or `Offline since 14:03`. */
  label: string;
  /** A sentence, or nothing. */
  text: string;
}

/** Events of the `<video>` inside, which the element dispatches too. */
type VideoEvents =
  | 'play'
  | 'playing'
  | 'pause'
  | 'waiting'
  | 'timeupdate'
  | 'volumechange'
  | 'ratechange'
  | 'resize'
  | 'seeking'
  | 'seeked'
  | 'loadedmetadata'
  | 'loadeddata'
  | 'canplay'
  | 'enterpictureinpicture'
  | 'leavepictureinpicture';

interface OwnEventMap extends RingcastPlayerEventMap, Record<VideoEvents, Event> {
  conditionchange: CustomEvent<RingcastCondition>;
  /** The picture is drawn larger or smaller, or elsewhere: its left top corner is at `x`, `y`. */
  zoomchange: CustomEvent<{ zoom: number; x: number; y: number }>;
  /** Another stream is shown, because of what the link gets through. */
  linkchange: CustomEvent<{ stream: 'main' | 'sub'; slow: boolean }>;
}

export type RingcastCameraEventMap = Omit<HTMLElementEventMap, keyof OwnEventMap> & OwnEventMap;

/**
 * `<ringcast-camera camera="front" src="/" muted controls>`: one live camera, which behaves like a `<video>`. It plays while
 * it is in the document.
 */
export class RingcastCameraElement extends HTMLElement {
  static readonly observedAttributes: readonly string[];

  /** The camera's name. */
  camera: string | null;
  /** Which of the camera's streams; `auto`, the default: the small one while the link does not get the main one through. */
  get stream(): 'main' | 'sub' | 'auto';
  set stream(stream: 'main' | 'sub' | 'auto' | null);
  /** The stream that is shown. */
  readonly shownStream: 'main' | 'sub';
  /** Where ringcast's own pages are. */
  get src(): string;
  set src(address: string | null);
  /** Proves who is watching; null for the browser's cookie. The attribute can have a string only. */
  get token(): RingcastToken | null;
  set token(token: RingcastToken | null);
  /** Whether cookies go along when the player asks another origin about its log-in. */
  get credentials(): RequestCredentials;
  set credentials(credentials: RequestCredentials | null);
  /** Whether all cameras of the page that have this use one connection. */
  shared: boolean;
  /** `key`: keyframes only, without sound. */
  get frames(): 'all' | 'key';
  set frames(frames: 'all' | 'key' | null);
  /** Whether wheel, two fingers and drags go into the picture. */
  zoomable: boolean;
  /** How large the picture is drawn, 1 to 10. */
  zoom: number;
  get poster(): string;
  set poster(address: string | null);
  get width(): number;
  set width(pixels: number | null);
  get height(): number;
  set height(pixels: number | null);
  controls: boolean;
  /** True unless the attribute says `false`. */
  autoplay: boolean;
  /** The attribute `muted`. */
  defaultMuted: boolean;
  muted: boolean;
  volume: number;
  /** Seconds to stay behind the newest picture at least, 0 to 8. */
  get targetDelay(): number;
  set targetDelay(seconds: number | null);

  /** The `<video>` inside. */
  readonly video: HTMLVideoElement;
  /** The player of the present camera, or null while nothing is played. */
  readonly player: RingcastPlayer | null;
  readonly state: RingcastState;
  readonly condition: RingcastCondition;
  /** How the picture is to be shown, as the server says. */
  readonly look: RingcastLook;
  /** The size of what is shown, in the picture's own pixels: without what is cropped. */
  readonly pictureSize: { width: number; height: number };
  readonly sound: RingcastSound;
  /** Why nothing can be played, or null. */
  readonly error: Omit<RingcastError, 'fatal'> | null;
  /** Whether its picture is in a window of its own. */
  readonly inPictureInPicture: boolean;
  readonly paused: boolean;
  readonly videoWidth: number;
  readonly videoHeight: number;
  readonly readyState: number;
  readonly networkState: number;
  /** Players' controls set it. More than a second back it looks back, as `seek()` does; otherwise a live player returns to the newest picture. */
  get currentTime(): number;
  set currentTime(seconds: number);
  readonly duration: number;
  /** The player's own, near 1, with which it keeps to the newest picture; another one does not last. */
  playbackRate: number;
  readonly seeking: boolean;
  readonly ended: boolean;
  readonly buffered: TimeRanges;
  readonly played: TimeRanges;
  readonly seekable: TimeRanges;

  /**
   * Plays, from the newest picture on. Resolved when pictures move; rejected with an `AbortError`, `NotAllowedError`,
   * `NotSupportedError` or `InvalidStateError`.
   */
  play(): Promise<void>;
  /** The picture stands still; a few seconds later nothing is fetched any more. */
  pause(): void;
  /** How far behind the newest picture it plays, in seconds: 0 while it is live. */
  readonly behind: number;
  /** Shows what was `seconds` later, or with a negative number earlier, if the server keeps it. */
  seek(seconds: number): void;
  /** Back to the newest picture. */
  live(): void;
  /** The picture stands still, `count` pictures further on, or with a negative number back. */
  step(count: number): void;
  /** The picture on the screen, in the camera's own size, as it is to be shown; null: there is none. */
  snapshot(options?: RingcastSnapshotOptions): Promise<RingcastSnapshot | null>;
  /** Larger by `factor`; what is at `point`, in pixels from the element's left top corner, or in its middle, stays there. */
  zoomBy(factor: number, point?: { x: number; y: number }): void;
  /** A picture that is larger than the element is moved by so many pixels. */
  panBy(dx: number, dy: number): void;
  /** Ends the present player and begins with a new one. */
  restart(): void;
  requestFullscreen(options?: FullscreenOptions): Promise<void>;
  /** Rejected with a `NotSupportedError` where the browser has none. */
  requestPictureInPicture(): Promise<PictureInPictureWindow>;
  requestVideoFrameCallback(callback: VideoFrameRequestCallback): number;
  cancelVideoFrameCallback(handle: number): void;
  getVideoPlaybackQuality(): VideoPlaybackQuality;

  connectedCallback(): void;
  connectedMoveCallback(): void;
  disconnectedCallback(): void;
  adoptedCallback(): void;
  attributeChangedCallback(name: string, before: string | null, after: string | null): void;

  addEventListener<K extends keyof RingcastCameraEventMap>(
    type: K,
    listener: (this: RingcastCameraElement, event: RingcastCameraEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof RingcastCameraEventMap>(
    type: K,
    listener: (this: RingcastCameraElement, event: RingcastCameraEventMap[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | EventListenerOptions,
  ): void;
}
