// SPDX-License-Identifier: Apache-2.0
// What is typed, and the commands that ask nobody.
#include <doctest/doctest.h>

#include "tests/unit/proxy/cli/run.hpp"

using namespace fusewire;
using namespace fusewire::testing;

TEST_CASE("without a command the proxy is run") {
  using Command = cli::Options::Command;
  CHECK(options({"-c", "f.yaml"}).command == Command::run);
  CHECK(options({"-c", "f.yaml"}).file == "f.yaml");
  CHECK(options({"run", "-c", "f.yaml", "--set", "a=1", "--set", "b=2"}).set == std::vector<std::string>{"a=1", "b=2"});
  CHECK(options({"-c", "f.yaml", "--set", "a=1", "run"}).set.size() == 1);
  CHECK(options({"force-open", "orders", "--for", "10m"}).limit == "10m");
  CHECK_FALSE(options({"force-open", "orders"}).limit.has_value());
  CHECK(options({"events", "--follow"}).follow);
  CHECK(options({"demo", "--serve"}).serve);
  CHECK(options({"demo", "--serve", "--traffic"}).traffic);
}

TEST_CASE("each command has its help, and bad usage is exit status 2") {
  for (const char* command : {"run", "check", "doctor", "init", "status", "events", "reset", "force-open",
                              "force-close", "release", "inject", "demo", "completion", "man", "version"}) {
    const Ran help = fusewire_cli({command, "--help"});
    CHECK_MESSAGE(help.status == 0, command);
    CHECK_MESSAGE(has(help.out, "Exit status: 0 "), command);
  }
  const Ran help = fusewire_cli({"--help"});
  CHECK(help.status == 0);
  CHECK(has(help.out, "force-open"));
  for (const std::vector<std::string>& bad : {std::vector<std::string>{"nonsense"},
                                              {"--nonsense"},
                                              {"reset"},
                                              {"run", "-c"},
                                              {"reset", "a", "b"},
                                              {"status", "--for", "1s"},
                                              {"release", "a", "--for", "1s"},
                                              {"check", "--set"}})
    CHECK(fusewire_cli(bad).status == 2);
  CHECK(fusewire_cli({"version"}).out == std::string("fusewire ") + FUSEWIRE_VERSION + "\n");
}

TEST_CASE("check: all errors with their place and exit status 2; else 0, with the warnings") {
  const File good(kGood);
  CHECK(fusewire_cli({"check", "-c", good.path()}).status == 0);
  CHECK(fusewire_cli({"check"}, {{"FUSEWIRE_CONFIG", good.path()}}).status == 0);
  const File bad("listen: 127.0.0.1:0\nupstreamz: {}\nlisten: x\n");
  const Ran ran = fusewire_cli({"check", "-c", bad.path()});
  CHECK(ran.status == 2);
  CHECK(ran.out.empty());
  CHECK(has(ran.err, bad.path() + ":2:"));
  CHECK(has(ran.err, bad.path() + ":3:"));
  const Ran missing = fusewire_cli({"check", "-c", "/nonexistent/f.yaml"});
  CHECK(missing.status == 2);
  CHECK(missing.err == "/nonexistent/f.yaml: cannot be read: No such file or directory\n");
  CHECK(fusewire_cli({"check", "-c", "/tmp"}).status == 2);
  CHECK(fusewire_cli({"check"}).status == 2);
  CHECK(fusewire_cli({"run"}).status == 2);
  CHECK(fusewire_cli({"run", "-c", bad.path()}).status == 2);
}

TEST_CASE("check --print: what --set and the environment made of it, without secrets") {
  const File good(kGood + "admin: {token: s3cret}\n");
  const Ran ran =
      fusewire_cli({"check", "--print", "-c", good.path(), "--set", "upstreams.orders.timeouts.connect=2222ms"},
                   {{"FUSEWIRE__UPSTREAMS__ORDERS__TIMEOUTS__RESPONSE", "3333ms"}});
  CHECK(ran.status == 0);
  CHECK(has(ran.out, "2222ms"));
  CHECK(has(ran.out, "<from FUSEWIRE__UPSTREAMS__ORDERS__TIMEOUTS__RESPONSE>"));
  CHECK_FALSE(has(ran.out, "3333ms"));
  CHECK_FALSE(has(ran.out, "s3cret"));
}

