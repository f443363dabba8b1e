// SPDX-License-Identifier: MIT
// Follows a camera's HLS as a low-latency client does, and checks it by the rules of RFC 8216bis. What a rule finds is kept under the number of its
// section; nothing is thrown, so that one run finds all there is.
import http from 'node:http';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseMedia, parseMultivariant } from './hls_playlist.mjs';
import { decode } from './media.mjs';
import { parseFragment, parseInit } from './mp4.mjs';
import { patience } from './patience.mjs';
import { sleep } from './wait.mjs';

// What follows from rounding to 90 kHz, and to the five decimals of a duration.
const ROUNDING_S = 0.00003;

// How far a program's date may be from media time: pictures do not arrive evenly, and on a busy machine late.
const DATE_S = 0.35 * Math.max(1, patience() / 4);

// With several programs waiting for each core, pictures and answers come whenever they can: what depends on the time is not judged then.
const isBusy = () => patience() > 8;

const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';

export class HlsChecker {
  /** ADDRESS: of ringcast. HEADERS: of each request. DIRECTORY: for what is decoded. */
  constructor(address, camera, { directory, headers = {}, agent = new http.Agent({ keepAlive: true }) } = {}) {
    this.base = new URL(`hls/${encodeURIComponent(camera)}/`, address);
    this.directory = directory;
    this.headers = headers;
    this.agent = agent;
    this.found = new Map(); // rule: what broke it
    this.counts = { requests: 0, reloads: 0, deltas: 0, hints: 0, parts: 0, segments: 0, breaks: 0, unavailable: 0, decoded: 0, pictures: 0 };
    this.followers = [];
    this.stopped = false;
  }

  /** Notes that RULE, the number of a section, is broken unless OK. */
  rule(rule, ok, what) {
    if (ok) return;
    if (!this.found.has(rule)) this.found.set(rule, []);
    this.found.get(rule).push(typeof what === 'function' ? what() : what);
  }

  /** What was found, as text; '' if nothing was. */
  get report() {
    return [...this.found].map(([rule, what]) => `${rule}: ${what.length}\n  ${what.slice(0, 5).join('\n  ')}`).join('\n');
  }

  /** {status, headers, body, ms}. */
  get(name) {
    const begun = performance.now();
    this.counts.requests += 1;
    return new Promise((resolve, reject) => {
      const request = http.get(new URL(name, this.base), { agent: this.agent, headers: this.headers }, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks), ms: performance.now() - begun }),
        );
      });
      // The server ends connections that were idle for long, perhaps at this moment.
      request.on('error', (error) => (request.reusedSocket && error.code === 'ECONNRESET' ? resolve(this.get(name)) : reject(error)));
    });
  }

  async playlist(name) {
    for (;;) {
      const response = await this.get(name);
      if (response.status === 200) {
        this.rule('4', response.headers['content-type'] === PLAYLIST_TYPE, `a playlist of type ${response.headers['content-type']}`);
        return response;
      }
      this.rule('6.2.5.2', response.status === 503, `${name}: ${response.status}`);
      this.rule('6.2.5.2', Number(response.headers['retry-after']) > 0, `503 without Retry-After`);
      if (response.status !== 503 || this.stopped) return null;
      this.counts.unavailable += 1;
      await sleep(100);
    }
  }

  /** Reads the multivariant playlist; follows each of its streams until stop(). */
  async begin(index = 'index.m3u8') {
    const response = await this.playlist(index);
    this.index = parseMultivariant(response.body.toString());
    for (const variant of this.index.variants) {
      this.rule('4.4.6.2', variant.BANDWIDTH >= variant['AVERAGE-BANDWIDTH'] && variant['AVERAGE-BANDWIDTH'] > 0, `bandwidths ${JSON.stringify(variant)}`);
      const follower = new Follower(this, variant);
      this.followers.push(follower);
    }
    for (const follower of this.followers) await follower.begin();
    this.running = this.followers.map((follower) => follower.run());
    return this;
  }

  follower(name) {
    return this.followers.find((follower) => follower.name === name);
  }

  /** Ends, decodes all that came, and compares the streams. */
  async end() {
    this.stopped = true;
    await Promise.all(this.running);
    for (const follower of this.followers) await follower.decode();
    this.compareStreams();
    this.agent.destroy();
    return this.report;
  }

  /** 6.2.4: what the playlists of one multivariant playlist have in common. */
  compareStreams() {
    const [first, ...others] = this.followers;
    for (const other of others) {
      this.rule('6.2.4', first.last.target === other.last.target, 'target durations differ');
      this.rule('6.2.4', JSON.stringify(first.last.control) === JSON.stringify(other.last.control), 'EXT-X-SERVER-CONTROL differs');
      this.rule('6.2.4', first.last.partTarget === other.last.partTarget, 'part targets differ');
      // The same date is at the same media time, and it has the same discontinuity sequence number but for a target duration.
      const apart = first.dateOffset - other.dateOffset;
      this.rule('6.2.4', Math.abs(apart) < 2 * DATE_S, `dates at the same media time are ${apart.toFixed(3)} s apart`);
      this.rule('6.2.4', first.last.segments.at(-1).breaks === other.last.segments.at(-1).breaks || this.breaksApart(first, other), 'discontinuity sequence numbers differ');
    }
  }

  breaksApart(first, other) {
    const changed = Math.max(first.lastBreakAt ?? 0, other.lastBreakAt ?? 0);
    return performance.now() - changed < 2000 * first.last.target;
  }
}

