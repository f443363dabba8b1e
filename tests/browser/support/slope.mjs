// SPDX-License-Identifier: MIT
// The straight line that fits points best, and the error of its slope.

/** `points`: [[x, y], …], three at least. `{ slope, error }`, `error` being the standard error of the slope. */
export function lineThrough(points) {
  const count = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count;
  const squares = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / squares;
  const residue = points.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  return { slope, error: Math.sqrt(residue / (count - 2) / squares) };
}
