// SPDX-License-Identifier: Apache-2.0
// A scene: upstreams that behave as they are asked to, the built proxy before them, clients, and a browser.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

export const kToken = 'let-me-change-it';
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fusewire-dashboard-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));

export const wait = (ms) => new Promise((later) => setTimeout(later, ms));

export async function eventually(what, within = 5000) {
  const end = Date.now() + within;
  for (;;) {
    const last = await what();
    if (last || Date.now() > end) return last;
    await wait(20);
  }
}

async function freePorts(count) {
  const held = await Promise.all(Array.from({ length: count }, async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }));
  const ports = held.map((server) => server.address().port);
  await Promise.all(held.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

// `failing`: the share of answers that are 503; `latency`: of the median answer, in ms; `cacheable`: fresh for a second.
export class Upstream {
  failing = 0;
  latency = 2;
  cacheable = false;

  async start() {
    this.server = http.createServer(async (request, response) => {
      request.resume();
      await wait(this.latency * (0.6 + Math.random() ** 4 * 3));
      if (Math.random() < this.failing) response.writeHead(503, { 'Content-Type': 'text/plain' }).end('broken\n');
      else response.writeHead(200, { 'Content-Type': 'application/json', ...(this.cacheable ? { 'Cache-Control': 'max-age=1' } : {}) }).end('{}\n');
    }).listen(0, '127.0.0.1');
    this.server.keepAliveTimeout = 60_000;
    await once(this.server, 'listening');
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }
  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

export class Proxy {
  // `yaml` of a port's configuration, without listen and admin.
  async start(yaml, admin = '') {
    for (let attempt = 1; attempt <= 5; ++attempt) {
      const [port, adminPort] = await freePorts(2);
      this.file = path.join(folder, `fusewire-${port}.yaml`);
      this.yaml = (text) => `listen: 127.0.0.1:${port}\nadmin: {address: "127.0.0.1:${adminPort}", token: ${kToken}${admin}}\n`
        + `log: {level: ${process.env.LOG ?? 'off'}, access: off}\n${text}`;
      this.write(yaml);
      this.resume();
      this.port = port;
      this.url = `http://127.0.0.1:${port}`;
      this.admin = `http://127.0.0.1:${adminPort}`;
      while (this.child.exitCode === null) {
        const ready = await fetch(`${this.admin}/admin/health`, { headers: this.authorization() }).catch(() => null);
        if (ready?.status === 200) return this;
        await wait(10);
      }
    }
    throw new Error('the proxy does not start');
  }
  resume() {
    this.child = spawn(process.env.FUSEWIRE, ['run', '-c', this.file], { stdio: 'inherit' });
  }
  write(yaml) {
    fs.writeFileSync(`${this.file}.next`, this.yaml(yaml));
    fs.renameSync(`${this.file}.next`, this.file);
  }
  authorization() {
    return { Authorization: `Bearer ${kToken}` };
  }
  change(target, method = 'POST') {
    return fetch(`${this.admin}${target}`, { method, headers: this.authorization() });
  }
  put(target, body) {
    return fetch(`${this.admin}${target}`, { method: 'PUT', headers: this.authorization(), body: JSON.stringify(body) });
  }
  async json(target) {
    return (await fetch(`${this.admin}${target}`, { headers: this.authorization() })).json();
  }
  async stop() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}

// So many requests a second to that upstream, until stop().
export class Client {
  constructor(proxy, upstream, perSecond) {
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 50 });
    this.proxy = proxy;
    this.upstream = upstream;
    this.perSecond = perSecond;
    this.timer = setInterval(() => {
      this.due = (this.due ?? 0) + this.perSecond * 0.05 * (0.7 + 0.6 * Math.random());
      for (; this.due >= 1; --this.due) this.ask();
    }, 50);
  }
  ask() {
    return new Promise((done) => {
      http.get({ agent: this.agent, port: this.proxy.port, path: '/7', host: '127.0.0.1', headers: { Host: this.upstream } }, (response) => {
        response.resume().on('end', () => done(response.statusCode)).on('error', () => done(0));
      }).on('error', () => done(0));
    });
  }
  stop() {
    clearInterval(this.timer);
    this.agent.destroy();
  }
}

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: process.getuid() === 0 ? ['--no-sandbox', '--disable-gpu'] : ['--disable-gpu'],
  });
}

// A page of the dashboard; what it says on its console, and whom it asks, is noted.
export async function open(browser, proxy, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const seen = { console: [], requests: [] };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') seen.console.push(message.text());
  });
  page.on('pageerror', (error) => seen.console.push(String(error)));
  page.on('request', (request) => seen.requests.push(request.url()));
  await page.goto(`${proxy.admin}/`);
  return { page, context, seen };
}
