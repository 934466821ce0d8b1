// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "proxy/cli/demo_traffic.hpp"

using namespace std::chrono_literals;
using fusewire::cli::Behaviour;
using fusewire::cli::misbehaviour_at;
using fusewire::cli::Stage;

TEST_CASE("in each minute of the demo's traffic every upstream is well for a while, and ill for a while") {
  CHECK(misbehaviour_at(0s).orders == Behaviour::ok);
  CHECK(misbehaviour_at(10s).orders == Behaviour::errors);
  CHECK(misbehaviour_at(25s).orders == Behaviour::ok);
  CHECK(misbehaviour_at(40s).payments == Behaviour::errors);
  CHECK(misbehaviour_at(20s).catalogue == Behaviour::delay);
  CHECK(misbehaviour_at(70s).orders == Behaviour::errors);
}

TEST_CASE("the demo's traffic goes to three upstreams by their paths") {
  Stage stage({.traffic = true});
  CHECK(fusewire::cli::ask(stage.port(), "GET", "/payments/7").status == 200);
  CHECK(fusewire::cli::ask(stage.port(), "GET", "/orders/42").status == 200);
  CHECK(stage.payments().requests() == 1);
  CHECK(stage.upstream().requests() == 1);
}
