// SPDX-License-Identifier: MIT
// The page's address and the browser's history: a camera that is made large is a step, and Back returns from it. Making it small
// again by any other way takes the step back, so a day's use leaves no trail.

const mark = (large) => ({ ringcast: { large } });

export class WallHistory {
  #window;
  #wanted = null; // { address, large, step }, the newest that could not be written yet
  #returning = false; // from history.back() to its popstate

  /** `view`: the window, with its `history` and `location`. */
  constructor(view) {
    this.#window = view;
  }

  /** True while the present entry was made by going large in this tab, so that the wall is behind it. */
  get #deep() {
    return this.#window.history.state?.ringcast?.large === true;
  }

  /** The wall is now at `address`; `large`: one camera is; `step`: because the user has just made it so. */
  write(address, { large, step }) {
    this.#wanted = { address, large, step: step || this.#wanted?.step === true };
    if (!this.#returning) this.#settle();
  }

  /** Call it at each popstate. True: the user went there, so the wall has to follow the address. */
  onPop() {
    if (!this.#returning) return true;
    this.#returning = false;
    if (this.#wanted) this.#settle();
    return false;
  }

  #settle() {
    const { address, large, step } = this.#wanted;
    const { history } = this.#window;
    if (!large && this.#deep) {
      this.#returning = true;
      history.back();
      return; // the address is written when it is there
    }
    this.#wanted = null;
    if (large && step && !this.#deep) history.pushState(mark(true), '', address);
    else history.replaceState(mark(this.#deep), '', address);
  }
}
