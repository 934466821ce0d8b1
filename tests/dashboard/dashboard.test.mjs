// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { after, afterEach, before, test as unlimited } from 'node:test';
import { Client, eventually, kToken, launch, open, Proxy, Upstream, wait } from './rig.mjs';

const kAxe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const test = (name, body) => unlimited(name, { timeout: 90_000 }, body);
const kWidths = [360, 820, 1440];

let browser, orders, users, proxy;
const views = [];
const others = []; // proxies of one test
const look = async (at = proxy, options = {}) => {
  const view = await open(browser, at, options);
  views.push(view);
  return view;
};
const begin = async (...configured) => {
  const own = new Proxy();
  others.push(own);
  return own.start(...configured);
};
const configuration = (extra = '') => `upstreams:
  orders:
    endpoints: ["${orders.url}"]
    circuit_breaker: {transitions: {open_timeout: 4s, backoff: {jitter: 0}}}
  users: {endpoints: ["${users.url}", "${orders.url}"]}
${extra}`;

before(async () => {
  [browser, orders, users] = await Promise.all([launch(), new Upstream().start(), new Upstream().start()]);
  orders.latency = users.latency = 0;
  proxy = await new Proxy().start(configuration());
});
after(async () => {
  await browser.close();
  await proxy.stop();
  orders.stop();
  users.stop();
});
// After each test: nothing on any console, and nobody else was asked for anything.
afterEach(async () => {
  orders.failing = 0;
  const seen = views.splice(0);
  await Promise.all(seen.map(({ context }) => context.close()));
  await Promise.all(others.splice(0).map((other) => other.stop()));
  for (const { seen: { console: lines, requests }, at = proxy } of seen) {
    assert.deepEqual(lines, []);
    for (const url of requests) assert.equal(new URL(url).origin, at.admin);
  }
  await proxy.change('/admin/faults', 'DELETE');
  await proxy.change('/admin/circuit-breakers/orders/release');
  await proxy.change('/admin/circuit-breakers/reset');
});

const card = (page, name) => page.locator('.card', { has: page.locator(`h3:text-is("${name}")`) });
const word = (page, name) => card(page, name).locator('.word').textContent();
const client = () => new Client(proxy, 'orders', 0);
async function ask(n, target = client()) {
  for (let i = 0; i < n; ++i) await target.ask();
  target.stop();
}
async function trip() {
  orders.failing = 1;
  await ask(5);
}
async function confirm(page, button) {
  await page.locator('dialog[open] button[type=submit]', { hasText: button }).click();
}

test('the page shows every upstream, live, with its breaker closed', async () => {
  const { page } = await look();
  await card(page, 'orders').waitFor();
  assert.equal(await word(page, 'orders'), 'Closed');
  assert.equal(await page.locator('.live').textContent(), 'live');
  assert.match(await page.locator('.states').textContent(), /0 open/);
  assert.match(await page.locator('.reload').textContent(), /^Configuration taken over/);
  assert.equal(await page.locator('.card').count(), 2);
});

test('a trip is shown within two seconds, with why, what it takes, and a count-down that is true', async () => {
  const { page } = await look();
  await card(page, 'orders').waitFor();
  await trip();
  const tripped = Date.now();
  await page.waitForFunction(() => document.querySelector('.card.is-open .word')?.textContent === 'Open', null, { timeout: 2000 });
  assert.ok(Date.now() - tripped < 2000);
  assert.equal(await page.title(), '1 open · Fusewire');
  assert.match(await card(page, 'orders').locator('.why').textContent(), /5 failures in a row \(limit 5\)/);
  assert.match(await page.locator('.events').textContent(), /orders closed → open: 5 failures in a row/);
  assert.match(await page.locator('.unseen[aria-live]').textContent(), /orders is open: 5 failures in a row/);

  for (let i = 0; i < 5; ++i) {
    const { retry_after_ms: left } = await proxy.json('/admin/circuit-breakers/orders');
    const [minutes, seconds] = (await card(page, 'orders').locator('.count').textContent()).split(':').map(Number);
    assert.ok(Math.abs(minutes * 60 + seconds - left / 1000) <= 1.3, `${minutes}:${seconds} is shown, ${left} ms are left`);
    await wait(500);
  }
});

