// SPDX-License-Identifier: Apache-2.0
// The proxy's OTLP, read by the official definitions: what they do not know, or have another type for, is an error.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';

const load = createRequire(import.meta.url);
const definitions = path.join(path.dirname(load.resolve('@opentelemetry/otlp-transformer/package.json')), 'build/src/generated/root.js');
const { opentelemetry } = load(definitions);
const { ExportTraceServiceRequest } = opentelemetry.proto.collector.trace.v1;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fusewire-tracing-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));

async function listen(handler) {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: server.address().port, end: () => { server.closeAllConnections(); server.close(); } };
}

async function freePort() {
  const { server, port } = await listen(() => {});
  await new Promise((closed) => server.close(closed));
  return port;
}

async function startProxy(collector, upstreams) {
  for (let attempt = 1; ; ++attempt) {
    const [port, admin] = [await freePort(), await freePort()];
    const file = path.join(folder, `${port}.yaml`);
    fs.writeFileSync(file, `listen: 127.0.0.1:${port}\nupstreams:\n${upstreams}admin: {address: "127.0.0.1:${admin}", token: t}\n`
      + `tracing: {otlp_endpoint: "http://127.0.0.1:${collector}", sample_ratio: 1, service_name: shop}\nlog: {level: warn, access: off}\n`);
    const child = spawn(process.env.FUSEWIRE, ['run', '-c', file], { stdio: 'inherit' });
    while (child.exitCode === null) {
      const ready = await fetch(`http://127.0.0.1:${admin}/admin/ready`).catch(() => null);
      if (ready?.status === 200) return { port, admin, end: async () => { const exit = once(child, 'exit'); child.kill(); await exit; } };
      await new Promise((later) => setTimeout(later, 10));
    }
    if (attempt === 5) throw new Error('the proxy does not start');
  }
}

// OTLP's JSON has ids as hexadecimal digits, where Protocol Buffers' own mapping has base64.
const isId = (key) => ['traceId', 'spanId', 'parentSpanId'].includes(key);
function withBytes(value, key) {
  if (isId(key)) {
    assert.match(value, key === 'traceId' ? /^[0-9a-f]{32}$/ : /^[0-9a-f]{16}$/);
    return Buffer.from(value, 'hex');
  }
  if (Array.isArray(value)) return value.map((item) => withBytes(item));
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withBytes(v, k)]));
  return value;
}

// All that was sent must be in what was read, with the same value.
function assertContains(read, sent, where) {
  if (Buffer.isBuffer(sent) || sent instanceof Uint8Array) return assert.equal(Buffer.from(read).toString('hex'), Buffer.from(sent).toString('hex'), where);
  if (sent === null || typeof sent !== 'object') return assert.equal(String(read), String(sent), where);
  for (const [key, value] of Object.entries(sent)) {
    assert.ok(read !== undefined && Object.hasOwn(read, key), `${where}.${key} is not in the definitions`);
    assertContains(read[key], value, `${where}.${key}`);
  }
}

// Through the binary form and back.
function decode(text) {
  const sent = withBytes(JSON.parse(text));
  const message = ExportTraceServiceRequest.fromObject(sent);
  assert.equal(ExportTraceServiceRequest.verify(message), null);
  const read = ExportTraceServiceRequest.decode(ExportTraceServiceRequest.encode(message).finish());
  assertContains(ExportTraceServiceRequest.toObject(read, { longs: String, enums: Number, defaults: true }), sent, 'request');
  return ExportTraceServiceRequest.toObject(read, { longs: String, enums: Number, bytes: Array, defaults: true });
}

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const attributes = (of) => Object.fromEntries(of.attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? value.boolValue]));

async function collectorOf(posts, news) {
  return listen((request, response) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      posts.push({ url: request.url, type: request.headers['content-type'], body: Buffer.concat(pieces).toString() });
      response.setHeader('content-type', 'application/json').end('{"partialSuccess":{}}');
      news();
    });
  });
}

test('requests, attempts and decisions are spans and events by the official definitions', { timeout: 60_000 }, async () => {
  const posts = [];
  let heard = () => {};
  const collector = await collectorOf(posts, () => heard());
  const seen = [];
  let failures = 1;
  const origin = await listen((request, response) => {
    seen.push(request.headers);
    response.setHeader('connection', 'close');  // no attempt on a connection that turns out closed
    if (request.url === '/flaky' && failures-- > 0) return request.socket.destroy();
    response.statusCode = request.url === '/bad' ? 500 : 200;
    response.end('hello');
  });
  const proxy = await startProxy(collector.port, `  orders:\n    endpoints: ["http://127.0.0.1:${origin.port}"]\n`
    + '    fallback: {on: [breaker_open], chain: [{static: {status: 203, body: later}}]}\n');
  const ask = (target, headers = {}) => fetch(`http://127.0.0.1:${proxy.port}${target}`, { headers });
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  await ask('/plain?secret=1', { traceparent: `00-${trace}-00f067aa0ba902b7-01`, tracestate: 'vendor=x' });
  await ask('/flaky');
  await ask('/bad');
  await fetch(`http://127.0.0.1:${proxy.admin}/admin/circuit-breakers/orders/force-open`, { method: 'POST', headers: { authorization: 'Bearer t' } });
  assert.equal((await ask('/open')).status, 203);
  await proxy.end();  // sends what is left

  const spans = [];
  for (const post of posts) {
    assert.equal(post.url, '/v1/traces');
    assert.equal(post.type, 'application/json');
    assert.ok(!post.body.includes('secret'));
    for (const { resource, scopeSpans } of decode(post.body).resourceSpans) {
      assert.equal(attributes(resource)['service.name'], 'shop');
      for (const scope of scopeSpans) spans.push(...scope.spans);
    }
  }
  const of = (target) => {
    const server = spans.find((span) => span.kind === 2 && attributes(span)['url.path'] === target);
    return { server, clients: spans.filter((span) => span.kind === 3 && hex(span.parentSpanId) === hex(server.spanId)) };
  };

  const plain = of('/plain');
  assert.equal(hex(plain.server.traceId), trace);
  assert.equal(hex(plain.server.parentSpanId), '00f067aa0ba902b7');
  assert.equal(plain.server.traceState, 'vendor=x');
  assert.equal(plain.clients.length, 1);
  assert.equal(seen[0].traceparent, `00-${trace}-${hex(plain.clients[0].spanId)}-01`);
  assert.equal(seen[0].tracestate, 'vendor=x');
  assert.equal(attributes(plain.clients[0])['server.port'], String(origin.port));
  assert.ok(BigInt(plain.clients[0].endTimeUnixNano) <= BigInt(plain.server.endTimeUnixNano) + 1000n);
  assert.ok(BigInt(plain.clients[0].startTimeUnixNano) >= BigInt(plain.server.startTimeUnixNano));

  const flaky = of('/flaky');
  assert.equal(flaky.clients.length, 2);
  assert.ok(flaky.server.events.some((event) => event.name === 'fusewire.retry.made'));
  assert.equal(attributes(flaky.clients[0])['error.type'], 'reset');

  assert.equal(of('/bad').server.status.code, 2);
  assert.equal(attributes(of('/bad').server)['error.type'], '500');

  const open = of('/open');
  assert.equal(open.clients.length, 0);
  assert.deepEqual(open.server.events.map((event) => event.name), ['fusewire.breaker.rejected', 'fusewire.fallback.begun', 'fusewire.fallback.step']);
  collector.end();
  origin.end();
});
