// SPDX-License-Identifier: Apache-2.0
// The options of the command line.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fusewire::cli {

// Exit statuses (docs/reference.md, "Exit status").
inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;  // bad usage or configuration
inline constexpr int kOpen = 3;   // status --exit-code: a breaker rejects calls

struct Options {
  enum class Command {
    run,
    check,
    doctor,
    init,
    status,
    events,
    explain,
    reset,
    force_open,
    force_close,
    release,
    inject,
    demo,
    completion,
    man,
    version
  };
  Command command = Command::run;

  std::string file;              // -c; empty: FUSEWIRE_CONFIG
  std::vector<std::string> set;  // --set key.path=value
  bool print = false;            // check
  bool no_files = false;         // check

  std::string admin;                 // --admin URL
  std::string token_file;            // --token-file
  std::string ca;                    // --ca
  bool ready = false;                // status
  bool exit_code = false;            // status
  bool names = false;                // status
  bool watch = false;                // status
  std::string interval = "1s";       // status --watch
  bool json = false;                 // whatever shows something
  bool follow = false;               // events
  std::string name;                  // the breaker (status: empty is all), or the request to be explained
  std::optional<std::string> limit;  // --for

  std::string manifest = "-";                                       // inject: FILE
  std::string image = std::string("fusewire:") + FUSEWIRE_VERSION;  // inject
  std::string config_map = "fusewire";                              // inject --config
  bool uninject = false;                                            // inject

  std::vector<std::string> upstreams;     // init: NAME=URL
  std::string output;                     // init; empty: stdout
  bool force = false;                     // init
  std::string listen = "127.0.0.1:8080";  // init

  std::string shell;     // completion
  bool serve = false;    // demo
  bool traffic = false;  // demo
};

// The surroundings of a command: its output, and the environment.
struct World {
  std::ostream& out;
  std::ostream& err;
  std::vector<std::pair<std::string, std::string>> environment;
  bool terminal = false;  // `out` is the process' standard output, and a terminal

  // Empty where it is not set.
  std::string variable(const std::string& name) const {
    for (const auto& [key, value] : environment)
      if (key == name) return value;
    return {};
  }
  // On terminals that can, and never with NO_COLOR (no-color.org).
  bool colours() const { return terminal && variable("NO_COLOR").empty() && variable("TERM") != "dumb"; }
};

}  // namespace fusewire::cli
