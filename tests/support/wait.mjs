// SPDX-License-Identifier: MIT
// Waiting for conditions, never for a length of time: every wait has a limit, and its error says what it waited for.

const POLL_MS = 20;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Calls CHECK until its result is true and returns that. An exception of CHECK counts as "not yet"; the last
 * one is part of the message when LIMIT ms have passed.
 */
export async function waitUntil(what, check, limit = 20000) {
  const end = Date.now() + limit;
  let last;
  for (;;) {
    try {
      const value = await check();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() >= end) break;
    await sleep(POLL_MS);
  }
  throw new Error(`waited ${limit} ms for ${what}${last ? `; last: ${last.message}` : ''}`, { cause: last });
}

/** PROMISE, or an error that says WHAT when it takes longer than LIMIT ms. */
export async function within(what, promise, limit = 20000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${limit} ms for ${what}`)), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
