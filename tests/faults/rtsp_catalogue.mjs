// SPDX-License-Identifier: MIT
// What a camera or the network to it can do wrong. Each fault is
//   name     of the camera it happens to
//   begin(proxy), end(proxy)  what a tests/support/rtsp_proxy.mjs is told
//   shows    {state, error}: what a viewer is told of the camera; without it the state has to stay "streaming"
//   hold     ms that it lasts; without it, and with `shows`, until that is shown
//   usual    what the proxy does before
//   settings of the camera in ringcast's configuration, if need be
//   own      the options of a camera that nobody else has; proxy.camera is its program
//   slow     it takes 10 s and more
// and, of what its viewer receives:
//   lossless every frame that the camera sent
//   generations  how many init segments after the first one; [least, most]
//   damaged  some of it may not decode: RTP has no checksum. What comes after the fault always has to decode
//   heavy    pictures may stop, and the state with them
//   counts   which counters of the status grow
//   log      what the log says; it lasts until then
import { PPS, SPS, changed, changedReport, nalType, ofKeyframe, parseRtp } from '../support/rtp.mjs';

const HOUR_S = 3600;
const VIDEO_RATE = 90000;
const AUDIO_RATE = 48000;

const nothing = {};
const silence = { accept: () => true, answer: () => true, packet: () => [] };

const set = (fault) => (proxy) => (proxy.fault = fault);
const over = set(nothing);

/** FAULT is met by a new connection, so the present one is cut. */
const anew = (fault) => (proxy) => {
  proxy.fault = fault;
  proxy.cut();
};

/** FAULT is met by the present connection only. */
const present = (fault) => (proxy) => {
  const connections = new Set(proxy.connections);
  const only = (hook) => (subject, connection) => (connections.has(connection) ? hook(subject, connection) : undefined);
  proxy.fault = Object.fromEntries(Object.entries(fault).map(([name, hook]) => [name, only(hook)]));
};

const reply = ({ sequence }, status, headers = '', body = '') => `RTSP/1.0 ${status}\r\nCSeq: ${sequence}\r\n${headers}\r\n${body}`;

/** Sends what MORE() gives for as long as it is taken, LIMIT bytes at most. */
function flood({ client }, more, limit = 1e9) {
  let sent = 0;
  const send = () => {
    while (!client.destroyed && client.writable && sent < limit) {
      const bytes = more();
      sent += bytes.length;
      if (!client.write(bytes)) break;
    }
  };
  client.on('drain', send);
  send();
}

const noise = (random, size) => Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256)));

/** Every request METHOD is answered so; others are forwarded. */
const answering = (method, answer) => ({
  answer: (request, connection) => (request.method === method ? answer(request, connection) : undefined),
});

const throttled = (rate) => ({
  begin(proxy) {
    proxy.fault = { accept: (connection) => void connection.outlet.throttle(rate) };
    for (const connection of proxy.connections) connection.outlet.throttle(rate);
  },
  end(proxy) {
    proxy.fault = nothing;
    for (const connection of proxy.connections) connection.outlet.throttle(Infinity);
  },
});

/** A fault of RTP packets: CHANGE(packet) gives those to pass on. */
const packets = (change) => ({ packet: (packet, connection) => (packet.rtcp ? [packet] : change(packet, connection)) });

const lose = (random, share) => packets((packet) => (random() < share ? [] : [packet]));

/** Some packets of pictures are overtaken by the next one, two or three, the last of their picture at most: how long a packet is
 *  waited for is not what is tested. */
function reorder(random, share) {
  let late = [];
  return packets((packet) => {
    if (!packet.video) return [packet];
    const { marker } = parseRtp(packet.data);
    const due = late.filter((held) => --held.wait <= 0 || marker);
    late = late.filter((held) => !due.includes(held));
    const passed = due.map((held) => held.packet);
    if (marker || random() >= share) return [packet, ...passed];
    late.push({ packet, wait: 1 + Math.floor(random() * 3) });
    return passed;
  });
}

