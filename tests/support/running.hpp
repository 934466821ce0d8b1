// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "tests/support/process.hpp"
#include "tests/support/rig.hpp"

namespace fusewire::testing {

// A configuration file, its ports, and the process that runs it.
class Running {
 public:
  explicit Running(std::uint16_t upstream, const std::string& lines = {}, bool blocked_output = false)
      : upstream_(upstream), process({"run", "-c", write(lines)}, blocked_output) {
    REQUIRE(eventually([&] { return get("/admin/ready", admin_.number()) == 200; }));
  }

  std::string write(const std::string& lines) {
    return folder_.write("fusewire.yaml", "listen: 127.0.0.1:" + std::to_string(data_.number()) +
                                              "\nadmin: {address: \"127.0.0.1:" + std::to_string(admin_.number()) +
                                              "\"}\nupstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:" +
                                              std::to_string(upstream_) + "\"]\n" + lines);
  }
  void replace_by_pipe() {
    const std::string file = (folder_.path() / "fusewire.yaml").string();
    std::filesystem::remove(file);
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  }
  Connection connect() const { return Connection::to(data_.number()); }
  int ready() const { return get("/admin/ready", admin_.number()); }
  int get(const std::string& target = "/") const { return get(target, data_.number()); }

 private:
  static int get(const std::string& target, std::uint16_t port) {
    try {
      Connection client = Connection::to(port);
      client.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
      return read_response(client).status;
    } catch (const std::system_error&) {
      return 0;
    }
  }

  const std::uint16_t upstream_;
  ReservedPort data_, admin_;
  TemporaryFolder folder_;

 public:
  Process process;
};

}  // namespace fusewire::testing
