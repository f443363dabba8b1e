// SPDX-License-Identifier: MIT
// A scope owns what must be undone: listeners, timers, sockets, object URLs, child scopes.
// Closing it undoes all of them, newest first, whichever path led there. Nothing can be added to a closed scope.

export class Scope {
  #undo = new Set();
  #closed = false;

  get closed() {
    return this.#closed;
  }

  /** How many things wait to be undone. */
  get size() {
    return this.#undo.size;
  }

  /** Registers `undo`; returns a function that undoes it now. On a closed scope it is undone at once. */
  add(undo) {
    const entry = () => undo();
    if (this.#closed) {
      entry();
      return () => {};
    }
    this.#undo.add(entry);
    return () => {
      if (this.#undo.delete(entry)) entry();
    };
  }

  listen(target, type, handler, options) {
    if (this.#closed) return () => {};
    target.addEventListener(type, handler, options);
    return this.add(() => target.removeEventListener(type, handler, options));
  }

  timeout(ms, run) {
    if (this.#closed) return () => {};
    const id = setTimeout(() => {
      cancel();
      run();
    }, ms);
    const cancel = this.add(() => clearTimeout(id));
    return cancel;
  }

  interval(ms, run) {
    if (this.#closed) return () => {};
    const id = setInterval(run, ms);
    return this.add(() => clearInterval(id));
  }

  /** A scope that closes with this one, or before it. */
  child() {
    const scope = new Scope();
    const forget = this.add(() => scope.close());
    scope.add(forget);
    return scope;
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    const entries = [...this.#undo].reverse();
    this.#undo.clear();
    for (const entry of entries) {
      try {
        entry();
      } catch (error) {
        reportError(error);
      }
    }
  }
}
