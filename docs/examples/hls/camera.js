// SPDX-License-Identifier: MIT
// A camera in a <video>: Safari and iPhones play HLS themselves, other browsers with hls.js (npm: hls.js, whose dist/hls.mjs lies beside
// this file). The page is index.html?camera=front.
const camera = new URLSearchParams(location.search).get('camera');
const video = document.getElementById('camera');
const status = document.getElementById('status');

// Relative: the page is on ringcast's own address, under whatever path that has.
const source = `hls/${encodeURIComponent(camera)}/index.m3u8`;

const AGAIN_MS = 2000;

function say(words) {
  status.textContent = words;
}

video.addEventListener('playing', () => say(camera));
video.addEventListener('waiting', () => say(`${camera} …`));

/** By the browser itself. It gives up when the camera was away; then it begins again. */
function playNatively() {
  video.src = source;
  video.addEventListener('error', () => setTimeout(() => video.load(), AGAIN_MS));
}

async function playWithLibrary() {
  const { default: Hls } = await import('./hls.mjs');
  if (!Hls.isSupported()) return say('this browser plays no live video');
  const hls = new Hls({
    lowLatencyMode: true,
    maxLiveSyncPlaybackRate: 1.5, // how it comes back when it was late
    abrEwmaDefaultEstimate: 10_000_000, // begins with the main stream; the sub stream is for those who cannot have it
    backBufferLength: 10,
  });
  hls.on(Hls.Events.ERROR, (event, { fatal, type }) => {
    if (!fatal) return;
    say(`${camera}: ${type}`);
    // The camera was away for longer than hls.js tries by itself.
    if (type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
    else setTimeout(() => hls.loadSource(source), AGAIN_MS);
  });
  hls.loadSource(source);
  hls.attachMedia(video);
  // How late the picture is, by the date that ringcast gives: for whoever looks.
  window.latency = () => (Date.now() - hls.playingDate?.getTime()) / 1000;
  window.hls = hls;
}

if (video.canPlayType('application/vnd.apple.mpegurl') && !window.MediaSource) playNatively();
else await playWithLibrary();
