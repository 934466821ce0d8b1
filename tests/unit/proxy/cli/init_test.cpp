// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/init.hpp"

#include <regex>

#include "config/load.hpp"
#include "tests/unit/proxy/cli/run.hpp"

using namespace fusewire;
using namespace fusewire::testing;

TEST_CASE("init: what is written is good, and routes as it says") {
  const Ran one = fusewire_cli({"init", "orders=http://127.0.0.1:9000"});
  CHECK(one.status == 0);
  CHECK(one.err.empty());
  const File file(one.out);
  const Ran checked = fusewire_cli({"check", "-c", file.path()});
  CHECK(checked.status == 0);
  CHECK(checked.err.empty());
  const auto several = config::load({.text = fusewire_cli({"init", "--listen", "0.0.0.0:80", "orders=http://a:1",
                                                           "users.v2=https://b", "123=unix:/run/x$y.sock"})
                                                 .out});
  REQUIRE(several.config);
  CHECK(several.config->listeners.at(0).address.port == 80);
  REQUIRE(several.config->upstreams.size() == 3);
  CHECK(several.config->upstreams[1].name == "users.v2");
  CHECK(several.config->upstreams[1].endpoints.at(0).url == "https://b");
  CHECK(several.config->upstreams[2].endpoints.at(0).address.path == "/run/x$y.sock");
}

TEST_CASE("init: the lines that are commented out are good as well") {
  const std::string text = fusewire_cli({"init", "orders=http://127.0.0.1:9000"}).out;
  const std::string live = std::regex_replace(text, std::regex("(^|\n)( *)# ((  )*(- )?[a-z_]+:)"), "$1$2$3");
  CHECK(live != text);
  const auto loaded = config::load({.text = live, .no_files = true});
  for (const auto& error : loaded.errors) MESSAGE(error.to_string());
  REQUIRE(loaded.config);
  CHECK(loaded.config->upstreams.at(0).circuit_breaker.mode == config::Mode::shadow);
  CHECK(loaded.config->upstreams.at(0).fallback.chain.size() == 2);
  CHECK(loaded.config->webhooks.size() == 1);
}

TEST_CASE("init: a file is not overwritten unless that is said") {
  const File file("precious\n");
  const std::vector<std::string> arguments = {"init", "orders=http://127.0.0.1:9000", "-o", file.path()};
  const Ran refused = fusewire_cli(arguments);
  CHECK(refused.status == 1);
  CHECK(refused.err == "fusewire: " + file.path() + " exists already; --force overwrites it\n");
  const auto content = [&] {
    std::ifstream in(file.path());
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  CHECK(content() == "precious\n");
  std::vector<std::string> forced = arguments;
  forced.emplace_back("--force");
  const Ran done = fusewire_cli(forced);
  CHECK(done.status == 0);
  CHECK(done.out.empty());
  CHECK(content() == fusewire_cli({"init", "orders=http://127.0.0.1:9000"}).out);
  CHECK(fusewire_cli({"init", "orders=http://a", "-o", "/nonexistent/f.yaml"}).status == 1);
}

TEST_CASE("init: what is no upstream is bad usage, said without a password") {
  for (const std::vector<std::string>& bad : {std::vector<std::string>{"init"},
                                              {"init", "orders"},
                                              {"init", "=http://a"},
                                              {"init", "orders=ftp://a"},
                                              {"init", "Orders!=http://a"},
                                              {"init", "health=http://a"},
                                              {"init", "a=http://a", "a=http://b"},
                                              {"init", "a=http://user:pa55@b"},
                                              {"init", "a=http://a", "--listen", "nowhere"}}) {
    const Ran ran = fusewire_cli(bad);
    CHECK(ran.status == 2);
    CHECK(ran.out.empty());
    CHECK_FALSE(has(ran.err, "pa55"));
  }
}
