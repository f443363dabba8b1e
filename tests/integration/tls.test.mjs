// SPDX-License-Identifier: MIT
// Viewers over TLS: what is spoken, what a new certificate changes and what it does not, and what is said of bad files.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import tls from 'node:tls';
import { descriptors, program, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

/** A certificate of ringcastctl's for NAMES, in its own directory: {certificate, key, ca, fingerprint}. */
async function selfSigned(stage, directory, names = ['localhost', '127.0.0.1']) {
  execFileSync('mkdir', ['-p', stage.file(directory)]);
  const made = await run(program('ringcastctl'), ['tls', 'self-signed', ...names, '--output', stage.file(directory), '--json']);
  assert.equal(made.code, 0, made.stderr);
  const result = JSON.parse(made.stdout);
  return { ...result, ca: readFileSync(result.certificate) };
}

const settingsOf = ({ certificate, key }) => ({ tls: { certificate, key } });

const get = async (url, options = {}) => {
  const request = (url.startsWith('https:') ? https : http).get(url, { agent: false, ...options });
  const [response] = await once(request, 'response');
  let body = '';
  for await (const part of response) body += part;
  return { status: response.statusCode, headers: response.headers, body };
};

/** What a client learns when it connects to ADDRESS: {protocol, alpn, fingerprint}; an Error if it is refused. */
const handshake = (address, options = {}) =>
  new Promise((resolve) => {
    const { hostname: host, port } = new URL(address);
    const socket = tls.connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'], ...options });
    socket.once('secureConnect', () => {
      const { fingerprint256 } = socket.getPeerCertificate();
      resolve({ protocol: socket.getProtocol(), alpn: socket.alpnProtocol, fingerprint: fingerprint256 });
      socket.destroy();
    });
    socket.once('error', resolve);
  });

scenario('pictures, pages and lists over TLS', async (stage) => {
  const identity = await selfSigned(stage, 'identity');
  assert.equal(statSync(identity.key).mode & 0o777, 0o600);
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = await stage.ringcast(camera, {}, settingsOf(identity));
  assert.match(ringcast.address, /^https:/);
  const viewer = stage.viewer(ringcast, 'cam1', { ca: identity.ca });
  await viewer.more(30);
  viewer.assertConsecutive();
  const list = await get(`${ringcast.address}api/cameras`, { ca: identity.ca });
  assert.equal(JSON.parse(list.body).cameras[0].name, 'cam1');
  assert.match((await get(ringcast.address, { ca: identity.ca })).body, /<html/i);

  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const spoken = await handshake(ringcast.address, { minVersion: version, maxVersion: version });
    assert.deepEqual([spoken.protocol, spoken.alpn], [version, 'http/1.1']);
  }
  const old = await handshake(ringcast.address, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
  assert.ok(old instanceof Error, 'TLS 1.1 is refused');

  // Another fan-out in the place of the first speaks TLS from its first connection on.
  const { fanouts } = await ringcast.status();
  process.kill(fanouts[0].pid, 'SIGKILL');
  await viewer.until('the end of the fan-out', ({ closed }) => closed);
  const again = stage.viewer(ringcast, 'cam1', { ca: identity.ca });
  await again.more(5);
});

scenario('plain HTTP is sent to https', async (stage) => {
  const identity = await selfSigned(stage, 'identity');
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = await stage.ringcast(camera, {}, settingsOf(identity));
  const plain = ringcast.address.replace('https:', 'http:');
  for (const place of ['', 'api/cameras', 'camera.html?camera=a%20b&stream=sub', 'live/H%C3%B6f?stream=sub']) {
    const answer = await get(`${plain}${place}`);
    assert.equal(answer.status, 308, place);
    assert.equal(answer.headers.location, `${ringcast.address}${place}`);
  }
  const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };
  assert.equal((await get(`${plain}live/cam1`, { headers: upgrade })).status, 308);
  for (const host of ['a b', 'x/y', '"', 'user@host']) {
    const answer = await get(plain, { headers: { Host: host } });
    assert.deepEqual([answer.status, answer.headers.location], [400, undefined], host);
  }
});

