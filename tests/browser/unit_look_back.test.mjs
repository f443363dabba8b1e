// SPDX-License-Identifier: MIT
// Looking back: what the player asks the server for, and what it does with the answers.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { lateness, conditionOf } from '../../player/src/player/condition.js';
import { LiveEnd, LookBack } from '../../player/src/player/look-back.js';
import { NOTHING, Ranges, fakePage } from './support/fakes.mjs';
import { FRAME, Stand } from './support/stand.mjs';

let page;
beforeEach(() => {
  page = fakePage();
});

/** A player that has played for a minute: frames up to 1499, the newest of which ends at 60 s. */
function playing(context) {
  const it = new Stand(context);
  it.play();
  it.frame(1475);
  for (let i = 1476; i < 1500; i++) it.frame(i);
  it.settle();
  it.video.buffered = new Ranges([[50, 60]]);
  it.video.currentTime = 59.8;
  return it;
}

const said = (it, type) => it.socket.sent.filter((message) => message.type === type);

function answer(it, ago = 30.5, reach = 100) {
  it.video.buffered = new Ranges(); // as a new MediaSource has it
  it.socket.receive(JSON.stringify({ type: 'look', ago, reach }));
}

/** The server answers with frames FROM … TO - 1, and the browser has them. */
function show(it, from, to) {
  it.source.open();
  for (let i = from; i < to; i++) it.frame(i);
  it.settle();
  it.video.buffered = new Ranges([[from * FRAME, to * FRAME]]);
  it.tick(300);
}

test('the end of the stream goes on while nothing comes', () => {
  const end = new LiveEnd();
  assert.equal(end.at(0), null);
  end.arrived(60, 1000);
  assert.equal(end.at(1000), 60);
  assert.equal(end.at(3500), 62.5);
});

test('no more is asked for than what lies before the present', () => {
  const ask = (target, end) => new LookBack(target, false).question(end, 0);
  assert.deepEqual(ask(30, 60), { ago: 30, for: 4 });
  assert.deepEqual(ask(57, 60), { ago: 3, for: 1.5 });
  assert.equal(LookBack.isPresent(59.5, 60), true);
  assert.equal(LookBack.isPresent(58.5, 60), false);
});

test('playback begins where it was to, and passes over holes', () => {
  const view = { now: 0, rate: 1, end: 60 };
  let past = new LookBack(30.5, false);
  past.question(60, 0);
  past.begins(0);
  assert.deepEqual(past.decide({ ...view, position: 0, ranges: [] }), {});
  assert.deepEqual(past.decide({ ...view, position: 0, ranges: [[29, 30]] }), {}, 'not there yet');
  assert.deepEqual(past.decide({ ...view, position: 0, ranges: [[29, 31]] }), { seek: 30.5 });
  assert.deepEqual(past.decide({ ...view, now: 400, position: 30.6, ranges: [[29, 34]] }), {});
  assert.deepEqual(past.decide({ ...view, now: 500, position: 32.5, ranges: [[29, 34]] }), { more: 2.5 });
  assert.deepEqual(past.decide({ ...view, now: 600, position: 32.6, ranges: [[29, 34]] }), {}, 'it was asked for just now');
  assert.deepEqual(past.decide({ ...view, now: 700, position: 33.9, ranges: [[29, 34], [40, 45]] }), { seek: 40 });
  const fast = past.decide({ ...view, now: 1000, position: 41, rate: 2, ranges: [[40, 44]], end: 100 });
  assert.deepEqual(fast, { more: 5 }, 'twice as fast, twice as much');

  past = new LookBack(10, false);
  past.begins(0);
  assert.deepEqual(past.decide({ ...view, position: 0, ranges: [[29, 31]] }), { seek: 29 }, 'the oldest that there is');
  past = new LookBack(35, false);
  past.begins(0);
  assert.deepEqual(past.decide({ ...view, now: 501, position: 0, ranges: [[29, 31]] }), { seek: 30.98 }, 'the newest that came');
});

