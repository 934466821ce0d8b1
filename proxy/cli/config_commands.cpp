// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/config_commands.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <optional>
#include <ostream>
#include <stdexcept>

#include "config/print.hpp"
#include "config/printable.hpp"
#include "proxy/cli/config_source.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/server/server.hpp"

namespace fusewire::cli {
namespace {

// Nothing (and a line on stderr) when no file was named.
std::optional<std::string> named_file(const Options& options, const World& world) {
  std::string file = config_file(options, world);
  if (!file.empty()) return file;
  world.err << "fusewire: no configuration: give -c FILE, or set FUSEWIRE_CONFIG (fusewire --help says more)\n";
  return std::nullopt;
}

void print(const std::vector<config::Diagnostic>& diagnostics, std::string_view prefix, const World& world) {
  for (const config::Diagnostic& diagnostic : diagnostics) world.err << prefix << diagnostic.to_string() << '\n';
}

// Ends the logger on every way out.
struct Logging {
  explicit Logging(const config::Log& config) { proxy::log::start(config); }
  ~Logging() { proxy::log::stop(); }
  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;
};

// "main=127.0.0.1:8080, extra=unix:/run/in.sock"
std::string listed(const std::vector<std::pair<std::string, std::string>>& addresses) {
  std::string text;
  for (const auto& [name, address] : addresses)
    text.append(text.empty() ? "" : ", ").append(name).append("=").append(address);
  return text;
}

int serve(const config::LoadResult& first, const proxy::ServerOptions& options) {
  const Logging logging(first.config->log);
  const auto begin = std::chrono::steady_clock::now();
  for (const config::Diagnostic& warning : first.warnings)
    proxy::log::warn("configuration warning", {{"warning", warning.to_string()}});
  proxy::Server server(*first.config, options);
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
  const std::string listeners = listed(server.addresses());
  if (server.started())
    proxy::log::info("serving", {{"version", FUSEWIRE_VERSION},
                                 {"configuration", options.watch},
                                 {"listeners", listeners},
                                 {"started_in_ms", taken.count()}});
  const int status = server.wait();
  proxy::log::info("stopped");
  return status;
}

}  // namespace

int run(const Options& options, const World& world) {
  proxy::forget_passed_variables();  // `world` has them
  const auto file = named_file(options, world);
  if (!file) return kUsage;
  const auto load = [file = *file, options, world] { return load_file(file, options, world); };
  const config::LoadResult first = load();
  print(first.errors, "", world);
  if (!first.config) return kUsage;
  proxy::Control::Loader loader(load);
  loader.judge = [file = *file, options, world](const std::string& text) {
    return judge_text(text, file, options, world);
  };
  for (const config::Diagnostic& warning : first.warnings) loader.warnings.push_back(warning.to_string());
  try {
    return serve(first, {.loader = std::move(loader),
                         .watch = *file,
                         .signals = true,
                         .service_manager = world.variable("NOTIFY_SOCKET"),
                         .passed = {.pid = world.variable("LISTEN_PID"),
                                    .fds = world.variable("LISTEN_FDS"),
                                    .names = world.variable("LISTEN_FDNAMES")}});
  } catch (const std::exception& error) {
    world.err << "fusewire: " << error.what() << '\n';
    return kFailed;
  }
}

namespace {

boost::json::array texts(const std::vector<config::Diagnostic>& diagnostics) {
  boost::json::array list;
  for (const config::Diagnostic& diagnostic : diagnostics) list.emplace_back(diagnostic.to_string());
  return list;
}

// The form of POST /admin/config/check.
int print_verdict(const config::LoadResult& result, const World& world) {
  world.out << config::printable(boost::json::serialize(boost::json::object{{"valid", result.errors.empty()},
                                                                            {"errors", texts(result.errors)},
                                                                            {"warnings", texts(result.warnings)}}))
            << '\n';
  return result.config ? kOk : kUsage;
}

}  // namespace

int check(const Options& options, const World& world) {
  const auto file = named_file(options, world);
  if (!file) return kUsage;
  const config::LoadResult result = load_file(*file, options, world);
  if (options.json) return print_verdict(result, world);
  print(result.errors, "", world);
  print(result.warnings, "warning: ", world);
  if (!result.config) return kUsage;
  if (options.print)
    world.out << config::to_yaml(*result.config);
  else
    world.out << config::printable(*file) << ": good\n";
  return kOk;
}

}  // namespace fusewire::cli