scenario('a new certificate and none', async (stage) => {
  const first = await selfSigned(stage, 'first');
  const second = await selfSigned(stage, 'second');
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = await stage.ringcast(camera, {}, settingsOf(first));
  const viewer = stage.viewer(ringcast, 'cam1', { ca: first.ca });
  await viewer.more(5);
  assert.equal((await handshake(ringcast.address)).fingerprint, first.fingerprint);

  // The same names, other content: as a tool that renews certificates leaves them.
  const [certificate, key] = [readFileSync(first.certificate), readFileSync(first.key)];
  copyFileSync(second.certificate, first.certificate);
  const refused = await ringcast.ctl('reload');
  assert.notEqual(refused.code, 0, 'a certificate without its key is not taken');
  assert.match(refused.stderr, /ringcast\.conf:\d+: tls\.key: .*not the key of the certificate/);
  assert.equal((await handshake(ringcast.address)).fingerprint, first.fingerprint);
  copyFileSync(second.key, first.key);
  process.kill(ringcast.pid, 'SIGHUP');
  await waitUntil('the second certificate', async () => (await handshake(ringcast.address)).fingerprint === second.fingerprint);
  await viewer.more(10);

  // Each reload hands over two memory files; those of the one before are closed on both sides.
  const { fanouts } = await ringcast.status();
  const memoryFiles = () => [ringcast.pid, fanouts[0].pid].map((pid) => descriptors(pid).filter((file) => /ringcast-(certificate|key)/.test(file)).length);
  for (let i = 0; i < 20; i++) assert.equal((await ringcast.ctl('reload')).code, 0);
  await waitUntil('two memory files at ringcastd, none at the fan-out', () => memoryFiles().join() === '2,0');
  await viewer.more(5);

  // A ringcastd that takes over goes on with the files as they are then.
  writeFileSync(first.certificate, certificate);
  writeFileSync(first.key, key);
  process.kill(ringcast.pid, 'SIGKILL');
  await waitUntil('the end of ringcastd', () => !ringcast.daemon.running);
  ringcast.start();
  await ringcast.streaming();
  await waitUntil('the first certificate', async () => (await handshake(ringcast.address)).fingerprint === first.fingerprint);
  await viewer.more(10);
  viewer.assertConsecutive();

  delete ringcast.settings.tls;
  ringcast.write();
  assert.equal((await ringcast.ctl('reload')).code, 0);
  const { address } = await ringcast.status();
  assert.match(address, /^http:/);
  await waitUntil('plain HTTP', async () => (await get(`${address}api/cameras`).catch(() => ({}))).status === 200);
  await viewer.more(10);
  viewer.assertConsecutive();
});

