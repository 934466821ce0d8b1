// SPDX-License-Identifier: Apache-2.0
// Pictures of the dashboard in FOLDER, of the running demo or of the scene: node screenshots.mjs demo|scene FOLDER
import { spawn } from 'node:child_process';
import path from 'node:path';
import { eventually, launch, open, wait } from './rig.mjs';
import { busyNight } from './scene.mjs';

const [, , what, folder] = process.argv;
const kDesk = { viewport: { width: 1440, height: 1010 } };
const kViews = [
  ['dashboard', kDesk],
  ['dashboard-dark', { ...kDesk, colorScheme: 'dark' }],
  ['dashboard-phone', { viewport: { width: 390, height: 1100 }, deviceScaleFactor: 1.5, isMobile: true, hasTouch: true }],
];
// For the eye alone, not for the documents.
const kMoreViews = [
  ['dashboard-wide', { viewport: { width: 1900, height: 1100 } }],
  ['dashboard-tablet', { viewport: { width: 820, height: 1100 } }],
];

// Four minutes of `fusewire demo --serve --traffic`, until the circuit to orders has been open for some seconds.
async function demo() {
  const child = spawn(process.env.FUSEWIRE, ['demo', '--serve', '--traffic'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', (text) => { printed += text; });
  await eventually(() => printed.includes('Ctrl-C'), 10_000);
  const admin = printed.match(/The dashboard: (\S+)\//)[1];
  return {
    proxy: { admin },
    async play() {
      await wait((4 * 60 + 13) * 1000);
    },
    async end() {
      child.kill('SIGTERM');
    },
  };
}

const shown = what === 'demo' ? await demo() : await busyNight();
const browser = await launch();
await shown.play();
for (const [name, options] of what === 'demo' ? kViews : [...kViews, ...kMoreViews]) {
  const { page, context } = await open(browser, shown.proxy, options);
  await page.locator('.card').first().waitFor();
  await wait(1500);
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: what !== 'demo' });
  await context.close();
}
await browser.close();
await shown.end();
process.exit();
