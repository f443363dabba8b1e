// SPDX-License-Identifier: MIT
// Choose a camera, see it, switch to another. No build step: the module comes from ringcast itself.

import '/ringcast-player.js';

const choice = document.getElementById('choice');
const camera = document.getElementById('camera');
const status = document.getElementById('status');

camera.addEventListener('conditionchange', ({ detail }) => (status.textContent = detail.label));
choice.addEventListener('change', () => (camera.camera = choice.value));

try {
  const answer = await fetch('/api/cameras', { cache: 'no-store' });
  if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
  const { cameras } = await answer.json();
  choice.append(...cameras.map(({ name }) => new Option(name)));
  choice.disabled = cameras.length === 0;
  if (cameras.length > 0) camera.camera = choice.value;
  else status.textContent = 'There is no camera';
} catch (error) {
  status.textContent = `The list of cameras cannot be had: ${error.message}`;
}