test('the way to a trip is shown while the breaker is closed', async () => {
  const { page } = await look();
  orders.failing = 1;
  await ask(3);
  const meter = card(page, 'orders').locator('[role=meter][aria-label="failures in a row"]');
  assert.ok(await eventually(async () => (await meter.getAttribute('aria-valuetext')) === '3 of 5', 2500));
  assert.equal(await meter.getAttribute('aria-valuenow'), '60');
});

test('half-open slots, and the closing of the circuit, are shown as they happen', async () => {
  const { page } = await look();
  await card(page, 'orders').waitFor();
  await trip();
  orders.failing = 0;
  assert.ok(await eventually(async () => (await proxy.json('/admin/circuit-breakers/orders')).retry_after_ms === 0, 6000));
  await ask(1);
  assert.ok(await eventually(async () => (await word(page, 'orders')) === 'Half-open', 2000));
  assert.match(await card(page, 'orders').locator('.slots').textContent(), /0 of 3 trial slots in use; 1 of 3 successes needed/);
  await ask(2);
  assert.ok(await eventually(async () => (await word(page, 'orders')) === 'Closed', 2000));
});

test('a reset says what it will do, asks for the token once, and works', async () => {
  const { page } = await look();
  await card(page, 'orders').waitFor();
  await trip();
  assert.ok(await eventually(async () => (await word(page, 'orders')) === 'Open', 2000));
  await card(page, 'orders').getByRole('button', { name: 'Reset…' }).click();
  assert.match(await page.locator('#change-consequence').textContent(), /It is open now\. It becomes closed at once, its window and its back-off start from nothing/);
  await page.locator('#change-token').fill(kToken);
  await confirm(page, 'Reset');
  assert.ok(await eventually(async () => (await word(page, 'orders')) === 'Closed', 2000));

  await card(page, 'orders').getByRole('button', { name: 'Force open…' }).click();
  assert.equal(await page.locator('#change-token').isVisible(), false);
  await page.locator('#change-time').selectOption('1h');
  await confirm(page, 'Force open');
  assert.ok(await eventually(async () => (await word(page, 'orders')) === 'Forced open', 2000));
  assert.match(await card(page, 'orders').locator('.until').textContent(), /^(59:5\d|1:00:00) until the override ends/);
  await card(page, 'orders').getByRole('button', { name: 'Release…' }).click();
  await confirm(page, 'Release');
  assert.ok(await eventually(async () => (await word(page, 'orders')) === 'Closed', 2000));

  await page.reload();
  await card(page, 'orders').waitFor();
  await page.getByRole('button', { name: 'Forget token' }).click();
  assert.equal(await page.evaluate(() => sessionStorage.length + localStorage.length), 0);
});

test('a wrong token is refused, forgotten, and changes nothing', async () => {
  const view = await look();
  const { page, seen } = view;
  await card(page, 'orders').getByRole('button', { name: 'Force open…' }).click();
  await confirm(page, 'Force open');
  assert.match(await page.locator('dialog .error').textContent(), /needs the admin token/);
  await page.locator('#change-token').fill('guess');
  await confirm(page, 'Force open');
  assert.ok(await eventually(async () => /not the right one/.test(await page.locator('dialog .error').textContent())));
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  assert.equal((await proxy.json('/admin/circuit-breakers/orders')).override, 'none');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('dialog[open]').count(), 0);
  // The browser's own line on the 401.
  assert.equal(seen.console.splice(0).filter((line) => !/401/.test(line)).length, 0);
});

