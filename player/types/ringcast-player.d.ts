// SPDX-License-Identifier: MIT
import { RingcastCameraElement } from './ringcast-camera.js';

export { RingcastCameras } from './camera-list.js';
export type {
  RingcastAttention,
  RingcastCameraRow,
  RingcastCamerasChange,
  RingcastCamerasEventMap,
  RingcastCamerasOptions,
  RingcastCamerasState,
  RingcastGroup,
  RingcastStreamRow,
} from './camera-list.js';
export { RingcastPlayer } from './player.js';
export type {
  RingcastCameraState,
  RingcastError,
  RingcastErrorCode,
  RingcastInit,
  RingcastLook,
  RingcastPlayerEventMap,
  RingcastPlayerOptions,
  RingcastSnapshot,
  RingcastSnapshotOptions,
  RingcastSound,
  RingcastState,
  RingcastStateChange,
  RingcastStats,
  RingcastToken,
  RingcastUnauthorized,
} from './player.js';
export { RingcastCameraElement };
export { setWords } from './words.js';
export type { RingcastCameraEventMap, RingcastCondition } from './ringcast-camera.js';

declare global {
  interface HTMLElementTagNameMap {
    'ringcast-camera': RingcastCameraElement;
  }
}
