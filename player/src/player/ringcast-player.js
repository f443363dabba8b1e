// The module to import: the class, and the element, which is defined once per page; where there is no browser it is not.

import { RingcastCameraElement } from './ringcast-camera.js';

export { RingcastPlayer } from './player.js';
export { RingcastCameraElement };

if (globalThis.customElements && !customElements.get('ringcast-camera')) customElements.define('ringcast-camera', RingcastCameraElement);
