// SPDX-License-Identifier: Apache-2.0
#include "config/diagnostic.hpp"

#include "support.hpp"

namespace fusewire::config {
namespace {

TEST_CASE("a diagnostic in a file reads FILE:LINE:COL: key.path: message") {
  const Diagnostic diagnostic{"fusewire.yaml", 7, 3, "admin.token", "too short"};
  CHECK(diagnostic.to_string() == "fusewire.yaml:7:3: admin.token: too short");
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