test('a fault is injected with what it will do and until when, is shown with its count-down, and is removed', async () => {
  const { page } = await look();
  const orders = card(page, 'orders');
  await orders.getByRole('button', { name: 'Inject fault…' }).click();
  const consequence = page.locator('#change-consequence');
  assert.match(await consequence.textContent(), /^100 % of its attempts are answered 503 in its place, until \d\d:\d\d:\d\d \(10 min from now\)\. Clients meet it/);
  assert.equal(await page.locator('#change-time option[value=""]').isDisabled(), true); // it always ends
  await page.locator('#fault-abort').selectOption('');
  assert.equal(await consequence.textContent(), 'Nothing is injected yet.');
  await page.locator('#change-token').fill(kToken);
  await confirm(page, 'Inject fault');
  assert.match(await page.locator('dialog .error').textContent(), /Choose a delay or an abort/);
  await page.locator('#fault-abort').selectOption('503');
  await page.locator('#fault-delay').selectOption('100ms');
  await page.locator('#fault-delay-percent').fill('0');
  await confirm(page, 'Inject fault');
  assert.match(await page.locator('dialog .error').textContent(), /above 0, up to 100 %/);
  await page.locator('#fault-delay-percent').fill('12.5');
  await page.locator('#change-time').selectOption('5m');
  assert.match(await consequence.textContent(), /^12\.5 % of its attempts are delayed by 100 ms, and 100 % of its attempts are answered 503 in its place, until .* \(5 min from now\)/);
  await confirm(page, 'Inject fault');
  assert.ok(await eventually(async () => (await page.locator('dialog[open]').count()) === 0, 2000));
  const [fault] = (await proxy.json('/admin/faults')).faults;
  assert.deepEqual([fault.delay_ms, fault.delay_percent, fault.abort, fault.abort_percent], [100, 12.5, 503, 100]);

  await ask(2);
  assert.ok(await eventually(async () => /It ends in (4:5\d|5:00); so far \d were delayed and 2 aborted\./.test(await orders.locator('.fault').textContent()), 2500));
  assert.equal(await orders.locator('.faulty').isVisible(), true);
  assert.equal(await card(page, 'users').locator('.faulty').isVisible(), false);
  await orders.getByRole('button', { name: 'Remove fault…' }).click();
  await confirm(page, 'Remove fault');
  assert.ok(await eventually(async () => !(await orders.locator('.fault').isVisible()), 2500));
  assert.deepEqual((await proxy.json('/admin/faults')).faults, []);
  assert.equal(await orders.getByRole('button', { name: 'Remove fault…' }).isVisible(), false);
});

test('one address of several is changed by itself, and its state stands in its row', async () => {
  await ask(20, new Client(proxy, 'users', 0));
  const { page } = await look();
  const row = card(page, 'users').locator('tbody tr').nth(1);
  await row.getByRole('button').click();
  await page.locator('dialog').getByLabel('Force open').check();
  await page.locator('#change-token').fill(kToken);
  await confirm(page, 'Force open');
  assert.ok(await eventually(async () => /Forced open/.test(await row.textContent()), 2000));
  assert.match(await card(page, 'users').locator('.near-text').textContent(), /is forced open/);
});

test('a reload that fails is shown with its first error, and the list follows one that succeeds', async () => {
  const { page } = await look();
  await card(page, 'users').waitFor();
  proxy.write(configuration('  mail: {endpoints: nonsense}\n'));
  await proxy.change('/admin/config/reload');
  assert.ok(await eventually(async () => /The last reload failed.*endpoints/.test(await page.locator('.banner').textContent()), 2500));
  assert.match(await page.locator('.reload').textContent(), /^Reload failed/);
  proxy.write(configuration(`  mail: {endpoints: ["${users.url}"]}\n`));
  await proxy.change('/admin/config/reload');
  await card(page, 'mail').waitFor({ timeout: 2500 });
  proxy.write(configuration());
  await proxy.change('/admin/config/reload');
  assert.ok(await eventually(async () => (await card(page, 'mail').count()) === 0, 6000));
});

