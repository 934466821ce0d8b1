// SPDX-License-Identifier: Apache-2.0
// The built program as a process of its own, with what it writes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/eventually.hpp"

namespace fusewire::testing {

// ThreadSanitizer keeps some bytes of its own for each one that is used, as many as 4: limits of memory are so much
// wider.
#ifdef __has_feature
inline constexpr std::size_t kMemoryFactor = __has_feature(thread_sanitizer) ? 5 : 1;
#else
inline constexpr std::size_t kMemoryFactor = 1;
#endif

// A folder that is removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string write(const std::string& name, const std::string& text) const;  // gives the file's path
  std::string read(const std::string& name) const;

 private:
  std::filesystem::path path_;
};

// What a service manager passes to a process: these descriptors, from number 3 on.
struct Passed {
  std::vector<int> descriptors = {};
  std::string names = {};  // LISTEN_FDNAMES
  std::string pid = "$$";  // LISTEN_PID, in words of the shell that becomes the program
};

class Process {
 public:
  // Starts `fusewire` of this build with these arguments. `blocked_output`: its stdout is a pipe that nobody reads.
  // `environment`: NAME=VALUE, beside what this process has.
  explicit Process(std::vector<std::string> arguments, bool blocked_output = false,
                   std::vector<std::string> environment = {}, const Passed& passed = {});
  ~Process();  // kills it if it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  std::optional<int> wait(milliseconds patience = kPatience);  // its exit status (128 + n by a signal)
  std::string output() const;                                  // stdout and stderr together, so far
  double cpu_seconds() const;
  std::size_t descriptors() const;  // open now
  bool catches(int signal) const;   // it has a handler for it
  std::size_t resident_bytes() const;

 private:
  TemporaryFolder folder_;
  int unread_ = -1;  // the reading end of a blocked stdout
  pid_t pid_ = -1;
  std::optional<int> status_;
};

}  // namespace fusewire::testing
