// SPDX-License-Identifier: MIT
// The admin address: metrics and health, apart from viewers, and of no weight for anything else.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readExposition } from '../support/exposition.mjs';
import { isAlive, repositoryDirectory, run } from '../support/processes.mjs';
import { scenario } from '../support/scenario.mjs';
import { waitUntil } from '../support/wait.mjs';

const SECRET = 'canary-9f31';

const get = async (address, path, options) => {
  const response = await fetch(new URL(path, address), options);
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
};

/** The value of a sample whose name and labels are SERIES. */
const sample = (text, series) => {
  const line = text.split('\n').find((found) => found.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
};

async function started(stage) {
  const camera = await stage.camera(['--cameras', '1']);
  const cameras = [
    { name: 'cam1', url: camera.url() },
    { name: 'gone', url: 'rtsp://127.0.0.1:9/x', username: 'someone', password: SECRET },
  ];
  const ringcast = stage.instance({ cameras, admin: '127.0.0.1:0' }).start();
  await ringcast.streaming(['cam1']);
  return { ringcast, admin: (await ringcast.status()).admin };
}

scenario('metrics of cameras, viewers and processes', async (stage) => {
  const { ringcast, admin } = await started(stage);
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(5);
  const page = await waitUntil('a viewer and fragments in the metrics', async () => {
    const found = await get(admin, '/metrics');
    const viewers = sample(found.text, 'ringcast_camera_viewers{camera="cam1"}');
    return viewers === 1 && sample(found.text, 'ringcast_camera_fragments_total{camera="cam1"}') > 0 && found;
  });
  const count = await waitUntil('latencies in the metrics', async () => {
    const found = await get(admin, '/metrics');
    const all = sample(found.text, 'ringcast_camera_latency_seconds_count{camera="cam1"}');
    return all > 0 && { all, fast: sample(found.text, 'ringcast_camera_latency_seconds_bucket{camera="cam1",le="1"}') };
  });
  assert.ok(count.fast > count.all / 2, 'most fragments are at a local viewer within a second');
  assert.match((await ringcast.ctl('status')).stdout, /LATENCY[^]*cam1 .* \d+\.\d ms /);
  assert.equal(page.status, 200);
  assert.equal(page.type, 'text/plain; version=0.0.4; charset=utf-8');
  assert.equal(sample(page.text, 'ringcast_camera_state{camera="cam1",state="streaming"}'), 1);
  assert.equal(sample(page.text, 'ringcast_cameras{state="streaming"}'), 1);
  assert.ok(sample(page.text, 'ringcast_process_cpu_seconds_total{process="ingest",name="cam1"}') >= 0);
  assert.ok(sample(page.text, 'ringcast_process_resident_memory_bytes{process="ringcastd",name=""}') > 1e6);
  assert.ok(!page.text.includes(SECRET) && !page.text.includes('someone') && !page.text.includes('rtsp:'));
  // Each process tells this of itself, in its sandbox as well, soon after its start.
  const told = ['ringcastd', 'keeper', 'template', 'exporter'].map((kind) => `process="${kind}",name=""`);
  told.push('process="fanout",name="0"', 'process="ingest",name="cam1"');
  await waitUntil('what each process uses', async () => {
    const { text } = await get(admin, '/metrics');
    return told.every((labels) => sample(text, `ringcast_process_open_fds{${labels}}`) > 3
      && sample(text, `ringcast_process_proportional_memory_bytes{${labels}}`) > 1e5);
  });
  await waitUntil('the keeper to tell of the descriptors that it has by now', async () => {
    const { pid, usage } = (await ringcast.status()).keeper;
    return usage.descriptors === readdirSync(`/proc/${pid}/fd`).length;
  });
  const [head, keyframe] = ['head', 'keyframe'].map((what) => sample(page.text, `ringcast_camera_ring_${what}_bytes{camera="cam1"}`));
  assert.ok(keyframe > 0 && head > keyframe, 'positions of the ring');
  const sequence = sample(page.text, 'ringcast_camera_ring_sequence{camera="cam1"}');
  assert.ok(sequence >= sample(page.text, 'ringcast_camera_fragments_total{camera="cam1"}'));
  const last = readExposition((await get(admin, '/metrics')).text);
  assert.equal(last.get('ringcast_camera_latency_seconds').type, 'histogram');
  assert.ok([...last.keys()].every((name) => name.startsWith('ringcast_')));
});

scenario('health and readiness', async (stage) => {
  const { ringcast, admin } = await started(stage);
  assert.deepEqual(await get(admin, '/healthz').then(({ status, text }) => [status, text]), [200, 'ok\n']);
  assert.deepEqual(await get(admin, '/readyz').then(({ status, text }) => [status, text]), [200, 'ready\n']);
  assert.equal((await get(admin, '/api/cameras')).status, 404, 'viewers have another address');
  assert.equal((await get(ringcast.address, '/metrics')).status, 404, 'and this is not theirs');
  assert.equal((await get(admin, '/metrics', { method: 'POST', body: 'x' })).status, 405);
  process.kill(ringcast.pid, 'SIGSTOP');
  assert.equal((await get(admin, '/healthz')).status, 503);
  process.kill(ringcast.pid, 'SIGCONT');
  await waitUntil('health', async () => (await get(admin, '/healthz')).status === 200);
});

scenario('an exporter that is killed costs nobody anything', async (stage) => {
  const { ringcast, admin } = await started(stage);
  const viewer = stage.viewer(ringcast, 'cam1');
  await viewer.more(2);
  const { exporter } = await ringcast.status();
  process.kill(exporter.pid, 'SIGKILL');
  await ringcast.until('another exporter', (status) => status.exporter.pid && status.exporter.pid !== exporter.pid);
  assert.equal((await get(admin, '/healthz')).status, 200, 'at the same address');
  assert.ok(!isAlive(exporter.pid));
  await viewer.more(5);
  viewer.assertConsecutive();
});

scenario('there is none unless it is asked for, and never for everybody by accident', async (stage) => {
  const cameras = [{ name: 'front', url: 'rtsp://127.0.0.1:9/x' }];
  const quiet = stage.instance({ cameras }).start();
  await quiet.serving();
  const status = await quiet.status();
  assert.deepEqual([status.admin, status.exporter], [null, null]);
  const open = stage.instance({ cameras, admin: '0.0.0.0:0' });
  const result = await run(quiet.daemon.child.spawnfile, ['--check', open.config]);
  assert.equal(result.code, 2);
  assert.match(result.stderr, /admin: .*insecure/);
});

const deployed = (name) => readFileSync(path.join(repositoryDirectory, 'deploy/prometheus', name), 'utf8');

/** What a PromQL expression reads: [metric, its labels], without the labels that Prometheus adds. */
function* seriesOf(expression) {
  for (const [, name, selector = ''] of expression.matchAll(/\b(ringcast_\w+)(?:\{([^}]*)\})?/g)) {
    const labels = [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label);
    yield [name, labels.filter((label) => !['instance', 'job', 'le'].includes(label))];
  }
}

