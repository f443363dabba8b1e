// SPDX-License-Identifier: MIT
// Does harm to a server, one kind at a time: node abuser.mjs ATTACK ADDRESS COUNT. It comes from an address of its own, prints
// what it got as JSON, and knows nothing of who else is there.
import net from 'node:net';
import { BINARY, PING, RawClient, TEXT, frame, upgradeRequest } from './raw_client.mjs';
import { generator } from './random.mjs';

const [attack, address, countText] = process.argv.slice(2);
const COUNT = Number(countText);
const FROM = '127.0.0.66';
const BATCH = 200; // connections at a time
const GET = 'GET /api/cameras HTTP/1.1\r\nHost: x\r\n';
const url = new URL(address);
const seen = {};
const note = (what) => (seen[what] = (seen[what] ?? 0) + 1);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** BODY(index) COUNT times, BATCH at a time. */
async function each(count, body, batch = BATCH) {
  for (let i = 0; i < count; i += batch) await Promise.all(Array.from({ length: Math.min(batch, count - i) }, (_, j) => body(i + j)));
}

/** A TCP connection that sends DATA and then nothing, until the server ends it or the batch is over. */
const half = (data, ms) =>
  new Promise((resolve) => {
    const socket = net.connect({ host: url.hostname, port: Number(url.port), localAddress: FROM });
    const end = (how) => {
      note(how);
      socket.destroy();
      resolve();
    };
    socket.on('connect', () => data && socket.write(data));
    socket.on('error', () => end('reset'));
    socket.on('end', () => end('closed'));
    socket.resume();
    setTimeout(() => end('held'), ms);
  });

async function request(text, limit = 20000) {
  const client = new RawClient(address, { localAddress: FROM });
  client.send(text);
  const answer = await client.answer({ limit }).catch(() => null);
  note(answer ? answer.status : 'ended');
  client.close();
  return answer;
}

async function socket(body) {
  const client = new RawClient(address, { localAddress: FROM });
  const answer = await client.open('/live/cam1');
  note(`open ${answer?.status ?? 'ended'}`);
  if (answer?.status === 101) await body(client);
  client.close();
}

const PATHS = ['/../../../../etc/passwd', '/..%2f..%2f..%2f..%2fetc%2fpasswd', '/%2e%2e/%2e%2e/%2e%2e/etc/passwd', '//etc/passwd', '/\\..\\..\\etc\\passwd',
  '/....//....//etc/passwd', '/live/../../etc/passwd', '/live/..%2f..%2fetc%2fpasswd', '/%252e%252e/%252e%252e/etc/passwd', '/index.html/../../../etc/passwd',
  '/api/../../../etc/passwd', '/./././etc/passwd', '/ringcast-player.js/../../../../../proc/self/environ', '/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd', '/~root', '/.git/config'];
const ORIGINS = ['http://evil.example', 'null', 'https://127.0.0.1.evil.example', 'file://', `http://${url.hostname}:1`, 'http://'];

// Beginnings of input that are nearly right; each is changed at random places.
const REQUESTS = [`${GET}\r\n`, 'HEAD / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n', 'POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde',
  'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n', 'GET / HTTP/1.1\nHost: x\n\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'GET http://x/api/cameras HTTP/1.1\r\nHost: x\r\n\r\n',
  `GET /live/cam1?stream=main&a=b;c=%zz HTTP/1.1\r\nHost: x\r\n\r\n`, 'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n', 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n', '\r\n\r\n\r\n', 'GET / HTTP/1.1\r\n: x\r\nHost\r\n x\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n', 'GET / HTTP/1.1\r\nHost: x\r\nCookie: ringcast_session=AAAA.BBBB\r\nAuthorization: Bearer x.y.z\r\n\r\n', upgradeRequest('/live/cam1', 'x')];
const FRAMES = [frame(TEXT, '{"type":"time","client":1}'), frame(PING, 'x'), frame(BINARY, Buffer.alloc(300)), frame(TEXT, 'x', { fin: false }), frame(8, Buffer.from([3, 0xe8])), frame(TEXT, '{"type":"pause"}'), frame(10, 'x')];

function mutate(data, next) {
  const bytes = Buffer.from(data);
  for (let i = 0; i < 1 + next() * 4; i++) bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256);
  return next() < 0.2 ? bytes.subarray(0, Math.floor(next() * bytes.length)) : bytes;
}

