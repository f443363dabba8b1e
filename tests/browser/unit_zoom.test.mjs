// SPDX-License-Identifier: MIT
// Into a picture: the arithmetic, and what wheel, fingers and drags do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scope } from '../../player/src/player/scope.js';
import { PictureZoom, WHOLE, moved, within, zoomed } from '../../player/src/player/zoom.js';
import { Target } from './support/fakes.mjs';

test('zoom: what is under the pointer stays there, and the picture always covers its tile', () => {
  const box = { width: 800, height: 450 };
  const at = (view, { x, y }) => [(x - view.x) / view.scale, (y - view.y) / view.scale].map((value) => Math.round(value * 1000) / 1000);
  let view = WHOLE;
  const point = { x: 600, y: 100 };
  const before = at(view, point);
  for (let i = 0; i < 5; i++) {
    view = zoomed(view, 1.3, point, box);
    assert.deepEqual(at(view, point), before);
  }
  for (const [dx, dy] of [[5000, 0], [-5000, 0], [0, 5000], [0, -5000], [13, -7]]) {
    const { scale, x, y } = moved(view, dx, dy, box);
    assert.ok(x <= 0 && y <= 0 && x + scale * box.width >= box.width - 1e-6 && y + scale * box.height >= box.height - 1e-6);
  }
  assert.equal(zoomed(view, 1000, point, box).scale, 10);
  assert.deepEqual(zoomed(view, 0.001, point, box), WHOLE);
  assert.deepEqual(within({ scale: 0.5, x: -3, y: 9 }, box), WHOLE);
});

/** A box of 400 × 300 at (100, 50), and what it was told. */
class Box extends Target {
  views = [];
  captured = [];
  getBoundingClientRect = () => ({ left: 100, top: 50, width: 400, height: 300 });
  setPointerCapture = (id) => this.captured.push(id);

  constructor(options) {
    super();
    this.scope = new Scope();
    this.zoom = new PictureZoom(this, (view) => this.views.push(view));
    this.zoom.listen(this.scope, options);
  }

  send(type, facts = {}) {
    const event = new Event(type, { cancelable: true, bubbles: true });
    for (const [name, value] of Object.entries({ detail: 1, deltaMode: 0, pointerId: 1, ...facts })) Object.defineProperty(event, name, { value });
    let stopped = false;
    event.stopPropagation = () => (stopped = true);
    this.dispatchEvent(event);
    return { prevented: event.defaultPrevented, stopped };
  }

  drag(...points) {
    const [[x, y], ...others] = points;
    const down = this.send('pointerdown', { clientX: x, clientY: y });
    for (const [clientX, clientY] of others) this.send('pointermove', { clientX, clientY });
    this.send('pointerup');
    return { down, click: this.send('click') };
  }
}

test('a wheel goes in where the pointer is; a wheel of lines as far', () => {
  const box = new Box();
  assert.ok(box.send('wheel', { deltaY: -100, clientX: 100, clientY: 50 }).prevented);
  assert.ok(box.zoom.scale > 1.2 && box.zoom.scale < 1.3);
  assert.deepEqual([box.zoom.view.x, box.zoom.view.y], [0, 0], 'the corner stays');
  box.send('wheel', { deltaY: 3, deltaMode: 1, clientX: 500, clientY: 350 });
  assert.ok(box.zoom.scale < 1.02);
});

test('a drag moves a picture that is larger than its box, and its click is none; of a whole one both are others’ affair', () => {
  const box = new Box();
  const whole = box.drag([200, 100], [250, 100]);
  assert.deepEqual([whole.down.stopped, whole.click.prevented, box.zoom.scale], [false, false, 1]);
  box.zoom.by(2);
  assert.deepEqual(box.zoom.view, { scale: 2, x: -200, y: -150 });
  const { down, click } = box.drag([200, 100], [250, 130]);
  assert.deepEqual([down.stopped, click.prevented, box.captured.length], [true, true, 1]);
  assert.deepEqual(box.zoom.view, { scale: 2, x: -150, y: -120 });
  assert.equal(box.drag([200, 100], [202, 100]).click.prevented, false, 'hardly moved');
  assert.equal(box.send('click', { detail: 0 }).prevented, false, 'by a key');
});

test('two fingers go in and out, and their click is none', () => {
  const box = new Box();
  box.send('pointerdown', { pointerId: 1, clientX: 290, clientY: 200 });
  assert.ok(box.send('pointerdown', { pointerId: 2, clientX: 310, clientY: 200 }).stopped);
  box.send('pointermove', { pointerId: 2, clientX: 330, clientY: 200 });
  assert.equal(box.zoom.scale, 2);
  for (const pointerId of [1, 2]) box.send('pointerup', { pointerId });
  assert.ok(box.send('click').prevented);
  box.send('pointermove', { pointerId: 2, clientX: 400, clientY: 200 });
  assert.equal(box.zoom.scale, 2, 'no finger is down');
});

test('keys, a button, another size', () => {
  const { zoom, views } = new Box();
  zoom.step(1);
  assert.equal(zoom.scale, 1.25);
  zoom.step(0);
  assert.equal(zoom.view, WHOLE);
  zoom.toggle();
  assert.equal(zoom.scale, 2.5);
  const { x } = zoom.view;
  zoom.pan('right');
  assert.equal(zoom.view.x, x - 60);
  zoom.resize({ width: 400, height: 300 }, { width: 200, height: 150 });
  assert.deepEqual([zoom.scale, zoom.view.x], [2.5, (x - 60) / 2]);
  zoom.redraw();
  assert.equal(views.at(-1), zoom.view);
  zoom.toggle();
  zoom.resize({ width: 400, height: 300 }, { width: 200, height: 150 });
  assert.equal(zoom.view, WHOLE);
});

test('what it is not for is left alone, and nothing is left', () => {
  let active = false;
  const box = new Box({ active: () => active, ignores: (target) => target !== box });
  assert.equal(box.send('wheel', { deltaY: -100, clientX: 100, clientY: 50 }).prevented, false);
  active = true;
  assert.ok(box.send('wheel', { deltaY: -100, clientX: 100, clientY: 50 }).prevented);
  box.scope.close();
  assert.equal(box.listeners, 0);
});
