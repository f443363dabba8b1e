// SPDX-License-Identifier: MIT
// Cameras over TCP, UDP and TLS, by name and by IPv6 address, with passwords: an independent server at the other end.
//
// Everybody has a camera of his own: gst-rtsp-server 1.22 fails an assertion, or refuses UDP for good, when a second
// session begins while the stream for the first one is being prepared.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { run } from '../support/processes.mjs';
import { decode } from '../support/media.mjs';
import { parseRtp, receiverReport } from '../support/rtp.mjs';
import { RtspProxy } from '../support/rtsp_proxy.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

/** A certificate of its own making for HOSTS, with its key, in one file. */
async function certificate(stage, name, hosts) {
  const [key, file] = [stage.file(`${name}.key`), stage.file(`${name}.crt`)];
  const made = await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${name}`, '-addext', `subjectAltName=${hosts}`, '-keyout', key, '-out', file],
  ]);
  assert.equal(made.code, 0, made.stderr);
  const both = stage.file(`${name}.pem`, readFileSync(file, 'utf8') + readFileSync(key, 'utf8'));
  return { file, both, fingerprint: new X509Certificate(readFileSync(file)).fingerprint256 };
}

async function assertPlays(stage, ringcast, name) {
  const viewer = stage.viewer(ringcast, name);
  await viewer.more(20);
  viewer.assertConsecutive();
  await decode(stage.file(`${name}.mp4`, viewer.recording()));
}

scenario('UDP, and what is done where there is none', async (stage) => {
  const camera = await stage.camera(['--user', 'admin', '--cameras', '2'], { password: 'p@ss/w?rd', leaks: true });
  const interleaved = await stage.camera(['--protocols', 'tcp', '--cameras', '2'], { leaks: true });
  const known = { username: 'admin', password: 'p@ss/w?rd' };
  const cameras = [
    { name: 'udp', url: camera.url(), transport: 'udp', ...known },
    { name: 'auto', url: camera.url(1), transport: 'auto', ...known },
    { name: 'auto-refused', url: interleaved.url(), transport: 'auto' },
    { name: 'udp-refused', url: interleaved.url(1), transport: 'udp' },
  ];
  const ringcast = stage.instance({ cameras }).start();
  await ringcast.streaming(['udp', 'auto', 'auto-refused']);
  const { error } = (await ringcast.until('a reason', ({ cameras: found }) => found[3].error)).cameras[3];
  assert.match(error, /461|transport/);
  for (const name of ['udp', 'auto', 'auto-refused']) await assertPlays(stage, ringcast, name);
  assert.match(ringcast.log, /ingest\[auto-refused\].*UDP is refused, TCP is tried/);
  assert.doesNotMatch(ringcast.log, /ingest\[auto\].*TCP is tried/);
});

scenario('a certificate is verified', async (stage) => {
  const own = await certificate(stage, 'own', 'DNS:localhost,IP:127.0.0.1');
  const strange = await certificate(stage, 'strange', 'DNS:camera.example');
  // No leaks are looked for: with TLS, GLib's threads come and go, and the leak checker sometimes falls over one that is just ending.
  const camera = await stage.camera(['--tls', own.both, '--cameras', '2', '--user', 'admin', '--auth', 'basic'], { password: 'secret' });
  const other = await stage.camera(['--tls', strange.both, '--cameras', '3']);
  const named = camera.url(1).replace('127.0.0.1', 'localhost');
  const known = { username: 'admin', password: 'secret' };
  const plain = fingerprint => fingerprint.replaceAll(':', '').toLowerCase();
  const good = [
    { name: 'trusted', url: camera.url(), ...known },
    { name: 'trusted-by-name', url: named, transport: 'auto', ...known },
    { name: 'unverified', url: other.url(), tls_verify: false },
    { name: 'pinned', url: other.url(1), tls_fingerprint: strange.fingerprint },
    { name: 'pinned-plain', url: other.url(2), tls_fingerprint: plain(strange.fingerprint) },
  ];
  const bad = [
    { name: 'untrusted', url: other.url(), ...known },
    { name: 'wrong-pin', url: camera.url(), tls_fingerprint: strange.fingerprint, ...known },
    { name: 'no-tls', url: camera.url().replace('rtsps', 'rtsp'), ...known },
  ];
  const ringcast = stage.instance({ cameras: [...good, ...bad] });
  ringcast.start({ env: { ...process.env, SSL_CERT_FILE: own.file } });
  await ringcast.streaming(good.map(({ name }) => name));
  const status = await ringcast.until('reasons', ({ cameras }) => cameras.slice(good.length).every(({ error }) => error));
  const errors = status.cameras.slice(good.length).map(({ error }) => error);
  assert.match(errors[0], /the certificate is not accepted: /);
  assert.match(errors[1], /not the one of tls_fingerprint/);
  for (const { name } of good.slice(0, 3)) await assertPlays(stage, ringcast, name);
  assert.ok(!ringcast.log.includes('secret'));
});

scenario('IPv6', async (stage) => {
  const camera = await stage.camera(['--address', '::1', '--cameras', '2'], { leaks: true });
  const [first, second] = camera.cameras;
  const cameras = [
    { name: 'tcp', url: first.url },
    { name: 'udp', url: second.url, transport: 'udp' },
  ];
  assert.match(first.url, /^rtsp:\/\/\[::1\]:\d+\//);
  const ringcast = stage.instance({ cameras }).start();
  await ringcast.streaming();
  for (const { name } of cameras) await assertPlays(stage, ringcast, name);
});

scenario('receiver reports, over TCP and UDP', async (stage) => {
  const cameras = await Promise.all(['tcp', 'udp'].map(() => stage.camera(['--cameras', '1'], { leaks: true })));
  const proxies = await Promise.all(cameras.map((camera) => new RtspProxy(camera.url()).listen()));
  try {
    for (const proxy of proxies) {
      proxy.fault = {
        packet(packet) {
          if (packet.video && !packet.rtcp) proxy.newest = { ssrc: packet.data.readUInt32BE(8), sequence: parseRtp(packet.data).sequence };
          return [packet];
        },
      };
    }
    const [tcp, udp] = proxies.map(({ url }) => url);
    const ringcast = stage.instance({ cameras: [{ name: 'tcp', url: tcp, transport: 'tcp' }, { name: 'udp', url: udp, transport: 'udp' }] }).start();
    await ringcast.streaming();
    for (const proxy of proxies) {
      const found = () => proxy.reports.filter(({ channel }) => channel === 1).map(({ data }) => receiverReport(data)).find((report) => report);
      const report = await waitUntil('a receiver report', found, 20000);
      assert.equal(report.ssrc, proxy.newest.ssrc);
      assert.equal(report.lost, 0);
      const behind = (proxy.newest.sequence - report.sequence) & 0xffff;
      assert.ok(behind < 2000, `the report is ${behind} packets old`);
    }
  } finally {
    for (const proxy of proxies) proxy.close();
  }
});
