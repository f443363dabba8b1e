// SPDX-License-Identifier: MIT
// ringcastctl discover with devices on the loopback interface: what is found becomes a configuration that runs, and no device,
// however it lies, does more harm than to be left out.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { OnvifDevice } from '../support/onvif_device.mjs';
import { commandLine, program, run } from '../support/processes.mjs';
import { configuration } from '../support/ringcast.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const PASSWORD = 'canary & 7b"\\';
const MAIN = { name: 'main', video: 'H265', width: 2560, height: 1440 };
const SUB = { name: 'sub', width: 640, height: 360, audio: '' };

async function withDevices(list, body, options) {
  const devices = await Promise.all(list.map((one) => new OnvifDevice(one).start(options)));
  try {
    return await body(...devices);
  } finally {
    await Promise.all(devices.map((device) => device.stop()));
  }
}

const discover = (args, options) => run(program('ringcastctl'), ['discover', ...args], { limit: 60000, ...options });

async function found(args, input = `${PASSWORD}\n`) {
  const result = await discover([...args, '--json', ...(input ? ['--user', 'admin', '--password-stdin'] : [])], { input });
  assert.equal(result.stderr.includes('Sanitizer'), false, result.stderr);
  return { ...JSON.parse(result.stdout), code: result.code };
}

scenario('what is found is a configuration that runs', async (stage) => {
  const password = stage.file('password', 'secret\n');
  const camera = await stage.camera(['--cameras', '2', '--user', 'admin', '--password-file', password]);
  const [main, sub] = camera.cameras.map(({ url }) => url.replace(/\/\/[^@/]*@/, '//'));
  const file = stage.file('found.conf');
  const profiles = [{ ...SUB, uri: sub }, { ...MAIN, video: 'H264', uri: main }];
  await withDevices([{ profiles, password: 'secret' }], async (device) => {
    const result = await discover(['--address', device.address, '--user', 'admin', '--password-file', password, '--output', file]);
    assert.deepEqual([result.code, result.stdout], [0, ''], result.stderr);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const again = await discover(['--address', device.address, '--user', 'admin', '--password-file', password, '--output', file]);
    assert.deepEqual([again.code, /File exists/.test(again.stderr)], [1, true], 'no file is overwritten');
  });
  const ringcast = stage.instance({});
  ringcast.write(configuration(ringcast.settings) + readFileSync(file, 'utf8'));
  ringcast.start();
  await ringcast.streaming(['dome-4', 'dome-4/sub']);
});

scenario('devices are found, and log-ins are shown in both ways, by their own clocks', async () => {
  const profiles = [MAIN, SUB, { name: 'third', width: 1280, height: 720 }, { name: 'old', video: 'JPEG' }];
  const clock = { clockOffset: -3 * 86400, name: 'Far Behind', password: PASSWORD, profiles };
  const digest = { login: 'digest', name: 'By Digest', services: false, media2: false, password: PASSWORD, profiles, saysHost: '10.255.255.1', saysPort: 1 };
  await withDevices([clock, digest], async (first, second) => {
    const { code, devices, cameras } = await found(['--interface', 'lo', '--timeout', '20']);
    assert.equal(code, 0);
    const of = (device) => devices.find(({ url }) => url === `http://${device.address}/onvif/device_service`);
    const [ofFirst, ofSecond] = [of(first), of(second)];
    assert.deepEqual([ofFirst.error, ofSecond.error], [null, null]);
    assert.ok(Math.abs(ofFirst.clock_offset_s + 3 * 86400) < 60, `${ofFirst.clock_offset_s}`);
    assert.deepEqual(ofFirst.profiles.map(({ name, video, gop }) => `${name} ${video} ${gop}`), ['main H265 50', 'sub H264 50', 'third H264 50', 'old JPEG 50']);
    assert.equal(ofSecond.manufacturer, 'Acme');
    assert.deepEqual(ofSecond.profiles.map(({ name, moved }) => `${name} ${moved}`), ['sub true', 'third true', 'old true']);
    const urls = (name) => { const { url, sub } = cameras.find((one) => one.name === name); return [url, sub]; };
    assert.deepEqual(urls('far-behind'), ['rtsp://127.0.0.1:554/stream0', 'rtsp://127.0.0.1:554/stream1']);
    assert.deepEqual(urls('by-digest'), ['rtsp://127.0.0.1:554/stream2', 'rtsp://127.0.0.1:554/stream1'], 'Media has no H.265; the device is where it answered');
    for (const device of [first, second]) {
      assert.equal(device.refused, 0, 'no log-in failed');
      assert.ok(device.probes >= 1);
      assert.equal(device.bodies.join('').includes('canary'), false, 'no password went out');
    }
  }, { discoverable: true });
});

