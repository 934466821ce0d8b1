// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/keep_alive.hpp"

#include <doctest/doctest.h>

using fusewire::proxy::http::keep_alive_timeout;
using namespace std::chrono_literals;

TEST_CASE("the timeout of Keep-Alive is read wherever it stands") {
  CHECK(keep_alive_timeout("timeout=5") == 5s);
  CHECK(keep_alive_timeout("Timeout=5, max=100") == 5s);
  CHECK(keep_alive_timeout("max=100 , timeout=0") == 0s);
  CHECK(keep_alive_timeout("timeout=4294967295") == 4294967295s);
}

TEST_CASE("what is no timeout says nothing") {
  for (const char* value :
       {"", "max=100", "timeout", "timeout=", "timeout=x", "timeout=-1", "timeout=5s", "timeout=99999999999"})
    CHECK_FALSE(keep_alive_timeout(value).has_value());
}
