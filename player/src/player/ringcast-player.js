// SPDX-License-Identifier: MIT
// The module to import: the classes and the element. It defines the element once per page, and not where there is no browser.

import { RingcastCameraElement } from './ringcast-camera.js';

export { RingcastCameras } from './camera-list.js';
export { RingcastPlayer } from './player.js';
export { RingcastCameraElement };
export { setWords } from './words.js';

if (globalThis.customElements && !customElements.get('ringcast-camera')) customElements.define('ringcast-camera', RingcastCameraElement);
