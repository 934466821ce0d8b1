// SPDX-License-Identifier: Apache-2.0
// The upstream: echoes messages; /close?code=N says goodbye with that code; GET /last-close tells what a client said.
// Prints its port. A process of its own, so that it can be killed.
import http from 'node:http';
import { WebSocketServer } from 'ws';

const port = Number(process.argv[2] ?? 0);
let lastClose = {};
const server = http.createServer((request, response) => {
  response.end(request.url === '/last-close' ? JSON.stringify(lastClose) : 'plain');
});
const websockets = new WebSocketServer({
  server,
  perMessageDeflate: true,
  verifyClient: ({ req }) => req.url !== '/forbidden',
  maxPayload: 256 * 1024 * 1024,
  handleProtocols: (offered) => (offered.has('chat.v2') ? 'chat.v2' : false),
});
websockets.on('connection', (socket, request) => {
  const url = new URL(request.url, 'http://h');
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary, compress: url.pathname === '/deflate' }));
  socket.on('close', (code, reason) => { lastClose = { code, reason: reason.toString() }; });
  socket.on('error', () => {});
  if (url.pathname === '/close') socket.close(Number(url.searchParams.get('code')), 'from the server');
  if (url.pathname === '/ping') {
    socket.on('pong', (data) => socket.send('pong ' + data));
    socket.ping('are you there');
  }
});
server.listen(port, '127.0.0.1', () => console.log(server.address().port));
