// SPDX-License-Identifier: Apache-2.0
// The admin section of a configuration that is no good otherwise.
#include "support.hpp"

namespace fusewire::config {
namespace {

std::optional<Admin> admin_of(const std::string& text,
                              std::vector<std::pair<std::string, std::string>> environment = {}) {
  return load_admin({.name = "f", .text = text, .environment = std::move(environment)}).admin;
}

const std::string kAdmin = "admin: {address: 127.0.0.1:7, token: t0ken, probes: 0.0.0.0:8}\n";

TEST_CASE("the admin section is read whatever is wrong elsewhere") {
  for (const std::string wrong : {"", "listen: 1\n", "nonsense: 1\n", "upstreams: {a: {endpoints: [x]}}\n",
                                  "listen: ${UNSET}\nlisten: 2\n", "log: 5\n"}) {
    CAPTURE(wrong);
    const auto admin = admin_of(wrong + kAdmin);
    REQUIRE(admin);
    CHECK(admin->address.port == 7);
    CHECK(admin->token == "t0ken");
    CHECK(admin->probes->port == 8);
  }
}

TEST_CASE("the admin section is read out of a text that is no YAML elsewhere") {
  const std::string block = "admin:\n  address: 127.0.0.1:7\n\n  # for us\n  token: t0ken\n";
  for (const std::string& text : {"listen: [\n" + block, block + "upstreams: {\n", "a: 'b\n" + block + "c: d: e\n"}) {
    CAPTURE(text);
    const auto admin = admin_of(text);
    REQUIRE(admin);
    CHECK(admin->address.port == 7);
    CHECK(admin->token == "t0ken");
  }
}

TEST_CASE("a slip in the admin section leaves its other keys") {
  const auto admin = admin_of("admin: {address: 127.0.0.1:7, token_file: /does/not/exist, porbes: off}\n");
  REQUIRE(admin);
  CHECK(admin->address.port == 7);
  CHECK(admin->token.empty());
}

TEST_CASE("a good file without the section has the default address") {
  CHECK(admin_of("nonsense: 1\n")->address == Admin{}.address);
}

TEST_CASE("an address that cannot be determined is none") {
  for (const char* text :
       {"", "nonsense: [", "admin: 5\n", "admin: {address: 9901}\n", "[]", "listen: [\nadmin: {\n"}) {
    CAPTURE(text);
    CHECK_FALSE(admin_of(text));
  }
}

TEST_CASE("the environment overrides the section of a bad file, and gives it where the file does not") {
  CHECK(admin_of("nonsense: 1\n" + kAdmin, {{"FUSEWIRE__ADMIN__ADDRESS", "127.0.0.1:9"}})->address.port == 9);
  CHECK(admin_of("nonsense: [", {{"FUSEWIRE__ADMIN__ADDRESS", "127.0.0.1:9"}})->address.port == 9);
}

}  // namespace
}  // namespace fusewire::config
