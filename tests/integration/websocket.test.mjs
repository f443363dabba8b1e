// SPDX-License-Identifier: MIT
// WebSocket (RFC 6455), case by case, plain and over TLS: what the server does with each thing that a client can send.
// docs/reference/websocket.md has the same cases as a table; this test compares the two, and writes the table when
// RINGCAST_WRITE_DOCS is set.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BINARY, CLOSE, CONTINUATION, PING, PONG, RawClient, TEXT, closeFrame, frame } from '../support/raw_client.mjs';
import { program, repositoryDirectory, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';

const PAGE = path.join(repositoryDirectory, 'docs/reference/websocket.md');
const LIVE = '/live/cam1';
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
const QUESTION = '{"type":"time","client":17}';
const GOES_ON = 'goes on'; // and answers the ping that follows
const ENDS = 'the connection ends'; // without a close frame
const ANSWERS = 'the answer to it';
// A viewer who watches beside it all may be as late as a busy machine makes it, and is to miss nothing.
const PATIENT = { ring_size: 16 << 20, fanout: { viewer_age_ms: 600_000 } };
const SHOWN_RSV = { 4: 'RSV1', 2: 'RSV2', 1: 'RSV3' };

const bytes = (...values) => Buffer.from(values);
const many = (count, make) => Buffer.concat(Array.from({ length: count }, (_, i) => make(i)));
const question = (text = QUESTION, options) => frame(TEXT, text, options);
const cut = (text, at, between = '') => [
  frame(TEXT, Buffer.from(text).subarray(0, at), { fin: false }), ...[between].flat(), frame(CONTINUATION, Buffer.from(text).subarray(at))];
/** A text of LENGTH bytes that is a question. */
const padded = (length) => QUESTION + ' '.repeat(length - QUESTION.length);

// Each part: [section of the RFC, what the client sends, frames, what it gets, a remark]. Several results are alternatives.
const messages = [
  ['5.6', 'a question in a text frame', question(), ANSWERS],
  ['5.6', 'text that is no message of ours', frame(TEXT, 'hello'), GOES_ON],
  ['5.6', 'a binary frame', frame(BINARY, QUESTION), GOES_ON],
  ['5.6', 'a text frame without payload', frame(TEXT), GOES_ON],
  ['5.6', 'a binary frame without payload', frame(BINARY), GOES_ON],
  ['5.2', 'a length in 16 bits that would go into 7', question(QUESTION, { width: 16 }), ANSWERS, 'the shortest form is the sender\'s duty; any is read'],
  ['5.2', 'a length in 64 bits that would go into 7', question(QUESTION, { width: 64 }), ANSWERS],
  ['5.2', 'a question of 125 bytes', question(padded(125)), ANSWERS],
  ['5.2', 'a question of 126 bytes', question(padded(126)), ANSWERS],
  ['5.2', 'a question of 127 bytes', question(padded(127)), ANSWERS],
  ['5.2', 'a question of 256 bytes, the most that is read', question(padded(256)), ANSWERS],
  ['5.2', 'a question of 257 bytes', question(padded(257)), GOES_ON],
  ['5.2', 'a message of 15000 bytes', frame(TEXT, ' '.repeat(15000)), GOES_ON],
  ['7.4.1', 'messages of more than 16 KiB in 10 s', frame(TEXT, ' '.repeat(17000)), 'close 1008 "sent too much"'],
  ['7.4.1', 'a frame whose length is said to be 1 MB', [frame(BINARY, Buffer.alloc(20000), { length: 1 << 20 })], 'close 1008 "sent too much"', 'at what has come of it'],
  ['7.4.1', 'a frame whose length is said to be 2^62', [frame(BINARY, Buffer.alloc(20000), { length: 2n ** 62n })], 'close 1008 "sent too much"'],
  ['5.2', 'a length whose highest bit is set', frame(BINARY, 'x', { length: 2n ** 63n + 1n }), ENDS],
  ['5.3', 'a question with the mask 00000000', question(QUESTION, { mask: Buffer.alloc(4) }), ANSWERS],
  ['5.3', 'a question with a mask that changes every byte', question(QUESTION, { mask: MASK }), ANSWERS],
  ['5.1', 'a text frame without a mask', frame(TEXT, QUESTION, { mask: null }), ANSWERS, 'libwebsockets: it should be refused, and is read'],
  ['5.1', 'a ping without a mask', frame(PING, 'x', { mask: null }), 'pong "x"', 'libwebsockets, as above'],
];

const fragments = [
  ['5.4', 'a question in two fragments', cut(QUESTION, 9), ANSWERS],
  ['5.4', 'a message in three fragments, the second empty', cut(QUESTION, 9, frame(CONTINUATION, '', { fin: false })), ANSWERS],
  ['5.4', 'a question in fragments of one byte', [frame(TEXT, '{', { fin: false }), many(QUESTION.length - 2, (i) => frame(CONTINUATION, QUESTION[i + 1], { fin: false })), frame(CONTINUATION, '}')], ANSWERS],
  ['5.4', 'a question of 256 bytes in fragments', cut(padded(256), 9), ANSWERS],
  ['5.4', 'a question of 257 bytes in fragments', cut(padded(257), 9), GOES_ON],
  ['5.4', 'fragments of which the last never comes, and a ping', [frame(TEXT, 'x', { fin: false }), frame(CONTINUATION, 'y', { fin: false })], GOES_ON],
  ['5.4', 'a ping between two fragments', cut('hello', 2, frame(PING, 'between')), 'pong "between"'],
  ['5.4', 'a pong between two fragments', cut('hello', 2, frame(PONG, 'between')), GOES_ON],
  ['5.4', 'a pong of bytes that are no text, between two fragments of text', cut('hello', 2, frame(PONG, bytes(0xff, 0xfe))), GOES_ON],
  ['5.4', 'a close frame between two fragments', cut('hello', 2, closeFrame(1000)), 'close 1000'],
  ['5.4', 'a question after a message in fragments', [...cut('hello', 2), question()], ANSWERS],
  ['5.4', 'a continuation without a beginning', frame(CONTINUATION, 'x'), 'close 1002 "bad cont"'],
  ['5.4', 'a continuation that is not the last, without a beginning', frame(CONTINUATION, 'x', { fin: false }), 'close 1002 "bad cont"'],
  ['5.4', 'a continuation after a whole message', [frame(TEXT, 'x'), frame(CONTINUATION, 'y')], 'close 1002 "bad cont"'],
  ['5.4', 'a text frame in the place of a continuation', [frame(TEXT, 'x', { fin: false }), frame(TEXT, 'y')], 'close 1002 "bad cont"'],
  ['5.4', 'a binary frame in the place of a continuation', [frame(BINARY, 'x', { fin: false }), frame(BINARY, 'y', { fin: false })], 'close 1002 "bad cont"'],
];

const control = [
  ['5.5.2', 'a ping', frame(PING, 'hello'), 'pong "hello"'],
  ['5.5.2', 'a ping without payload', frame(PING), 'pong ""'],
  ['5.5.2', 'a ping of 125 bytes', frame(PING, 'p'.repeat(125)), `pong "${'p'.repeat(125)}"`],
  ['5.5.2', 'a ping of bytes that are no text', frame(PING, bytes(0, 0xff, 0xfe)), `pong "${bytes(0, 0xff, 0xfe).toString('latin1')}"`],
  ['5.5.3', 'a pong that nobody asked for', frame(PONG, 'x'), GOES_ON],
  ['5.5.3', 'a pong without payload', frame(PONG), GOES_ON],
  ['5.5.3', 'a pong of bytes that are no text, after a text', [frame(TEXT, 'x'), frame(PONG, bytes(0xff, 0xfe))], GOES_ON],
  ['5.5', 'a ping of 126 bytes', frame(PING, 'p'.repeat(126)), ENDS],
  ['5.5', 'a pong of 126 bytes', frame(PONG, 'p'.repeat(126)), ENDS],
  ['5.5', 'a close frame of 126 bytes', frame(CLOSE, Buffer.concat([bytes(3, 0xe8), Buffer.alloc(124, 'r')])), ENDS],
  ['5.5', 'a ping of 70000 bytes', frame(PING, Buffer.alloc(70000)), ENDS],
  ['5.5', 'a ping whose length is in 16 bits', frame(PING, 'x', { width: 16 }), ENDS],
  ['5.4', 'a ping in fragments', frame(PING, 'x', { fin: false }), 'close 1002 "frag ctl"'],
  ['5.4', 'a pong in fragments', frame(PONG, 'x', { fin: false }), 'close 1002 "frag ctl"'],
  ['5.4', 'a close frame in fragments', closeFrame(1000, '', { fin: false }), 'close 1002 "frag ctl"'],
];

const reserved = [
  ...[4, 2, 1].map((rsv) => ['5.2', `a text frame with ${SHOWN_RSV[rsv]}`, frame(TEXT, 'x', { rsv }), 'close 1002 "rsv bits"']),
  ['5.2', 'a text frame with all of them', frame(TEXT, 'x', { rsv: 7 }), 'close 1002 "rsv bits"'],
  ...[4, 2, 1].map((rsv) => ['5.2', `a ping with ${SHOWN_RSV[rsv]}`, frame(PING, 'x', { rsv }), 'close 1002 "rsv bits"']),
  ['5.2', 'a continuation with RSV1', [frame(TEXT, 'x', { fin: false }), frame(CONTINUATION, 'x', { rsv: 4 })], 'close 1002 "rsv bits"'],
  ['5.2', 'a close frame with RSV1', closeFrame(1000, '', { rsv: 4 }), 'close 1002 "rsv bits"'],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => ['5.2', `the opcode ${opcode}`, frame(opcode, 'x'), 'close 1002 "bad opc"']),
  ['5.2', 'the opcode 3 between two fragments', cut('hello', 2, frame(3, 'x')), 'close 1002 "bad opc"'],
];

