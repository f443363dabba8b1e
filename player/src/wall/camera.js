// SPDX-License-Identifier: MIT
// One camera with a selector: camera.html?camera=NAME

import { CameraList } from './cameras.js';
import '../player/ringcast-player.js';
import { say } from '../player/words.js';
import { Account } from './wall-account.js';
import { brand, productName } from './wall-brand.js';
import { speak } from './wall-language.js';

const NO_CAMERA = 4404; // the server's close code: this visitor may no longer watch it

await speak();
brand();

const choice = document.getElementById('choice');
const toggle = document.getElementById('toggle');
const status = document.getElementById('status');
const stage = document.getElementById('stage');

const element = document.createElement('ringcast-camera');
element.src = './';
element.toggleAttribute('muted', true);
element.toggleAttribute('controls', true);
element.addEventListener('conditionchange', () => showStatus());

let wanted = new URLSearchParams(location.search).get('camera');
let running = true;

function showStatus(text = running ? element.condition.label : say('Stopped')) {
  if (status.textContent !== text) status.textContent = text;
}

function showCamera(name) {
  wanted = name;
  document.title = `${name} · ${productName()}`;
  history.replaceState(null, '', `?camera=${encodeURIComponent(name)}`);
  if (element.camera !== name) element.camera = name;
  if (running && !element.isConnected) stage.append(element);
}

function showList(cameras) {
  const names = cameras.map(({ name }) => name);
  const shown = [...choice.options].map(({ value }) => value);
  if (names.length !== shown.length || names.some((name, i) => name !== shown[i])) {
    choice.replaceChildren(...names.map((name) => new Option(name, name)));
  }
  if (names.length === 0) {
    element.remove();
    showStatus(say('No cameras are configured'));
  } else if (wanted !== null && !names.includes(wanted)) {
    element.remove();
    choice.selectedIndex = -1;
    showStatus(say('No camera is called “{name}”', { name: wanted }));
  } else {
    const name = wanted ?? names[0];
    choice.value = name;
    showCamera(name);
    showStatus();
  }
}

choice.addEventListener('change', () => {
  running = true;
  toggle.textContent = say('Stop');
  showCamera(choice.value);
});

toggle.addEventListener('click', () => {
  running = !running;
  toggle.textContent = say(running ? 'Stop' : 'Start');
  if (!running) element.remove();
  else if (wanted !== null) showCamera(wanted);
  showStatus();
});

element.addEventListener('statechange', ({ detail }) => detail.close === NO_CAMERA && list.ask());

const list = new CameraList({
  onlist: showList,
  onerror: () => {
    if (!element.isConnected) showStatus(say('The server cannot be reached'));
  },
  onrefused: () => account.refuse(),
});
const account = new Account({
  unattended: false,
  onrefused: () => {
    if (!element.isConnected) showStatus(say('Log in again'));
  },
  onlogin: () => list.ask(),
  onsession: () => {},
  note: showStatus,
});
account.open();
list.open();
dispatchEvent(new Event('ringcaststarted')); // wall-boot.js need not wait any longer
