// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "config/token_file.hpp"
#include "support.hpp"

namespace fusewire::config {
namespace {

Config good_with(const std::string& section) { return good(load_with(section)); }
Lines errors_with(const std::string& section) { return lines_of(load_with(section).errors); }

class TokenFile {
 public:
  explicit TokenFile(const std::string& content)
      : path_(std::filesystem::temp_directory_path() / ("fusewire-token-test-" + std::to_string(::getpid()))) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~TokenFile() { std::filesystem::remove(path_); }
  std::string section() const { return "admin: {token_file: " + path_.string() + "}\n"; }

 private:
  std::filesystem::path path_;
};

TEST_CASE("every key of the process is read") {
  const Config config = good_with(R"(version: 1
cache_memory: 1GiB
via: edge-1
admin:
  address: unix:/run/admin
  token: t0ken
  read_requires_token: on
  allowed_hosts: [Ops.local, "[::1]", 10.0.0.1]
  probes: 0.0.0.0:9902
events: {history: 5}
log: {level: debug, format: text, access: off, access_sample: 0.25}
shutdown: {drain_timeout: 6s, grace: 5s}
runtime: {workers: 3}
)");
  CHECK(config.cache_memory == 1024 * kMiB);
  CHECK(config.via == "edge-1");
  CHECK(config.admin.address.path == "/run/admin");
  CHECK(config.admin.token == "t0ken");
  CHECK(config.admin.read_requires_token);
  CHECK(config.admin.allowed_hosts == Lines{"ops.local", "[::1]", "10.0.0.1"});
  CHECK(config.admin.probes->port == 9902);
  CHECK(config.event_history == 5);
  CHECK(config.log == Log{LogLevel::debug, LogFormat::text, false, 0.25});
  CHECK(config.shutdown == Shutdown{6s, 5s});
  CHECK(config.workers == 3);
}

TEST_CASE("tracing is off, or has a collector, a share and a name") {
  CHECK_FALSE(good_with("tracing: off\n").tracing);
  const Tracing usual = *good_with("tracing: {}\n").tracing;
  CHECK(usual == Tracing{});
  CHECK(usual.collector.url == "http://127.0.0.1:4318");
  const Config config =
      good_with("tracing: {otlp_endpoint: \"https://traces.example\", sample_ratio: 1, service_name: shop}\n");
  CHECK(config.tracing->collector.tls);
  CHECK(config.tracing->collector.address.port == 443);
  CHECK(config.tracing->sample_ratio == 1);
  CHECK(config.tracing->service_name == "shop");
}

TEST_CASE("a collector is an address without a path, and a share is one") {
  const auto error_of = [](const std::string& keys) { return errors_with("tracing: {" + keys + "}\n").at(0); };
  CHECK(error_of("otlp_endpoint: \"http://a/v1/traces\"").find("no path in an endpoint's URL") != std::string::npos);
  CHECK(error_of("otlp_endpoint: \"unix:/run/otlp\"").find("expected http://HOST[:PORT]") != std::string::npos);
  CHECK(error_of("otlp_endpoint: \"http://u:p4ss@a\"").find("p4ss") == std::string::npos);
  CHECK(error_of("sample_ratio: 1.5").find("tracing.sample_ratio") != std::string::npos);
  CHECK(error_of("service_name: \"\"").find("tracing.service_name") != std::string::npos);
}

TEST_CASE("grace ends before drain_timeout does") {
  const std::string why = "expected a duration shorter than drain_timeout, which is ";
  CHECK(errors_with("shutdown: {grace: 20s}\n") == Lines{"f:4:19: shutdown.grace: " + why + "20s"});
  CHECK(errors_with("shutdown: {drain_timeout: 5s, grace: 6s}\n") == Lines{"f:4:38: shutdown.grace: " + why + "5s"});
  good_with("shutdown: {drain_timeout: 5s, grace: 4999ms}\n");
  good_with("shutdown: {drain_timeout: 0s}\n");
}

TEST_CASE("absent keys have their documented values") {
  Config expected;
  const Config config = good_with("");
  expected.listeners = config.listeners;
  expected.upstreams = config.upstreams;
  CHECK(config == expected);
  CHECK(good_with("admin: {probes: off}\nruntime: {workers: auto}\n") == expected);
}

TEST_CASE("a wrong value says what was expected") {
  CHECK(errors_with("version: 2\n") == Lines{"f:4:10: version: expected 1, found '2'"});
  CHECK(errors_with("via: a b\n") ==
        Lines{"f:4:6: via: expected a pseudonym of letters, digits and '-', '.', '_', found 'a b'"});
  CHECK(errors_with("cache_memory: 64 MiB\n") ==
        Lines{"f:4:15: cache_memory: expected a size such as 64KiB or 1MB, from 0 to 1024GiB, found '64 MiB'"});
  CHECK(errors_with("events: {history: x}\n") ==
        Lines{"f:4:19: events.history: expected a whole number from 0 to 1000000, found 'x'"});
  CHECK(errors_with("log: {level: inof}\n") == Lines{"f:4:14: log.level: unknown value 'inof'; did you mean 'info'?"});
  CHECK(errors_with("log: {access_sample: 2}\n") ==
        Lines{"f:4:22: log.access_sample: expected a number from 0 to 1, found '2'"});
  CHECK(
      errors_with("shutdown: {grace: 5}\n") ==
      Lines{"f:4:19: shutdown.grace: expected a duration such as 250ms, 1.5s, 10m or 1h, found '5'; a bare number has "
            "no unit"});
  for (const std::string workers : {"0", "1025", "many", "'4'", "-1"})
    CHECK(errors_with("runtime: {workers: " + workers + "}\n")
              .at(0)
              .starts_with("f:4:20: runtime.workers: expected auto, or a whole number from 1 to 1024, found "));
  CHECK(errors_with("admin: {address: 9901, probes: x, allowed_hosts: ['a:1', [b]]}\n") ==
        Lines{"f:4:18: admin.address: expected HOST:PORT, [IPv6]:PORT or unix:/path; found '9901'",
              "f:4:32: admin.probes: expected HOST:PORT, [IPv6]:PORT or unix:/path; found 'x'",
              "f:4:51: admin.allowed_hosts.0: expected a host without port, found 'a:1'",
              "f:4:58: admin.allowed_hosts.1: expected a single value, found a list"});
}

TEST_CASE("a token may come from a file, whose last line ends are not part of it") {
  const TokenFile file("s3cret\r\n\n");
  CHECK(good_with(file.section()).admin.token == "s3cret");
  CHECK(read_token_file(good_with(file.section()).admin.token_file) == "s3cret");
}

TEST_CASE("a token file that is missing, empty or too large is an error") {
  CHECK(errors_with("admin: {token_file: /does/not/exist}\n") ==
        Lines{"f:4:21: admin.token_file: cannot read the file '/does/not/exist'"});
  const TokenFile empty("\n");
  CHECK(errors_with(empty.section()) == Lines{"f:4:21: admin.token_file: the file holds no token"});
  const TokenFile large(std::string(70'000, 'x'));
  CHECK(errors_with(large.section()).at(0).ends_with("is larger than 64KiB"));
}

TEST_CASE("a token is said in one way, can be sent in a header, and no message repeats it") {
  CHECK(errors_with("admin: {token: s3cret, token_file: /x}\n") ==
        Lines{"f:4:36: admin.token_file: token and token_file exclude each other"});
  CHECK(errors_with("admin: {token: s3 cret}\n") ==
        Lines{"f:4:16: admin.token: a token is made of visible ASCII characters without spaces"});
  CHECK(errors_with("admin: {token: [s3cret]}\n") ==
        Lines{"f:4:16: admin.token: expected a single value, found a list"});
}

TEST_CASE("a token from an empty variable is no token, and changes stay refused") {
  const LoadResult result =
      load({.name = "f", .text = kListenAndOrders + "admin: {token: '${TOKEN:-}'}\n", .environment = {{"TOKEN", ""}}});
  CHECK(good(result).admin.token.empty());
}

}  // namespace
}  // namespace fusewire::config
