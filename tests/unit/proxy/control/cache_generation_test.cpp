// SPDX-License-Identifier: Apache-2.0
// Whether what was stored for an upstream may answer under its next configuration.
#include <string>

#include "proxy/control/state_registry.hpp"
#include "tests/unit/proxy/control/control_rig.hpp"

using namespace fusewire;
using namespace fusewire::testing;

namespace {

std::string with(const std::string& endpoints, const std::string& tls = {}) {
  return "listen: 127.0.0.1:0\nlog: {level: off}\nupstreams:\n  orders:\n    endpoints: [" + endpoints + "]\n" +
         (tls.empty() ? "" : "    tls: {" + tls + "}\n");
}

bool same_site(const std::string& one, const std::string& other) {
  return proxy::StateRegistry::same_site(config_of(one).upstreams.front(), config_of(other).upstreams.front());
}

}  // namespace

TEST_CASE("a site is the same while an endpoint stays, and each that stays is spoken to as before") {
  CHECK(same_site(with("\"http://a\""), with("\"http://a\", \"http://b\"")));
  CHECK(same_site(with("\"http://a\", \"http://b\""), with("\"http://b\"")));
  CHECK_FALSE(same_site(with("\"http://a\""), with("\"http://b\"")));
  CHECK_FALSE(same_site(with("\"http://a\""), with("\"https://a\"")));
  const std::string both = "\"http://a\", \"https://b\"";
  CHECK(same_site(with(both, "server_name: x"), with(both, "server_name: x")));
  for (const char* keys : {"server_name: y", "verify: false", "ca: " FUSEWIRE_SOURCE_DIR "/LICENSE"}) {
    CAPTURE(keys);
    CHECK_FALSE(same_site(with("\"https://b\""), with("\"https://b\"", keys)));
    CHECK_FALSE(same_site(with(both, "server_name: x"), with(both, keys)));
    CHECK(same_site(with("\"http://a\""), with("\"http://a\"", keys)));  // nothing that is spoken to by TLS
  }
}

TEST_CASE("an upstream's cache has another generation when its site is another, and only then") {
  ControlRig rig(with("\"https://a\""));
  const auto generation = [&] { return rig.control.snapshot()->upstream("orders")->chain.cache_generation; };
  const auto apply = [&](const std::string& yaml) { CHECK(rig.control.apply(config_of(yaml), "test").successful); };
  const auto first = generation();
  apply(with("\"https://a\", \"https://b\""));
  CHECK(generation() == first);
  apply(with("\"https://a\", \"https://b\"", "server_name: x"));
  const auto second = generation();
  CHECK(second != first);
  apply(with("\"https://a\", \"https://b\""));
  CHECK(generation() != first);
  CHECK(generation() != second);
}