scenario('alerts and the dashboard read what the exporter has', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  const state = stage.file('state');
  const ringcast = stage.instance({ cameras: [{ name: 'cam1', url: camera.url() }], admin: '127.0.0.1:0', auth: {}, state_dir: state }).start();
  await ringcast.streaming();
  const { admin } = await ringcast.status();
  const page = await waitUntil('metrics of every process', async () => {
    const { text } = await get(admin, '/metrics');
    return /^ringcast_password_up 1$/m.test(text) && /^ringcast_camera_lost_packets_total/m.test(text) && text;
  });
  const rules = [...deployed('ringcast.rules.yml').matchAll(/^ +expr: (.*)$/gm)].map(([, expression]) => expression);
  const { panels, templating } = JSON.parse(deployed('grafana.json'));
  const shown = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const asked = templating.list.filter(({ type }) => type === 'query').map(({ query }) => query.query);
  assert.ok(rules.length >= 8 && shown.length >= 15 && asked.length === 2);
  for (const expression of [...rules, ...shown, ...asked]) {
    for (const [name, labels] of seriesOf(expression)) {
      if (name === 'ringcast_camera_latency_seconds_bucket') continue; // there once somebody has watched, as is tested above
      const lines = page.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
      assert.ok(lines.length > 0, `${name} in "${expression}" is not exported`);
      for (const label of labels) assert.ok(lines.some((line) => line.includes(`${label}="`)), `${name} has no label ${label}: "${expression}"`);
    }
  }
  const ids = new Set(panels.map(({ id }) => id));
  assert.equal(ids.size, panels.length);
});

scenario('promtool accepts the alerts, the scrape configuration, and what the exporter says', async (stage) => {
  const folder = path.join(repositoryDirectory, 'deploy/prometheus');
  for (const [what, file] of [['rules', 'ringcast.rules.yml'], ['config', 'prometheus.yml']]) {
    const { code, stdout, stderr } = await run('promtool', ['check', what, '--lint=all', path.join(folder, file)].filter((word) => what === 'rules' || word !== '--lint=all'));
    assert.equal(code, 0, stdout + stderr);
  }
  const { panels } = JSON.parse(deployed('grafana.json'));
  const groups = panels.flatMap(({ targets }) => targets.map(({ expr }) => `      - record: r\n        expr: ${JSON.stringify(expr.replaceAll(/\$\w+/g, 'x'))}\n`));
  const file = stage.file('dashboard.rules.yml');
  writeFileSync(file, `groups:\n${groups.map((rule, i) => `  - name: g${i}\n    rules:\n${rule}`).join('')}`);
  const dashboard = await run('promtool', ['check', 'rules', '--lint=none', file]);
  assert.equal(dashboard.code, 0, dashboard.stdout + dashboard.stderr);
  const { admin } = await started(stage);
  const metrics = await run('promtool', ['check', 'metrics'], { input: (await get(admin, '/metrics')).text });
  // What cameras send is given in bits everywhere, by cameras' makers as well.
  const complaints = (metrics.stdout + metrics.stderr).split('\n').filter((line) => line !== '' && !/^ringcast_camera_bits_per_second use base unit/.test(line));
  assert.deepEqual(complaints, []);
}, { skip: process.env.PATH.split(':').some((folder) => existsSync(path.join(folder, 'promtool'))) ? false : 'no promtool' });
