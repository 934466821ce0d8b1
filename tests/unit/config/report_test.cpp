// SPDX-License-Identifier: Apache-2.0
#include "config/report.hpp"

#include "support.hpp"

namespace fusewire::config {
namespace {

TEST_CASE("errors come in the order of the file, then the environment, then the command line, each once") {
  Report report("f");
  report.error(Mark{Origin::command_line, 0, 0}, "a", "last");
  report.error(Mark{Origin::environment, 0, 0}, "a", "fourth");
  report.error(Mark{Origin::file, 9, 1}, "a", "third");
  report.error(Mark{Origin::file, 2, 5}, "a", "second");
  report.error(Mark{Origin::file, 2, 5}, "a", "second");
  report.error(Mark{Origin::file, 2, 1}, "a", "first");
  CHECK(lines_of(report.errors()) ==
        Lines{"f:2:1: a: first", "f:2:5: a: second", "f:9:1: a: third", "environment: a: fourth", "--set: a: last"});
}

}  // namespace
}  // namespace fusewire::config
