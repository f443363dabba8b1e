// SPDX-License-Identifier: MIT
// Whether a measure grows. Pure: numbers in, a verdict out.
//
// A series is what one role measured, such as the memory of a camera's worker, in one *life* after the other: a process that was restarted
// begins a new life, and no two values of different lives are ever compared. What a life does in its first minutes is not judged.
//
// The slope is the median of the slopes of all pairs of values of the same life (Theil and Sen). A step, or a value that is far off, hardly
// moves it, while a staircase does. Its confidence interval is that of Sen, from the variance of Kendall's S, summed over the lives as Hirsch and Slack
// (1984) do it with seasons. Memory remembers: values that follow each other are alike, which would make the interval too narrow, so
// the variance grows by what the first autocorrelation of the residues says (for AR(1): (1 + r) / (1 - r)).

const Z_99 = 2.326; // of the normal distribution, one side: a slope that is not there is found once in a hundred times
const MOST_BLOCKS = 120; // of a series: a run of any length costs the same
const FEWEST_BLOCKS = 8; // that say anything about a slope
const MOST_AUTOCORRELATION = 0.9;

export function median(values) {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** LIFE ([[seconds, value], …] in order) without its first WARM_UP seconds, as the medians of blocks of WIDTH seconds. */
export function blocksOf(life, { warmUp, width }) {
  const begin = life[0][0] + warmUp;
  const blocks = new Map();
  for (const [at, value] of life) {
    if (at < begin) continue;
    const block = Math.floor((at - begin) / width);
    if (!blocks.has(block)) blocks.set(block, []);
    blocks.get(block).push(value);
  }
  return [...blocks].map(([block, values]) => [begin + (block + 0.5) * width, median(values)]);
}

function pairSlopes(lives) {
  const slopes = [];
  for (const life of lives) {
    for (let j = 1; j < life.length; j++) {
      for (let i = 0; i < j; i++) slopes.push((life[j][1] - life[i][1]) / (life[j][0] - life[i][0]));
    }
  }
  return Float64Array.from(slopes).sort();
}

/** The first autocorrelation of what SLOPE does not explain, within lives. */
function autocorrelation(lives, slope) {
  let [together, all] = [0, 0];
  for (const life of lives) {
    const rest = life.map(([at, value]) => value - slope * at);
    const level = rest.reduce((sum, value) => sum + value, 0) / rest.length;
    rest.forEach((value, i) => {
      all += (value - level) ** 2;
      if (i > 0) together += (value - level) * (rest[i - 1] - level);
    });
  }
  return all > 0 ? Math.min(MOST_AUTOCORRELATION, Math.max(0, together / all)) : 0;
}

/** Of LIVES of blocks: `{ slope, low, high, blocks }`, in units a second; null if they are too few. */
export function slopeOf(lives) {
  const usable = lives.filter((life) => life.length > 1);
  const blocks = usable.reduce((sum, life) => sum + life.length, 0);
  if (blocks < FEWEST_BLOCKS) return null;
  const slopes = pairSlopes(usable);
  const slope = median(slopes);
  const r = autocorrelation(usable, slope);
  const variance = usable.reduce((sum, { length: n }) => sum + (n * (n - 1) * (2 * n + 5)) / 18, 0) * ((1 + r) / (1 - r));
  const reach = Z_99 * Math.sqrt(variance);
  const at = (rank) => slopes[Math.round(rank)];
  const [below, above] = [(slopes.length - reach) / 2 - 1, (slopes.length + reach) / 2];
  return { slope, low: below >= 0 ? at(below) : -Infinity, high: above < slopes.length ? at(above) : Infinity, blocks };
}

const DAY_S = 86_400;

/**
 * `lives`: [[[seconds, value], …], …]; `limit`: growth a day up to which the series passes; `warmUp`: seconds of each life that are not judged;
 * `length`: seconds of the whole run. `{ grows, perDay, low, high, blocks }`, growth a day: it grows when even the lower bound of the slope is above the
 * limit. null: there is too little to judge.
 */
export function judge({ lives, limit, warmUp, length }) {
  const width = Math.max(1, length / MOST_BLOCKS);
  const found = slopeOf(lives.filter((life) => life.length > 0).map((life) => blocksOf(life, { warmUp, width })));
  if (!found) return null;
  const [perDay, low, high] = [found.slope, found.low, found.high].map((slope) => slope * DAY_S);
  return { grows: low > limit, perDay, low, high, blocks: found.blocks };
}