test('everything can be reached and done by keyboard', async () => {
  const { page } = await look();
  await card(page, 'orders').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('ord');
  assert.equal(await page.locator('.card').count(), 1);
  for (let i = 0; i < 30 && (await page.evaluate(() => document.activeElement?.textContent)) !== 'Force open…'; ++i) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.keyboard.type(kToken);
  await page.keyboard.press('Enter');
  assert.ok(await eventually(async () => (await word(page, 'orders')) === 'Forced open', 2000));
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Force open…');
});

for (const colorScheme of ['light', 'dark'])
  test(`axe-core finds no violation at any width (${colorScheme})`, async () => {
    const { page } = await look(proxy, { colorScheme });
    await proxy.put('/admin/faults', { upstream: 'orders', for: '10m', delay: '1ms', abort: 503, abort_percent: 50 });
    await trip();
    assert.ok(await eventually(async () => (await word(page, 'orders')) === 'Open', 2500));
    await page.evaluate(kAxe);
    for (const width of kWidths) {
      await page.setViewportSize({ width, height: 900 });
      await page.evaluate(() => document.querySelectorAll('details').forEach((details) => (details.open = true)));
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')]
        .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest('.endpoints')).map((each) => `${each.tagName} ${each.className}`));
      assert.deepEqual(wide, [], `at ${width}`);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document));
      assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].html]), []);
    }
    await page.locator('.faulty').first().waitFor();
    await card(page, 'orders').getByRole('button', { name: 'Inject fault…' }).click();
    await page.locator('#fault-delay').selectOption('2s');
    for (const width of kWidths) {
      await page.setViewportSize({ width, height: 900 });
      const { violations } = await page.evaluate(() => globalThis.axe.run(document));
      assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].html]), []);
    }
    await page.keyboard.press('Escape');
    await card(page, 'orders').getByRole('button', { name: 'Force open…' }).click();
    const { violations } = await page.evaluate(() => globalThis.axe.run(document));
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].html]), []);
  });

test('lines are drawn at once on a page that is opened late, with the time before it', async () => {
  const busy = new Client(proxy, 'orders', 40);
  await wait(5000);
  busy.stop();
  const { page } = await look();
  const panel = card(page, 'orders').locator('.panel').first();
  await panel.locator('canvas').waitFor();
  const drawn = await panel.locator('canvas').evaluate((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.some((byte, i) => i % 4 === 3 && byte > 0);
  });
  assert.ok(drawn);
});

test('where reading needs the token, the page asks for it and shows nothing without', async () => {
  const closed = await begin(configuration(), ', read_requires_token: true');
  const view = await look(closed);
  view.at = closed;
  const { page, seen } = view;
  await page.locator('#read-token').fill('guess');
  await page.getByRole('button', { name: 'Show' }).click();
  assert.ok(await eventually(async () => /not the right one/.test(await page.locator('.sign-in .error').textContent())));
  assert.equal(await page.locator('.card').count(), 0);
  await page.locator('#read-token').fill(kToken);
  await page.getByRole('button', { name: 'Show' }).click();
  await card(page, 'orders').waitFor();
  assert.equal(await page.locator('.sign-in').isVisible(), false);
  assert.equal(seen.console.splice(0).filter((line) => !/401/.test(line)).length, 0);
});

test('a lost connection is shown, and the page comes back by itself', async () => {
  const own = await begin(configuration());
  const view = await look(own);
  view.at = own;
  const { page, seen } = view;
  await card(page, 'orders').waitFor();
  await own.stop();
  assert.ok(await eventually(async () => /connection is lost/.test(await page.locator('.banner').textContent())));
  own.resume();
  assert.ok(await eventually(async () => (await page.locator('.live').textContent()) === 'live' && !(await page.locator('.banner').isVisible()), 9000));
  assert.equal(seen.console.splice(0).filter((line) => !/net::ERR/.test(line)).length, 0);
});

