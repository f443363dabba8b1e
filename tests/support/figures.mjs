// SPDX-License-Identifier: MIT
/** The Pth percentile (0…100) of VALUES, by nearest rank. */
export function percentile(values, p) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)];
}

/** "12.3 / 15.0 / 20.1 ms": median, 95th percentile and maximum. */
export const distribution = (values) => `${[50, 95, 100].map((p) => percentile(values, p).toFixed(1)).join(' / ')} ms`;

/** How many VALUES in ms, and their p50, p95 and greatest, in words. */
export function inMs(values) {
  if (values.length === 0) return 'none';
  const [p50, p95, max] = [50, 95, 100].map((p) => percentile(values, p).toFixed(0));
  return `${values.length}: p50 ${p50} ms, p95 ${p95} ms, max ${max} ms`;
}
