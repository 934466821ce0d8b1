// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>
#include <sstream>

#include "config/messages.hpp"
#include "proxy/cli/admin_commands.hpp"
#include "proxy/cli/command_table.hpp"
#include "proxy/cli/completion.hpp"
#include "proxy/cli/config_commands.hpp"
#include "proxy/cli/demo.hpp"
#include "proxy/cli/doctor.hpp"
#include "proxy/cli/init.hpp"
#include "proxy/cli/inject.hpp"
#include "proxy/cli/manual.hpp"

namespace fusewire::cli {
namespace {

using Command = Options::Command;

constexpr const char* kStatuses = "0 done; 1 it failed, and a line on stderr says why; 2 bad usage or configuration.";
constexpr const char* kLocalStatuses = "0 done; 2 bad usage.";

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

void add_json(CLI::App& app, Options& options, const char* help) { app.add_flag("--json", options.json, help); }

// `statuses`: what its exit statuses mean, for its help and the manual.
CLI::App* add_command(CLI::App& app, Options& options, const char* name, const char* help, Command command,
                      const char* statuses = kStatuses) {
  CLI::App* sub = app.add_subcommand(name, help);
  sub->footer(std::string("Exit status: ") + statuses);
  sub->callback([&options, command] { options.command = command; });
  return sub;
}

void add_config_commands(CLI::App& app, Options& options) {
  add_config_options(
      *add_command(app, options, "run", "Run the proxy (the default)", Command::run,
                   "0 after a drain (SIGTERM); 1 it could not serve, as where an address is in use; 2 bad "
                   "usage or configuration."),
      options);
  CLI::App* check =
      add_command(app, options, "check", "Judge a configuration: all errors, and warnings", Command::check,
                  "0 the configuration is good, maybe with warnings; 2 it is not, or bad usage.");
  add_config_options(*check, options);
  CLI::Option* print = check->add_flag("--print", options.print, "Print the effective configuration, secrets redacted");
  check->add_flag("--no-files", options.no_files,
                  "Open no file that the configuration names: its secrets and certificates may be absent here");
  check->add_flag("--json", options.json, "Print the verdict as JSON: valid, errors, warnings")->excludes(print);
  CLI::App* doctor = add_command(
      app, options, "doctor", "Try what a configuration needs: bind, resolve, connect, verify; says what to do",
      Command::doctor, "0 all is well, maybe with warnings; 1 something will not work; 2 bad usage or configuration.");
  add_config_options(*doctor, options);
  add_json(*doctor, options, "Print the findings as JSON");
}

void add_init_command(CLI::App& app, Options& options) {
  CLI::App* init = add_command(app, options, "init", "Write a first configuration, with comments", Command::init,
                               "0 done; 1 the file exists already, or cannot be written; 2 bad usage.");
  init->add_option("UPSTREAM", options.upstreams, "Each as NAME=URL, as in orders=http://127.0.0.1:9000")->required();
  init->add_option("-o,--output", options.output, "Where to write it (else to standard output)")->type_name("FILE");
  init->add_flag("--force", options.force, "Overwrite the file");
  init->add_option("--listen", options.listen, "Where clients connect")->capture_default_str()->type_name("HOST:PORT");
}

void add_status_command(CLI::App& app, Options& options) {
  CLI::App* status = add_command(app, options, "status", "Show the circuit breakers", Command::status,
                                 "0 shown, or ready; 1 the admin could not be asked, or not ready; 2 bad usage or "
                                 "configuration; 3 with --exit-code: "
                                 "a breaker rejects calls.");
  CLI::Option* one = status->add_option("NAME", options.name, "One breaker, in detail");
  CLI::Option* ready = status->add_flag("--ready", options.ready, "Exit status 0 when ready for traffic, else 1");
  CLI::Option* exit_code =
      status->add_flag("--exit-code", options.exit_code, "Exit status 3 when a breaker is open and rejects calls")
          ->excludes(ready);
  CLI::Option* json =
      status->add_flag("--json", options.json, "Print the admin API's JSON instead, on one line")->excludes(ready);
  CLI::Option* names = status->add_flag("--names", options.names, "Print the breakers' names alone, one a line")
                           ->excludes(ready)
                           ->excludes(json);
  CLI::Option* watch =
      status->add_flag("-w,--watch", options.watch, "Keep the table up to date, with rates as they were; q ends it")
          ->excludes(ready)
          ->excludes(names)
          ->excludes(exit_code);
  status->add_option("--interval", options.interval, "How often it is brought up to date")
      ->capture_default_str()
      ->type_name("DURATION")
      ->needs(watch);
  one->excludes(ready)->excludes(names)->excludes(watch);
  add_admin_options(*status, options);
}

void add_admin_commands(CLI::App& app, Options& options) {
  add_status_command(app, options);
  CLI::App* events = add_command(app, options, "events", "Show transitions and overrides", Command::events);
  events->add_flag("-f,--follow", options.follow,
                   "Keep showing them as they come; where the admin goes away, wait until it is back");
  add_json(*events, options, "Print the admin API's JSON instead, an event a line");
  add_admin_options(*events, options);
  CLI::App* explain = add_command(app, options, "explain",
                                  "Show what each filter decided for a recent request, and why", Command::explain);
  explain->add_option("ID", options.name, "The request's X-Request-Id, as its answer and the access log have it")
      ->required();
  add_json(*explain, options, "Print the admin API's JSON instead");
  add_admin_options(*explain, options);

  const auto add_change = [&](const char* name, const char* help, Command command) {
    CLI::App* sub = add_command(app, options, name, help, command);
    sub->add_option("NAME", options.name, "The breaker, as `status` shows it")->required();
    add_json(*sub, options, "Print the admin API's JSON instead, on one line");
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

void add_other_commands(CLI::App& app, Options& options) {
  CLI::App* demo_command =
      add_command(app, options, "demo", "Tell the story of a failing upstream", Command::demo,
                  "0 the story went as announced, or with --serve a signal ended it; 1 it did not, "
                  "or it could not serve; 2 bad usage.");
  CLI::Option* serve = demo_command->add_flag("--serve", options.serve, "Keep it running, to be explored");
  demo_command
      ->add_flag("--traffic", options.traffic,
                 "With clients, and upstreams that fail in each minute, to be seen on the dashboard")
      ->needs(serve);
  CLI::App* completion = add_command(app, options, "completion", "Print a shell's completion of this command line",
                                     Command::completion, kLocalStatuses);
  completion->add_option("SHELL", options.shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  add_command(app, options, "man", "Print the manual page, as in: fusewire man | man -l -", Command::man,
              kLocalStatuses);
  CLI::App* version = add_command(app, options, "version", "Show the version", Command::version, kLocalStatuses);
  add_json(*version, options, "Print it as JSON");
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

std::unique_ptr<CLI::App> make_commands(Options& options) {
  auto app =
      std::make_unique<CLI::App>("Fusewire: a sidecar proxy that breaks the circuit to a failing upstream", "fusewire");
  app->require_subcommand(0, 1);
  app->set_version_flag("--version", std::string("fusewire ") + FUSEWIRE_VERSION);
  add_config_options(*app, options);
  add_config_commands(*app, options);
  add_init_command(*app, options);
  add_admin_commands(*app, options);
  add_inject(*app, options);
  add_other_commands(*app, options);
  return app;
}

std::variant<Options, int> parse(std::vector<std::string> arguments, const World& world) {
  Options options;
  const std::unique_ptr<CLI::App> app = make_commands(options);
  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants a vector
    app->parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    std::ostringstream refusal;
    const int status = app->exit(error, world.out, refusal);
    world.err << words_without_userinfo(refusal.str());
    return status == 0 ? kOk : kUsage;
  }
  return options;
}

namespace {

int version(const Options& options, const World& world) {
  if (options.json)
    world.out << R"({"version":")" << FUSEWIRE_VERSION << "\"}\n";
  else
    world.out << "fusewire " << FUSEWIRE_VERSION << '\n';
  return kOk;
}

int print_completion(const Options& options, const World& world) {
  Options unused;
  world.out << completion_script(*make_commands(unused), options.shell);
  return kOk;
}

int print_manual(const World& world) {
  Options unused;
  world.out << manual_page(*make_commands(unused));
  return kOk;
}

}  // namespace

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
    case Command::doctor:
      return doctor(options, world);
    case Command::init:
      return init(options, world);
    case Command::completion:
      return print_completion(options, world);
    case Command::man:
      return print_manual(world);
    case Command::version:
      return version(options, world);
    case Command::status:
    case Command::events:
    case Command::explain:
    case Command::reset:
    case Command::force_open:
    case Command::force_close:
    case Command::release:
      break;
  }
  return ask_admin(options, world);
}

}  // namespace fusewire::cli