class Follower {
  constructor(checker, variant) {
    this.checker = checker;
    this.variant = variant;
    this.uri = variant.uri;
    this.name = variant.uri.replace(/\.m3u8.*/, '');
    this.hints = new Map(); // uri: promise of its response
    this.parts = new Map(); // uri: bytes, of segments that are not complete
    this.inits = new Map();
    this.runs = []; // what can be decoded in one go
    this.removed = []; // {uri, until}: can still be had
    this.reloads = 0;
  }

  rule(rule, ok, what) {
    this.checker.rule(rule, ok, () => `${this.name}: ${typeof what === 'function' ? what() : what}`);
  }

  async begin() {
    const response = await this.checker.playlist(this.uri);
    this.last = parseMedia(response.body.toString());
    this.lastAt = performance.now();
    this.checkHead(this.last);
    this.rule('4.4.3.2', this.last.segments.some((segment) => segment.uri), 'no segment is complete');
    await this.take(this.last, null);
  }

  async run() {
    while (!this.checker.stopped) {
      try {
        await this.reload();
      } catch (error) {
        this.rule('4', false, error.stack);
        this.ended = true;
        return;
      }
    }
    await Promise.allSettled(this.hints.values());
  }

  /** The next part, in words of _HLS_msn and _HLS_part. */
  next() {
    const open = this.last.segments.at(-1);
    return open.uri ? { number: open.number + 1, part: 0 } : { number: open.number, part: open.parts.length };
  }

  ask(hint) {
    if (hint && !this.hints.has(hint.URI) && !this.parts.has(hint.URI)) this.hints.set(hint.URI, this.checker.get(hint.URI));
  }

  async reload() {
    const { number, part } = this.next();
    const skips = this.last.control['CAN-SKIP-UNTIL'] !== undefined && this.reloads % 5 !== 4;
    const separator = this.uri.includes('?') ? '&' : '?';
    const directives = `${separator}_HLS_msn=${number}&_HLS_part=${part}${skips ? '&_HLS_skip=YES' : ''}`;
    this.ask(this.last.hint);
    const response = await this.checker.playlist(`${this.uri}${directives}`);
    if (!response) return;
    this.reloads += 1;
    this.checker.counts.reloads += 1;
    const delta = parseMedia(response.body.toString());
    this.checkHead(delta);
    const whole = this.merge(delta, skips);
    // How long ago the last playlist came, in target durations: a client that is that slow has missed something.
    this.late = (performance.now() - this.lastAt) / 1000 / whole.target;
    this.lastAt = performance.now();
    this.compare(this.last, whole);
    const newest = whole.segments.at(-1);
    const reached = newest.number > number || (newest.number === number && (newest.uri !== undefined || newest.parts.length > part));
    this.rule('6.2.5.2', reached, `asked for ${number}.${part}, got ${newest.number}.${newest.parts.length - 1}`);
    const last = this.last;
    this.last = whole;
    await this.take(whole, last);
    if (this.reloads % 20 === 1) await this.checkErrors(whole);
  }