test('until the server has answered everything goes on', (context) => {
  const it = playing(context);
  it.player.seek(-30);
  assert.deepEqual(said(it, 'look'), [{ type: 'look', ago: 30.2, for: 4 }]);
  assert.ok(Math.abs(it.player.behind - 30.2) < 0.01);
  const { fragments } = it.buffer;
  it.frame(1500);
  it.settle();
  assert.equal(it.buffer.fragments, fragments + 1);
  it.socket.receive('{"type":"look","ago":null,"reach":0}');
  assert.equal(it.player.behind, 0);
  assert.equal(it.player.reach, 0);
  assert.deepEqual(it.details('lookback'), [{ looking: false, reach: 0 }]);
  it.frame(1501);
  it.settle();
  assert.equal(it.buffer.fragments, fragments + 2, 'and nothing was lost');
  assert.equal(it.details('reset').length, 0);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('a server that does not know the question is not waited for', (context) => {
  const it = playing(context);
  it.player.seek(-30);
  for (let i = 1500; i < 1600; i++) {
    it.tick(40);
    it.frame(i);
    it.settle();
  }
  assert.equal(it.player.behind, 0);
  assert.equal(it.details('lookback').at(-1).looking, false);
  assert.equal(it.details('reset').length, 0);
});

test('a look at the past, more of it, and back to the present', (context) => {
  const it = playing(context);
  it.player.seek(-30);
  answer(it);
  assert.deepEqual(it.details('lookback'), [{ looking: true, reach: 100 }]);
  show(it, 725, 850);
  assert.equal(it.buffer.fragments, 125);
  assert.ok(Math.abs(it.video.currentTime - 29.8) < 0.001);
  assert.ok(it.player.behind > 30 && it.player.behind < 31);
  it.tick(2000);
  const stats = it.details('stats').at(-1);
  assert.ok(stats.behind > 30 && stats.late === false);
  assert.equal(lateness(stats, 0), 0);
  assert.equal(it.video.playbackRate, 1, 'nothing hurries');
  it.video.currentTime = 32.5;
  it.tick(600);
  assert.equal(said(it, 'more').length, 1);
  it.video.playbackRate = 2;
  it.tick(300);
  assert.equal(it.video.playbackRate, 2, 'the rate is the page’s own');

  it.player.live();
  assert.equal(said(it, 'live').length, 1);
  it.player.live();
  assert.equal(said(it, 'live').length, 1, 'once is enough');
  it.frame(850); // on the way already
  it.socket.receive('{"type":"live"}');
  assert.equal(it.player.behind, 0);
  assert.equal(it.video.playbackRate, 1);
  it.source.open();
  for (let i = 1550; i < 1560; i++) it.frame(i);
  it.settle();
  assert.equal(it.buffer.fragments, 10);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('of several looks the last one counts', (context) => {
  const it = playing(context);
  it.player.seek(-30);
  it.player.seek(-10);
  assert.equal(said(it, 'look').at(-1).ago, 40.2);
  answer(it, 30.5);
  it.frame(725); // of the first one
  answer(it, 40.5);
  show(it, 475, 500);
  assert.equal(it.buffer.fragments, 25);
  it.player.seek(+38);
  answer(it, 2.5);
  it.player.seek(+50);
  assert.equal(said(it, 'live').length, 1, 'beyond the newest picture is the present');
});

test('who has seen all is live', (context) => {
  const it = playing(context);
  it.player.seek(-3);
  answer(it, 3.5);
  show(it, 1400, 1500);
  it.socket.receive('{"type":"live"}');
  assert.equal(it.player.behind, 0);
  it.frame(1500);
  it.settle();
  assert.equal(it.buffer.fragments, 101, 'in the same buffer');
  assert.equal(it.details('lookback').at(-1).looking, false);
});

test('a connection that is lost is asked for the same again', (context) => {
  const it = playing(context);
  it.player.seek(-30);
  answer(it);
  show(it, 725, 850);
  it.video.currentTime = 31;
  it.tick(300);
  it.socket.drop();
  it.tick(1000);
  it.socket.accept();
  const [look] = said(it, 'look');
  assert.ok(look.ago > 29 && look.ago < 33, `${look.ago}`);
  it.init();
  it.frame(1525); // live, before the answer: of no use
  answer(it, look.ago);
  show(it, 750, 800);
  assert.equal(it.buffer.fragments, 50);
});

test('back to the present while the connection is lost: the next one begins with that', (context) => {
  const it = playing(context);
  it.player.seek(-30);
  answer(it);
  show(it, 725, 850);
  it.socket.drop();
  it.player.live();
  it.tick(1000);
  it.socket.accept();
  assert.deepEqual([said(it, 'look'), it.player.behind], [[], 0]);
  it.init();
  it.source.open();
  it.frame(1525);
  it.settle();
  assert.equal(it.buffer.fragments, 1, 'live');
});

test('back to the present before the past was asked for', (context) => {
  const it = playing(context);
  it.socket.drop();
  it.player.seek(-30);
  it.player.live();
  it.tick(1000);
  it.socket.accept();
  assert.deepEqual([said(it, 'look'), it.player.behind], [[], 0]);
  it.init();
  const before = it.buffer.fragments;
  it.frame(1500);
  it.settle();
  assert.equal(it.buffer.fragments, before + 1, 'it goes on where it was');
});

test('out of sight it does not look back any more', (context) => {
  const it = playing(context);
  it.player.seek(-30);
  answer(it);
  show(it, 725, 850);
  page.hide(true);
  it.tick(6000);
  assert.equal(it.player.behind, 0);
  assert.deepEqual(said(it, 'pause'), [{ type: 'pause' }]);
  page.hide(false);
  assert.equal(said(it, 'resume').length, 1);
});

test('pictures one by one', (context) => {
  const it = playing(context);
  it.player.step(-1);
  assert.equal(it.video.paused, true);
  assert.ok(Math.abs(it.video.currentTime - 59.76) < 0.001);
  it.video.buffered = new Ranges([[58, 60]]);
  it.video.currentTime = 58.1;
  it.player.step(-5);
  assert.equal(said(it, 'look').length, 1, 'what the browser does not have is asked for');
  answer(it, 2.5);
  const { plays } = it.video;
  show(it, 1425, 1500);
  assert.equal(it.video.plays, plays, 'it stands still');
  it.player.step(1);
  it.tick(60_000);
  assert.equal(said(it, 'pause').length, 0, 'and stays awake');
  assert.equal(it.player.state, 'playing');
  it.player.live();
  assert.equal(it.video.paused, false);
  assert.throws(() => it.player.step(0.5), TypeError);
  assert.throws(() => it.player.seek('far'), TypeError);
});

test('stop at any step leaves nothing', (context) => {
  for (let last = 0; last < 5; last++) {
    page = fakePage();
    const it = playing(context);
    const steps = [() => it.player.seek(-30), () => answer(it), () => show(it, 725, 850), () => it.player.live(), () => it.socket.receive('{"type":"live"}')];
    for (const step of steps.slice(0, last + 1)) step();
    it.player.stop();
    assert.deepEqual(page.books(it.video), NOTHING, `after step ${last}`);
    assert.equal(it.player.behind, 0);
    it.player.seek(-1);
    it.player.live();
    it.player.step(1);
  }
});

test('nothing is left of three hundred looks', (context) => {
  const it = playing(context);
  const before = page.books(it.video);
  for (let i = 0; i < 300; i++) {
    it.player.seek(-30);
    answer(it);
    show(it, 725, 730);
    it.player.live();
    it.socket.receive('{"type":"live"}');
    it.source.open();
    for (let frame = 1475; frame < 1480; frame++) it.frame(frame);
    it.settle();
  }
  assert.deepEqual(page.books(it.video), before);
  it.player.stop();
  assert.deepEqual(page.books(it.video), NOTHING);
});

test('people are told how old the picture is', () => {
  const condition = conditionOf({ state: 'playing', camera: { state: 'streaming' }, behind: 30.4, late: 0 });
  assert.deepEqual([condition.name, condition.label], ['past', '30 s ago']);
});