scenario('a wrong password is tried once, and said', async () => {
  await withDevices([{ password: 'other' }, { login: 'digest', password: 'other' }, { password: 'other' }], async (token, digest, none) => {
    for (const device of [token, digest]) {
      const { code, devices } = await found(['--address', device.address]);
      assert.deepEqual([code, devices[0].error.split(':')[0]], [5, 'refuses the username or password']);
      assert.equal(device.refused, 1, 'cameras lock users out');
    }
    const { code, devices } = await found(['--address', none.address], null);
    assert.deepEqual([code, devices[0].error.split(':')[0]], [5, 'wants a username and password']);
  });
});

scenario('a password is in no argument and no environment, and no other program sees it', async (stage) => {
  await withDevices([{ answers: { GetDeviceInformation: () => {} } }], async (device) => {
    const running = stage.start(program('ringcastctl'), ['discover', '--address', device.address, '--user', 'admin', '--password-stdin', '--timeout', '600']);
    running.child.stdin.end(`${PASSWORD}\n`);
    await waitUntil('the question', () => device.asked.includes('GetDeviceInformation'));
    const children = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8').trim().split(' ').map(Number);
    assert.equal(children.length, 1);
    for (const pid of [running.pid, ...children]) assert.equal(commandLine(pid).includes('canary'), false);
    running.signal('SIGINT');
    assert.deepEqual(await running.finish(), { code: 1, signal: null });
    assert.equal(existsSync(`/proc/${children[0]}`), false, 'it is gone, too');
  });
});

