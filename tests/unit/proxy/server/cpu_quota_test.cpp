// SPDX-License-Identifier: Apache-2.0
#include "proxy/server/cpu_quota.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace fusewire::proxy;

TEST_CASE("a quota is rounded up to whole cores") {
  CHECK(cores_of_quota("100000 100000") == 1);
  CHECK(cores_of_quota("100001 100000\n") == 2);
  CHECK(cores_of_quota("50000 100000") == 1);
  CHECK(cores_of_quota("1 100000") == 1);
  CHECK(cores_of_quota("250000 100000") == 3);
  CHECK(cores_of_quota("400000 50000") == 8);
}

TEST_CASE("no quota is none") {
  for (const char* text :
       {"", " ", "max 100000", "-1 100000", "0 100000", "100000", "100000 0", "100000 x", "x 100000"}) {
    CAPTURE(text);
    CHECK(cores_of_quota(text) == 0);
  }
}

TEST_CASE("there is at least one worker and no more than cores") {
  CHECK(automatic_workers() >= 1);
  CHECK(automatic_workers() <= std::max(1U, std::thread::hardware_concurrency()));
}
