// SPDX-License-Identifier: Apache-2.0
// Pictures of the dashboard in FOLDER: node screenshots.mjs FOLDER
import path from 'node:path';
import { launch, open, wait } from './rig.mjs';
import { busyNight } from './scene.mjs';

const folder = process.argv[2] ?? '.';
const kViews = [
  ['dashboard', { viewport: { width: 1440, height: 1000 } }, true],
  ['dashboard-dark', { viewport: { width: 1440, height: 1000 }, colorScheme: 'dark' }, true],
  ['dashboard-phone', { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }, false],
  ['dashboard-wide', { viewport: { width: 1900, height: 1100 } }, false],
  ['dashboard-tablet', { viewport: { width: 820, height: 1100 } }, false],
];

const scene = await busyNight();
const browser = await launch();
await scene.play();
for (const [name, options, large] of kViews) {
  const { page, context } = await open(browser, scene.proxy, options);
  await page.locator('.card').first().waitFor();
  await wait(2600);
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: process.env.FULL === '1' || !large });
  await context.close();
}
await browser.close();
await scene.end();
