// SPDX-License-Identifier: MIT
// ringcast behind the proxies of docs/examples/proxies: the files are run as they are, but for ports, certificates and addresses.
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import WebSocket from 'ws';
import { Ingress } from '../support/ingress.mjs';
import { freePort } from '../support/ports.mjs';
import { program, repositoryDirectory, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const VISITOR = '127.0.0.3'; // not the proxies' own address, which is trusted
const SPOOFED = '203.0.113.9';
const SYSTEM = `${process.env.PATH}:/usr/sbin:/sbin`; // where Debian has them, and an ordinary user's PATH has not

const found = async (name, ...args) => {
  const result = await run('/bin/sh', ['-c', `command -v ${name} && ${name} ${args.join(' ')}`], { env: { PATH: SYSTEM } });
  return result.code === 0 ? result.stdout.split('\n')[0] : null;
};

const installed = { nginx: await found('nginx', '-v'), haproxy: await found('haproxy', '-v'), caddy: await found('caddy', 'version') };
const missing = (name) => (installed[name] ? false : `there is no ${name} here`);

const example = (name) => readFileSync(path.join(repositoryDirectory, 'docs/examples/proxies', name), 'utf8');

/** The settings that the head of an example asks for: lines such as "#     base_path = "/cams";". */
function settingsOf(text) {
  const lines = [...text.matchAll(/^# {5}(\w+) = (.*);$/gm)];
  assert.ok(lines.length > 0, 'the example says what is to be set in ringcast.conf');
  return Object.fromEntries(lines.map(([, name, value]) => [name, JSON.parse(value.replace(/^\( /, '[').replace(/ \)$/, ']'))]));
}

/** TEXT with each of CHANGES, [what, by what], which must all be there. */
const changed = (text, changes) =>
  changes.reduce((result, [from, to]) => {
    assert.ok(result.includes(from), `the example has ${from}`);
    return result.replaceAll(from, to);
  }, text);

const accepts = (port) =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/** START(ports) begins a proxy that listens on all of PORTS; if another process was faster, with other ports. */
async function listening(count, start) {
  for (let attempt = 0; ; attempt++) {
    const ports = await Promise.all(Array.from({ length: count }, () => freePort()));
    const proxy = start(...ports);
    const up = await waitUntil('the proxy', async () => !proxy.running || (await Promise.all(ports.map(accepts))).every(Boolean));
    assert.ok(up);
    if (proxy.running) return ports;
    assert.ok(attempt < 3, proxy.log);
  }
}

/** How a visitor reaches a proxy: names of hosts are all this machine. */
const visiting = (stage) => ({
  ca: stage.ca,
  localAddress: VISITOR,
  lookup: (name, options, done) => (options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)),
});

async function get(stage, url, headers = {}, body = undefined) {
  const method = body === undefined ? 'GET' : 'POST';
  const request = (url.startsWith('https:') ? https : http).request(url, { method, agent: false, headers, ...visiting(stage) });
  request.end(body);
  const [response] = await once(request, 'response');
  let text = '';
  for await (const part of response) text += part;
  return { status: response.statusCode, headers: response.headers, body: text };
}

/** The status with which a WebSocket at URL is answered, and the body of a refusal. */
function upgrade(stage, url, origin) {
  const socket = new WebSocket(url, { origin, ...visiting(stage) });
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      resolve({ status: 101 });
      socket.terminate();
    });
    socket.once('unexpected-response', async (request, response) => {
      let body = '';
      for await (const part of response) body += part;
      resolve({ status: response.statusCode, body });
    });
    socket.once('error', reject);
  });
}

/** A ringcast with the settings of EXAMPLE, and a certificate for the proxy. */
async function behind(stage, text, settings = {}) {
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = await stage.ringcast(camera, {}, { ...settingsOf(text), ...settings });
  mkdirSync(stage.file('identity'));
  const made = await run(program('ringcastctl'), ['tls', 'self-signed', 'nvr.example', 'other.example', '--output', stage.file('identity'), '--json']);
  assert.equal(made.code, 0, made.stderr);
  const { certificate, key } = JSON.parse(made.stdout);
  stage.ca = readFileSync(certificate);
  return { ringcast, upstream: new URL(ringcast.address).host, certificate, key };
}

