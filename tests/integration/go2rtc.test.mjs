// SPDX-License-Identifier: MIT
// go2rtc's door: what its clients ask for and get, by a client of its protocol.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { ALL, Go2rtcClient } from '../support/go2rtc_client.mjs';
import { decode, probe } from '../support/media.mjs';
import { boxes } from '../support/mp4.mjs';
import { program, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const H264 = 'avc1.640029';
const H265 = 'hvc1.1.6.L153.B0';

const get = (ringcast, path, options) => fetch(new URL(path, ringcast.address), options);
const json = async (ringcast, path) => (await get(ringcast, path)).json();

async function play(ringcast, src, value) {
  const client = await new Go2rtcClient(ringcast.address, `src=${encodeURIComponent(src)}`).open();
  return client.say('mse', value);
}

/** Checks what CLIENT has got by decoding it: [codecs, pictures]. */
async function check(stage, client, name) {
  const file = stage.file(`${name}.mp4`);
  writeFileSync(file, Buffer.concat(client.binaries));
  return [(await probe(file)).map(({ codec_name }) => codec_name).sort().join(), await decode(file)];
}

scenario('the switch is off, and nothing is there', async (stage) => {
  const camera = await stage.camera();
  const ringcast = await stage.ringcast(camera);
  const absent = await get(ringcast, '/api/nothing');
  const wanted = [absent.status, await absent.text()];
  for (const path of ['/api', '/api/streams', '/api/streams?src=cam1', '/api/stream.mp4?src=cam1', '/api/frame.mp4?src=cam1', '/api/ws?src=cam1']) {
    const answer = await get(ringcast, path);
    assert.deepEqual([answer.status, await answer.text()], wanted, path);
  }
  assert.equal((await new Go2rtcClient(ringcast.address, 'src=cam1').open()).status, 404);

  // A reload is enough.
  ringcast.settings.go2rtc = true;
  ringcast.write();
  assert.equal((await ringcast.ctl('reload')).code, 0);
  await waitUntil('the door to be there', async () => (await get(ringcast, '/api')).status === 200);
});

scenario('each client gets of each camera what it can play', async (stage) => {
  const cameras = ['h264:audio=aac', 'h265:codec=h265,audio=aac', 'g711:audio=pcma', 'opus:audio=opus', 'small:size=160x120', 'real:size=200x120'];
  const camera = await stage.camera(cameras.flatMap((one) => ['--camera', one]));
  const ringcast = stage.instance({
    go2rtc: true,
    fanout: { processes: 1 }, // which tells of its own viewers
    cameras: [
      { name: 'h264', url: camera.url(0), sub: camera.url(4) },
      { name: 'h265', url: camera.url(1) },
      { name: 'g711', url: camera.url(2) },
      { name: 'opus & more', url: camera.url(3), sub: camera.url(4) },
      { name: 'opus & more_sub', url: camera.url(5) },
    ],
  }).start();
  await ringcast.streaming();
  const codecsOf = (status, name) => status.cameras.find((one) => one.name === name).codecs;
  const status = await ringcast.until('sound', (now) => ['h264', 'h265', 'g711', 'opus & more'].every((name) => codecsOf(now, name)?.includes(',')));
  const mime = (name, picture) => `video/mp4; codecs="${picture ? codecsOf(status, name).split(',')[0] : codecsOf(status, name)}"`;

  // Who watches beside them gets what he always gets.
  const watcher = stage.viewer(ringcast, 'h264');
  await watcher.more(1);
  const cases = [
    ['h264', ALL, 'aac,h264', false],
    ['h264', undefined, 'aac,h264', false],
    ['h264', `${H264},mp4a.40.2`, 'aac,h264', false],
    ['h264', `${H264},flac,opus`, 'h264', true],
    ['h264', H264, 'h264', true],
    ['h265', ALL, 'aac,hevc', false],
    ['h265', H265, 'hevc', true],
    ['g711', ALL, 'flac,h264', false],
    ['g711', `${H264},mp4a.40.2`, 'h264', true],
    ['opus & more', ALL, 'h264,opus', false],
  ];
  await Promise.all(cases.map(async ([name, list, wanted, picture], index) => {
    const client = await play(ringcast, name, list);
    assert.equal(await client.answer(), mime(name, picture), `${name} for ${list}`);
    await client.more(25);
    client.close();
    const count = client.binaries.length - client.inits.length;
    assert.deepEqual(await check(stage, client, index), [wanted, count], `${name} for ${list}`);
    assert.equal(client.inits.length, 1);
    for (const data of client.binaries.slice(1)) assert.deepEqual(boxes(data).map(({ type }) => type), ['moof', 'mdat']);
    assert.deepEqual(client.tracks, picture ? ['vide'] : ['vide', 'soun']);
    const { times } = client;
    assert.ok(times.every((one) => picture ? one[2] === undefined : true), 'no sound in fragments for the picture alone');
    assert.ok(Object.values(times[0]).reduce((a, b) => (a < b ? a : b)) <= 5n, 'begins at 0: go2rtc’s player waits for what is there');
    times.reduce((before, one) => (assert.ok(one[1] > before), one[1]), -1n);
  }));

  watcher.assertConsecutive();
  watcher.assertOpen();
  watcher.fragments.reduce((before, { video, prft }) => (assert.ok(prft && video.decodeTime > before), video.decodeTime), -1n);
  assert.ok(watcher.fragments.filter(({ audio }) => audio).length > 10);

  // Which of the streams: a camera that is really called so comes first.
  for (const [query, width] of [['src=h264', 320], ['src=h264_sub', 160], ['src=h264&stream=sub', 160], ['src=opus+%26+more_sub', 200],
    ['src=opus%20%26%20more&stream=sub', 160], ['src=h264_sub&src=h264', 160]]) {
    const client = await new Go2rtcClient(ringcast.address, query).open();
    client.say('mse', ALL);
    await client.more(2);
    client.close();
    writeFileSync(stage.file('size.mp4'), Buffer.concat(client.binaries));
    assert.equal((await probe(stage.file('size.mp4'))).find(({ codec_type }) => codec_type === 'video').width, width, query);
  }

  // What is not to be had.
  const refusals = [
    ['h265', `${H264},mp4a.40.2`, 'mse: streams: codecs not matched: video:H265, audio:AAC => video:H264, audio:AAC'],
    ['h264', 'av01.0.04M.08', 'mse: streams: codecs not matched: video:H264, audio:AAC => '],
    ['h264', 'mp4a.40.2', 'mse: streams: codecs not matched: video:H264, audio:AAC => audio:AAC'],
    ['gone', ALL, 'mse: stream not found'],
    ['', ALL, 'mse: stream not found'],
    ['h265_sub', ALL, 'mse: stream not found'],
    ['h264/sub', ALL, 'mse: stream not found'],
    [camera.url(0), ALL, 'mse: stream not found'],
    ['ffmpeg:h264#video=copy', ALL, 'mse: stream not found'],
    ['x'.repeat(5000), ALL, 'mse: stream not found'],
  ];
  for (const [src, list, wanted] of refusals) {
    const client = await play(ringcast, src, list);
    assert.equal(await client.answer('error'), wanted, src);
    if (src === 'h265') {
      client.say('mse', H265); // the same client may ask for something else
      await client.answer();
      await client.more(2);
    }
    assert.equal(client.closed, undefined);
    client.close();
  }

  // Other things that go2rtc has: an offer as a browser makes it, and what nobody knows.
  const other = await new Go2rtcClient(ringcast.address, 'src=h264').open();
  other.say('webrtc/offer', 'v=0\r\n'.repeat(1600)).say('webrtc/candidate', 'candidate:1').say('nonsense', { a: [1] }).say('hls', ALL);
  other.socket.send('no JSON');
  other.socket.send(Buffer.from('binary'));
  other.say('mse', ALL);
  await other.answer();
  assert.deepEqual(other.texts.filter(({ type }) => type === 'error').map(({ value }) => value.split(':')[0]), ['webrtc/offer', 'hls']);
  other.say('mse', ALL); // once is enough
  await other.more(20);
  assert.equal(other.texts.filter(({ type }) => type === 'mse').length, 1);
  assert.equal(other.inits.length, 1);
  other.close();

  // Requests without a socket.
  const about = await json(ringcast, '/api');
  const [major, minor, patch] = about.version.split('.').map(Number);
  assert.ok(major === 1 && (minor > 9 || (minor === 9 && patch >= 13)), 'what Home Assistant takes');
  const viewer = await play(ringcast, 'h264', ALL);
  await viewer.more(1);
  const streams = await json(ringcast, '/api/streams');
  assert.deepEqual(Object.keys(streams), ['h264', 'h264_sub', 'h265', 'g711', 'opus & more', 'opus & more_sub']);
  for (const [name, { producers, consumers }] of Object.entries(streams)) {
    assert.equal(producers.length, 1);
    assert.match(producers[0].url, /^ringcast:[\w%]+(\?stream=sub)?$/);
    assert.ok(producers[0].medias.some((media) => media.startsWith('video, recvonly, H26')));
    if (name === 'h264') assert.deepEqual(consumers.map(({ format_name }) => format_name).sort(), ['mse/fmp4', 'ringcast']);
  }
  viewer.close();
  assert.doesNotMatch(JSON.stringify(streams), /rtsp|127\.0\.0\.1/, 'nothing of the cameras’ addresses');
  assert.deepEqual((await json(ringcast, '/api/streams?src=h265')).producers, streams.h265.producers);
  for (const path of ['/api/streams', '/api/stream.mp4', '/api/frame.mp4', '/api/frame.jpeg', '/api/stream.m3u8']) {
    for (const src of ['gone', '', encodeURIComponent(camera.url(0))]) {
      const absent = await get(ringcast, `${path}?src=${src}`);
      assert.deepEqual([absent.status, await absent.text()], [404, 'Not Found'], path);
    }
    assert.equal((await get(ringcast, `${path}?src=h264`, { method: 'HEAD' })).status, 200, path);
    assert.equal((await get(ringcast, `${path}?src=h264`, { method: 'PUT' })).status, 405, path);
  }
  const frame = await get(ringcast, '/api/frame.mp4?src=h264');
  const bytes = Buffer.from(await frame.arrayBuffer());
  assert.equal(Number(frame.headers.get('content-length')), bytes.length);
  assert.deepEqual(boxes(bytes).map(({ type }) => type), ['ftyp', 'moov', 'moof', 'mdat']);
  writeFileSync(stage.file('frame.mp4'), bytes);
  assert.deepEqual((await probe(stage.file('frame.mp4'))).map(({ codec_name }) => codec_name), ['h264']);
  assert.equal(await decode(stage.file('frame.mp4')), 1);
  const stream = await get(ringcast, '/api/stream.mp4?src=h265&duration=1');
  writeFileSync(stage.file('stream.mp4'), Buffer.from(await stream.arrayBuffer()));
  assert.ok((await decode(stage.file('stream.mp4'))) > 5);
  assert.equal((await get(ringcast, '/api/ws?src=h264')).status, 426);

  // What other programs answer.
  const snapshot = await get(ringcast, '/api/frame.jpeg?src=h264_sub&w=80&h=60&cache=5');
  assert.deepEqual([snapshot.status, snapshot.headers.get('content-type')], [200, 'image/jpeg']);
  writeFileSync(stage.file('frame.jpeg'), Buffer.from(await snapshot.arrayBuffer()));
  assert.equal((await probe(stage.file('frame.jpeg')))[0].width, 80);
  const moved = await get(ringcast, '/api/stream.m3u8?src=opus+%26+more&stream=sub&token=a%2Fb&mp4', { redirect: 'manual' });
  assert.deepEqual([moved.status, moved.headers.get('location')], [307, '/hls/opus%20%26%20more/index.m3u8?stream=sub&token=a%2Fb']);
  const playlist = await get(ringcast, '/api/stream.m3u8?src=h264');
  assert.match(await playlist.text(), /^#EXTM3U/);
});

scenario('a client plays on over a restart and a change of size, and is closed when its source buffer could not', async (stage) => {
  const camera = await stage.camera(['--camera', 'front:audio=aac', '--camera', 'other:codec=h265']);
  const ringcast = stage.instance({ go2rtc: true, cameras: [{ name: 'front', url: camera.url(0) }] }).start();
  await ringcast.streaming();
  await ringcast.until('sound', ({ cameras }) => cameras[0].codecs.includes(','));
  const client = await play(ringcast, 'front', ALL);
  await client.more(5);
  process.kill((await ringcast.camera('front')).pid, 'SIGKILL');
  await ringcast.until('another worker', ({ cameras }) => cameras[0].restarts === 1 && cameras[0].state === 'streaming');
  await client.more(5);
  assert.equal(client.inits.length, 1);
  const quiet = await play(ringcast, 'front', H264);
  await quiet.more(5);
  assert.equal((await ringcast.ctl('camera', 'set', 'front', 'audio=false')).code, 0);
  await waitUntil('who was promised sound to be closed', () => client.closed);
  assert.equal(client.closed, 1012);
  await quiet.more(20);
  assert.equal(quiet.inits.length, 1, 'who has none notices nothing');
  await camera.command('size=480x270 front');
  await waitUntil('another init segment', () => quiet.inits.length > 1);
  await quiet.more(5);
  quiet.times.reduce((before, one) => (assert.ok(one[1] > before), one[1]), -1n);
  assert.equal(quiet.texts.filter(({ type }) => type === 'mse').length, 1);
  quiet.close();
});

scenario('a visitor has his own cameras, and others as if they were not there', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = stage.instance({
    go2rtc: true,
    cameras: camera.cameras.map(({ name, url }) => ({ name, url })),
    auth: { users: [{ name: 'anna', cameras: ['cam1'] }] },
  });
  const ctl = async (args, input = '') => {
    const result = await run(program('ringcastctl'), ['--config', ringcast.config, ...args], { input });
    assert.equal(result.code, 0, result.stderr);
    return result.stdout.trim();
  };
  await ctl(['user', 'add', 'anna', '--password-stdin'], 'Kanarie 7391\n');
  const token = await ctl(['token', 'add', '--camera', 'cam1', '--ttl', '1h']);
  ringcast.start();
  await ringcast.streaming();
  const basic = { headers: { authorization: `Basic ${Buffer.from('anna:Kanarie 7391').toString('base64')}` } };

  for (const path of ['/api', '/api/streams', '/api/streams?src=cam1', '/api/stream.mp4?src=cam1', '/api/frame.mp4?src=cam1', '/api/ws?src=cam1']) {
    assert.equal((await get(ringcast, path)).status, 401, path);
  }
  assert.equal((await new Go2rtcClient(ringcast.address, 'src=cam1').open()).status, 401);
  const wrong = { headers: { authorization: `Basic ${Buffer.from('anna:wrong').toString('base64')}` } };
  assert.equal((await new Go2rtcClient(ringcast.address, 'src=cam1', wrong).open()).status, 401);

  const anna = await new Go2rtcClient(ringcast.address, 'src=cam1', basic).open();
  anna.say('mse', ALL);
  await anna.more(3);
  const withToken = await new Go2rtcClient(ringcast.address, `src=cam1&token=${token}`).open();
  withToken.say('mse', ALL);
  await withToken.more(3);
  for (const src of ['cam2', 'gone', 'cam2_sub', 'gone_sub']) {
    const client = await new Go2rtcClient(ringcast.address, `src=${src}`, basic).open();
    client.say('mse', ALL);
    assert.equal(await client.answer('error'), 'mse: stream not found');
    client.close();
    for (const path of ['/api/streams', '/api/stream.mp4', '/api/frame.mp4', '/api/frame.jpeg', '/api/stream.m3u8']) {
      const answer = await get(ringcast, `${path}?src=${src}`, basic);
      assert.deepEqual([answer.status, await answer.text()], [404, 'Not Found'], `${path} ${src}`);
    }
  }
  assert.deepEqual(Object.keys(await (await get(ringcast, '/api/streams', basic)).json()), ['cam1']);

  await ctl(['token', 'revoke', token.split('_')[1]]);
  await waitUntil('the end of the token', () => withToken.closed);
  assert.equal(withToken.closed, 4401);
  await anna.more(3);
  await ctl(['user', 'logout', 'anna']);
  await waitUntil('the end of the log-in', () => anna.closed);
  assert.equal(anna.closed, 4401);
});