  // --- Playlists ---

  checkHead(playlist) {
    const { target, partTarget, control } = playlist;
    this.rule('4.4.3.1', Number.isInteger(target) && target > 0, `a target duration of ${target}`);
    this.rule('4.4.3.7', partTarget > 0 && partTarget <= target, `a part target of ${partTarget} with a target duration of ${target}`);
    this.rule('4.4.3.8', control['CAN-BLOCK-RELOAD'] === true, 'no blocking reload');
    this.rule('4.4.3.8', control['PART-HOLD-BACK'] >= 3 * partTarget - 1e-9, `PART-HOLD-BACK ${control['PART-HOLD-BACK']}`);
    this.rule('4.4.3.8', control['HOLD-BACK'] >= 3 * target, `HOLD-BACK ${control['HOLD-BACK']}`);
    this.rule('4.4.3.8', control['CAN-SKIP-UNTIL'] === undefined || control['CAN-SKIP-UNTIL'] >= 6 * target, `CAN-SKIP-UNTIL ${control['CAN-SKIP-UNTIL']}`);
    this.rule('8', playlist.version >= (playlist.skipped ? 9 : 6), `version ${playlist.version}`);
    this.rule('B.1', playlist.hint !== undefined, 'no hint');
  }

  /** A delta update with what it leaves out put back (6.3.7). */
  merge(delta, asked) {
    if (delta.skipped === 0) {
      this.rule('6.2.5.1', !asked || !this.mustSkip(delta), 'nothing was skipped, although there is enough');
      return delta;
    }
    this.checker.counts.deltas += 1;
    this.rule('6.2.5.1', asked, 'a delta update that was not asked for');
    const first = delta.sequence;
    const kept = this.last.segments.filter((segment) => segment.number >= first && segment.number < first + delta.skipped);
    this.rule('6.2.5.1', kept.length === delta.skipped && kept.every((segment) => segment.uri), () => `${delta.skipped} skipped from ${first} on, ${kept.length} are known`);
    let map = kept.at(-1)?.map;
    let breaks = kept.at(-1)?.breaks;
    const added = delta.segments.map((segment) => {
      map = segment.map ?? map;
      breaks += segment.discontinuities;
      return { ...segment, map, breaks };
    });
    const whole = { ...delta, skipped: 0, segments: [...kept, ...added] };
    const left = added.reduce((sum, segment) => sum + durationOf(segment), 0);
    const boundary = delta.control['CAN-SKIP-UNTIL'];
    this.rule('6.2.5.1', left > boundary - ROUNDING_S * added.length, `only ${left} s are left of a delta update`);
    this.rule('6.2.5.1', left - durationOf(added[0]) <= boundary + ROUNDING_S * added.length, `${left} s are left of a delta update: more could be skipped`);
    return whole;
  }

  mustSkip(playlist) {
    const total = playlist.segments.reduce((sum, segment) => sum + durationOf(segment), 0);
    return total - durationOf(playlist.segments[0]) > playlist.control['CAN-SKIP-UNTIL'] + ROUNDING_S * playlist.segments.length;
  }

