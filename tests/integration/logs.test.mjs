// SPDX-License-Identifier: MIT
// Log lines of all processes, in each form: with their camera, its state and their process.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { Running, program } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const SECRET = 'Kanarie7391';

// A socket where datagrams come in, each of which is printed as a line of JSON: its fields.
const JOURNAL = `
import json, os, signal, socket, struct, sys
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
print("bound", flush=True)
while True:
    data, fields = journal.recv(65536), {}
    while data:
        name, newline, rest = data.partition(b"\\n")
        if b"=" in name:
            name, _, value = name.partition(b"=")
            data = rest
        else:
            length = struct.unpack("<Q", rest[:8])[0]
            value, data = rest[8:8 + length], rest[9 + length:]
        fields[name.decode()] = value.decode()
    print(json.dumps(fields), flush=True)
`;

async function start(stage, format, options = {}) {
  const camera = await stage.camera(['--cameras', '1', '--user', 'admin'], { password: SECRET });
  const ringcast = stage.instance({
    log_format: format,
    log_level: 'debug',
    admin: '127.0.0.1:0',
    cameras: [
      { name: 'front', url: camera.url(0), username: 'admin', password: SECRET },
      { name: 'closed', url: `rtsp://admin:${SECRET}@127.0.0.1:9/none` },
    ],
  });
  ringcast.start(options);
  const status = await ringcast.streaming(['front']);
  return { ringcast, status };
}

const lines = (text) => text.split('\n').slice(0, -1);

scenario('JSON: each line is an object', async (stage) => {
  const { ringcast, status } = await start(stage, 'json');
  const pid = status.cameras.find(({ name }) => name === 'front').pid;
  await ringcast.daemon.until('the failure of the other', ({ stderr }) => stderr.includes('next attempt in'));
  await ringcast.stop();
  const objects = lines(ringcast.daemon.stderr).map((line) => JSON.parse(line));
  for (const object of objects) {
    assert.deepEqual(Object.keys(object), ['time', 'level', 'role', 'pid', 'camera', 'state', 'message']);
    assert.match(object.time, TIME);
    assert.ok(['error', 'warning', 'info', 'debug'].includes(object.level));
    assert.ok(Number.isInteger(object.pid));
    assert.ok(object.message.length > 0);
  }
  const own = objects.filter((object) => object.pid === pid);
  assert.ok(own.length > 0);
  assert.ok(own.every(({ role, camera, state }) => role === 'ingest' && camera === 'front' && ['starting', 'streaming'].includes(state)));
  assert.ok(own.some(({ message, state }) => message.startsWith('connected') && state === 'starting'));
  const change = objects.find(({ message }) => message === 'camera front: starting -> streaming');
  assert.deepEqual([change.role, change.camera, change.state, change.pid], ['supervisor', 'front', 'streaming', ringcast.pid]);
  assert.ok(objects.some(({ role, camera }) => role === 'ingest' && camera === 'closed'));
  assert.ok(!ringcast.daemon.stderr.includes(SECRET));
});

scenario('the journal: each line is a datagram with fields', async (stage) => {
  const socket = stage.file('journal');
  const journal = stage.start('python3', ['-c', JOURNAL, socket]);
  await journal.until('the socket', ({ stdout }) => stdout.startsWith('bound\n'));
  const { ringcast, status } = await start(stage, 'journal', { env: { RINGCAST_JOURNAL_SOCKET: socket } });
  const pid = String(status.cameras.find(({ name }) => name === 'front').pid);
  const viewer = stage.viewer(ringcast, 'front');
  await viewer.more(5);
  await ringcast.stop();
  const entries = () => lines(journal.stdout).slice(1).map((line) => JSON.parse(line));
  await journal.until('the last line', () => entries().some(({ MESSAGE }) => MESSAGE === 'ended'));
  for (const entry of entries()) {
    assert.ok(['3', '4', '6', '7'].includes(entry.PRIORITY), JSON.stringify(entry));
    assert.equal(entry.SYSLOG_IDENTIFIER, `ringcast-${entry.RINGCAST_ROLE}`);
    assert.match(entry.RINGCAST_PID, /^\d+$/);
  }
  const own = entries().filter(({ RINGCAST_PID }) => RINGCAST_PID === pid);
  assert.ok(own.some(({ MESSAGE, RINGCAST_STATE }) => MESSAGE.startsWith('connected') && RINGCAST_STATE === 'starting'), 'from in its sandbox');
  assert.ok(own.every(({ RINGCAST_CAMERA }) => RINGCAST_CAMERA === 'front'));
  const roles = new Set(entries().map(({ RINGCAST_ROLE }) => RINGCAST_ROLE));
  for (const role of ['fanout', 'ingest', 'supervisor']) assert.ok(roles.has(role), role);
  assert.ok(entries().some(({ MESSAGE, RINGCAST_CAMERA, RINGCAST_STATE }) =>
    MESSAGE === 'camera front: starting -> streaming' && RINGCAST_CAMERA === 'front' && RINGCAST_STATE === 'streaming'));
  assert.equal(ringcast.daemon.stderr, '');
  assert.ok(!journal.stdout.includes(SECRET));
});

