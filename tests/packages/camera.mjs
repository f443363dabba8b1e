// SPDX-License-Identifier: MIT
// camera.mjs ADDRESS [USER PASSWORD-FILE]: a camera as it comes out of its box, at ADDRESS: RTSP at port 554 with the paths /stream1 and
// /stream2, and ONVIF at port 80. Without USER it asks nobody for a password, and has no ONVIF. Prints "ready", and ends with SIGTERM or
// when standard input is closed.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { OnvifDevice } from '../support/onvif_device.mjs';
import { TestCamera } from '../support/test_camera.mjs';

const [address, username, file] = process.argv.slice(2);
const password = username && readFileSync(file, 'utf8').trim();
const main = { name: 'main', width: 1280, height: 720, fps: 12, gop: 24, bitrate: 2000, audio: '', uri: `rtsp://${address}:554/stream1` };
const sub = { name: 'sub', width: 640, height: 360, fps: 8, gop: 16, bitrate: 500, audio: '', uri: `rtsp://${address}:554/stream2` };
const option = (path, { width, height, fps, gop, bitrate }) => `${path}:size=${width}x${height},fps=${fps},gop=${gop},bitrate=${bitrate}`;

const streams = await new TestCamera(
  ['--camera', option('stream1', main), '--camera', option('stream2', sub), ...(username ? ['--user', username] : []), '--protocols', 'tcp'],
  username ? { password } : {},
).ready();
const device =
  username &&
  (await new OnvifDevice({ address, port: 80, saysHost: address, username, password, profiles: [main, sub] }).start({
    discoverable: true,
  }));
const server = net.createServer((client) => {
  const camera = net.connect(streams.port, '127.0.0.1');
  for (const [from, to] of [[client, camera], [camera, client]]) {
    from.pipe(to);
    from.on('error', () => to.destroy());
  }
});
server.listen(554, address);
await once(server, 'listening');
console.log('ready');
await Promise.race([once(process, 'SIGTERM'), once(process.stdin.resume(), 'end')]);
await Promise.all([device?.stop(), streams.stop()]);
process.exit(0);