  /** 6.2.1 and 6.2.2: what may change from BEFORE to AFTER. */
  compare(before, after) {
    this.rule('6.2.1', before.target === after.target, `the target duration changed from ${before.target} to ${after.target}`);
    this.rule('6.2.1', after.independent === before.independent || before.independent, 'EXT-X-INDEPENDENT-SEGMENTS came');
    this.rule('6.2.2', after.sequence >= before.sequence, `EXT-X-MEDIA-SEQUENCE went from ${before.sequence} to ${after.sequence}`);
    this.rule('6.2.2', after.breaks >= before.breaks, `EXT-X-DISCONTINUITY-SEQUENCE went from ${before.breaks} to ${after.breaks}`);
    const total = after.segments.filter((segment) => segment.uri).reduce((sum, segment) => sum + segment.duration, 0);
    this.rule('6.2.2', after.sequence === before.sequence || total >= 3 * after.target, `${total} s are left after a removal`);
    const known = new Map(after.segments.map((segment) => [segment.number, segment]));
    for (const segment of before.segments) {
      const now = known.get(segment.number);
      if (!now) {
        this.rule('6.2.2', segment.number < after.sequence, `segment ${segment.number} has gone from the middle`);
        continue;
      }
      this.rule('6.2.1', !segment.uri || now.uri === segment.uri, `segment ${segment.number} changed its URI`);
      this.rule('6.2.1', segment.duration === undefined || now.duration === segment.duration, `segment ${segment.number} changed its duration`);
      this.rule('6.2.1', now.map === segment.map && now.date === segment.date, `segment ${segment.number} changed its tags`);
      this.rule('6.2.2', now.breaks === segment.breaks, `segment ${segment.number} changed its discontinuity sequence number`);
      const parts = now.parts.map((part) => part.uri);
      const had = segment.parts.map((part) => part.uri);
      this.rule('6.2.2', parts.length === 0 || had.length === 0 || had.every((uri, index) => parts[index] === uri), `parts of ${segment.number} changed`);
      if (parts.length === 0 && had.length > 0) this.noteRemoved(had[0], after, 3 * after.target);
    }
    for (const segment of before.segments.filter((candidate) => candidate.uri && candidate.number < after.sequence)) {
      this.noteRemoved(segment.uri, after, 0.5);
    }
    this.rule('6.2.6', isBusy() || this.late > 1 || !before.hint || this.isListed(after, before.hint.URI) || after.hint?.URI === before.hint.URI, `the hint ${before.hint?.URI} was not kept`);
    for (const report of after.reports) {
      const sibling = this.checker.followers.find((follower) => follower.uri === report.URI);
      this.rule('4.4.5.4', sibling !== undefined && sibling !== this, `a report of ${report.URI}`);
      const newest = sibling?.last?.segments.at(-1);
      this.rule('4.4.5.4', !newest || report['LAST-MSN'] >= newest.number - 2, `a report of ${report.URI} is old: ${report['LAST-MSN']}`);
    }
    this.rule('B.1', after.reports.length === this.checker.index.variants.length - 1, `${after.reports.length} rendition reports`);
  }

  isListed(playlist, uri) {
    return playlist.segments.some((segment) => segment.parts.some((part) => part.uri === uri)) || this.parts.has(uri);
  }

  /** What has left the list can be had for SECONDS more. */
  noteRemoved(uri, playlist, seconds) {
    if (this.removed.some((removed) => removed.uri === uri)) return;
    this.removed.push({ uri, until: performance.now() + 1000 * seconds, rule: seconds > 1 ? 'part' : 'segment' });
  }

  async checkRemoved() {
    for (const removed of this.removed.splice(0)) {
      if (performance.now() > removed.until) continue;
      const { status } = await this.checker.get(removed.uri);
      this.rule('6.2.2', isBusy() || status === 200 || performance.now() > removed.until, `${removed.uri} (a ${removed.rule}) was removed, and got ${status} at once`);
    }
  }

