// The module to import: the class, and the element, which is defined once per page.

import { RingcastCameraElement } from './ringcast-camera.js';

export { RingcastPlayer } from './player.js';
export { RingcastCameraElement };

if (!customElements.get('ringcast-camera')) customElements.define('ringcast-camera', RingcastCameraElement);
