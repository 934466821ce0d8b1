// SPDX-License-Identifier: Apache-2.0
// Collects the errors and warnings of one load.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.hpp"
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

}  // namespace fusewire::config
