// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/admin_commands.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/pchars.hpp>
#include <cctype>
#include <optional>
#include <ostream>

#include "config/messages.hpp"
#include "config/printable.hpp"
#include "config/scalars.hpp"
#include "proxy/cli/admin_access.hpp"
#include "proxy/cli/admin_client.hpp"
#include "proxy/cli/admin_events.hpp"
#include "proxy/cli/answers.hpp"
#include "proxy/cli/explanation.hpp"
#include "proxy/cli/report.hpp"
#include "proxy/cli/watch.hpp"

namespace fusewire::cli {
namespace {

namespace json = boost::json;
using Command = Options::Command;

// Nothing when it is ready, else why it is not.
std::optional<std::string> why_not_ready(const AdminClient::Answer& answer) {
  bool is_ready = false;  // any server answers 200 to something
  if (answer.status == 200) with_body(answer, [&](const json::value& body) { is_ready = body.at("ready").as_bool(); });
  return is_ready ? std::nullopt : std::optional(detail_of(answer));
}

int ready(const AdminClient& client, const World& world) {
  std::optional<std::string> why;
  try {
    const auto answer = client.call("GET", "/admin/ready");
    if (answer.status == 401 || answer.status == 403) return refused(world, answer);
    why = why_not_ready(answer);
  } catch (const Unreachable& error) {
    why = config::printable(error.what());
  }
  world.out << (why ? "not ready: " + *why + '\n' : "ready\n");
  return why ? kFailed : kOk;
}

std::string names_of(const json::value& answer) {
  std::string lines;
  for (const json::value& breaker : answer.at("circuit_breakers").as_array())
    lines.append(config::printable(breaker.at("name").as_string())).append("\n");
  return lines;
}

// Says what is injected, as a line: an upstream that answers 503 for that reason is not ill. Empty where nothing is, or
// where the admin knows of no faults.
std::string injected_faults(const AdminClient& client, const std::string& breaker = {}) {
  std::string line;
  try {
    const auto answer = client.call("GET", "/admin/faults");
    if (answer.status == 200)
      with_body(answer,
                [&](const json::value& body) { line = faults_text(body, breaker.substr(0, breaker.find('/'))); });
  } catch (const std::exception&) {
    return {};  // the table has been had, and is worth more
  }
  return line;
}

// Of the whole table, or of one breaker.
int status(const AdminClient& client, const Options& options, const World& world) {
  const std::string one = options.name.empty() ? "" : '/' + options.name;
  const auto answer = client.call("GET", "/admin/circuit-breakers" + one);
  if (answer.status != 200) return refused(world, answer);
  bool open = false;
  with_body(answer, [&](const json::value& body) {
    open = one.empty() ? any_rejects(body) : rejects(body);
    if (options.json)
      world.out << config::printable(json::serialize(body)) << '\n';
    else if (options.names)
      world.out << names_of(body);
    else
      world.out << (one.empty() ? breaker_table(body, Paint(world.colours())) : breaker_details(body));
  });
  if (!options.json && !options.names)
    if (const std::string faults = injected_faults(client, options.name); !faults.empty())
      world.out << Paint(world.colours())(Tone::warning, faults) << '\n';
  return open && options.exit_code ? kOpen : kOk;
}

int explain(const AdminClient& client, const Options& options, const World& world) {
  const auto answer = client.call("GET", "/admin/explain/" + boost::urls::encode(options.name, boost::urls::pchars));
  if (answer.status != 200) return refused(world, answer);
  with_body(answer, [&](const json::value& body) {
    if (options.json)
      world.out << json::serialize(body) << '\n';
    else
      world.out << explanation(body);
  });
  return kOk;
}

int watch(const AdminClient& client, const Options& options, const World& world, const std::string& url) {
  const auto ask = [&client, &options] {
    const auto answer = client.call("GET", "/admin/circuit-breakers");
    if (answer.status != 200) throw Unreachable(detail_of(answer));
    WatchAnswer all;
    with_body(answer, [&all](const json::value& body) {
      any_rejects(body);  // has what is needed
      all.breakers = body;
    });
    if (!options.json) all.notice = injected_faults(client);
    return all;
  };
  ask();  // an admin that is not there is an error, as without --watch
  const auto again = [&ask] {
    try {
      return ask();
    } catch (const Foreign&) {
      throw Unreachable("what answers there is not a Fusewire's admin");
    }
  };
  return watch_breakers(
      again, {.url = url, .interval = *config::parse_duration(options.interval), .json = options.json}, world);
}

std::string action_of(Command command) {
  switch (command) {
    case Command::force_open:
      return "force-open";
    case Command::force_close:
      return "force-close";
    case Command::release:
      return "release";
    default:
      return "reset";
  }
}

// UPSTREAM, UPSTREAM/ADDRESS or UPSTREAM/ROUTE.
bool is_breaker_name(const std::string& name) {
  constexpr const char* kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:[]";
  return !name.empty() && std::isalnum(static_cast<unsigned char>(name[0])) != 0 &&
         name.find_first_not_of(kAllowed) == std::string::npos;
}

int change(const AdminClient& client, const Options& options, const World& world) {
  const std::string action = action_of(options.command);
  std::string target =
      "/admin/circuit-breakers/" + boost::urls::encode(options.name, boost::urls::pchars) + '/' + action;
  if (options.limit) target += "?for=" + *options.limit;
  const auto answer = client.call("POST", target);
  if (answer.status != 200) return refused(world, answer);
  std::string note;  // why it is without effect
  with_body(answer, [&](const json::value& breaker) {
    const std::string state = config::printable(breaker.at("state").as_string());
    const std::string override_name = config::printable(breaker.at("override").as_string());
    if (options.json)
      world.out << config::printable(json::serialize(breaker)) << '\n';
    else
      world.out << options.name << ": " << action << " done; state " << state << ", override " << override_name << '\n';
    if (const json::value* found = breaker.as_object().if_contains("note")) note = found->as_string().c_str();
  });
  if (note.empty()) return kOk;
  world.err << "fusewire: " << options.name << ": " << config::printable(note) << '\n';
  // A script that has forced it open goes on in the belief that no call passes.
  return options.command == Command::force_open ? kFailed : kOk;
}

bool is_limit(const std::string& text) {
  const auto limit = config::parse_duration(text);
  return limit && limit->count() > 0;
}

// As the proxy takes it from a client.
bool is_request_id(const std::string& id) {
  constexpr std::size_t kMaxId = 128;
  const auto is_visible = [](char c) { return c > ' ' && c < 127; };
  return !id.empty() && id.size() <= kMaxId && std::all_of(id.begin(), id.end(), is_visible);
}

void check_usage(const Options& options) {
  if (options.command == Command::explain) {
    if (is_request_id(options.name)) return;
    throw BadUsage(config::quote(options.name) + " is not the id of a request: 1 to 128 visible ASCII characters");
  }
  const bool optional_name = options.command == Command::status || options.command == Command::events;
  if ((!optional_name || !options.name.empty()) && !is_breaker_name(options.name))
    throw BadUsage(config::quote(options.name) + " is not the name of a breaker");
  if (!is_limit(options.interval))
    throw BadUsage("--interval: expected a duration above zero such as 1s, got " + config::quote(options.interval));
  if (options.limit && !is_limit(*options.limit))
    throw BadUsage("--for: expected a duration above zero such as 10m, got " + config::quote(*options.limit));
}

int ask(const AdminClient& client, const Options& options, const World& world, const std::string& url) {
  if (options.command == Command::events) return show_events(client, options, world);
  if (options.command == Command::explain) return explain(client, options, world);
  if (options.command != Command::status) return change(client, options, world);
  if (options.watch) return watch(client, options, world, url);
  return options.ready ? ready(client, world) : status(client, options, world);
}

int ask(const Options& options, const World& world) {
  check_usage(options);
  AdminAccess access = find_admin(options, world);
  const std::string url = access.endpoint.url;
  try {
    return ask(AdminClient(std::move(access.endpoint), std::move(access.token), std::move(access.ca)), options, world,
               url);
  } catch (const Foreign& answer) {
    return fail(world, "what answers at " + url + " (with status " + std::to_string(answer.status) +
                           ") is not a Fusewire's admin");
  }
}

}  // namespace

int ask_admin(const Options& options, const World& world) {
  try {
    return ask(options, world);
  } catch (const BadUsage& error) {
    world.err << "fusewire: " << error.what() << '\n';
    return kUsage;
  } catch (const std::exception& error) {  // such as Unreachable
    return fail(world, error.what());
  }
}

}  // namespace fusewire::cli