scenario('a service whose standard error is the journal writes to the journal by itself', async (stage) => {
  const socket = stage.file('journal');
  const journal = stage.start('python3', ['-c', JOURNAL, socket]);
  await journal.until('the socket', ({ stdout }) => stdout.startsWith('bound\n'));
  const ringcast = stage.instance({ cameras: [] });
  const command = 'JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2) exec "$0" "$@"'; // as systemd sets it
  ringcast.daemon = new Running('sh', ['-c', command, program('ringcastd'), '--config', ringcast.config, '--foreground'], {
    env: { RINGCAST_JOURNAL_SOCKET: socket },
  });
  await ringcast.serving();
  await ringcast.stop();
  await journal.until('the last line', ({ stdout }) => stdout.includes('"MESSAGE": "ended"'));
  assert.equal(ringcast.daemon.stderr, '');
  assert.match(journal.stdout, /"RINGCAST_ROLE": "fanout"/);
});

scenario('without a journal nothing is lost', async (stage) => {
  const { ringcast } = await start(stage, 'journal', { env: { RINGCAST_JOURNAL_SOCKET: stage.file('nowhere') } });
  await ringcast.stop();
  assert.match(ringcast.log, /warning supervisor \d+: the journal cannot be reached \(No such file or directory\)/);
  assert.match(ringcast.log, /info ingest\[front\] \d+: connected/);
});

scenario('a log that is not read stops nothing, and goes on when it is read again', async (stage) => {
  const fifo = stage.file('log');
  execFileSync('mkfifo', [fifo]);
  const log = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  const pipe = Buffer.alloc(4096, '.'.repeat(4095) + '\n');
  const fill = () => {
    for (;;) {
      try {
        writeSync(log, pipe);
      } catch {
        return; // full
      }
    }
  };
  fill();
  const camera = await stage.camera(['--cameras', '2']);
  const ringcast = stage.instance({
    log_level: 'debug',
    admin: '127.0.0.1:0',
    cameras: [...camera.cameras.map(({ name, url }) => ({ name, url })), { name: 'closed', url: 'rtsp://127.0.0.1:9/none' }],
  });
  ringcast.daemon = new Running('sh', ['-c', `exec "$0" "$@" 2>${fifo}`, program('ringcastd'), '--config', ringcast.config, '--foreground']);
  const names = camera.cameras.map(({ name }) => name);
  await ringcast.streaming(names);
  const viewers = names.map((name) => stage.viewer(ringcast, name));
  for (const viewer of viewers) await viewer.more(10);
  for (const name of [...names, ...names]) await ringcast.ctl('restart', name); // several lines of each process
  await ringcast.streaming(names);
  for (const viewer of viewers) await viewer.more(10);

  const chunk = Buffer.alloc(65536);
  let text = '';
  const waited = [/info supervisor \d+: ready: 3 cameras/, /info ingest\[cam1\] \d+: connected/, /supervisor \d+: camera cam2: starting -> streaming/];
  await waitUntil('the lines that had to wait', () => {
    try {
      text += chunk.toString('utf8', 0, readSync(log, chunk));
    } catch {
      // empty
    }
    return waited.every((pattern) => pattern.test(text));
  });
  fill();
  await ringcast.stop();
  closeSync(log);
});
