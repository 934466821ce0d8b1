// SPDX-License-Identifier: Apache-2.0
// A password in a URL is refused and not repeated, wherever a URL is written by mistake.
#include "support.hpp"

namespace fusewire::config {
namespace {

TEST_CASE("an endpoint with user and password is refused without either") {
  for (const char* url : {"http://user:pa55@h:80", "https://pa55@h", "http://user:pa55@h/x", "ftp://user:pa55@h",
                          "user:pa55@h:80", "http://user:p@x:pa55@h"}) {
    CAPTURE(url);
    const Lines errors =
        lines_of(load_text("listen: 127.0.0.1:1\nupstreams: {a: \"" + std::string(url) + "\"}\n").errors);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].find("pa55") == std::string::npos);
    CHECK(errors[0].find("user:") == std::string::npos);
  }
  CHECK(
      lines_of(load_text("listen: 127.0.0.1:1\nupstreams: {a: \"http://user:pa55@h:80\"}\n").errors) ==
      Lines{"f:2:16: upstreams.a: no user or password belongs in an endpoint's URL; expected http://HOST[:PORT]; found "
            "'http://…@h:80'"});
}

TEST_CASE("a password is not repeated where no URL belongs at all") {
  for (const char* section :
       {"admin: {address: \"http://user:pa55@h:80\"}\n", "admin: {probes: \"http://user:pa55@h\"}\n",
        "admin: {allowed_hosts: [\"http://user:pa55@h\"]}\n", "via: \"http://user:pa55@h\"\n",
        "log: {level: \"http://user:pa55@h\"}\n", "admin: {token_file: \"http://user:pa55@h\"}\n"}) {
    CAPTURE(section);
    const Lines errors = lines_of(load_with(section).errors);
    REQUIRE_FALSE(errors.empty());
    for (const std::string& line : errors) CHECK(line.find("pa55") == std::string::npos);
  }
}

}  // namespace
}  // namespace fusewire::config
