// SPDX-License-Identifier: Apache-2.0
// Collects everything that is wrong, and the words that messages are made of.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"
#include "config/node.hpp"

namespace fusewire::config {

class Report {
 public:
  explicit Report(std::string file, bool no_files = false) : file_(std::move(file)), no_files_(no_files) {}

  void error(const Mark&, std::string_view path, std::string message);
  void error(const Node& at, std::string message) { error(at.mark, at.path, std::move(message)); }
  void warn(const Mark&, std::string_view path, std::string message);

  bool failed() const { return !errors_.empty(); }
  // Files that the text names are not opened.
  bool no_files() const { return no_files_; }
  // In the order of the file, then the environment, then the command line; a value that was merged into several places
  // and refused in each is reported once.
  std::vector<Diagnostic> errors() const { return sorted(errors_); }
  std::vector<Diagnostic> warnings() const { return sorted(warnings_); }

 private:
  struct Entry {
    Mark mark;
    Diagnostic diagnostic;
  };
  Entry entry(const Mark&, std::string_view path, std::string message) const;
  static std::vector<Diagnostic> sorted(std::vector<Entry>);

  std::string file_;
  bool no_files_ = false;
  std::vector<Entry> errors_;
  std::vector<Entry> warnings_;
};

// The candidate that a slip of the pen would turn into `word`; nothing when all are far.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string_view>& candidates);

// "; did you mean 'connect'?" or "; expected one of: connect, response".
std::string suggestion(std::string_view word, const std::vector<std::string_view>& candidates);

// A URL, or what was written in the place of one, with "…" for user and password.
std::string without_userinfo(std::string_view text);

// 'text' in quotes, control characters shown as '?', shortened; user and password of a
// URL are left out.
std::string quote(std::string_view text);

// What came from variables is named by them and never quoted.
std::string from_variable(const Node&);  // "<from HOST, PORT>"
// "a map", "a list", "nothing", "'text'", "<from NAME>".
std::string describe(const Node&);
// "'key'", "<from NAME>".
std::string describe_key(const Node&);
// `own`, or "<from NAME>" where the node (which may be null) came from a variable.
std::string shown(const Node*, std::string own);

}  // namespace fusewire::config
