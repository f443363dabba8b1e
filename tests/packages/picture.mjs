// SPDX-License-Identifier: MIT
// picture.mjs ADDRESS FILE CAMERAS [USER PASSWORD]: opens the wall at ADDRESS in a browser, logs in if it is given who, waits until CAMERAS
// cameras are live, and puts a picture of the page into FILE. Prints how long that took.
import { launchBrowser, until } from '../browser/support/browser.mjs';

const [address, file, count, user, password] = process.argv.slice(2);
const browser = await launchBrowser();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, colorScheme: 'dark', locale: 'en-GB', timezoneId: 'UTC' });
  const begun = performance.now();
  await page.goto(address);
  if (user) {
    await page.getByLabel('User').fill(user);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.keyboard.press('Enter');
  }
  const live = () => page.locator('.tile[data-condition=live]').count();
  await until(async () => (await live()) === Number(count), `${count} cameras live`);
  console.log(`${count} live after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  await page.screenshot({ path: file });
} finally {
  await browser.close();
}