const attacks = {
  'half-open TCP': () => each(COUNT, () => half(null, 300)),
  'half-open TLS': () => each(COUNT, () => half(Buffer.from('160301020001000001fc0303', 'hex'), 300)),
  'slow headers': () =>
    each(COUNT / 10, async () => {
      const client = new RawClient(address, { localAddress: FROM });
      for (const byte of GET) {
        client.send(byte);
        await pause(20);
      }
      note(client.ended ? 'ended' : 'held');
      client.close();
    }),
  'large headers': () => each(COUNT / 20, () => request(`${GET}X-Filler: ${'x'.repeat(1 << 20)}\r\n\r\n`), 10),
  'many headers': () => each(COUNT / 20, () => request(`${GET}${'X: y\r\n'.repeat(20000)}\r\n`), 10),
  'giant frames': () =>
    each(COUNT / 50, () =>
      socket(async (client) => {
        client.send(frame(BINARY, Buffer.alloc(1 << 20), { length: 2n ** 62n }));
        note(`close ${(await client.frame(({ opcode }) => opcode === 8, 20000).catch(() => null))?.payload.readUInt16BE() ?? 'ended'}`);
      }), 5),
  'requests': () =>
    each(COUNT / 100, async () => {
      const client = new RawClient(address, { localAddress: FROM });
      for (let i = 0; i < 100 && !client.ended; i++) {
        client.send(`${GET}\r\n`);
        note((await client.answer().catch(() => null))?.status ?? 'ended');
      }
      client.close();
    }, 20),
  'pings': () =>
    each(5, () =>
      socket(async (client) => {
        for (let i = 0; i < COUNT && !client.ended; i++) {
          client.send(frame(PING, 'p'.repeat(100)));
          client.frames.length = 0;
          if (i % 50 === 0) {
            client.input = Buffer.alloc(0);
            await pause(1);
          }
        }
        note(client.ended ? 'ended' : 'held');
      }), 5),
  'wrong origins': () =>
    each(COUNT / 5, async (i) => {
      const client = new RawClient(address, { localAddress: FROM });
      note((await client.open('/live/cam1', { Origin: ORIGINS[i % ORIGINS.length] }))?.status ?? 'ended');
      client.close();
    }, 50),
  'traversal': () =>
    each(COUNT / 5, async (i) => {
      const answer = await request(`GET ${PATHS[i % PATHS.length]} HTTP/1.1\r\nHost: x\r\n\r\n`);
      if (answer && /root:|\[core\]|PATH=/.test(answer.body)) note('let in');
    }, 50),
  'wrong credentials': () =>
    each(COUNT, async (i) => {
      const kinds = [`Authorization: Basic ${Buffer.from(`admin:guess${i}`).toString('base64')}`, `Authorization: Bearer rct_${String(i).padStart(8, '0')}_${'A'.repeat(43)}`,
        `Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.`, `Cookie: ringcast_session=${'A'.repeat(60)}.${'B'.repeat(43)}`];
      await request(`${GET}${kinds[i % kinds.length]}\r\n\r\n`);
    }, 50),
  // Known and unknown users, by the log-in page's way and by Basic, and every other way in.
  'guesses': () =>
    each(COUNT, async (i) => {
      const user = i % 3 === 0 ? 'anna' : `user${i % 50}`;
      const body = JSON.stringify({ user, password: `guess ${i}` });
      const texts = [`POST /api/login HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        `${GET}Authorization: Basic ${Buffer.from(`${user}:guess ${i}`).toString('base64')}\r\n\r\n`,
        `${GET}Authorization: Bearer rct_${String(i).padStart(8, '0')}_${'A'.repeat(43)}\r\n\r\n`,
        `GET /live/cam1?token=rct_${String(i).padStart(8, '0')}_${'B'.repeat(43)} HTTP/1.1\r\nHost: x\r\n\r\n`];
      await request(texts[i % texts.length]);
    }, 50),
  'malformed requests': () => {
    const next = generator(15);
    return each(COUNT, async (i) => {
      const client = new RawClient(address, { localAddress: FROM });
      client.send(mutate(REQUESTS[i % REQUESTS.length], next));
      const answer = await Promise.race([client.answer().catch(() => null), pause(1000)]);
      note(answer?.status ?? 'nothing');
      client.close();
    }, 100);
  },
  'malformed frames': () => {
    const next = generator(16);
    return each(COUNT / 4, () =>
      socket(async (client) => {
        for (let i = 0; i < 10 && !client.ended; i++) client.send(mutate(FRAMES[Math.floor(next() * FRAMES.length)], next));
        await pause(50);
      }), 50);
  },
};

// Guesses are for a server with users.
if (attack === 'list') console.log(JSON.stringify(Object.keys(attacks).filter((name) => name !== 'guesses')));
else {
  await attacks[attack]();
  console.log(JSON.stringify(seen));
  process.exit(0);
}
