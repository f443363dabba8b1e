// SPDX-License-Identifier: MIT
// Harm of many kinds, one after the other, from one address, while 20 viewers at another are on: they keep every frame, a
// visitor is answered at once, nothing gets in, and the fan-out's memory stays within a bound. RINGCAST_ABUSE=10000 does it
// for as long as docs/reference/faults.md has it, and prints its figures.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { patience } from '../support/patience.mjs';
import { Running, buildDirectory, program, repositoryDirectory, run } from '../support/processes.mjs';
import { RawClient } from '../support/raw_client.mjs';
import { scenario } from '../support/scenario.mjs';

const COUNT = Number(process.env.RINGCAST_ABUSE ?? 200);
const VIEWERS = 20;
const ABUSER = path.join(repositoryDirectory, 'tests/support/abuser.mjs');

// Bytes that the fan-out may have more at its worst than before, as docs/reference/faults.md says. A sanitizer keeps what is freed.
const BOUND = (/asan/.test(buildDirectory) ? 8 : 1) * 48 * 1024 * 1024;
const ANSWER_MS = 1000;

/** 0: it has ended, which is seen elsewhere. */
function resident(pid) {
  try {
    return 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
  } catch {
    return 0;
  }
}

/** Asks for the list of cameras again and again until it is stopped; the longest time that took. */
class Visitor {
  constructor(address) {
    this.worst = 0;
    this.times = 0;
    this.done = this.#ask(address);
  }

  async #ask(address) {
    while (!this.stopped) {
      const before = performance.now();
      const client = new RawClient(address);
      client.send('GET /api/cameras HTTP/1.1\r\nHost: x\r\n\r\n');
      const answer = await client.answer();
      client.close();
      this.worst = Math.max(this.worst, performance.now() - before);
      this.times++;
      assert.equal(answer?.status, 200, 'a visitor is served');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async stop() {
    this.stopped = true;
    await this.done;
  }
}

/** What may not be among the answers to an attack. */
const FORBIDDEN = { 'wrong origins': ['101'], traversal: ['let in', '101'], 'large headers': ['200'], 'many headers': ['200'] };

async function abuse(stage, ringcast, options) {
  const viewers = Array.from({ length: VIEWERS }, () => stage.viewer(ringcast, 'cam1', { keep: false, ...options }));
  await Promise.all(viewers.map((viewer) => viewer.more(1)));
  const { fanouts } = await ringcast.status();
  const before = resident(fanouts[0].pid);
  const figures = [];
  for (const attack of JSON.parse((await run(process.execPath, [ABUSER, 'list', ringcast.address, '0'])).stdout)) {
    const visitor = new Visitor(ringcast.address);
    const started = performance.now();
    const abuser = new Running(process.execPath, [ABUSER, attack, ringcast.address, String(COUNT)]);
    stage.running.push(abuser);
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, resident(fanouts[0].pid))), 20);
    const ended = await abuser.finish(280000).finally(() => clearInterval(watch));
    assert.deepEqual(ended, { code: 0, signal: null }, abuser.log);
    await visitor.stop();
    const seen = JSON.parse(abuser.stdout);
    figures.push({ attack, seconds: (performance.now() - started) / 1000, more: (most - before) / (1 << 20), answered: visitor.worst, seen });
    for (const answer of FORBIDDEN[attack] ?? []) assert.equal(seen[answer], undefined, `${attack}: ${answer}`);
    assert.ok(most - before < BOUND, `${attack}: ${(most - before) >> 20} MiB more`);
    assert.ok(visitor.worst < ANSWER_MS * patience(), `${attack}: a visitor waited ${visitor.worst} ms`);
    await Promise.all(viewers.map((viewer) => viewer.more(1)));
    for (const viewer of viewers) {
      viewer.assertConsecutive();
      viewer.assertOpen();
    }
  }
  assert.equal((await ringcast.status()).fanouts[0].pid, fanouts[0].pid, 'it is the same fan-out');
  if (process.env.RINGCAST_ABUSE) {
    for (const { attack, seconds, more, answered, seen } of figures) {
      console.log(`| ${attack} | ${seconds.toFixed(1)} | ${more.toFixed(1)} | ${answered.toFixed(0)} | ${Object.entries(seen).map(([what, count]) => `${count} ${what}`).join(', ')} |`);
    }
  }
}

const LIMIT = process.env.RINGCAST_ABUSE ? 1800000 : 240000;

scenario('plain', async (stage) => {
  const camera = await stage.camera(['--cameras', '1']);
  await abuse(stage, await stage.ringcast(camera), {});
}, { limit: LIMIT });

scenario('over TLS', async (stage) => {
  const made = await run(program('ringcastctl'), ['tls', 'self-signed', '127.0.0.1', '--output', stage.directory, '--json']);
  const { certificate, key } = JSON.parse(made.stdout);
  const camera = await stage.camera(['--cameras', '1']);
  await abuse(stage, await stage.ringcast(camera, {}, { tls: { certificate, key } }), { rejectUnauthorized: false });
}, { limit: LIMIT });