// Of all threads, in ms.
function cpuTime(pid) {
  const times = fs.readdirSync(`/proc/${pid}/task`).map((task) => fs.readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  return times.reduce((sum, ns) => sum + Number(ns) / 1e6, 0);
}

// How much slower this machine is just now than the one whose time for the same work is `quiet`: neighbours slow both
// the proxy and this down. At least 1: a fast machine proves nothing less.
const quiet = 0.7; // ms
function slowness(json) {
  const began = process.cpuUsage();
  for (let i = 0; i < 3; ++i) JSON.stringify(JSON.parse(json));
  const { user, system } = process.cpuUsage(began);
  return Math.max(1, (user + system) / 1000 / 3 / quiet);
}

// What the kernel holds of it that the other side has not taken, proc(5); undefined where the connection is closed: the
// kernel alone has what is left of it then.
function unsentTo(clientPort) {
  const hex = clientPort.toString(16).toUpperCase().padStart(4, '0');
  const line = fs.readFileSync('/proc/net/tcp', 'utf8').split('\n').find((each) => each.trim().split(/\s+/)[2]?.endsWith(`:${hex}`));
  const [, , , state, queues] = line?.trim().split(/\s+/) ?? [];
  return state === '01' ? parseInt(queues.split(':')[0], 16) : undefined;
}

test('five viewers of a hundred breakers cost a hundredth of a core, and one that reads nothing holds 64 KiB and is dropped', async () => {
  const names = Array.from({ length: 100 }, (_, i) => `service-${i}`);
  const own = await begin(`upstreams:\n${names.map((name) => `  ${name}: {endpoints: ["${users.url}"]}\n`).join('')}`);
  const stop = new AbortController();
  const parts = [0, 0, 0, 0, 0];
  const read = async (i) => {
    const response = await fetch(`${own.admin}/admin/dashboard/stream`, { signal: stop.signal });
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) parts[i] += text.split('"part":0,').length - 1;
  };
  parts.forEach((_, i) => read(i).catch(() => undefined)); // ends by stop
  const idle = net.connect({ port: new URL(own.admin).port, host: '127.0.0.1' }).pause();
  idle.on('error', () => undefined);
  await new Promise((connected) => idle.on('connect', connected));
  const port = idle.localPort;
  idle.write('GET /admin/dashboard/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  await wait(2000);

  const work = await (await fetch(`${own.admin}/admin/circuit-breakers`)).text();
  for (let i = 0; i < 50; ++i) slowness(work); // compiled by now
  const slow = [];
  const before = cpuTime(own.child.pid);
  const began = performance.now();
  const seen = [...parts];
  let most = 0;
  while (performance.now() - began < 8000) {
    most = Math.max(most, unsentTo(port) ?? 0);
    slow.push(slowness(work));
    await wait(100);
  }
  const raw = (cpuTime(own.child.pid) - before) / (performance.now() - began);
  const slower = slow.reduce((sum, each) => sum + each, 0) / slow.length;
  const share = raw / slower;
  console.log(`# ${(share * 100).toFixed(2)} % of a core with five viewers (${(raw * 100).toFixed(2)} % of one that is ${slower.toFixed(2)} times slower than a quiet one); ${most} bytes held for the one that reads nothing`);
  assert.ok(share <= 0.01, `${share * 100} % of a core`);
  parts.forEach((n, i) => assert.ok(n - seen[i] >= 6, `${n - seen[i]} frames in 8 s`));
  assert.ok(most > 0 && most + 16 * 1024 <= 64 * 1024, `${most} bytes are held, and one part`);
  assert.ok(await eventually(() => unsentTo(port) === undefined, 20_000));
  stop.abort();
  idle.destroy();
});
