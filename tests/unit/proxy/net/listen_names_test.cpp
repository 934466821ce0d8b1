// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/listen_names.hpp"

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <string>

using namespace fusewire;
using namespace fusewire::proxy;

namespace {

config::Address name(const std::string& host) {
  config::Address address;
  address.host = host;
  address.port = 80;
  return address;
}

// Names that begin with "slow" hang until they are let go.
struct Rig {
  asio::io_context control;
  asio::executor_work_guard<asio::io_context::executor_type> work{control.get_executor()};
  std::promise<void> go;
  ListenNames names{control, [gone = go.get_future().share()](const config::Address& wanted) {
                      if (wanted.host.starts_with("slow")) gone.wait();
                      return ListenAddresses{{asio::ip::tcp::endpoint(asio::ip::make_address("10.0.0.1"), 80)}, {}};
                    }};
  bool found = false;

  void look_up(const std::string& host) {
    found = false;
    names.look_up({name(host)}, [this] { found = true; });
  }
  void wait() {
    while (!found) control.run_one();
  }
};

}  // namespace

TEST_CASE("the names that a configuration listens at are found, the last one's only") {
  Rig rig;
  rig.look_up("slow");
  rig.look_up("quick");
  rig.wait();
  CHECK(rig.names.find(name("quick")));
  CHECK_FALSE(rig.names.find(name("slow")));
  rig.go.set_value();
}

TEST_CASE("an address needs no look-up") {
  Rig rig;
  rig.look_up("10.1.2.3");
  CHECK(rig.found);
  rig.go.set_value();
}

TEST_CASE("where all threads hang, the names of the last configuration are looked up when one of them ends") {
  Rig rig;
  for (int i = 0; i < ListenNames::kMaxThreads; ++i) rig.look_up("slow" + std::to_string(i));
  rig.look_up("forgotten");
  rig.look_up("quick");
  rig.control.poll();
  CHECK_FALSE(rig.found);
  rig.go.set_value();
  rig.wait();
  REQUIRE(rig.names.find(name("quick")));
  CHECK_FALSE(rig.names.find(name("quick"))->error);
  CHECK(rig.names.find(name("quick"))->endpoints.size() == 1);
  CHECK_FALSE(rig.names.find(name("forgotten")));
}
