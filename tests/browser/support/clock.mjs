// SPDX-License-Identifier: MIT
// A clock that only the test moves; the real one comes back when the test ends. (Node 18's own mock timers lose nested ones.)
import fakeTimers from '@sinonjs/fake-timers';

const clocks = new WeakMap();

/** Puts the APIS ('setTimeout', 'setInterval') under the test's clock. */
export function mockTimers(context, apis) {
  const undo = apis.map((api) => api.replace('set', 'clear'));
  clocks.set(context, fakeTimers.install({ toFake: [...apis, ...undo] }));
  context.after(() => resetTimers(context));
}

/** Moves the test's clock on, and runs the timers that are due. */
export function tick(context, ms) {
  clocks.get(context).tick(ms);
}

/** Gives the real timers back. */
export function resetTimers(context) {
  clocks.get(context)?.uninstall();
  clocks.delete(context);
}
