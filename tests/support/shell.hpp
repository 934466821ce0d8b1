// SPDX-License-Identifier: Apache-2.0
// A real program, as a user types it.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <stdexcept>
#include <string>

namespace fusewire::testing {

struct Ran {
  int status = -1;
  std::string output;  // both streams
};

inline Ran run(const std::string& command) {
  std::FILE* const pipe = ::popen(("(" + command + ") 2>&1").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("no shell");
  Ran ran;
  char piece[4096];
  for (std::size_t n = 0; (n = std::fread(piece, 1, sizeof piece, pipe)) > 0;) ran.output.append(piece, n);
  const int status = ::pclose(pipe);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

}  // namespace fusewire::testing
