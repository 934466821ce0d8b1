// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { after, before, test as unlimited } from 'node:test';
import { WebSocket } from 'ws';
import { closed, connect, message, scheme, startProxy, startServer } from './rig.mjs';

const MiB = 1024 * 1024;
const test = (name, body) => unlimited(name, { timeout: 120_000 }, body);
let server, proxy;
before(async () => {
  server = await startServer();
  proxy = await startProxy(server.port);
});
after(async () => {
  await proxy.end('SIGKILL');
  await server.kill();
});

function get(target) {
  return new Promise((resolve, reject) => {
    const { get: ask } = scheme === 'wss' ? https : http;
    ask(proxy.url.replace(/^ws/, 'http') + target, { agent: false, rejectUnauthorized: false }, async (response) => {
      let body = '';
      for await (const piece of response) body += piece;
      resolve({ status: response.statusCode, body });
    }).on('error', reject);
  });
}

test('text, binary and empty messages come back as they were', async () => {
  const socket = await connect(proxy);
  for (const sent of ['hello', '', 'žluťoučký kůň', Buffer.from([0, 255, 10, 13]), Buffer.alloc(70_000, 7)]) {
    socket.send(sent);
    const { data, isBinary } = await message(socket);
    assert.equal(isBinary, Buffer.isBuffer(sent));
    assert.deepEqual(data, Buffer.from(sent));
  }
  socket.close();
});

test('a message in fragments is one message', async () => {
  const socket = await connect(proxy);
  for (const part of ['one ', 'two ', '']) socket.send(part, { fin: false });
  socket.send('three', { fin: true });
  assert.equal((await message(socket)).data.toString(), 'one two three');
  socket.close();
});

test('pings and pongs pass in both directions', async () => {
  const socket = await connect(proxy, '/ping');
  assert.equal((await message(socket)).data.toString(), 'pong are you there');
  const pong = once(socket, 'pong');
  socket.ping('and you');
  assert.equal((await pong)[0].toString(), 'and you');
  socket.close();
});

test('close codes pass in both directions', async () => {
  const byServer = await connect(proxy, '/close?code=4002');
  assert.deepEqual(await closed(byServer), { code: 4002, reason: 'from the server' });
  const byClient = await connect(proxy);
  const end = closed(byClient);
  byClient.close(4001, 'from the client');
  assert.equal((await end).code, 4001);
  assert.deepEqual(JSON.parse((await get('/last-close')).body), { code: 4001, reason: 'from the client' });
});

test('a subprotocol is agreed on', async () => {
  const socket = await connect(proxy, '/', ['chat.v1', 'chat.v2']);
  assert.equal(socket.protocol, 'chat.v2');
  socket.close();
});

test('permessage-deflate is agreed on and used', async () => {
  const socket = await connect(proxy, '/deflate');
  assert.match(socket.extensions, /permessage-deflate/);
  const sent = 'the same again and again '.repeat(100_000);
  const before = socket._socket.bytesWritten;
  socket.send(sent);
  assert.equal((await message(socket)).data.toString(), sent);
  assert.ok(socket._socket.bytesWritten - before < sent.length / 10);
  socket.close();
});

test('100 MiB come back with the same SHA-256', async () => {
  const socket = await connect(proxy, '/', [], { perMessageDeflate: false });
  const [there, back] = [createHash('sha256'), createHash('sha256')];
  let left = 100 * MiB;
  const all = new Promise((done) => socket.on('message', (data) => {
    back.update(data);
    left -= data.length;
    if (left === 0) done();
  }));
  const piece = Buffer.alloc(MiB);
  for (let i = 0; i < 100; ++i) {
    for (let at = 0; at < MiB; at += 4) piece.writeUInt32LE((i * MiB + at) * 2654435761 % 4294967296, at);
    there.update(piece);
    await new Promise((sent) => socket.send(piece, sent));
  }
  await all;
  assert.equal(back.digest('hex'), there.digest('hex'));
  socket.close();
});

test('a message of 64 MiB is one message', async () => {
  const socket = await connect(proxy, '/', [], { perMessageDeflate: false });
  const sent = Buffer.alloc(64 * MiB, 'x');
  socket.send(sent);
  assert.ok((await message(socket)).data.equals(sent));
  socket.close();
});

test('hundreds of connections at once have each its own echo', async () => {
  const sockets = await Promise.all(Array.from({ length: 300 }, () => connect(proxy)));
  await Promise.all(sockets.map(async (socket, i) => {
    socket.send('I am ' + i);
    assert.equal((await message(socket)).data.toString(), 'I am ' + i);
  }));
  sockets.forEach((socket) => socket.terminate());
});

test('a connection outlives the timeouts of requests', async () => {
  const strict = await startProxy(server.port, '    timeouts: {idle: 200ms, response: 2s, total: 2s}\n');
  const socket = await connect(strict);
  await new Promise((later) => setTimeout(later, 3000));
  socket.send('still there');
  assert.equal((await message(socket)).data.toString(), 'still there');
  socket.close();
  await strict.end();
});

test('plain requests and refused handshakes are answered beside it', async () => {
  assert.deepEqual(await get('/'), { status: 200, body: 'plain' });
  const socket = new WebSocket(proxy.url + '/forbidden', [], { rejectUnauthorized: false });
  const [, response] = await once(socket, 'unexpected-response');
  assert.equal(response.statusCode, 401);
  response.socket.destroy();
});

test('a server that is killed ends its connections at once, and a new one takes new ones', async () => {
  const sockets = await Promise.all(Array.from({ length: 20 }, () => connect(proxy)));
  const ends = sockets.map(closed);
  const began = Date.now();
  await server.kill();
  for (const { code } of await Promise.all(ends)) assert.equal(code, 1006);
  assert.ok(Date.now() - began < 2000);
  assert.equal((await get('/')).status, 502);
  server = await startServer(server.port);
  const socket = await connect(proxy);
  socket.send('again');
  assert.equal((await message(socket)).data.toString(), 'again');
  socket.close();
});

test('a drain ends connections at drain_timeout and the process with 0', async () => {
  const draining = await startProxy(server.port, 'shutdown: {drain_timeout: 300ms}\n');
  const socket = await connect(draining);
  const end = closed(socket);
  assert.equal(await draining.end(), 0);
  assert.equal((await end).code, 1006);
});
