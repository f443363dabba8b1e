// SPDX-License-Identifier: MIT
// A camera as an MP4 file that goes on, with the programs that people have: curl, ffmpeg, ffplay, VLC. What they get is checked by
// its boxes and by decoding it.
import assert from 'node:assert/strict';
import { createWriteStream, existsSync, readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import { once } from 'node:events';
import { decode, probe } from '../support/media.mjs';
import { boxes, parseFragment, parseInit } from '../support/mp4.mjs';
import { descriptors, program, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const VLC = '/usr/bin/cvlc';

const path = (name, query = '') => `/stream/${encodeURIComponent(name)}.mp4${query}`;
const url = (ringcast, name, query) => new URL(path(name, query), ringcast.address).href;

/** curl's exit status; the answer goes to FILE. */
async function fetchFile(ringcast, name, query, file, options = []) {
  return (await run('curl', ['-sS', '-f', '-m', '60', '-o', file, ...options, url(ringcast, name, query)], { limit: 70000 })).code;
}

/** The fragments of FILE, which is whole, after its init segment: {init, fragments}. */
function parts(file) {
  const data = readFileSync(file);
  const [ftyp, moov, ...rest] = boxes(data);
  assert.deepEqual([ftyp.type, moov.type], ['ftyp', 'moov']);
  const init = parseInit(data.subarray(0, moov.end));
  const fragments = [];
  for (let i = 0; i < rest.length; i += 3) {
    assert.deepEqual(rest.slice(i, i + 3).map(({ type }) => type), ['prft', 'moof', 'mdat']);
    fragments.push(parseFragment(data.subarray(rest[i].start - 8, rest[i + 2].end), init));
  }
  return { init, fragments };
}

/** Decodes FILE, which was to be SECONDS long, and is that by its decode times; with at most one picture more. */
async function checkLong(file, seconds) {
  const { fragments } = parts(file);
  const [first, last] = [fragments[0].video, fragments.at(-1).video];
  const ticks = seconds * first.timescale;
  assert.ok(Number(last.decodeTime - first.decodeTime) < ticks, 'not longer');
  assert.ok(Number(last.decodeTime - first.decodeTime) + 2 * last.samples[0].duration > ticks, 'not shorter');
  assert.equal(await decode(file), fragments.length, 'every picture decodes');
}

const kinds = async (file) => (await probe(file)).map(({ codec_name }) => codec_name).sort().join();

scenario('files of each codec, as long as they were to be, are whole and decode', async (stage) => {
  const camera = await stage.camera(['--camera', 'h264:audio=aac', '--camera', 'h265:codec=h265', '--camera', 'g711:audio=pcma', '--camera', 'small:size=160x120']);
  const ringcast = stage.instance({
    cameras: [
      { name: 'front door', url: camera.url(0), sub: camera.url(3) },
      { name: 'h265', url: camera.url(1) },
      { name: 'g711', url: camera.url(2) },
    ],
  }).start();
  await ringcast.streaming();
  const sound = ['front door', 'g711'];
  await ringcast.until('sound', ({ cameras }) => sound.every((name) => cameras.find((one) => one.name === name).codecs.includes(',')));

  const wanted = [['front door', '', 'aac,h264'], ['h265', '', 'hevc'], ['g711', '', 'flac,h264'], ['front door', '&stream=sub', 'h264']];
  await Promise.all(wanted.map(async ([name, query, codecs], index) => {
    const file = stage.file(`${index}.mp4`);
    assert.equal(await fetchFile(ringcast, name, `?duration=2${query}`, file), 0, 'curl has seen the end');
    assert.equal(await kinds(file), codecs);
    await checkLong(file, 2);
    if (query) assert.equal((await probe(file))[0].width, 160);
  }));
  const { fragments } = parts(stage.file('0.mp4'));
  const [first] = fragments;
  fragments.forEach((fragment, index) => assert.equal(fragment.sequence, first.sequence + index, 'no fragment is missing'));

  // Without chunks, the file ends with the connection.
  const old = stage.file('old.mp4');
  assert.equal(await fetchFile(ringcast, 'h265', '?duration=1', old, ['-0']), 0);
  await checkLong(old, 1);

  // For players of files: times from 0 on.
  const clip = stage.file('clip.mp4');
  assert.equal(await fetchFile(ringcast, 'front door', '?duration=1&start=0', clip), 0);
  assert.ok((await decode(clip)) > 5);
  for (const { start_time: start, duration } of await probe(clip)) {
    assert.ok(Number(start) < 0.5 && Number(duration) < 2, `from ${start} to ${duration}`);
  }

  const copied = stage.file('copy.mkv');
  const ffmpeg = await run('ffmpeg', ['-nostdin', '-v', 'error', '-i', url(ringcast, 'front door'), '-t', '1', '-c', 'copy', '-y', copied]);
  assert.equal(ffmpeg.code, 0, ffmpeg.stderr);
  assert.equal(await kinds(copied), 'aac,h264');

  const ffplay = await run('ffplay', ['-v', 'error', '-autoexit', url(ringcast, 'h265', '?duration=1')], {
    env: { SDL_VIDEODRIVER: 'dummy', SDL_AUDIODRIVER: 'dummy' },
  });
  assert.equal(ffplay.code, 0, ffplay.stderr);
  assert.equal(ffplay.stderr.trim(), '');

  await ringcast.until('all to have gone', ({ cameras }) => cameras.every(({ viewers }) => viewers === 0));
});

scenario('VLC plays a file that goes on', async (stage) => {
  const camera = await stage.camera(['--camera', 'front:audio=aac', '--camera', 'h265:codec=h265']);
  const ringcast = await stage.ringcast(camera);
  const user = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {}; // VLC does not run as root
  for (const name of ['front', 'h265']) {
    // What it has decoded, as pictures that are as large as they are.
    const sout = '#transcode{vcodec=I420,acodec=none}:std{access=file,mux=dummy,dst=/dev/stdout}';
    const args = ['-q', '-I', 'dummy', '--no-audio', '--no-sout-audio', `--sout=${sout}`, url(ringcast, name, '?duration=3'), 'vlc://quit'];
    const vlc = await run('sh', ['-c', '"$0" "$@" | wc -c', VLC, ...args], { ...user, env: { HOME: '/nonexistent' }, cwd: '/', limit: 60000 });
    const pictures = Number(vlc.stdout) / (320 * 180 * 1.5);
    assert.ok(pictures >= 30, `${name}: VLC has decoded ${pictures} of 45 pictures\n${vlc.stderr}`);
  }
}, { skip: existsSync(VLC) ? false : 'there is no VLC' });

scenario('who reads slowly gets a valid file with gaps, and nobody else notices', async (stage) => {
  const camera = await stage.camera(['--camera', 'front:size=640x360,bitrate=8000,noise=80,fps=25,gop=25']);
  const ringcast = await stage.ringcast(camera, {}, { fanout: { processes: 1, viewer_age_ms: 500 } });
  const fast = stage.viewer(ringcast, 'front');
  await fast.more(5);
  const file = stage.file('slow.mp4');
  const request = http.get(url(ringcast, 'front', '?duration=12'), { agent: false });
  const [response] = await once(request, 'response');
  const received = createWriteStream(file);
  // Reads a little, nothing until more waits for it than its connection takes, and than it may be late; and then all that comes.
  const behind = async () => {
    const result = await ringcast.ctl('viewers', '--json');
    const viewers = JSON.parse(result.stdout);
    return (viewers.viewers ?? viewers).some(({ state }) => state === 'behind');
  };
  response.once('data', (data) => {
    received.write(data);
    response.pause();
    waitUntil('it to be behind', behind).then(() => fast.more(50)).then(() => response.pipe(received));
  });
  await once(received, 'finish');
  assert.ok(response.complete, 'ends in order');
  fast.assertConsecutive();
  fast.assertOpen();
  const { fragments } = parts(file);
  const gaps = fragments.filter(({ sequence }, index) => index > 0 && sequence !== fragments[index - 1].sequence + 1);
  assert.ok(gaps.length > 0, 'it has missed some');
  for (const { keyframe } of gaps) assert.ok(keyframe, 'each gap ends at a keyframe');
  assert.equal(await decode(file), fragments.length, 'every picture decodes');
});

scenario('a file goes on over a restart, without sound that its beginning has not, and ends when the picture changes', async (stage) => {
  const camera = await stage.camera(['--camera', 'front:audio=aac']);
  const ringcast = await stage.ringcast(camera);
  await ringcast.until('sound', ({ cameras }) => cameras[0].codecs.includes(','));
  const file = stage.file('front.mp4');
  const fetched = fetchFile(ringcast, 'front', '', file);
  const size = () => (existsSync(file) ? statSync(file).size : 0);
  const grows = async (what) => {
    const before = size();
    await waitUntil(what, () => size() > before + 20000);
  };
  await grows('the file to begin');
  process.kill((await ringcast.camera('front')).pid, 'SIGKILL');
  await ringcast.until('another worker', ({ cameras }) => cameras[0].restarts === 1 && cameras[0].state === 'streaming');
  await grows('the file to go on');
  await ringcast.until('sound', ({ cameras }) => cameras[0].codecs.includes(','));
  await grows('the file to go on with sound');
  const silence = async (audio) => {
    assert.equal((await ringcast.ctl('camera', 'set', 'front', `audio=${audio}`)).code, 0);
    await ringcast.until('the change', ({ cameras: [one] }) => one.state === 'streaming' && one.codecs.includes(',') === audio);
  };
  await silence(false);
  await grows('the file to go on without sound');
  const mute = stage.file('mute.mp4');
  const other = fetchFile(ringcast, 'front', '', mute);
  await waitUntil('a file without sound', () => existsSync(mute) && statSync(mute).size > 5000);
  await silence(true);
  await grows('the file to go on with sound again');
  await camera.command('size=480x270 front');
  assert.equal(await other, 0, 'ends in order');
  assert.equal(await kinds(mute), 'h264');
  assert.ok((await decode(mute)) > 10);
  assert.equal(await fetched, 0, 'ends in order');
  assert.equal(await kinds(file), 'aac,h264');
  const { fragments } = parts(file);
  let last = -1n;
  for (const { video } of fragments) {
    assert.ok(video.decodeTime > last, 'decode times only go forward');
    last = video.decodeTime;
  }
  assert.equal(await decode(file), fragments.length, 'every picture decodes');
  const withSound = fragments.map(({ audio }) => audio !== undefined);
  assert.ok(withSound.indexOf(false) >= 0 && withSound.lastIndexOf(true) > withSound.indexOf(false), 'sound goes and comes back');
  const next = stage.file('next.mp4');
  assert.equal(await fetchFile(ringcast, 'front', '?duration=1', next), 0);
  assert.equal((await probe(next)).find(({ codec_type }) => codec_type === 'video').width, 480);
});

/** An answer that is being read: {status, ended}; `ended` is true for an end in order. */
async function begin(ringcast, target, options = {}) {
  const request = http.get(new URL(target, ringcast.address), { agent: false, ...options });
  const [response] = await once(request, 'response');
  const got = { status: response.statusCode, response, bytes: 0, ended: null };
  response.on('data', (data) => (got.bytes += data.length));
  response.on('end', () => (got.ended = response.complete));
  response.on('error', () => (got.ended = false));
  return got;
}

scenario('a file is for those who may watch, and ends in order when they may not any more', async (stage) => {
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = stage.instance({
    cameras: camera.cameras.map(({ name, url: source }) => ({ name, url: source })),
    auth: { users: [{ name: 'anna', cameras: ['cam1'] }] },
    limits: { viewers_per_user: 2 },
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
  const bearer = { headers: { authorization: `Bearer ${token}` } };

  assert.equal((await begin(ringcast, path('cam1'))).status, 401);
  for (const way of [basic, bearer]) {
    assert.equal((await begin(ringcast, path('cam2'), way)).status, 404);
    assert.equal((await begin(ringcast, path('gone'), way)).status, 404);
  }
  const files = [await begin(ringcast, path('cam1'), basic), await begin(ringcast, path('cam1'), basic)];
  for (const file of files) {
    assert.equal(file.status, 200);
    await waitUntil('some of it', () => file.bytes > 5000);
  }
  assert.equal((await begin(ringcast, path('cam1'), basic)).status, 429, 'one more than a user may have');
  const withToken = await begin(ringcast, `${path('cam1')}?token=${token}`);
  assert.equal(withToken.status, 200);
  const list = JSON.parse(await ctl(['viewers', '--json']));
  assert.deepEqual((list.viewers ?? list).map(({ camera: name, way, user }) => [name, way, user]).sort(), [['cam1', 'file', 'anna'], ['cam1', 'file', 'anna'], ['cam1', 'file', null]].sort());

  await ctl(['token', 'revoke', token.split('_')[1]]);
  await waitUntil('the end of the token', () => withToken.ended !== null);
  assert.equal(withToken.ended, true, 'in order');
  assert.equal(files[0].ended, null, 'the others go on');
  await ctl(['user', 'logout', 'anna']);
  for (const file of files) {
    await waitUntil('the end of the log-in', () => file.ended !== null);
    assert.equal(file.ended, true, 'in order');
  }
});

scenario('over TLS, and clients that come and go leave nothing', async (stage) => {
  const made = await run(program('ringcastctl'), ['tls', 'self-signed', 'localhost', '127.0.0.1', '--output', stage.directory, '--json']);
  assert.equal(made.code, 0, made.stderr);
  const { certificate, key } = JSON.parse(made.stdout);
  const camera = await stage.camera(['--camera', 'front']);
  const ringcast = await stage.ringcast(camera, {}, { tls: { certificate, key }, fanout: { processes: 1 } });
  const file = stage.file('front.mp4');
  assert.equal(await fetchFile(ringcast, 'front', '?duration=1', file, ['--cacert', certificate]), 0);
  await checkLong(file, 1);

  const { pid } = (await ringcast.status()).fanouts[0];
  const count = () => descriptors(pid).length;
  await waitUntil('no viewer', async () => (await ringcast.camera('front')).viewers === 0);
  const before = count();
  for (let i = 0; i < 20; i++) {
    const cut = await run('curl', ['-sS', '-m', '20', '--cacert', certificate, '-r', '0-2000', '-o', stage.file('cut.mp4'), '--max-filesize', '1', url(ringcast, 'front', '?duration=0.2')]);
    assert.ok([0, 63].includes(cut.code), cut.stderr);
  }
  await waitUntil('all to have gone', async () => (await ringcast.camera('front')).viewers === 0);
  await waitUntil('nothing to be left', () => count() <= before);
});
