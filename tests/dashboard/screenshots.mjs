// SPDX-License-Identifier: Apache-2.0
// Pictures of the dashboard in FOLDER: node screenshots.mjs FOLDER. With EYE=1 also those that are for the eye alone,
// whole pages at two more widths.
import path from 'node:path';
import { launch, open, wait } from './rig.mjs';
import { busyNight } from './scene.mjs';

const folder = process.argv[2] ?? '.';
const kDesk = { viewport: { width: 1440, height: 1100 } };
const kViews = [
  ['dashboard', kDesk],
  ['dashboard-dark', { ...kDesk, colorScheme: 'dark' }],
  ['dashboard-phone', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }],
];
const kMoreViews = [
  ['dashboard-wide', { viewport: { width: 1900, height: 1100 } }],
  ['dashboard-tablet', { viewport: { width: 820, height: 1100 } }],
];

const scene = await busyNight();
const browser = await launch();
await scene.play();
const eye = process.env.EYE === '1';
for (const [name, options] of eye ? [...kViews, ...kMoreViews] : kViews) {
  const { page, context } = await open(browser, scene.proxy, options);
  await page.locator('.card').first().waitFor();
  await wait(2600);
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: eye });
  await context.close();
}
await browser.close();
await scene.end();
process.exit();
