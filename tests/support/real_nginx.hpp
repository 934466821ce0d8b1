// SPDX-License-Identifier: Apache-2.0
// A real nginx with a configuration of its own in a folder of its own, on a port that stays reserved while it is down.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "tests/support/process.hpp"
#include "tests/support/reserved_port.hpp"

namespace fusewire::testing {

class RealNginx {
 public:
  // Throws when nginx is not installed. Serves files from root(); PUT /upload/NAME stores the body in root()/upload.
  // With a certificate and its key (paths) it speaks TLS.
  explicit RealNginx(std::string certificate = {}, std::string private_key = {});
  ~RealNginx();  // kills it
  RealNginx(const RealNginx&) = delete;
  RealNginx& operator=(const RealNginx&) = delete;

  std::uint16_t port() const { return port_.number(); }
  const std::filesystem::path& root() const { return root_; }
  void write_file(const std::string& name, const std::string& bytes) const;
  std::string read_file(const std::string& name) const;

  void start();   // returns when it accepts connections
  void kill();    // SIGKILL
  void stop();    // SIGSTOP: the kernel still accepts, nobody answers
  void resume();  // SIGCONT

 private:
  void write_configuration() const;

  ReservedPort port_;
  TemporaryFolder folder_;
  std::filesystem::path root_;
  std::string tls_;  // lines of its server
  pid_t pid_ = -1;
};

}  // namespace fusewire::testing
