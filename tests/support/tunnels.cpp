// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tunnels.hpp"

#include <utility>

#include "tests/support/forever.hpp"

namespace fusewire::testing {

std::string handshake(const std::string& target, const std::string& fields) {
  return "GET " + target +
         " HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
         fields + "\r\n";
}

Connection open_tunnel(const TestProxy& proxy, const std::string& fields) {
  Connection client = proxy.connect();
  client.send(handshake("/", fields));
  REQUIRE(read_response(client).status == 101);
  return client;
}

namespace scripts {

Script tunnel(std::function<void(Call&)> then) {
  return [then = std::move(then)](Call& call) {
    call.send(kSwitch);
    then(call);
    call.connection().close();
  };
}

Script echo_tunnel() {
  return tunnel([](Call& call) {
    Connection& peer = call.connection();
    while (peer.fill(kForever) || !peer.buffered().empty())
      if (!peer.send(peer.take(peer.buffered().size()))) break;
  });
}

}  // namespace scripts

}  // namespace fusewire::testing
