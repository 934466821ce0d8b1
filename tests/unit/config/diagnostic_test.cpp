// SPDX-License-Identifier: Apache-2.0
#include "config/diagnostic.hpp"

#include "support.hpp"

namespace fusewire::config {
namespace {

TEST_CASE("a diagnostic in a file reads FILE:LINE:COL: key.path: message") {
  const Diagnostic diagnostic{"fusewire.yaml", 7, 3, "admin.token", "too short"};
  CHECK(diagnostic.to_string() == "fusewire.yaml:7:3: admin.token: too short");
}

TEST_CASE("a diagnostic is one line that steers no terminal, whatever its key") {
  const Diagnostic diagnostic{"f", 1, 1, "a\nerror: ok\x1b[31m", "unknown key"};
  CHECK(diagnostic.to_string() == R"(f:1:1: a\u000aerror: ok\u001b[31m: unknown key)");
}

TEST_CASE("a diagnostic outside of a file has no line") {
  const Diagnostic diagnostic{"environment", 0, 0, "admin.token", "too short"};
  CHECK(diagnostic.to_string() == "environment: admin.token: too short");
}

TEST_CASE("a diagnostic of the whole file has no key path") {
  const Diagnostic diagnostic{"fusewire.yaml", 0, 0, "", "the document is empty"};
  CHECK(diagnostic.to_string() == "fusewire.yaml: the document is empty");
}

}  // namespace
}  // namespace fusewire::config