/** Timestamps from now on are SECONDS further. */
const jump = (seconds) =>
  packets((packet) => {
    const ticks = seconds * (packet.video ? VIDEO_RATE : AUDIO_RATE);
    return [{ ...packet, data: changed(packet.data, { timestamp: (value) => value + ticks }) }];
  });

/** A clock that runs faster by the share RATE; its sender reports know it. */
function drift(rate) {
  const began = {};
  const ticks = (packet, timestamp) => Math.round(((timestamp - (began[packet.video] ??= timestamp)) | 0) * rate);
  return {
    packet(packet) {
      const { data } = packet;
      if (!packet.rtcp) return [{ ...packet, data: changed(data, { timestamp: (value) => value + ticks(packet, value) }) }];
      const reported = data.length >= 20 ? ticks(packet, data.readUInt32BE(16)) : 0;
      return [{ ...packet, data: changedReport(data, { ticks: reported }) }];
    },
  };
}

const reports = (change) => ({ packet: (packet) => (packet.rtcp ? [{ ...packet, data: changedReport(packet.data, change) }] : [packet]) });

/** What the camera sends from the beginning, without its keyframes, as if there never were any. */
function withoutKeyframes() {
  return packets((packet, connection) => {
    if (!packet.video) return [packet];
    connection.missing ??= 0;
    if (ofKeyframe(packet.data)) {
      connection.missing++;
      return [];
    }
    return [{ ...packet, data: changed(packet.data, { sequence: (value) => value - connection.missing }) }];
  });
}

const framed = (packet, length) => Buffer.from([0x24, packet.channel, (length >> 8) & 0xff, length & 0xff]);

/** Every Nth packet of video is another. */
function everyNth(n, change) {
  let count = 0;
  return packets((packet) => (packet.video && ++count % n === 0 ? change(packet) : [packet]));
}

const wrongLength = (by) => everyNth(40, (packet) => [{ ...packet, wire: Buffer.concat([framed(packet, packet.data.length + by), packet.data]) }]);

/** The connection: it ends, hangs, or is slow. */
export function connectionFaults({ stalls }) {
  return [
    { name: 'cut', instant: true, begin: (proxy) => proxy.cut() },
    {
      name: 'cut within a packet',
      instant: true,
      begin: (proxy) => proxy.cut({ last: Buffer.from([0x24, 0, 0x05, 0, 0x80, 0x60]) }),
    },
    { name: 'reset', instant: true, begin: (proxy) => proxy.cut({ reset: true }) },
    { name: 'half-open', begin: present(silence), end: over, shows: { state: 'stalled', error: /no video for 5 s$/ } },
    ...stalls.map((seconds) => ({
      name: `stall of ${seconds} s`,
      ...throttled(0),
      hold: seconds * 1000,
      ...(seconds < 5 ? { lossless: true } : { shows: { state: 'stalled', error: /no video for 5 s$/ } }),
    })),
    {
      name: 'slower than its stream',
      slow: true,
      ...throttled(18000),
      shows: { state: 'stalled', error: /pictures come \d+ s late; the connection is slower than its stream/ },
    },
    { name: 'slow trickle', ...throttled(300), shows: { state: 'stalled', error: /no video for 5 s/ } },
    {
      name: 'slow trickle from the beginning',
      slow: true,
      begin(proxy) {
        throttled(10).begin(proxy);
        proxy.cut();
      },
      end: throttled(10).end,
      shows: { state: 'starting', error: /no answer to [A-Z]+ in time/ },
    },
    {
      name: 'refused',
      begin(proxy) {
        proxy.refuse();
        proxy.cut();
      },
      end: (proxy) => proxy.accept(),
      shows: { state: 'starting', error: /connection refused/ },
    },
    { name: 'never answers', slow: true, begin: anew(silence), end: over, shows: { state: 'starting', error: /no answer to OPTIONS in time/ } },
    {
      name: 'cut within an answer',
      begin: anew(
        answering('DESCRIBE', (request, connection) => {
          connection.cut({ last: 'RTSP/1.0 200 OK\r\nCSe' });
          return true;
        }),
      ),
      end: over,
      shows: { state: 'starting', error: /closed the connection before it answered DESCRIBE/ },
    },
  ];
}