TEST_CASE("check --no-files: secrets, bodies and certificates may be absent") {
  const File file(
      "listeners: [{address: 127.0.0.1:0, tls: {certificate: nowhere.pem, private_key: nowhere.key}}]\n"
      "upstreams: {orders: \"https://127.0.0.1:9000\"}\nadmin: {token_file: nowhere/token}\n");
  CHECK(fusewire_cli({"check", "-c", file.path()}).status == 2);
  CHECK(fusewire_cli({"check", "--no-files", "-c", file.path()}).status == 0);
  const File bad(kGood + "lgo: {}\n");
  CHECK(fusewire_cli({"check", "--no-files", "-c", bad.path()}).status == 2);
  CHECK(fusewire_cli({"run", "--no-files", "-c", file.path()}).status == 2);  // of `check` alone
}

TEST_CASE("user and password of a URL are repeated in no error") {
  const std::string url = "http://user:pa55@h:80";
  const Ran refused = fusewire_cli({"status", "--admin", url});
  CHECK(refused.status == 2);
  CHECK(refused.err ==
        "fusewire: 'http://…@h:80' is not an admin address: no user or password belongs in an endpoint's URL; expected "
        "http://HOST[:PORT]\n");
  const File file(kGood);
  const std::vector<std::vector<std::string>> wrong = {{"status", "--admin", "http://user:pa55@h/x"},
                                                       {"status", "--admin", "user:pa55@h"},
                                                       {"status"},
                                                       {"reset", url},
                                                       {"force-open", "orders", "--for", url},
                                                       {"status", "--token-file", url},
                                                       {"status", "--admin", "https://h", "--ca", url},
                                                       {"status", "--admni", url},
                                                       {"run", "--admin=" + url},
                                                       {url},
                                                       {"check", "-c", file.path(), "--set", "upstreams.orders=" + url},
                                                       {"check", "-c", file.path(), "--set", url}};
  for (const auto& arguments : wrong) {
    const Ran ran = fusewire_cli(arguments, {{"FUSEWIRE_ADMIN", url}});
    CAPTURE(ran.err);
    CHECK(ran.status == 2);
    CHECK_FALSE(has(ran.out + ran.err, "pa55"));
  }
}

TEST_CASE("check --json and version --json: the verdict for programs") {
  const File good(kGood);
  const Ran fine = fusewire_cli({"check", "--json", "-c", good.path()});
  CHECK(fine.status == 0);
  CHECK(fine.out == "{\"valid\":true,\"errors\":[],\"warnings\":[]}\n");
  const File bad("listen: 127.0.0.1:0\n");
  const Ran refused = fusewire_cli({"check", "--json", "-c", bad.path()});
  CHECK(refused.status == 2);
  CHECK(has(refused.out, "{\"valid\":false,\"errors\":[\"" + bad.path() + ":"));
  CHECK(refused.err.empty());
  CHECK(fusewire_cli({"version", "--json"}).out == std::string("{\"version\":\"") + FUSEWIRE_VERSION + "\"}\n");
}

TEST_CASE("check: a webhook's template is JSON with known placeholders, its authorities are certificates") {
  const auto checked = [](const std::string& keys) {
    const File file(kGood + "events: {webhooks: [{url: \"https://h\", " + keys + "}]}\n");
    return fusewire_cli({"check", "-c", file.path()});
  };
  CHECK(checked("template: '{\"a\": \"{{text}}\"}'").status == 0);
  CHECK(has(checked("template: '{\"a\": \"{{txet}}\"}'").err, "events.webhooks.0.template: there is no {{txet}}"));
  CHECK(has(checked("template: 'a: b'").err, "events.webhooks.0.template: the template is no JSON"));
  CHECK(has(checked("ca: /etc/passwd").err, "events.webhooks.0.ca: "));
}