/** All that a visitor does at ADDRESS, where a proxy shows RINGCAST. */
async function visit(stage, ringcast, address) {
  const { origin, pathname } = new URL(address);
  const page = await get(stage, address);
  assert.equal(page.status, 200);
  assert.match(page.headers['content-type'], /^text\/html/);
  const files = [...page.body.matchAll(/(?:src|href)="([^"#?]+\.(?:js|css|svg))"/g)].map(([, file]) => file);
  assert.ok(files.length >= 3, 'the page names its files');
  for (const file of files) assert.equal((await get(stage, new URL(file, address).href)).status, 200, file);

  const list = await get(stage, new URL('api/cameras', address).href, { 'X-Forwarded-For': SPOOFED });
  const [{ name, live }] = JSON.parse(list.body).cameras;
  assert.deepEqual([name, live], ['cam1', `${pathname}live/cam1`]);
  assert.equal((await get(stage, new URL('api/cameras', address).href, { 'If-None-Match': list.headers.etag })).status, 304);
  const outside = await get(stage, new URL('../../etc/passwd', address).href);
  assert.ok(outside.status === 404 || pathname !== '/', 'nothing else is there');

  // Its own page sees the camera, under its own address, and not under one that it makes up.
  const viewer = stage.viewer({ address }, 'cam1', { origin, headers: { 'X-Forwarded-For': SPOOFED, Forwarded: `for=${SPOOFED}` }, ...visiting(stage) });
  await viewer.more(20);
  viewer.assertConsecutive();
  const { stdout } = await ringcast.ctl('viewers', '--json');
  const viewers = JSON.parse(stdout).viewers;
  assert.deepEqual(viewers.map((each) => each.address), [VISITOR]);
  const socket = new URL(live, address);
  socket.protocol = origin.startsWith('https:') ? 'wss:' : 'ws:';
  assert.equal((await upgrade(stage, socket.href, origin)).status, 101, 'at the address of the list');
  await viewer.close();

  const foreign = await upgrade(stage, socket.href, 'https://evil.example');
  assert.equal(foreign.status, 403);
  assert.ok(foreign.body.includes('"https://evil.example"') && foreign.body.includes(`"${origin}"`), foreign.body);
  const other = origin.startsWith('https:') ? origin.replace('https:', 'http:') : origin.replace('http:', 'https:');
  assert.equal((await upgrade(stage, socket.href, other)).status, 403, 'a page of the other scheme is another one');
}

/** nginx with SERVERS, the text of its http block. */
const startNginx = (stage, servers) => {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${stage.file(kind)};`).join('\n');
  const file = stage.file('nginx.conf', `daemon off;\n${process.getuid() === 0 ? 'user root;' : ''}\npid ${stage.file('nginx.pid')};\nerror_log stderr;
    worker_processes 1;\nevents { worker_connections 256; }\nhttp {\naccess_log off;\n${temporary}\n${servers}\n}\n`);
  return stage.start('/bin/sh', ['-c', `exec nginx -e stderr -p ${stage.directory} -c ${file}`], { env: { PATH: SYSTEM }, name: 'nginx' });
};

scenario('nginx', async (stage) => {
  const text = example('nginx.conf');
  const { ringcast, upstream, certificate, key } = await behind(stage, text);
  const [plain, port] = await listening(2, (http, https) => startNginx(stage, changed(text, [
    ['listen 80;', `listen 127.0.0.1:${http};`],
    ['listen 443 ssl;', `listen 127.0.0.1:${https} ssl;`],
    ['http://127.0.0.1:8080;', `http://${upstream};`],
    ['/etc/letsencrypt/live/nvr.example/fullchain.pem', certificate],
    ['/etc/letsencrypt/live/nvr.example/privkey.pem', key],
  ])));
  await visit(stage, ringcast, `https://nvr.example:${port}/`);
  const redirect = await get(stage, `http://nvr.example:${plain}/camera.html?camera=a`);
  assert.deepEqual([redirect.status, redirect.headers.location], [308, 'https://nvr.example/camera.html?camera=a']);
}, { skip: missing('nginx') });

for (const [passes, slash] of [['leaves its path away', '/;'], ['passes its path on', ';']]) {
  scenario(`nginx under a path that ${passes}`, async (stage) => {
    const text = example('nginx-path.conf');
    const { ringcast, upstream, certificate, key } = await behind(stage, text);
    const snippet = changed(text, [['http://127.0.0.1:8080/;', `http://${upstream}${slash}`]]);
    const [port] = await listening(1, (https) => startNginx(stage, `server { listen 127.0.0.1:${https} ssl;
      ssl_certificate ${certificate}; ssl_certificate_key ${key};\n${snippet}\n}`));
    await visit(stage, ringcast, `https://nvr.example:${port}/cams/`);
    const redirect = await get(stage, `https://nvr.example:${port}/cams?kiosk`);
    assert.equal(redirect.status, 308);
    assert.equal(new URL(redirect.headers.location, `https://nvr.example:${port}`).href, `https://nvr.example:${port}/cams/?kiosk`);
  }, { skip: missing('nginx') });
}

