// SPDX-License-Identifier: MIT
// What the compositor really shows: frames of the DevTools screencast, and how dark they are.

/** Records what PAGE shows while `body()` runs; answers `{ at, data }` in milliseconds since the start and base64 JPEG. */
export async function record(page, body) {
  const session = await page.context().newCDPSession(page);
  const frames = [];
  const began = performance.now();
  session.on('Page.screencastFrame', ({ data, sessionId }) => {
    frames.push({ at: performance.now() - began, data });
    session.send('Page.screencastFrameAck', { sessionId }).catch(() => {});
  });
  await session.send('Page.startScreencast', { format: 'jpeg', quality: 50, everyNthFrame: 1 });
  try {
    await body();
  } finally {
    await session.send('Page.stopScreencast');
    await session.detach();
  }
  return frames;
}

/**
 * For each frame the luminance (0 to 255) of the darkest of the `parts` (rectangles of the page), decoded in a page of
 * their own.
 */
export async function darkest(browser, frames, parts, viewport) {
  const page = await browser.newPage();
  try {
    return await page.evaluate(async ({ images, rects, width }) => {
      const context = Object.assign(document.createElement('canvas'), { width: 8, height: 8 }).getContext('2d', { willReadFrequently: true });
      const luminance = (image, { x, y, width: w, height: h }) => {
        const scale = image.width / width;
        context.drawImage(image, x * scale, y * scale, w * scale, h * scale, 0, 0, 8, 8);
        const { data } = context.getImageData(0, 0, 8, 8);
        let sum = 0;
        for (let i = 0; i < data.length; i += 4) sum += 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
        return sum / (data.length / 4);
      };
      const results = [];
      for (const base64 of images) {
        const image = new Image();
        image.src = `data:image/jpeg;base64,${base64}`;
        await image.decode();
        results.push(Math.min(...rects.map((rect) => luminance(image, rect))));
      }
      return results;
    }, { images: frames.map(({ data }) => data), rects: parts, width: viewport.width });
  } finally {
    await page.close();
  }
}
