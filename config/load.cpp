// SPDX-License-Identifier: Apache-2.0
// The order of things: the file, variables in it, the environment, the command line, `defaults` under each upstream,
// and only then the values.
#include "config/load.hpp"

#include <algorithm>
#include <sstream>

#include "config/certificates.hpp"
#include "config/document.hpp"
#include "config/file_paths.hpp"
#include "config/from_variables.hpp"
#include "config/keys.hpp"
#include "config/merge.hpp"
#include "config/overrides.hpp"
#include "config/report.hpp"
#include "config/sections.hpp"
#include "config/shape.hpp"
#include "config/validate.hpp"

namespace fusewire::config {
namespace {

void merge_defaults(Node& root) {
  const Node* defaults = root.find("defaults");
  Node* upstreams = root.find("upstreams");
  if (defaults == nullptr || upstreams == nullptr) return;
  for (Node& upstream : upstreams->children) merge_under(upstream, *defaults);
}

Config read_config(const Node& root, Report& report) {
  Config config;
  const Reader reader(&root, report);
  reader.missing("upstreams", "at least one upstream, such as 'orders: http://127.0.0.1:9000'");
  const Node* upstreams = reader.find("upstreams");
  if (upstreams != nullptr && upstreams->children.empty()) report.error(*upstreams, "expected at least one upstream");
  for (const Node& upstream : reader.items("upstreams"))
    if (upstream.kind != Node::Kind::invalid) config.upstreams.push_back(read_upstream(upstream, report));
  config.listeners = read_listeners(root, config.upstreams, report);
  read_process(root, config, report);
  return config;
}

// Variables, environment and command line over the file; false when the whole is no map.
bool lay_over(Node& root, const Source& source, Report& report) {
  const std::set<std::string> referenced = substitute_variables(root, source.environment, report);
  check_shape(root, file_shape(), report);
  if (root.kind == Node::Kind::invalid) return false;
  apply_environment(root, file_shape(), source.environment, report);
  warn_of_variables(root, file_shape(), source.environment, referenced, report);
  apply_settings(root, file_shape(), source.set, report);
  resolve_paths(root, file_shape(), source.folder.empty() ? folder_of(source.name) : source.folder);
  return true;
}

std::optional<Config> load_tree(const Source& source, Report& report) {
  std::optional<Node> root = parse_document(source.text, Origin::file, report);
  if (!root) return std::nullopt;
  if (!lay_over(*root, source, report)) return std::nullopt;
  merge_defaults(*root);
  Config config = read_config(*root, report);
  validate(*root, report);
  judge_templates(*root, source.judges, report);
  if (!source.no_files) judge_certificates(*root, source.judges, report);
  if (report.failed()) return std::nullopt;
  config.from_variables = values_from_variables(*root);
  warn_of_traps(config, *root, report);
  return config;
}

// The lines of one section, for a text that is no document because of a slip elsewhere.
std::string lines_of_section(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  std::string section;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    const bool indented = line.empty() || std::string_view(" \t\r#").find(line[0]) != std::string_view::npos;
    if (!indented) inside = line.starts_with(key + ":");
    if (inside) section += line + '\n';
  }
  return section;
}

std::optional<Node> document_for_admin(const std::string& text, Report& report) {
  if (std::optional<Node> whole = parse_document(text, Origin::file, report)) return whole;
  Report ignored{std::string()};
  return parse_document(lines_of_section(text, "admin"), Origin::file, ignored);
}

bool address_refused(const Report& report) {
  const auto errors = report.errors();
  return std::any_of(errors.begin(), errors.end(), [](const Diagnostic& error) {
    return error.key_path == "admin" || error.key_path == "admin.address";
  });
}

std::optional<Admin> load_admin_tree(const Source& source, Report& report) {
  std::optional<Node> read = document_for_admin(source.text, report);
  const bool hopeless = !read.has_value();
  Node root;
  root.kind = Node::Kind::map;
  if (read) root = *std::move(read);
  if (!lay_over(root, source, report)) return std::nullopt;
  Config config;
  read_process(root, config, report);
  const Node* admin = root.find("admin");
  const bool overridden = admin != nullptr && admin->find("address") != nullptr;
  if (address_refused(report) || (hopeless && !overridden)) return std::nullopt;
  return config.admin;
}

std::optional<CircuitBreaker> load_breaker_tree(const std::string& text, Report& report) {
  std::optional<Node> root = parse_document(text, Origin::file, report);
  if (!root) return std::nullopt;
  check_shape(*root, circuit_breaker_shape(), report);
  const CircuitBreaker breaker = read_circuit_breaker(Reader(&*root, report));
  return report.failed() ? std::nullopt : std::optional(breaker);
}

// Whatever a library underneath throws ends as an error of the whole file.
template <class Load>
auto guarded(Report& report, Load load) -> decltype(load()) {
  try {
    return load();
  } catch (const std::exception& e) {
    report.error(Mark{}, {}, std::string("cannot be loaded: ") + e.what());
    return std::nullopt;
  }
}

}  // namespace

LoadResult load(const Source& source) {
  Report report(source.name, source.no_files);
  LoadResult result;
  result.config = guarded(report, [&] { return load_tree(source, report); });
  result.errors = report.errors();
  result.warnings = report.warnings();
  return result;
}

AdminResult load_admin(const Source& source) {
  Report report(source.name);
  AdminResult result;
  result.admin = guarded(report, [&] { return load_admin_tree(source, report); });
  result.errors = report.errors();
  return result;
}

BreakerResult load_circuit_breaker(const std::string& text) {
  Report report("circuit_breaker");
  BreakerResult result;
  result.circuit_breaker = guarded(report, [&] { return load_breaker_tree(text, report); });
  result.errors = report.errors();
  return result;
}

}  // namespace fusewire::config