scenario('a log-in through nginx under a path', async (stage) => {
  const { ringcast, upstream, certificate, key } = await behind(stage, example('nginx-path.conf'), { auth: {} });
  const added = await run(program('ringcastctl'), ['--config', ringcast.config, 'user', 'add', 'anna', '--camera', '*', '--password-stdin'], { input: 'long enough 7\n' });
  assert.equal(added.code, 0, added.stderr);
  const snippet = changed(example('nginx-path.conf'), [['http://127.0.0.1:8080/;', `http://${upstream}/;`]]);
  const [port] = await listening(1, (https) => startNginx(stage, `server { listen 127.0.0.1:${https} ssl;
    ssl_certificate ${certificate}; ssl_certificate_key ${key};\n${snippet}\n}`));
  const address = `https://nvr.example:${port}/cams/`;
  const { origin } = new URL(address);
  const logIn = (password, from = origin) =>
    get(stage, `${address}api/login`, { Origin: from, 'Content-Type': 'application/json' }, JSON.stringify({ user: 'anna', password }));
  const list = (headers) => get(stage, `${address}api/cameras`, headers);

  assert.equal((await list()).status, 401);
  assert.equal((await logIn('wrong')).status, 401);
  assert.equal((await logIn('long enough 7', 'https://evil.example')).status, 403);
  await waitUntil('who guesses, in the log', () => ringcast.log.includes(VISITOR));
  const welcome = await waitUntil('the user', async () => {
    const answer = await logIn('long enough 7');
    return answer.status === 200 && answer;
  });
  const [cookie] = welcome.headers['set-cookie'];
  for (const attribute of ['Path=/cams/', 'Secure', 'HttpOnly', 'SameSite=Strict']) assert.match(cookie, new RegExp(`; ${attribute}(;|$)`));
  const headers = { Cookie: cookie.split(';')[0] };
  assert.equal((await list(headers)).status, 200);
  const viewer = stage.viewer({ address }, 'cam1', { origin, headers, ...visiting(stage) });
  await viewer.more(10);
  viewer.assertConsecutive();
  await viewer.close();
}, { skip: missing('nginx') });

scenario('HAProxy', async (stage) => {
  const text = example('haproxy.cfg');
  const { ringcast, upstream, certificate, key } = await behind(stage, text);
  const both = stage.file('both.pem', Buffer.concat([certificate, key].map((file) => readFileSync(file))));
  const [plain, port] = await listening(2, (http, https) => {
    const file = stage.file('haproxy.cfg', `global\n    maxconn 200\n${changed(text, [
      ['bind :80\n', `bind 127.0.0.1:${http}\n`],
      ['bind :443 ', `bind 127.0.0.1:${https} `],
      ['/etc/haproxy/certificates.pem', both],
      ['127.0.0.1:8080', upstream],
    ])}`);
    return stage.start('/bin/sh', ['-c', `exec haproxy -db -f ${file}`], { env: { PATH: SYSTEM }, name: 'haproxy' });
  });
  await visit(stage, ringcast, `https://nvr.example:${port}/`);
  await visit(stage, ringcast, `https://other.example:${port}/cams/`);
  const redirect = await get(stage, `https://other.example:${port}/cams`);
  assert.deepEqual([redirect.status, redirect.headers.location], [308, '/cams/']);
  assert.equal((await get(stage, `http://nvr.example:${plain}/`)).status, 308);
  await stage.running.at(-1).stop(); // it has no exit code of its own for SIGTERM
}, { skip: missing('haproxy') });

scenario('Caddy', async (stage) => {
  const text = example('Caddyfile');
  const { ringcast, upstream, certificate, key } = await behind(stage, text);
  const [port] = await listening(1, (https) => {
    const file = stage.file('Caddyfile', `{\n\tadmin off\n\tauto_https off\n}\n${changed(text, [
      ['\nnvr.example {', `\nhttps://nvr.example:${https} {\n\tbind 127.0.0.1\n\ttls ${certificate} ${key}`],
      ['\nother.example {', `\nhttps://other.example:${https} {\n\tbind 127.0.0.1\n\ttls ${certificate} ${key}`],
      ['127.0.0.1:8080', upstream],
    ])}`);
    const home = stage.directory;
    return stage.start('/bin/sh', ['-c', `exec caddy run --config ${file} --adapter caddyfile`],
      { env: { PATH: SYSTEM, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home }, name: 'caddy' });
  });
  await visit(stage, ringcast, `https://nvr.example:${port}/`);
  await visit(stage, ringcast, `https://other.example:${port}/cams/`);
  const redirect = await get(stage, `https://other.example:${port}/cams`);
  assert.deepEqual([redirect.status, redirect.headers.location], [308, '/cams/']);
}, { skip: missing('caddy') });