scenario('hostile devices are left out, in a bounded time', async () => {
  const endless = (response) => {
    response.on('error', () => {});
    response.writeHead(200);
    const more = () => { while (!response.destroyed && response.write('<a>'.repeat(10000))); };
    response.on('drain', more);
    more();
  };
  const entities =
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "0123456789">' +
    Array.from({ length: 8 }, (_, i) => `<!ENTITY ${'bcdefghi'[i]} "${`&${'abcdefgh'[i]};`.repeat(10)}">`).join('') + ']><a>&i;</a>';
  const escape = '\u001b]0;title\u0007\n); insecure = true; # ';
  const redirect = (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
  const kinds = {
    'its answer is too long': { '*': endless },
    'its answer is not ONVIF': { '*': entities },
    'its answer is not ONVIF 2': { '*': '<html>Hello</html>' },
    'its answer is not ONVIF 3': { '*': redirect },
    'its answer is not ONVIF 4': { GetServices: '<e:Envelope xmlns:e="urn:wrong"><e:Body/></e:Envelope>', GetCapabilities: '' },
    'no answer in time': { GetProfiles: () => {} },
    'the connection failed': { GetServices: (response) => response.destroy() },
  };
  const good = { name: 'good', login: 'none', model: escape, manufacturer: 'a\u202eb', profiles: [{ ...MAIN, name: escape, uri: 'rtsp://HOST/a?b="\n' }, { ...SUB, uri: 'rtsp://evil.example/ok' }] };
  const list = Object.values(kinds).map((answers) => ({ answers, login: 'none' }));
  await withDevices([...list, good], async (...devices) => {
    await Promise.all(Object.keys(kinds).map(async (error, index) => {
      const result = await found(['--address', devices[index].address, '--timeout', '4']);
      assert.deepEqual([result.code, result.devices[0].error], [5, error.replace(/ \d$/, '')]);
    }));
    const text = await discover(['--address', devices.at(-1).address]);
    assert.equal(text.code, 0, text.stderr);
    assert.match(text.stdout, /url = "rtsp:\/\/127\.0\.0\.1\/ok";/, 'no other machine, and no URL that is none');
    assert.equal(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/.test(text.stdout + text.stderr), false, 'no control character');
    assert.equal(text.stdout.split('\n').filter((line) => /insecure/.test(line) && !/^ *#/.test(line)).length, 0);
  });
});

scenario('devices that are a little wrong are used all the same, or it is said why not', async () => {
  const fault = (code, text) =>
    `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value>ter:${code}</e:Value>` +
    `</e:Subcode></e:Code><e:Reason><e:Text>${text}</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>`;
  const timeless =
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><GetSystemDateAndTimeResponse xmlns="http://www.onvif.org/ver10/device/wsdl"/></e:Body></e:Envelope>';
  const rows = [
    [{ answers: { GetSystemDateAndTime: timeless } }, 0, /url = "rtsp:/],
    [{ profiles: [{ uri: 'rtsp://0.0.0.0:0/a' }] }, 0, /url = "rtsp:\/\/127\.0\.0\.1\/a"/],
    [{ clockOffset: -10 * 86400 }, 0, /its clock is (9|10) days behind/],
    [{ profiles: [{ uri: `rtsp://HOST/${'e'.repeat(5000)}` }] }, 5, /no streams: it names a stream by what is no address/],
    [{ profiles: [{ uri: 'http://HOST/a' }] }, 5, /no streams: it names a stream by what is no address/],
    [{ profiles: [{ video: 'JPEG' }] }, 5, /no camera: none of its streams is H\.264 or H\.265\n.*-> Choose H\.264/],
    [{ answers: { GetStreamUri: fault('NotAuthorized', 'no right') } }, 5, /no streams: refuses the username or password: no right\n.*-> Check both/],
    [{ answers: { GetProfiles: fault('Action', 'H264 is not supported') } }, 5, /no streams: it refuses: H264 is not supported\n.*-> A fault of the device's/],
    [{ answers: { GetDeviceInformation: fault('NotAuthorized', 'who') } }, 5, /no streams: wants a username and password: who\n.*-> Ask again with --user/, []],
  ];
  await withDevices(rows.map(([one]) => ({ password: 'secret', ...one })), async (...devices) => {
    await Promise.all(rows.map(async ([, code, words, login = ['--user', 'admin', '--password-stdin']], index) => {
      const result = await discover(['--address', devices[index].address, ...login], { input: 'secret\n' });
      assert.equal(result.code, code, result.stdout + result.stderr);
      assert.match(result.stdout, words);
    }));
  });
});

scenario('a device that is silent at its own port is slow, and not refused at another one', async () => {
  const answers = {
    '*': () => {},
    Probe:
      '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"' +
      ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><s:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:1</a:Address>' +
      '</a:EndpointReference><d:XAddrs>http://127.0.0.1:PORT/onvif/device_service http://127.0.0.1:9/onvif/device_service</d:XAddrs></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>',
  };
  await withDevices([{ answers }], async (device) => {
    answers.Probe = answers.Probe.replace('PORT', device.port);
    const { devices } = await found(['--interface', 'lo', '--timeout', '12'], null);
    assert.deepEqual(devices.map(({ error }) => error), ['no answer in time']);
  }, { discoverable: true });
});

scenario('nothing there is said', async () => {
  const closed = await discover(['--address', '127.0.0.1:1', '--timeout', '5']);
  assert.equal(closed.code, 5);
  assert.match(closed.stdout, /no streams: connection refused\n.*-> The machine is there.*ONVIF/);
  const network = await discover(['--interface', 'nonexistent0', '--timeout', '5']);
  assert.deepEqual([network.code, /nonexistent0: No such device/.test(network.stderr)], [1, true]);
  const usage = await discover(['--address', '127.0.0.1:99999']);
  assert.deepEqual([usage.code, /not an address/.test(usage.stderr)], [2, true]);
});