const text = (...values) => frame(TEXT, bytes(...values));
const BAD_UTF8 = 'close 1007 "not UTF-8"';
const utf8 = [
  ['8.1', '"Höf 門 🚪"', frame(TEXT, 'Höf 門 🚪'), GOES_ON],
  ['8.1', 'U+0000', text(0), GOES_ON],
  ['8.1', 'U+D7FF, U+E000, U+FFFF, U+10FFFF', text(0xed, 0x9f, 0xbf, 0xee, 0x80, 0x80, 0xef, 0xbf, 0xbf, 0xf4, 0x8f, 0xbf, 0xbf), GOES_ON],
  ['8.1', 'a sequence that is cut by fragments', [frame(TEXT, bytes(0xf0, 0x9f), { fin: false }), frame(CONTINUATION, bytes(0x9a), { fin: false }), frame(CONTINUATION, bytes(0xaa))], GOES_ON],
  ['8.1', 'the same, with a ping in it', [frame(TEXT, bytes(0xf0, 0x9f), { fin: false }), frame(PING, 'x'), frame(CONTINUATION, bytes(0x9a, 0xaa))], 'pong "x"'],
  ['8.1', 'a sequence across the 256 bytes that are read at once', frame(TEXT, 'x'.repeat(255) + '門'.repeat(5)), GOES_ON],
  ['8.1', 'bytes that are no text, in a binary frame', frame(BINARY, bytes(0xff, 0xfe, 0xc0)), GOES_ON],
  ['8.1', 'the same, in a binary message of two fragments', [frame(BINARY, bytes(0xff), { fin: false }), frame(CONTINUATION, bytes(0xfe))], GOES_ON],
  ['8.1', 'a question after such a binary frame', [frame(BINARY, bytes(0xff)), question()], ANSWERS],
  ['8.1', 'a message that ends in a sequence that is cut', text(0x61, 0xe9, 0x96), BAD_UTF8],
  ['8.1', 'a message of two fragments that ends in one', [frame(TEXT, bytes(0x61), { fin: false }), frame(CONTINUATION, bytes(0xf0, 0x9f, 0x9a))], BAD_UTF8],
  ['8.1', 'one that an empty last fragment cuts', [frame(TEXT, bytes(0xe9, 0x96), { fin: false }), frame(CONTINUATION)], BAD_UTF8],
  ['8.1', 'the byte 80 alone', text(0x80), BAD_UTF8],
  ['8.1', 'the byte FF', text(0x61, 0xff), BAD_UTF8],
  ['8.1', 'C0 AF, too long for "/"', text(0xc0, 0xaf), BAD_UTF8],
  ['8.1', 'E0 80 AF, too long for "/"', text(0xe0, 0x80, 0xaf), BAD_UTF8],
  ['8.1', 'F0 80 80 AF, too long for "/"', text(0xf0, 0x80, 0x80, 0xaf), BAD_UTF8],
  ['8.1', 'U+D800, a half of a pair', text(0xed, 0xa0, 0x80), BAD_UTF8],
  ['8.1', 'U+110000', text(0xf4, 0x90, 0x80, 0x80), BAD_UTF8],
  ['8.1', 'F8 88 80 80 80, of five bytes', text(0xf8, 0x88, 0x80, 0x80, 0x80), BAD_UTF8],
  ['8.1', 'a wrong byte in the second fragment, before the last comes', [frame(TEXT, 'x', { fin: false }), frame(CONTINUATION, bytes(0xff), { fin: false })], BAD_UTF8],
];