  async checkErrors(playlist) {
    const number = playlist.segments.at(-1).number;
    const separator = this.uri.includes('?') ? '&' : '?';
    const expect = async (directives, status) => {
      const response = await this.checker.get(`${this.uri}${separator}${directives}`);
      // What is too far in the future may not be any more, if this took long.
      const fresh = performance.now() - this.lastAt < 500 * playlist.target;
      this.rule('6.2.5.2', !fresh || response.status === status, `${directives}: ${response.status} in place of ${status}`);
    };
    await expect('_HLS_part=1', 400);
    await expect(`_HLS_msn=${number + 5}`, 400);
    await expect(`_HLS_msn=${this.next().number + 1}&_HLS_part=900`, 400);
    await expect('_HLS_msn=x', 400);
    await expect(`_HLS_msn=${playlist.sequence}`, 200);
    const gone = playlist.hint.URI.replace(/-p\d+/, '-p999999999');
    this.rule('6.2.6', (await this.checker.get(gone)).status === 404, 'a part that nobody knows is not 404');
  }

  // --- Media ---

  async take(playlist, before) {
    const known = new Map((before?.segments ?? []).map((segment) => [segment.number, segment]));
    for (const segment of playlist.segments) {
      const last = known.get(segment.number);
      if (last?.uri) continue;
      if (segment.number > (this.newest ?? -1)) {
        this.newest = segment.number;
        await this.beginSegment(segment, before === null && segment === playlist.segments[0]);
      }
      for (const [index, part] of segment.parts.entries()) {
        if (!this.parts.has(part.uri)) await this.takePart(playlist, segment, part, index);
      }
      if (segment.uri) await this.takeSegment(playlist, segment);
    }
    await this.checkRemoved();
  }

  async beginSegment(segment, first) {
    this.rule('4.4.4.5', segment.map !== undefined, `segment ${segment.number} has no EXT-X-MAP`);
    this.rule('4.4.4.6', segment.date !== undefined, `segment ${segment.number} has no date`);
    if (!this.inits.has(segment.map)) {
      const response = await this.checker.get(segment.map);
      this.rule('4.4.4.5', response.status === 200, `${segment.map}: ${response.status}`);
      this.inits.set(segment.map, { bytes: response.body, ...parseInit(response.body) });
    }
    if (segment.discontinuities > 0 && !first) {
      this.checker.counts.breaks += segment.discontinuities;
      this.lastBreakAt = performance.now();
    }
    const run = this.runs.at(-1);
    if (!run || segment.discontinuities > 0 || run.map !== segment.map) {
      this.rule('6.2.1', !run || segment.discontinuities > 0, `another EXT-X-MAP without EXT-X-DISCONTINUITY at ${segment.number}`);
      this.runs.push({ map: segment.map, pieces: [], pictures: 0, listed: 0 });
    }
    this.segment = { number: segment.number, bytes: [], listed: 0 };
  }

  async fetchPart(uri) {
    const hinted = this.hints.get(uri);
    this.hints.delete(uri);
    const response = hinted ? await hinted : await this.checker.get(uri);
    if (hinted && response.status === 503) return this.checker.get(uri); /* the camera was away */
    if (hinted) this.checker.counts.hints += 1;
    return response;
  }

  async takePart(playlist, segment, part, index) {
    const response = await this.fetchPart(part.uri);
    this.parts.set(part.uri, true);
    this.checker.counts.parts += 1;
    this.rule('6.2.1', response.status === 200, `${part.uri} is listed, and got ${response.status}`);
    if (response.status !== 200) return;
    this.checkFragment(playlist, segment, part, index, response.body);
    this.segment.bytes.push(response.body);
  }

