// SPDX-License-Identifier: Apache-2.0
// YAML -> Config with every error at once (spec/config.md). Reads no environment and opens no file except those the
// document names (token_file, body_file, certificates, keys): the caller hands everything in, so that a test needs no
// file and no process.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"

namespace fusewire::config {

// What only a TLS library can tell, and the loader links none: whether certificates, keys and authorities are sound.
struct Finding {
  std::string key;  // of the section: certificate, private_key, …
  std::string message;
};
struct Judges {
  std::function<std::vector<Finding>(const ListenerTls&)> listener_tls = {};
  std::function<std::vector<Finding>(const UpstreamTls&)> upstream_tls = {};
};

struct Source {
  std::string name = {};  // for messages: the file's path
  std::string text = {};
  std::vector<std::pair<std::string, std::string>> environment = {};  // for ${NAME} and FUSEWIRE__…
  std::vector<std::string> set = {};                                  // --set key.path=value, in order
  Judges judges = {};                                                 // none: files are only looked at
  std::string folder = {};  // that relative paths in the text are looked up in; empty: the one of `name`
  bool no_files = false;    // files that the text names are not opened: they may be absent here
};

struct Diagnostic {
  std::string source;    // file name, "environment" or "--set"
  int line = 0;          // from 1; 0: not in a file
  int column = 0;        // from 1
  std::string key_path;  // upstreams.orders.timeouts.connect
  std::string message;   // what is wrong, what was expected, the nearest key

  std::string to_string() const;  // FILE:LINE:COL: key.path: message
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

// What an admin.token_file holds; nothing when it can't be read or holds no token.
std::optional<std::string> read_token_file(const std::string& path);

// The keys of `circuit_breaker:` alone, from a YAML or JSON text (breaker_adapter, embedders).
struct BreakerResult {
  std::optional<CircuitBreaker> circuit_breaker;
  std::vector<Diagnostic> errors;
};
BreakerResult load_circuit_breaker(const std::string& text);

// "250ms", "1.5s", "10m", "1h" -> milliseconds; nullopt when it is not one (`?for=10m`, `--for`).
std::optional<milliseconds> parse_duration(const std::string&);

// The effective configuration, secrets redacted: as a YAML file that load() takes, and as JSON.
std::string to_yaml(const Config&);
std::string to_json(const Config&);

}  // namespace fusewire::config
