// SPDX-License-Identifier: Apache-2.0
// YAML -> Config with every error at once. The loader reads no environment and opens no file except those that the
// document names (token_file, body_file, certificates, keys): the caller passes everything in, so that a test needs no
// file and no process.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "config/diagnostic.hpp"
#include "config/judges.hpp"

namespace fusewire::config {

struct Source {
  std::string name = {};  // for messages: the file's path
  std::string text = {};
  std::vector<std::pair<std::string, std::string>> environment = {};  // for ${NAME} and FUSEWIRE__…
  std::vector<std::string> set = {};                                  // --set key.path=value, in order
  Judges judges = {};                                                 // none: files are only looked at
  std::string folder = {};  // that relative paths in the text are looked up in; empty: the one of `name`
  bool no_files = false;    // files that the text names are not opened: they may be absent here
};

struct LoadResult {
  std::optional<Config> config;  // absent when there are errors
  std::vector<Diagnostic> errors;
  std::vector<Diagnostic> warnings;
};

LoadResult load(const Source&);

// The admin section as far as it can be read, whatever is wrong elsewhere: to find a process that still runs with
// an earlier, better text. Absent where its address cannot be determined.
struct AdminResult {
  std::optional<Admin> admin;
  std::vector<Diagnostic> errors;  // of the section, and what kept it from being read
};
AdminResult load_admin(const Source&);

// The keys of `circuit_breaker:` alone, from a YAML or JSON text (breaker_adapter, embedders).
struct BreakerResult {
  std::optional<CircuitBreaker> circuit_breaker;
  std::vector<Diagnostic> errors;
};
BreakerResult load_circuit_breaker(const std::string& text);

}  // namespace fusewire::config
