// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "proxy/tls/client_context.hpp"

using namespace fusewire;
using namespace fusewire::proxy;

TEST_CASE("sessions with endpoints that are gone are forgotten; a connection that is still open keeps its place") {
  config::UpstreamTls section;
  section.verify = false;
  const auto client = TlsClient::make(section, nullptr, 2).context;
  REQUIRE(client);
  const TlsSetup open = client->connect(0, 7, "localhost");
  client->connect(0, 8, "localhost");
  client->connect(1, 7, "localhost");
  CHECK(client->sessions(0) == 2);
  client->keep_only(0, {8});
  CHECK(client->sessions(0) == 1);
  CHECK(client->sessions(1) == 1);
  REQUIRE(open.session != nullptr);
  CHECK_FALSE(*open.session);  // still there to be written to
  client->keep_only(0, {});
  CHECK(client->sessions(0) == 0);
}
