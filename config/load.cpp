// SPDX-License-Identifier: Apache-2.0
// The order of things: the file, variables in it, the environment, the command line, `defaults` under each upstream,
// and only then the values.
#include "config/load.hpp"

#include "config/document.hpp"
#include "config/keys.hpp"
#include "config/overrides.hpp"
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

std::optional<Config> load_tree(const Source& source, Report& report) {
  std::optional<Node> root = parse_document(source.text, Origin::file, report);
  if (!root) return std::nullopt;
  substitute_variables(*root, source.environment, report);
  check_shape(*root, file_shape(), report);
  if (root->kind == Node::Kind::invalid) return std::nullopt;
  apply_environment(*root, file_shape(), source.environment, report);
  apply_settings(*root, file_shape(), source.set, report);
  merge_defaults(*root);
  Config config = read_config(*root, report);
  validate(*root, report);
  if (report.failed()) return std::nullopt;
  warn_of_traps(config, *root, report);
  return config;
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
  Report report(source.name);
  LoadResult result;
  result.config = guarded(report, [&] { return load_tree(source, report); });
  result.errors = report.errors();
  result.warnings = report.warnings();
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