const closing = [
  ['5.5.1', 'a close frame without a code', frame(CLOSE), 'close without a code'],
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map((code) => ['7.4', `the code ${code}`, closeFrame(code), `close ${code}`]),
  ['5.5.1', 'the code 1000 with a reason', closeFrame(1000, 'good bye'), 'close 1000 "good bye"'],
  ['5.5.1', 'a reason of 123 bytes', closeFrame(1000, 'r'.repeat(123)), `close 1000 "${'r'.repeat(123)}"`],
  ['5.5.1', 'a close frame, and a question after it', [closeFrame(1000), question()], 'close 1000'],
  ['5.5.1', 'two close frames', [closeFrame(1000), closeFrame(1001)], 'close 1000'],
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999].map((code) => ['7.4', `the code ${code}`, closeFrame(code), 'close 1002']),
  ...[5000, 65535].map((code) => ['7.4', `the code ${code}`, closeFrame(code), 'close 1002 "bad close"']),
  ...[1012, 1013, 1014].map((code) => ['7.4', `the code ${code}`, closeFrame(code), 'close 1002', 'libwebsockets: they were registered after RFC 6455']),
  ['5.5.1', 'a close frame of one byte', frame(CLOSE, bytes(3)), 'close 1002 "bad close"'],
  ['5.5.1', 'a reason that is not UTF-8', closeFrame(1000, bytes(0xff, 0xfe)), BAD_UTF8],
  ['5.5.1', 'a reason that ends in a sequence that is cut', closeFrame(1000, bytes(0x61, 0xe9, 0x96)), BAD_UTF8],
];

