// SPDX-License-Identifier: Apache-2.0
#include "config/report.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace fusewire::config {

Report::Entry Report::entry(const Mark& mark, std::string_view path, std::string message) const {
  std::string source = file_;
  if (mark.origin == Origin::environment) source = "environment";
  if (mark.origin == Origin::command_line) source = "--set";
  return {mark, {std::move(source), mark.line, mark.column, std::string(path), std::move(message)}};
}

void Report::error(const Mark& mark, std::string_view path, std::string message) {
  errors_.push_back(entry(mark, path, std::move(message)));
}

void Report::warn(const Mark& mark, std::string_view path, std::string message) {
  warnings_.push_back(entry(mark, path, std::move(message)));
}

std::vector<Diagnostic> Report::sorted(std::vector<Entry> entries) {
  const auto place = [](const Entry& e) {
    return std::tie(e.mark.origin, e.mark.line, e.mark.column, e.diagnostic.key_path, e.diagnostic.message);
  };
  std::stable_sort(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) { return place(a) < place(b); });
  const auto same = [&](const Entry& a, const Entry& b) { return place(a) == place(b); };
  entries.erase(std::unique(entries.begin(), entries.end(), same), entries.end());
  std::vector<Diagnostic> out;
  out.reserve(entries.size());
  for (Entry& e : entries) out.push_back(std::move(e.diagnostic));
  return out;
}

}  // namespace fusewire::config
