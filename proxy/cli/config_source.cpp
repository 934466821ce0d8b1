// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/config_source.hpp"

#include <filesystem>
#include <utility>

#include "config/document.hpp"
#include "config/file_text.hpp"
#include "proxy/control/tls_contexts.hpp"
#include "proxy/webhooks/json_template.hpp"

namespace fusewire::cli {
namespace {

// Of a text that is too large, enough for the loader to say so.
config::FileText read_text(const std::string& file) { return config::read_file_or_descriptor(file, config::kMaxText); }

config::Judges judges() {
  config::Judges all = proxy::tls_judges();
  all.webhook_template = proxy::judge_template;
  return all;
}

config::Diagnostic unreadable(const std::string& file, const std::string& why) {
  config::Diagnostic error;
  error.source = file;
  error.message = "cannot be read: " + why;
  return error;
}

}  // namespace

std::string config_file(const Options& options, const World& world) {
  return options.file.empty() ? world.variable("FUSEWIRE_CONFIG") : options.file;
}

config::LoadResult load_file(const std::string& file, const Options& options, const World& world) {
  auto [text, why] = read_text(file);
  if (text) {
    config::Source source{file, std::move(*text), world.environment, options.set, judges()};
    source.no_files = options.no_files;
    return config::load(source);
  }
  config::LoadResult result;
  result.errors.push_back(unreadable(file, why));
  return result;
}

config::AdminResult load_admin(const std::string& file, const Options& options, const World& world) {
  auto [text, why] = read_text(file);
  if (text) return config::load_admin({file, std::move(*text), world.environment, options.set});
  config::AdminResult result;
  result.errors.push_back(unreadable(file, why));
  return result;
}

config::LoadResult judge_text(const std::string& text, const std::string& file, const Options& options,
                              const World& world) {
  config::Source source{"posted", text, world.environment, options.set, judges()};
  source.folder = std::filesystem::absolute(file).parent_path().string();
  return config::load(source);
}

}  // namespace fusewire::cli
