// SPDX-License-Identifier: MIT
// A camera in a page that does not know ringcast's log-in: the page's own server, which knows its visitors, gives each of them a
// token that soon expires (`ringcastctl token`, or a JWT). token.html?camera=front&src=https://cameras.example/

import '/ringcast-player.js';

const camera = document.getElementById('camera');
const status = document.getElementById('status');
const query = new URLSearchParams(location.search);

/** Asked before the first connection, and again whenever ringcast has refused the token. */
async function freshToken() {
  const answer = await fetch('camera-token', { method: 'POST', cache: 'no-store' });
  if (!answer.ok) throw new Error(`this page's server answers ${answer.status}`);
  return (await answer.text()).trim();
}

camera.addEventListener('conditionchange', ({ detail }) => (status.textContent = detail.label));
camera.addEventListener('unauthorized', ({ detail }) => console.info(`refused (${detail.reason}), next attempt in ${detail.retryMs} ms`));
camera.token = freshToken;
camera.src = query.get('src') ?? '/';
camera.camera = query.get('camera');
camera.autoplay = true;