  /** Boxes, times and durations of a part. */
  checkFragment(playlist, segment, part, index, bytes) {
    const run = this.runs.at(-1);
    const fragment = parseFragment(bytes, this.inits.get(segment.map));
    const { video, audio } = fragment;
    const scale = video.timescale;
    const start = Number(video.decodeTime) / scale;
    const length = video.samples.reduce((sum, sample) => sum + sample.duration, 0) / scale;
    const step = length / video.samples.length;
    const keyframes = video.samples.filter((sample) => (sample.flags & 0x00010000) === 0).length;
    const name = `${segment.number}.${index} (${part.uri})`;
    this.rule('4.4.4.9', part.duration <= playlist.partTarget + 1e-9, `part ${name} of ${part.duration} s, the target is ${playlist.partTarget}`);
    this.rule('4.4.4.9', part.independent === keyframes > 0, `part ${name}: INDEPENDENT=${part.independent}, ${keyframes} keyframes`);
    this.rule('3.3', !playlist.independent || index > 0 || fragment.keyframe, `segment ${segment.number} does not begin with a keyframe`);
    const steady = video.samples.every(({ duration }) => Math.abs((duration / scale) * this.variant['FRAME-RATE'] - 1) < 0.25);
    this.rule('3.1', !steady || Math.abs(part.duration - length) <= step + ROUNDING_S, `part ${name} says ${part.duration} s and has ${length}`);
    if (run.end !== undefined) {
      this.rule('3', start > run.lastTime - ROUNDING_S && Math.abs(start - run.end) <= Math.max(step, run.lastStep) + ROUNDING_S, `part ${name} begins at ${start}, the last one ended at ${run.end}`);
    } else {
      run.start = start;
    }
    run.lastStep = video.samples.at(-1).duration / scale;
    run.lastTime = start + length - run.lastStep;
    run.end = start + length;
    run.pictures += video.samples.length;
    run.pieces.push(bytes);
    this.checker.counts.pictures += video.samples.length;
    if (audio) {
      const audioStart = Number(audio.decodeTime) / audio.timescale;
      const audioLength = audio.samples.reduce((sum, sample) => sum + sample.duration, 0) / audio.timescale;
      // After a camera has come back, its sound may have to find its place beside the pictures.
      const settled = run.end - run.start > 15;
      this.rule('3', !settled || run.audioEnd === undefined || Math.abs(audioStart - run.audioEnd) < 0.05, `sound of part ${name} begins at ${audioStart}, the last ended at ${run.audioEnd}`);
      this.rule('3', run.pieces.length > 1 || Math.abs(audioStart - start) < 2 + DATE_S, `the first sound of a run, in part ${name}, is ${audioStart - start} s beside its pictures`);
      run.audioEnd = audioStart + audioLength;
    }
    // What is shown counts for the date: after a pause decode times run late for a while (docs/design/ingest.md).
    if (index === 0) this.checkDate(run, segment, start + video.samples[0].offset / scale, fragment);
    // What is listed keeps the time of the media: there is no drift.
    run.listed += part.duration;
    run.count = (run.count ?? 0) + 1;
    this.rule('3.1', Math.abs(run.listed - (run.end - run.start)) <= 0.2 + step * 2 + ROUNDING_S * run.count, `${run.listed} s are listed of ${run.end - run.start} s up to ${name}`);
    this.segment.listed += part.duration;
    this.noteShort(playlist, segment, part, name, start, video.samples.map(({ duration }) => duration / scale));
  }

  /**
   * 4.4.4.9: at least 85 % of the target, but for the last part of a segment; which is the last is known with the next part. Where pictures are
   * so far apart that one more would have been too much, nobody could do better; nor where they come unevenly, because how long one lasts is known too late.
   */
  noteShort(playlist, segment, part, name, start, steps) {
    const short = this.short;
    if (short && short.number === segment.number) {
      const more = Math.max(start - short.start, short.duration) + Math.max(short.step, steps[0]);
      const steady = [...short.steps, ...steps].every((step) => Math.abs(step * this.variant['FRAME-RATE'] - 1) < 0.25);
      this.rule('4.4.4.9', !steady || more > short.target - 0.001, `part ${short.name} of ${short.duration} s is short, the target is ${short.target}, with the next picture it had ${more}`);
    }
    const isShort = part.duration < 0.85 * playlist.partTarget - 1e-6;
    this.short = isShort ? { number: segment.number, name, duration: part.duration, target: playlist.partTarget, start, steps, step: steps.at(-1) } : null;
  }

