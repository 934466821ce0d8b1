// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>
#include <sstream>

#include "config/messages.hpp"
#include "proxy/cli/admin_commands.hpp"
#include "proxy/cli/config_commands.hpp"
#include "proxy/cli/demo.hpp"
#include "proxy/cli/inject.hpp"

namespace fusewire::cli {
namespace {

using Command = Options::Command;

void add_config_options(CLI::App& app, Options& options) {
  app.add_option("-c,--config", options.file, "Configuration file (else FUSEWIRE_CONFIG)")->type_name("FILE");
  app.add_option("--set", options.set, "Override one key, as in upstreams.orders.timeouts.connect=2s")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void add_admin_options(CLI::App& app, Options& options) {
  app.add_option("--admin", options.admin,
                 "Admin address, as in http://127.0.0.1:9901 (else FUSEWIRE_ADMIN, else admin.address of the "
                 "configuration, else that one)")
      ->type_name("URL");
  app.add_option("--token-file", options.token_file, "File with the admin token (else FUSEWIRE_TOKEN)")
      ->type_name("FILE");
  app.add_option("--ca", options.ca, "File with the authority of an https:// admin's certificate (else the system's)")
      ->type_name("FILE");
  app.add_option("-c,--config", options.file, "Configuration file to take admin address and token from")
      ->type_name("FILE");
}

CLI::App* add_command(CLI::App& app, Options& options, const char* name, const char* help, Command command) {
  CLI::App* sub = app.add_subcommand(name, help);
  sub->callback([&options, command] { options.command = command; });
  return sub;
}

void add_config_commands(CLI::App& app, Options& options) {
  add_config_options(*add_command(app, options, "run", "Run the proxy (the default)", Command::run), options);
  CLI::App* check =
      add_command(app, options, "check", "Judge a configuration: all errors, and warnings", Command::check);
  add_config_options(*check, options);
  check->add_flag("--print", options.print, "Print the effective configuration, secrets redacted");
  check->add_flag("--no-files", options.no_files,
                  "Open no file that the configuration names: its secrets and certificates may be absent here");
}

void add_admin_commands(CLI::App& app, Options& options) {
  CLI::App* status = add_command(app, options, "status", "Show the circuit breakers", Command::status);
  CLI::Option* one = status->add_option("NAME", options.name, "One breaker, in detail");
  CLI::Option* ready = status->add_flag("--ready", options.ready, "Exit status 0 when ready for traffic, else 1");
  status->add_flag("--exit-code", options.exit_code, "Exit status 3 when a breaker is open and rejects calls")
      ->excludes(ready);
  status->add_flag("--json", options.json, "Print the admin API's JSON instead")->excludes(ready);
  one->excludes(ready);
  CLI::App* events = add_command(app, options, "events", "Show transitions and overrides", Command::events);
  events->add_flag("-f,--follow", options.follow, "Keep showing them as they come");
  for (CLI::App* sub : {status, events}) add_admin_options(*sub, options);

  const auto add_change = [&](const char* name, const char* help, Command command) {
    CLI::App* sub = add_command(app, options, name, help, command);
    sub->add_option("NAME", options.name, "The breaker, as `status` shows it")->required();
    add_admin_options(*sub, options);
    return sub;
  };
  add_change("reset", "Close a breaker and forget its window", Command::reset);
  add_change("release", "End an override", Command::release);
  for (CLI::App* sub : {add_change("force-open", "Reject every call", Command::force_open),
                        add_change("force-close", "Let every call pass", Command::force_close)})
    sub->add_option("--for", options.limit, "End the override after this time, as in 10m")->type_name("DURATION");
}

void add_inject(CLI::App& app, Options& options) {
  CLI::App* inject =
      add_command(app, options, "inject", "Add the sidecar to the pods of Kubernetes manifests", Command::inject);
  CLI::Option* out = inject->add_flag("--uninject", options.uninject, "Take it out again");
  inject->add_option("--image", options.image, "The sidecar's image")
      ->type_name("IMAGE")
      ->capture_default_str()
      ->excludes(out);
  inject->add_option("--config", options.config_map, "The ConfigMap that holds fusewire.yaml")
      ->type_name("MAP")
      ->capture_default_str()
      ->excludes(out);
  inject
      ->add_option("FILE", options.manifest,
                   "The manifests: YAML or JSON, any number of documents; - is standard input")
      ->type_name("")
      ->capture_default_str();
}

// The library repeats the arguments that it does not understand.
std::string words_without_userinfo(const std::string& text) {
  std::string out;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \n", from), text.size() - 1) + 1;
    out += config::without_userinfo(std::string_view(text).substr(from, end - from));
    from = end;
  }
  return out;
}

}  // namespace

std::variant<Options, int> parse(std::vector<std::string> arguments, const World& world) {
  Options options;
  CLI::App app("Fusewire: a sidecar proxy that breaks the circuit to a failing upstream", "fusewire");
  app.require_subcommand(0, 1);
  app.set_version_flag("--version", std::string("fusewire ") + FUSEWIRE_VERSION);
  add_config_options(app, options);
  add_config_commands(app, options);
  add_admin_commands(app, options);
  add_inject(app, options);
  CLI::App* demo_command = add_command(app, options, "demo", "Tell the story of a failing upstream", Command::demo);
  CLI::Option* serve = demo_command->add_flag("--serve", options.serve, "Keep it running, to be explored");
  demo_command
      ->add_flag("--traffic", options.traffic, "Clients, and upstreams that fail in each minute: for the dashboard")
      ->needs(serve);
  add_command(app, options, "version", "Show the version", Command::version);
  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants a vector
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    std::ostringstream refusal;
    const int status = app.exit(error, world.out, refusal);
    world.err << words_without_userinfo(refusal.str());
    return status == 0 ? kOk : kUsage;
  }
  return options;
}

int execute(const Options& options, const World& world) {
  switch (options.command) {
    case Command::run:
      return run(options, world);
    case Command::check:
      return check(options, world);
    case Command::inject:
      return inject(options, world);
    case Command::demo:
      return demo({.serve = options.serve, .traffic = options.traffic});
    case Command::version:
      world.out << "fusewire " << FUSEWIRE_VERSION << '\n';
      return kOk;
    case Command::status:
    case Command::events:
    case Command::reset:
    case Command::force_open:
    case Command::force_close:
    case Command::release:
      break;
  }
  return ask_admin(options, world);
}

}  // namespace fusewire::cli
