// SPDX-License-Identifier: MIT
// Looking back with the real processes: a ring that keeps its camera's last seconds, clips of them, and viewers in the past beside live ones.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { decode, probe } from '../support/media.mjs';
import { boxes, parseFragment, parseInit } from '../support/mp4.mjs';
import { run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const MIB = 1048576;
const url = (ringcast, name, query) => new URL(`/clip/${encodeURIComponent(name)}.mp4${query}`, ringcast.address).href;

/** The clip in FILE: its fragments, which are whole. */
function fragmentsOf(file) {
  const data = readFileSync(file);
  const [ftyp, moov, ...rest] = boxes(data);
  assert.deepEqual([ftyp.type, moov.type], ['ftyp', 'moov']);
  const init = parseInit(data.subarray(0, moov.end));
  const fragments = [];
  for (let i = 0; i < rest.length; i += 2) {
    assert.deepEqual(rest.slice(i, i + 2).map(({ type }) => type), ['moof', 'mdat']);
    fragments.push(parseFragment(data.subarray(rest[i].start - 8, rest[i + 1].end), init));
  }
  return fragments;
}

const secondsOf = ({ video }) => Number(video.decodeTime) / video.timescale;

scenario('the past of a camera: its ring, its clips, and viewers that look at it', async (stage) => {
  const camera = await stage.camera(['--camera', 'front door:size=320x180,fps=15,gop=15,bitrate=2000,noise=60,audio=aac', '--camera', 'forgets:size=160x120']);
  const cameras = camera.cameras.map(({ name, url: address }, i) => ({ name, url: address, ...(i === 0 ? { look_back: 20 } : {}) }));
  const ringcast = stage.instance({ cameras }).start();
  await ringcast.streaming();
  const live = stage.viewer(ringcast, 'front door');
  await live.more(5);

  // The ring follows the bit rate: a picture in the past needs no more than what was measured.
  const { cameras: [{ ring_size: size }] } = await ringcast.until('a ring that keeps 20 s', ({ cameras: [one] }) => one.ring_size > MIB, 30000);
  const { bitrate, fps, look_back: kept } = await ringcast.camera('front door');
  const computed = (bitrate / 8 + fps * 96) * 20;
  assert.ok(size >= computed * 0.8 && size <= computed * 4, `${size} bytes for about ${Math.round(computed)}`);
  assert.equal(kept, 20);
  const list = await (await fetch(new URL('/api/cameras', ringcast.address))).json();
  assert.deepEqual(list.cameras.map(({ look_back: seconds }) => seconds), [20, 0]);
  await live.more(90, 30000); // six seconds and more

  // Clips.
  const file = stage.file('clip.mp4');
  const head = stage.file('head.txt');
  const asked = Date.now();
  assert.equal((await run('curl', ['-sS', '-f', '-m', '30', '-D', head, '-o', file, url(ringcast, 'front door', '?from=-5&to=-2')])).code, 0);
  const [, stamp] = /filename="front_door_(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)\.mp4"/.exec(readFileSync(head, 'utf8'));
  const named = Date.parse(stamp.replace(/T(\d\d)-(\d\d)-/, 'T$1:$2:'));
  assert.ok(Math.abs(named - (asked - 5000)) < 4000, `${stamp}, asked for at ${new Date(asked).toISOString()}`);
  const fragments = fragmentsOf(file);
  assert.ok(fragments[0].keyframe && secondsOf(fragments[0]) < 0.1, 'it begins with a keyframe, at 0');
  const long = secondsOf(fragments.at(-1));
  assert.ok(long > 1.5 && long < 6, `${long} s for 3 s and a group of pictures at most`);
  fragments.forEach((one, i) => assert.equal(one.sequence, fragments[0].sequence + i, 'no picture is missing'));
  assert.equal(await decode(file), fragments.length, 'every picture decodes, without an error');
  const streams = await probe(file);
  assert.ok(streams.every(({ start_time: start }) => Number(start) < 1), 'times are those of a file');

  const whole = stage.file('whole.mp4');
  assert.equal((await run('curl', ['-sS', '-f', '-m', '30', '-o', whole, url(ringcast, 'front door', '?from=-3600')])).code, 0);
  assert.ok((await decode(whole)) >= 90);
  const ahead = stage.file('ahead.mp4'); // it goes on until then
  assert.equal((await run('curl', ['-sS', '-f', '-m', '30', '-o', ahead, url(ringcast, 'front door', `?from=-2&to=${((Date.now() + 2000) / 1000).toFixed(3)}`)])).code, 0);
  assert.ok(secondsOf(fragmentsOf(ahead).at(-1)) > 3);

  const status = async (name, query, options) => (await fetch(url(ringcast, name, query), options)).status;
  for (const query of ['', '?from=x', '?from=-1&to=-2', '?from=-90000', '?from=9999999999', '?from=-1&to=soon']) {
    assert.equal(await status('front door', query), 400, query);
  }
  assert.equal(await status('front door', '?from=-3000&to=-2000'), 404);
  assert.equal(await status('forgets', '?from=-5'), 404);
  assert.equal(await status('nobody', '?from=-5'), 404);
  assert.equal(await status('front door', '?from=-5', { method: 'HEAD' }), 200);
  assert.equal(await status('front door', '?from=-5', { method: 'POST' }), 405);

  // A viewer looks back, and is live again; the live one has missed nothing.
  const past = stage.viewer(ringcast, 'front door');
  await past.more(3);
  past.socket.send('{"type":"look","ago":5,"for":1}');
  await past.until('the answer', ({ texts }) => texts.some(({ type }) => type === 'look'));
  const { ago, reach } = past.texts.find(({ type }) => type === 'look');
  assert.ok(ago >= 5 && ago < 8 && reach >= ago, `${ago} of ${reach}`);
  const [first] = past.jumps;
  await past.until('pictures of the past', ({ fragments: all }) => all.length >= first + 15);
  assert.ok(secondsOf(past.fragments[first]) < secondsOf(past.fragments[first - 1]) - 3, 'its times go back');
  past.socket.send('{"type":"live"}');
  await past.until('the present', ({ jumps }) => jumps.length === 2);
  await past.until('live pictures', ({ fragments: all, jumps }) => all.length >= jumps[1] + 20);
  past.assertConsecutive(past.jumps[1]);
  live.assertConsecutive();

  // Another value begins the camera anew, with a ring for it.
  const { pid } = await ringcast.camera('front door');
  ringcast.settings.cameras[0].look_back = 0;
  ringcast.write();
  await ringcast.ctl('reload');
  await ringcast.until('another worker', ({ cameras: [one] }) => one.pid > 0 && one.pid !== pid && one.look_back === 0 && one.ring_size > 0 && one.ring_size <= MIB);
});