  checkDate(run, segment, start, fragment) {
    const offset = segment.date / 1000 - start;
    this.dateOffset = offset;
    run.offset ??= offset;
    this.rule('6.2.1', isBusy() || Math.abs(offset - run.offset) < DATE_S, `the date of segment ${segment.number} is ${(offset - run.offset).toFixed(3)} s off`);
    // A picture is dated by those that were on time, so it may have come later than its date, and not earlier.
    const late = (fragment.prft.wallMs - segment.date) / 1000;
    this.rule('4.4.4.6', isBusy() || (late > -DATE_S && late < 10), `the date of segment ${segment.number} is ${late} s before its prft`);
    this.behind = Date.now() - segment.date;
  }

  async takeSegment(playlist, segment) {
    this.checker.counts.segments += 1;
    this.rule('4.4.3.1', Math.round(segment.duration) <= playlist.target, `segment ${segment.number} of ${segment.duration} s`);
    const response = await this.checker.get(segment.uri);
    this.rule('6.2.1', response.status === 200, `${segment.uri} is listed, and got ${response.status}`);
    if (segment.parts.length > 0 && this.segment.number === segment.number) {
      this.rule('4.4.4.9', Buffer.concat(this.segment.bytes).equals(response.body), `segment ${segment.number} is not its parts`);
      const listed = segment.parts.reduce((sum, part) => sum + part.duration, 0);
      this.rule('4.4.4.9', Math.abs(listed - segment.duration) < ROUNDING_S * segment.parts.length, `segment ${segment.number} of ${segment.duration} s, its parts of ${listed}`);
    } else {
      // Of a segment whose parts are not listed any more, because this client was late, some may have been taken.
      const taken = this.segment.number === segment.number ? Buffer.concat(this.segment.bytes) : Buffer.alloc(0);
      this.rule('4.4.4.9', response.body.subarray(0, taken.length).equals(taken), `segment ${segment.number} does not begin with its parts`);
      this.takeOld(segment, response.body.subarray(taken.length), taken.length > 0 ? this.segment.listed : 0);
    }
    this.previous = segment;
  }

  /** A segment from before this client came: its parts are not listed. */
  takeOld(segment, bytes, listed) {
    const run = this.runs.at(-1);
    for (const piece of chunks(bytes)) {
      const { video } = parseFragment(piece, this.inits.get(segment.map));
      run.start ??= Number(video.decodeTime) / video.timescale;
      run.end = Number(video.decodeTime) / video.timescale + video.samples.reduce((sum, sample) => sum + sample.duration, 0) / video.timescale;
      run.lastStep = video.samples.at(-1).duration / video.timescale;
      run.lastTime = run.end - run.lastStep;
      run.pictures += video.samples.length;
      run.count = (run.count ?? 0) + 1;
      this.checker.counts.pictures += video.samples.length;
    }
    run.listed += segment.duration - listed;
    run.pieces.push(bytes);
  }

  async decode() {
    for (const [index, run] of this.runs.entries()) {
      if (run.pieces.length === 0) continue;
      const file = path.join(this.checker.directory, `${this.name}-${index}.mp4`);
      writeFileSync(file, Buffer.concat([this.inits.get(run.map).bytes, ...run.pieces]));
      try {
        const frames = await decode(file);
        this.checker.counts.decoded += frames;
        this.rule('3', frames === run.pictures, `${frames} pictures were decoded of ${run.pictures} in run ${index}`);
      } catch (error) {
        this.rule('3', false, `run ${index} cannot be decoded: ${error.message}`);
      }
    }
  }
}

const durationOf = (segment) => segment.duration ?? segment.parts.reduce((sum, part) => sum + part.duration, 0);

/** The chunks (`prft`, `moof`, `mdat`) of a segment. */
function* chunks(bytes) {
  let begin = 0;
  for (let at = 0; at < bytes.length; ) {
    const type = bytes.toString('latin1', at + 4, at + 8);
    at += bytes.readUInt32BE(at);
    if (type === 'mdat') {
      yield bytes.subarray(begin, at);
      begin = at;
    }
  }
}