/** One connection, which resumes SESSION if there is one: {reused, session}, the newest that the server has given. */
const resume = (address, options, session) =>
  new Promise((resolve, reject) => {
    const { hostname: host, port } = new URL(address);
    const socket = tls.connect({ host, port, rejectUnauthorized: false, session, ...options });
    const result = {};
    socket.on('session', (given) => (result.session = given));
    socket.once('secureConnect', () => {
      result.reused = socket.isSessionReused();
      socket.write('GET /api/cameras HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    });
    socket.resume().once('error', reject).once('close', () => resolve(result));
  });

scenario('a session is resumed by every fan-out', async (stage) => {
  const identity = await selfSigned(stage, 'identity');
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = await stage.ringcast(camera, {}, { ...settingsOf(identity), fanout: { processes: 3 } });
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const options = { minVersion: version, maxVersion: version };
    const first = await resume(ringcast.address, options);
    assert.deepEqual([first.reused, Boolean(first.session)], [false, true], version);
    const again = await Promise.all(Array.from({ length: 12 }, () => resume(ringcast.address, options, first.session)));
    assert.ok(again.every(({ reused }) => reused), `${version}: ${again.map(({ reused }) => reused)}`);
  }
  const old = await resume(ringcast.address, {});
  assert.equal((await ringcast.ctl('reload')).code, 0);
  await waitUntil('another secret', async () => !(await resume(ringcast.address, {}, old.session)).reused);
});

scenario('files that cannot serve', async (stage) => {
  const good = await selfSigned(stage, 'good');
  const other = await selfSigned(stage, 'other');
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'ignore' });
  const signed = (name, issuer, days, config) => {
    const [key, request, certificate] = ['key', 'request', 'certificate'].map((kind) => stage.file(`${name}-${kind}.pem`));
    openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', request, '-subj', `/CN=${name}`);
    const by = issuer ? ['-CA', issuer.certificate, '-CAkey', issuer.key, '-CAcreateserial'] : ['-signkey', key];
    openssl('x509', '-req', '-in', request, ...by, '-days', String(days), '-out', certificate, '-extfile', stage.file(`${name}.ext`, config));
    chmodSync(key, 0o600);
    return { key, certificate };
  };
  // Only `openssl ca` sets dates in the past in every version.
  const outOfDate = (name) => {
    const { key, certificate } = signed(name, null, 1, 'basicConstraints=CA:FALSE');
    const authority = `[ca]\ndefault_ca = own\n[own]\ndatabase = ${stage.file('index.txt', '')}\nrand_serial = yes\nnew_certs_dir = ${stage.directory}\ndefault_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n`;
    openssl('ca', '-batch', '-selfsign', '-notext', '-config', stage.file('ca.cnf', authority), '-keyfile', key, '-in',
      stage.file(`${name}-request.pem`), '-out', certificate, '-startdate', '20200101000000Z', '-enddate', '20200201000000Z');
    return { key, certificate };
  };
  const authority = signed('authority', null, 400, 'basicConstraints=critical,CA:TRUE');
  const middle = signed('middle', authority, 400, 'basicConstraints=critical,CA:TRUE');
  const leaf = signed('leaf', middle, 400, 'basicConstraints=CA:FALSE');
  const expired = outOfDate('expired');
  const soon = signed('soon', null, 3, 'basicConstraints=CA:FALSE');
  const whole = stage.file('whole.pem', Buffer.concat([leaf, middle, authority].map(({ certificate }) => readFileSync(certificate))));
  const secret = stage.file('secret.pem');
  openssl('pkey', '-in', good.key, '-aes256', '-passout', 'pass:hidden', '-out', secret);
  chmodSync(secret, 0o600);
  const open = stage.file('open.pem', readFileSync(good.key));
  chmodSync(open, 0o644);
  const nothing = stage.file('nothing.pem', 'nothing\n');
  chmodSync(nothing, 0o600);

  const check = async (tlsSettings) => {
    const instance = stage.instance({ cameras: [], tls: tlsSettings });
    const result = await run(program('ringcastd'), ['--check', '--config', instance.config]);
    return { code: result.code, said: result.stderr };
  };
  const refused = [
    [{ certificate: good.certificate }, /:\d+: tls\.key: missing/],
    [{ key: good.key }, /:\d+: tls\.certificate: missing/],
    [{ certificate: 'cert.pem', key: good.key }, /tls\.certificate: not an absolute path/],
    [{ certificate: stage.file('gone.pem'), key: good.key }, /:\d+: tls\.certificate: .*gone\.pem: No such file/],
    [{ certificate: path.dirname(good.key), key: good.key }, /tls\.certificate: .*not a file/],
    [{ certificate: nothing, key: good.key }, /tls\.certificate: .*no certificate in PEM form/],
    [{ certificate: good.certificate, key: nothing }, /tls\.key: .*not a private key in PEM form/],
    [{ certificate: good.certificate, key: secret }, /tls\.key: .*passphrase/],
    [{ certificate: good.certificate, key: open }, /tls\.key: .*other users may read or change it \(mode 644\)/],
    [{ certificate: good.certificate, key: other.key }, /tls\.key: .*not the key of the certificate/],
  ];
  for (const [settings, said] of refused) {
    const result = await check(settings);
    assert.notEqual(result.code, 0, JSON.stringify(settings));
    assert.match(result.said, said);
    assert.doesNotMatch(result.said, /PRIVATE KEY-----\\n|hidden/);
  }
  const served = [
    [{ certificate: good.certificate, key: good.key }, /^$/],
    [{ certificate: whole, key: leaf.key }, /^$/],
    [{ certificate: leaf.certificate, key: leaf.key }, /incomplete, the certificate of "CN = middle" does not follow/],
    [{ certificate: expired.certificate, key: expired.key }, /has expired on \d{4}-/],
    [{ certificate: soon.certificate, key: soon.key }, /expires on \d{4}-/],
  ];
  for (const [settings, said] of served) {
    const result = await check(settings);
    assert.equal(result.code, 0, result.said);
    assert.match(result.said, said);
  }
  const again = await run(program('ringcastctl'), ['tls', 'self-signed', '--output', path.dirname(good.key)]);
  assert.equal(again.code, 1, 'files that exist are not touched');
  rmSync(good.key);
  for (const name of ['a b', '-x', 'x,DNS:y', '']) {
    const wrong = await run(program('ringcastctl'), ['tls', 'self-signed', '--output', path.dirname(good.key), '--', name]);
    assert.equal(wrong.code, 2, name);
  }
});
