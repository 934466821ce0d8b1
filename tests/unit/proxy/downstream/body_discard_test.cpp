// SPDX-License-Identifier: Apache-2.0
#include "proxy/downstream/body_discard.hpp"

#include <doctest/doctest.h>

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

TEST_CASE("a request is discarded for thirty seconds, with five between two reads") {
  const Time start = Time{} + 1h;
  BodyDiscard discard;
  discard.begin(start);
  CHECK(discard.due(start) == start + 5s);
  CHECK(discard.due(start + 20s) == start + 25s);
  CHECK(discard.due(start + 28s) == start + 30s);
  CHECK(discard.due(start + 40s) == start + 30s);
}

TEST_CASE("no more than 64 MiB of a request are discarded, before and after its answer together") {
  BodyDiscard discard;
  CHECK(discard.drop(40U * 1024 * 1024));
  discard.begin(Time{} + 1h);
  CHECK(discard.drop(24U * 1024 * 1024 - 1));
  CHECK_FALSE(discard.drop(1));
}