scenario('the ingress of Home Assistant', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = await stage.ringcast(camera, {}, { trusted_proxies: ['127.0.0.1'] });
  const ingress = await new Ingress(ringcast.address).open();
  const { origin, address, path: prefix } = ingress;
  try {
    assert.match((await get(stage, address)).body, /<html/i);
    assert.equal((await get(stage, `${address}ringcast-player.js`)).status, 200);
    const { body } = await get(stage, `${address}api/cameras`);
    assert.equal(JSON.parse(body).cameras[0].live, `${prefix}/live/cam1`);
    const viewer = stage.viewer({ address }, 'cam1', { origin, ...visiting(stage) });
    await viewer.more(20);
    viewer.assertConsecutive();
    const { stdout } = await ringcast.ctl('viewers', '--json');
    assert.deepEqual(JSON.parse(stdout).viewers.map((each) => each.address), [VISITOR]);
    // The ingress has let the page in already when ringcast refuses it.
    const foreign = stage.viewer({ address }, 'cam1', { origin: 'https://evil.example', ...visiting(stage) });
    await foreign.until('the end', ({ closed }) => closed);
    assert.equal(foreign.messages.length, 0);
    await viewer.close();
  } finally {
    await ingress.close();
  }
});

scenario('whom Home Assistant has logged in', async (stage) => {
  // The example's own settings, read by ringcastd, but for addresses and the camera.
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = stage.instance({ cameras: camera.cameras });
  const own = ['runtime_dir', 'state_dir', 'instance'].map((name) => `${name} = "${ringcast.settings[name]}";`).join('\n');
  const text = changed(example('home-assistant.conf'), [
    ['"0.0.0.0:8099"', '"127.0.0.1:0"'],
    ['"172.30.32.1", "172.30.32.2"', '"127.0.0.1"'],
    ['{ name = "front"; url = "rtsp://192.168.1.20/stream1"; username = "viewer"; password = "secret"; }',
      `{ name = "front"; url = "${camera.url(0)}"; }, { name = "garden"; url = "${camera.url(1)}"; }`],
  ]);
  ringcast.write(`${own}\n${text}`);
  ringcast.start();
  await ringcast.streaming(['front', 'garden']);
  const seen = async (user) => {
    const ingress = await new Ingress(ringcast.address, user).open();
    try {
      const { status, body } = await get(stage, `${ingress.address}api/cameras`, { 'X-Remote-User-Name': 'anna' });
      return status === 200 ? JSON.parse(body).cameras.map(({ name }) => name) : status;
    } finally {
      await ingress.close();
    }
  };
  assert.deepEqual(await seen('anna'), ['front', 'garden']);
  assert.deepEqual(await seen('ben'), ['front']);
  assert.deepEqual(await seen('carl'), 401, 'a user of Home Assistant who is not in users');
  assert.deepEqual(await seen(null), 401, 'nobody is logged in, whatever the visitor says');
  assert.equal((await get(stage, `${ringcast.address}api/cameras`, { 'X-Remote-User-Name': 'anna' })).status, 401, 'not by the ingress');
});

scenario('the settings in the guide and in the example for Home Assistant', async (stage) => {
  const guide = readFileSync(path.join(repositoryDirectory, 'docs/guide/security.md'), 'utf8');
  const blocks = [...guide.matchAll(/^```conf\n(.*?)^```$/gms)].map(([, block]) => block);
  assert.ok(blocks.length >= 7);
  mkdirSync(stage.file('identity'));
  const made = await run(program('ringcastctl'), ['tls', 'self-signed', 'nvr.example', '--output', stage.file('identity')]);
  assert.equal(made.code, 0, made.stderr);
  for (const block of [...blocks, example('home-assistant.conf')]) {
    const instance = stage.instance({ cameras: [] });
    const rest = Object.entries({ auth: 'auth = { };', cameras: 'cameras = ( );', state_dir: `state_dir = "${instance.state}";` });
    const added = rest.filter(([name]) => !new RegExp(`^${name} =`, 'm').test(block)).map(([, line]) => line);
    instance.write([block.replaceAll('/etc/ringcast', stage.file('identity')), ...added].join('\n'));
    const { code, stdout, stderr } = await run(program('ringcastd'), ['--check', '--config', instance.config]);
    assert.equal(code, 0, `${block}\n${stdout}${stderr}`);
  }
});
