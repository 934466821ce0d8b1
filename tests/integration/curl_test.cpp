// SPDX-License-Identifier: Apache-2.0
// curl, as a user runs it, whose upload is answered by the proxy before it has ended.
#include <array>
#include <cstdio>
#include <string>

#include "tests/support/process.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

struct Curled {
  int exit_status = -1;
  std::string output;  // the body, then the status in brackets
};

Curled curl(const std::string& arguments) {
  std::FILE* const pipe =
      ::popen(("curl -sS -m 60 --noproxy '*' -w '[%{http_code}]' " + arguments + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  Curled result;
  std::array<char, 4096> piece{};
  while (const std::size_t n = std::fread(piece.data(), 1, piece.size(), pipe)) result.output.append(piece.data(), n);
  result.exit_status = ::pclose(pipe);
  return result;
}

}  // namespace

TEST_CASE("curl: a 503 in the middle of a 100 MiB upload is read, with Content-Length and chunked") {
  const TemporaryFolder folder;
  const std::string file = folder.write("upload", std::string(100 * 1024 * 1024, 'x'));
  Rig rig;
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  const std::string url = "http://127.0.0.1:" + std::to_string(rig.proxy.port()) + "/";
  for (const std::string& how : {std::string("-H Expect: -T " + file),
                                 "-H Expect: -H 'Transfer-Encoding: chunked' -T " + file, "--data-binary @" + file}) {
    CAPTURE(how);
    for (int i = 0; i < 3; ++i) {
      const Curled got = curl(how + " " + url);
      CAPTURE(got.output);
      CHECK(got.exit_status == 0);
      CHECK(got.output.find("\"error\":\"CircuitBreakerOpen\"") != std::string::npos);
      CHECK(got.output.find("[503]") != std::string::npos);
    }
  }
  CHECK(rig.upstream.request_count() == 0);
}

TEST_CASE("curl: an early response of the upstream in the middle of a 100 MiB upload is read") {
  const TemporaryFolder folder;
  const std::string file = folder.write("upload", std::string(100 * 1024 * 1024, 'x'));
  Rig rig([](Call& call) {
    call.connection().take(100'000);
    call.send(response(413, "too much"));
    call.hang();
  });
  const Curled got = curl("-H Expect: -T " + file + " http://127.0.0.1:" + std::to_string(rig.proxy.port()) + "/");
  CAPTURE(got.output);
  CHECK(got.output.find("too much[413]") != std::string::npos);
}