/** Answers that are none, or no use, or too much. */
export function answerFaults(random) {
  const line = Buffer.from(`X-Filler: ${'a'.repeat(70)}\r\n`.repeat(50));
  const endless = Buffer.from('a'.repeat(4096));
  const media = Buffer.from('m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n'.repeat(80));
  const hundredMegabytes = 100_000_000;
  let nonce = 0;
  const challenge = (request) => reply(request, '401 Unauthorized', `WWW-Authenticate: Digest realm="camera", nonce="${nonce++}"\r\n`);
  /** A camera that takes any password. */
  const asking = answering('DESCRIBE', (request) => (/^authorization:/im.test(request.text) ? undefined : challenge(request)));
  const answered = (name, method, answer, error, settings) => ({
    name,
    begin: anew(answering(method, answer)),
    end: over,
    shows: { state: 'starting', error },
    settings,
  });
  const flooding = (head, more, limit) => (request, connection) => {
    connection.outlet.write(Buffer.from(head(request)));
    flood(connection, more, limit);
    return true;
  };

  return [
    {
      ...answered('401 again and again', 'DESCRIBE', challenge, /refuses the username or password \(401\)/, { username: 'me', password: 'secret' }),
      usual: asking,
      end: set(asking),
      shows: { state: 'failed', error: /refuses the username or password \(401\), 1 log-in since .* next try at .* locked the account/ },
    },
    answered('401 without credentials', 'DESCRIBE', challenge, /wants a username and password \(401\)/),
    answered('404', 'DESCRIBE', (request) => reply(request, '404 Not Found'), /no such stream \(404\)/),
    answered('500', 'DESCRIBE', (request) => reply(request, '500 Internal Server Error'), /an error of its own \(500 to DESCRIBE\)/),
    answered('503 to PLAY', 'PLAY', (request) => reply(request, '503 Service Unavailable'), /busy \(503\)/),
    answered(
      'redirects in a circle',
      'DESCRIBE',
      (request, { proxy }) => reply(request, '302 Found', `Location: ${proxy.url}\r\n`),
      /redirects without end/,
    ),
    answered(
      'redirects elsewhere',
      'DESCRIBE',
      (request) => reply(request, '302 Found', 'Location: rtsp://camera.example/\r\n'),
      /redirects to another host/,
    ),
    answered('endless headers', 'OPTIONS', flooding((request) => `RTSP/1.0 200 OK\r\nCSeq: ${request.sequence}\r\n`, () => line), /headers without end/),
    answered('an endless header', 'OPTIONS', flooding(() => 'RTSP/1.0 200 OK\r\nX: ', () => endless), /headers without end/),
    answered(
      'an SDP of 100 MB',
      'DESCRIBE',
      flooding((request) => reply(request, '200 OK', `Content-Type: application/sdp\r\nContent-Length: ${hundredMegabytes}\r\n`), () => media, hundredMegabytes),
      /an answer of 100000000 bytes/,
    ),
    answered(
      'an SDP of 100 MB, unannounced',
      'DESCRIBE',
      flooding((request) => reply(request, '200 OK', 'Content-Type: application/sdp\r\n'), () => media, hundredMegabytes),
      /an answer of \d+ bytes or more/,
    ),
    answered('HTTP', 'OPTIONS', () => 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n', /speaks HTTP/),
    answered('garbage for an answer', 'OPTIONS', flooding(() => '', () => noise(random, 4096)), /sends garbage, no RTSP/),
  ];
}

/** The packets of a stream that goes on. */
export function packetFaults(random, { hold, losses }) {
  const going = (name, fault, more = {}) => ({ name, begin: set(fault), end: over, hold, ...more });
  const udp = { transport: 'udp' };
  let flooded;

  return [
    going('duplicates', packets((packet) => (random() < 0.2 ? [packet, packet] : [packet])), { lossless: true, counts: ['duplicates'] }),
    going('truncated packets', everyNth(40, (packet) => [
      { ...packet, wire: Buffer.concat([framed(packet, packet.data.length), packet.data.subarray(0, packet.data.length >> 1)]) },
    ]), { counts: ['lost', 'withheld'] }),
    going('lengths too large', wrongLength(+9), { counts: ['lost', 'withheld'] }),
    // Until a packet from the middle of a picture shows it, the rest of one looks like the junk that cameras put between packets.
    going('lengths too small', wrongLength(-9), { damaged: true }),
    going('garbage between packets', everyNth(40, (packet) => [packet, { ...packet, wire: noise(random, 100) }]), { lossless: true }),
    {
      name: 'garbage for packets',
      begin: set(packets((packet, connection) => {
        if (flooded !== connection) flood(connection, () => noise(random, 4096));
        flooded = connection;
        return [];
      })),
      end(proxy) {
        proxy.fault = nothing;
        proxy.cut();
      },
      shows: { state: 'stalled', error: /sends garbage, no RTSP/ },
    },
    going('another SSRC', packets((packet) => [{ ...packet, data: changed(packet.data, { ssrc: (value) => value ^ 0x5a5a }) }]), { counts: ['discontinuities'] }),
    going('another sequence', packets((packet) => [{ ...packet, data: changed(packet.data, { sequence: (value) => value + 20000 }) }]), { counts: ['discontinuities'] }),
    ...losses.map((percent) => going(`loss of ${percent} %`, lose(random, percent / 100), { heavy: percent >= 1 })),
    ...losses.map((percent) => going(`UDP, loss of ${percent} %`, lose(random, percent / 100), { settings: udp, heavy: percent >= 1 })),
    going('UDP, reordered', reorder(random, 0.2), { settings: udp, lossless: true, counts: ['reordered'] }),
    going('UDP, duplicates', packets((packet) => (random() < 0.2 ? [packet, packet] : [packet])), { settings: udp, lossless: true, counts: ['duplicates'] }),
    going('UDP, truncated to 7 bytes', everyNth(40, (packet) => [{ ...packet, data: packet.data.subarray(0, 7) }]), { settings: udp, counts: ['malformed', 'lost'] }),
    going('UDP, garbage beside it', everyNth(10, (packet) => [packet, { ...packet, wire: noise(random, 200) }]), { settings: udp, lossless: true }),
    { name: 'UDP, silence', begin: present({ packet: () => [] }), end: over, settings: udp, shows: { state: 'stalled', error: /no video for 5 s$/ } },
    {
      name: 'UDP that never comes',
      begin: anew({ packet: (packet, connection) => (connection.udp ? [] : [packet]) }),
      end: over,
      settings: { transport: 'auto' },
      heavy: true,
      log: /no packet over UDP within 2 s, TCP is tried/,
    },
  ];
}

/** Clocks that jump. A sender report comes every 5 s at most. */
export function clockFaults({ hold }) {
  const going = (name, fault, more = {}) => ({ name, begin: set(fault), end: over, hold, ...more });

  return [
    going('RTP time +1 h', jump(HOUR_S), { counts: ['discontinuities'], complete: true }),
    going('RTP time -1 h', jump(-HOUR_S), { counts: ['discontinuities'], complete: true }),
    // For good: back at its own rate it would have jumped.
    { name: 'RTP time 1 % fast', begin: set(drift(0.01)), hold, lossless: true },
    { name: 'RTP time 1 % slow', begin: set(drift(-0.01)), hold, lossless: true },
    going('time of day +1 h in sender reports', reports({ seconds: HOUR_S }), { lossless: true, hold: Math.max(hold, 6000) }),
    going('time of day -1 h in sender reports', reports({ seconds: -HOUR_S }), { lossless: true, hold: Math.max(hold, 6000) }),
    going('RTP time +1 h in sender reports', reports({ ticks: HOUR_S * VIDEO_RATE }), { lossless: true, hold: Math.max(hold, 6000) }),
  ];
}

/** Parameter sets that change, or are sent otherwise than before. */
export function parameterFaults({ hold }) {
  const going = (name, fault, more = {}) => ({ name, begin: set(fault), end: over, hold, ...more });
  const sets = [SPS, PPS];

  /** They are only in the SDP. */
  const withoutSets = () =>
    packets((packet, connection) => {
      connection.left ??= 0;
      if (!packet.video) return [packet];
      if (sets.includes(nalType(packet.data))) {
        connection.left++;
        return [];
      }
      return [{ ...packet, data: changed(packet.data, { sequence: (value) => value - connection.left }) }];
    });
  const damagedSets = packets((packet) => {
    if (!packet.video || nalType(packet.data) !== SPS) return [packet];
    const { payload } = parseRtp(packet.data);
    return [{ ...packet, data: Buffer.concat([packet.data.subarray(0, payload + 1), Buffer.alloc(packet.data.length - payload - 1, 0xff)]) }];
  });

  return [
    {
      name: 'another size',
      own: 'growing:audio=aac,bitrate=400',
      begin: (proxy) => proxy.camera.command('size=480x270 growing'),
      hold,
      generations: 1,
    },
    {
      name: 'another size and back',
      own: 'breathing:bitrate=400',
      begin: (proxy) => proxy.camera.command('size=480x270 breathing'),
      end: (proxy) => proxy.camera.command('size=320x180 breathing'),
      hold,
      generations: 2,
    },
    { name: 'no parameter sets in band', begin: set(withoutSets()), hold, lossless: true }, // for good: its numbers stay others
    going('damaged parameter sets', damagedSets, { lossless: true }),
  ];
}

/** A camera that is there and sends no pictures: each deadline is found by its own name. */
export function livenessFaults() {
  const onlyAudio = packets((packet) => (packet.video ? [] : [packet]));
  const onlyVideo = { packet: (packet) => (packet.video ? [packet] : []) };
  const keyless = withoutKeyframes();

  return [
    { name: 'no first frame', slow: true, begin: anew({ packet: () => [] }), end: over, shows: { state: 'stalled', error: /connected, but no video within 10 s$/ } },
    {
      name: 'only audio from the beginning',
      slow: true,
      begin: anew(onlyAudio),
      end: over,
      shows: { state: 'stalled', error: /connected, but no video within 10 s; it sends only audio/ },
    },
    { name: 'only audio', begin: set(onlyAudio), end: over, shows: { state: 'stalled', error: /no video for 5 s; it sends only audio/ } },
    { name: 'no keyframes', slow: true, begin: anew(keyless), end: over, shows: { state: 'starting', error: /waiting for a keyframe, \d+ s so far/ } },
    {
      name: 'garbage within packets',
      slow: true,
      begin: anew(packets((packet) => [{ ...packet, data: Buffer.concat([packet.data.subarray(0, 12), Buffer.alloc(packet.data.length - 12, 0xff)]) }])),
      end: over,
      shows: { state: 'stalled', error: /no video within 10 s; what it sends makes no frames/ },
    },
    {
      name: 'audio ends',
      generations: [1, 2], // without the sound, and with it if it is let in again by then
      slow: true,
      begin: set(onlyVideo),
      end: over,
      lossless: true,
      log: /no audio for 10 s; video goes on/,
    },
    {
      name: 'audio never comes',
      generations: [1, 2],
      slow: true,
      begin: anew(onlyVideo),
      end: over,
      heavy: true,
      log: /no audio for 10 s; video goes on/,
    },
  ];
}
