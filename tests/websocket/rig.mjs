// SPDX-License-Identifier: Apache-2.0
// The processes of a test: the upstream, and the proxy before it.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { WebSocket } from 'ws';

export const scheme = process.env.SCHEME ?? 'ws';
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fusewire-websocket-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));

// Distinct ports that nobody had a moment ago.
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

export async function startServer(port = 0) {
  const child = spawn(process.execPath, ['server.mjs', String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return { port: Number(line), kill: () => end(child, 'SIGKILL') };
}

async function end(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  child.kill(signal);
  return (await exited)[0];
}

function tlsLines() {
  if (scheme !== 'wss') return '';
  const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-keyout', key, '-out', certificate, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
  { stdio: 'ignore' });
  return `    tls: {certificate: "${certificate}", private_key: "${key}"}\n`;
}

// `lines` stand under the upstream. Another process may take a port before the proxy does: then others are tried.
export async function startProxy(upstreamPort, lines = '') {
  for (let attempt = 1; ; ++attempt) {
    const [port, admin] = await freePorts(2);
    const file = path.join(folder, `fusewire-${port}.yaml`);
    fs.writeFileSync(file, `listeners:\n  - address: 127.0.0.1:${port}\n${tlsLines()}`
      + `upstreams:\n  orders:\n    endpoints: ["http://127.0.0.1:${upstreamPort}"]\n${lines}`
      + `admin: {address: "127.0.0.1:${admin}"}\nlog: {level: warn, access: off}\n`);
    const child = spawn(process.env.FUSEWIRE, ['run', '-c', file], { stdio: 'inherit' });
    while (child.exitCode === null) {
      const ready = await fetch(`http://127.0.0.1:${admin}/admin/ready`).catch(() => null);
      if (ready?.status === 200)
        return { port, admin, pid: child.pid, url: `${scheme}://127.0.0.1:${port}`, end: (signal = 'SIGTERM') => end(child, signal) };
      await new Promise((later) => setTimeout(later, 10));
    }
    if (attempt === 5) throw new Error('the proxy does not start');
  }
}

export async function connect(proxy, target = '/', protocols = [], options = {}) {
  const socket = new WebSocket(proxy.url + target, protocols, { rejectUnauthorized: false, maxPayload: 256 * 1024 * 1024, ...options });
  await once(socket, 'open');
  return socket;
}

export async function message(socket) {
  const [data, isBinary] = await once(socket, 'message');
  return { data, isBinary };
}

export async function closed(socket) {
  const [code, reason] = await once(socket, 'close');
  return { code, reason: reason.toString() };
}
