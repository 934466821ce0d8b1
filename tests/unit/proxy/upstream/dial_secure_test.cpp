// SPDX-License-Identifier: Apache-2.0
// A connection for one request, over TLS: the peer speaks OpenSSL, and nothing of it is shared with the proxy.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "tests/support/tls.hpp"
#include "tests/support/tls_rig.hpp"
#include "tests/unit/proxy/upstream/dial_scene.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace fusewire::testing;

namespace {

struct SecureScene : TlsFiles {
  explicit SecureScene(const std::string& name = "orders.example")
      : TlsFiles({.names = "DNS:" + name, .common_name = name}), end(TlsEnd::Role::server, server()) {
    scene.connect();
    scene.name_is({boost::asio::local::stream_protocol::endpoint(scene.origin.path)});
    scene.turn();
    accepted = scene.origin.accept();
    peer = std::make_unique<TlsLayer>(end, accepted, false);
    CHECK_FALSE(scene.is_over);
  }
  ~SecureScene() { hang_up(); }

  // Both sides do what they can, until the dial has ended.
  void shake_hands() {
    for (int steps = 0; steps < 20 && !scene.is_over; ++steps) {
      if (!peer_is_done) peer_is_done = peer->handshake() == TlsLayer::Step::done;
      scene.turn();
    }
  }
  void hang_up() {
    peer.reset();
    if (accepted >= 0) ::close(std::exchange(accepted, -1));
  }
  const TlsCells& counted() const { return scene.upstream.state->cells.of(0).tls; }

  DialScene scene{at("ca.pem")};
  TlsEnd end;
  int accepted = -1;
  std::unique_ptr<TlsLayer> peer;
  bool peer_is_done = false;
};

}  // namespace

TEST_CASE("a connection over TLS is one when both sides have shaken hands, and is asked for by the endpoint's name") {
  SecureScene tls;
  tls.shake_hands();
  REQUIRE(tls.scene.connection);
  CHECK(tls.scene.dial.outcome() == Outcome::pending);
  CHECK(tls.scene.connection->channel().is_ready());
  CHECK(tls.peer->server_name() == "orders.example");
  CHECK(tls.counted().full.value() == 1);
  CHECK(tls.counted().failed.value() == 0);
  CHECK(tls.scene.slots() == 1);
}

TEST_CASE("a certificate for another name ends the dial, and the address is passed over for a while") {
  SecureScene tls("users.example");
  tls.shake_hands();
  CHECK(tls.scene.is_over);
  CHECK_FALSE(tls.scene.connection);
  CHECK(tls.scene.dial.outcome() == Outcome::tls_error);
  CHECK(tls.scene.dial.tls_fault().reason.find("ostname mismatch") != std::string::npos);
  CHECK(tls.counted().failed.value() == 1);
  CHECK(tls.scene.slots() == 0);
  CHECK(tls.scene.is_blamed());
}

TEST_CASE("a peer that hangs up in the middle of the handshake ends the dial") {
  SecureScene tls;
  tls.hang_up();
  tls.scene.turn();
  tls.scene.turn();
  CHECK(tls.scene.is_over);
  CHECK(tls.scene.dial.outcome() == Outcome::tls_error);
  CHECK(tls.counted().failed.value() == 1);
  CHECK(tls.scene.slots() == 0);
  CHECK(tls.scene.is_blamed());
}

TEST_CASE("a handshake that is given up is nobody's fault, and leaves the slot to others") {
  SecureScene tls;
  tls.scene.give_up();
  CHECK(tls.scene.is_over);
  CHECK_FALSE(tls.scene.connection);
  CHECK(tls.scene.dial.outcome() == Outcome::pending);
  CHECK(tls.counted().failed.value() == 1);
  CHECK(tls.scene.slots() == 0);
  CHECK_FALSE(tls.scene.is_blamed());
}