const groups = [
  ['Messages, lengths and masks', messages],
  ['Fragments', fragments],
  ['Control frames', control],
  ['Reserved bits and opcodes', reserved],
  ['UTF-8', utf8],
  ['Closing', closing],
];

// Each: [section, what the client sends, headers, line of the request, status or null (no answer), a remark].
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const handshakes = [
  ['4.1', 'what a browser sends', {}, {}, 101],
  ['4.1', 'the RFC\'s own example of a key', { 'Sec-WebSocket-Key': KEY }, {}, 101],
  ['4.2.1', '`Connection: keep-alive, Upgrade`', { Connection: 'keep-alive, Upgrade' }, {}, 101],
  ['4.2.1', '`Connection: upgrade,keep-alive`', { Connection: 'upgrade,keep-alive' }, {}, 101],
  ['4.2.1', '`Connection: UPGRADE`', { Connection: 'UPGRADE' }, {}, 101],
  ['4.2.1', '`Connection` twice, `keep-alive` and `Upgrade`', { Connection: ['keep-alive', 'Upgrade'] }, {}, 101],
  ['4.2.1', '`Upgrade: WebSocket`', { Upgrade: 'WebSocket' }, {}, 101],
  ['4.2.1', 'names of headers in capitals', { Upgrade: null, UPGRADE: 'websocket', Connection: null, CONNECTION: 'Upgrade' }, {}, 101],
  ['9.1', 'extensions (`permessage-deflate`)', { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }, {}, 101, 'none is used'],
  ['10.2', 'its own `Origin`', { Origin: 'OWN' }, {}, 101],
  ['10.2', 'a foreign `Origin`', { Origin: 'https://evil.example' }, {}, 403],
  ['4.2.1', 'no `Connection`', { Connection: null }, {}, 400],
  ['4.2.1', '`Connection: keep-alive`', { Connection: 'keep-alive' }, {}, 400],
  ['4.2.1', '`Connection: upgraded`', { Connection: 'upgraded' }, {}, 400],
  ['4.2.1', '`Connection: up`', { Connection: 'up' }, {}, 400],
  ['4.2.1', 'a `Connection` of more than 127 bytes', { Connection: `${'x'.repeat(130)}, Upgrade` }, {}, 400],
  ['4.2.1', 'no `Upgrade`', { Upgrade: null }, {}, 404, 'as there is nothing else at this path'],
  ['4.2.1', '`Upgrade: websocket2`', { Upgrade: 'websocket2' }, {}, 403, 'libwebsockets'],
  ['4.2.1', '`Upgrade: h2c`', { Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }, {}, null, 'HTTP/2 is not spoken'],
  ['4.2.1', 'no `Host`', { Host: null }, {}, 400],
  ['4.2.1', 'an empty `Host`', { Host: ' ' }, {}, 400],
  ['4.2.1', 'no `Sec-WebSocket-Key`', { 'Sec-WebSocket-Key': null }, {}, 400],
  ['4.2.1', 'an empty key', { 'Sec-WebSocket-Key': ' ' }, {}, 400],
  ['4.2.1', 'a key of 15 bytes', { 'Sec-WebSocket-Key': Buffer.alloc(15).toString('base64') }, {}, 400],
  ['4.2.1', 'a key of 17 bytes', { 'Sec-WebSocket-Key': Buffer.alloc(17).toString('base64') }, {}, 400],
  ['4.2.1', 'a key of 1000 bytes', { 'Sec-WebSocket-Key': Buffer.alloc(1000).toString('base64') }, {}, 400],
  ['4.2.1', 'a key that is not base64', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25j*Q==' }, {}, 400],
  ['4.2.1', 'a key without its `==`', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ' }, {}, 400],
  ['11.3.1', 'two keys', { 'Sec-WebSocket-Key': [KEY, KEY] }, {}, 400],
  ['4.4', 'no `Sec-WebSocket-Version`', { 'Sec-WebSocket-Version': null }, {}, 426, 'with `Sec-WebSocket-Version: 13`'],
  ...['8', '12', '14', '013', '13a', '0', '-13'].map((version) => ['4.4', `the version ${version}`, { 'Sec-WebSocket-Version': version }, {}, 426]),
  ['4.4', 'the versions `13, 8`', { 'Sec-WebSocket-Version': '13, 8' }, {}, 426],
  ['4.2.1', '`POST`', { 'Content-Length': '0' }, { method: 'POST' }, 405],
  ['4.2.1', '`HEAD`', {}, { method: 'HEAD' }, 405],
  ['4.2.1', '`PUT`', { 'Content-Length': '0' }, { method: 'PUT' }, 405],
  ['4.2.1', '`BREW`', {}, { method: 'BREW' }, 403, 'libwebsockets'],
  ['4.2.1', '`HTTP/1.0`', {}, { version: 'HTTP/1.0' }, 400],
  ['4.2.1', '`HTTP/1.2`', {}, { version: 'HTTP/1.2' }, 101, 'higher versions of 1 are the same for this'],
  ['4.2.1', '`HTTP/0.9`', {}, { version: 'HTTP/0.9' }, 400],
  ['4.2.1', '`HTTP/2.0`', {}, { version: 'HTTP/2.0' }, 400],
  ['4.2.1', 'no version of HTTP', {}, { version: '' }, 400],
];

const show = (payload) => (payload.length > 40 ? `${payload.subarray(0, 8).toString('latin1')}… (${payload.length} bytes)` : payload.toString('latin1'));
const shorten = (said) => said.replace(/"([^"]{41,})"/g, (_, body) => `"${body.slice(0, 8)}… (${body.length} bytes)"`);

/** What the client gets after it has sent FRAMES: the first thing that is an answer to them, or to a ping behind them. */
async function outcome(address, frames, goesOn) {
  const client = new RawClient(address);
  const opened = await client.open(LIVE);
  assert.equal(opened?.status, 101);
  assert.ok(opened.accepted, 'Sec-WebSocket-Accept');
  for (const part of [frames].flat()) client.send(part);
  if (goesOn) client.send(frame(PING, 'probe'));
  const isAnswer = ({ opcode, payload }) => opcode === PONG || opcode === CLOSE || (opcode === TEXT && JSON.parse(payload).type === 'time');
  const first = await client.frame((next) => {
    assert.ok(!next.masked && next.fin && next.rsv === 0, 'the server\'s own frames are whole and not masked');
    return isAnswer(next);
  });
  let said = ENDS;
  if (first?.opcode === PONG) said = first.payload.toString() === 'probe' ? GOES_ON : `pong "${show(first.payload)}"`;
  if (first?.opcode === TEXT) said = JSON.parse(first.payload).client === 17 ? ANSWERS : 'a wrong answer';
  if (first?.opcode === CLOSE) {
    const { payload } = first;
    const reason = payload.length > 2 ? ` "${show(payload.subarray(2))}"` : '';
    said = payload.length === 0 ? 'close without a code' : payload.length === 1 ? 'close of one byte' : `close ${payload.readUInt16BE()}${reason}`;
    client.socket.end(closeFrame(1000));
    assert.equal(await client.frame(), null, 'nothing follows the close frame, and the connection ends');
  }
  client.close();
  return said;
}

async function statusOf(address, headers, line) {
  const client = new RawClient(address);
  const own = headers.Origin === 'OWN' ? { ...headers, Origin: new URL(address).origin } : headers;
  const answer = await client.open(LIVE, own, line);
  client.close();
  if (answer?.status === 101) assert.ok(answer.headers['sec-websocket-extensions'] === undefined, 'no extension');
  if (answer?.status === 426) assert.equal(answer.headers['sec-websocket-version'], '13');
  return answer?.status ?? null;
}

const cell = (value) => value.replace(/\|/g, '\\|').replace(/[\u0000-\u001f\u007f-\u00ff]/g, '.');

function table() {
  const lines = [];
  for (const [title, cases] of groups) {
    lines.push(`### ${title}`, '', '| RFC 6455 | the client sends | it gets | |', '|---|---|---|---|');
    for (const [section, sends, , gets, remark = ''] of cases) lines.push(`| ${section} | ${cell(sends)} | ${cell(shorten(gets))} | ${remark} |`);
    lines.push('');
  }
  lines.push('### Handshakes', '', '| RFC 6455 | the request | status | |', '|---|---|---|---|');
  for (const [section, sends, , , status, remark = ''] of handshakes) lines.push(`| ${section} | ${sends} | ${status ?? 'the connection ends'} | ${remark} |`);
  return `${lines.join('\n')}\n`;
}

async function check(address) {
  const wrong = [];
  for (const [section, sends, frames, gets] of groups.flatMap(([, cases]) => cases)) {
    const said = await outcome(address, frames, !/^close|ends/.test(gets)).catch((error) => error.message);
    if (said !== shorten(gets)) wrong.push(`${section}: ${sends}: ${said} and not ${gets}`);
  }
  for (const [section, sends, headers, line, status] of handshakes) {
    const said = await statusOf(address, headers, line);
    if (said !== status) wrong.push(`${section}: ${sends}: ${said} and not ${status}`);
  }
  assert.deepEqual(wrong, []);
}

scenario('each case, plain', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = await stage.ringcast(camera, {}, PATIENT);
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(1);
  await check(ringcast.address);
  await viewer.more(1);
  viewer.assertConsecutive();
});

scenario('each case, over TLS', async (stage) => {
  const made = await run(program('ringcastctl'), ['tls', 'self-signed', '127.0.0.1', '--output', stage.directory, '--json']);
  assert.equal(made.code, 0, made.stderr);
  const { certificate, key } = JSON.parse(made.stdout);
  const camera = await stage.camera(['--cameras', '1']);
  const ringcast = await stage.ringcast(camera, {}, { ...PATIENT, tls: { certificate, key } });
  const viewer = stage.viewer(ringcast, 'cam1', { ca: readFileSync(certificate) });
  await viewer.more(1);
  await check(ringcast.address);
  await viewer.more(1);
  viewer.assertConsecutive();
});

scenario('the table in the documentation', async () => {
  const [head, , tail] = readFileSync(PAGE, 'utf8').split(/(?<=<!-- cases -->\n)|(?=<!-- end of cases -->)/);
  const page = `${head}\n${table()}\n${tail}`;
  if (process.env.RINGCAST_WRITE_DOCS) writeFileSync(PAGE, page);
  assert.equal(readFileSync(PAGE, 'utf8'), page, 'docs/reference/websocket.md has the cases of this test; RINGCAST_WRITE_DOCS=1 writes them');
});
