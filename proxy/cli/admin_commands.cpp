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
#include "config/scalars.hpp"
#include "proxy/cli/admin_access.hpp"
#include "proxy/cli/admin_client.hpp"
#include "proxy/cli/event_reader.hpp"
#include "proxy/cli/explanation.hpp"
#include "proxy/cli/report.hpp"

namespace fusewire::cli {
namespace {

namespace json = boost::json;
using Command = Options::Command;

int fail(const World& world, const std::string& line) {
  world.err << "fusewire: " << line << '\n';
  return kFailed;
}

// The answer is not one that a Fusewire's admin gives.
struct Foreign {
  int status;
};

// `show(body)` of a good answer, which must have what a Fusewire's has.
template <class Show>
void with_body(const AdminClient::Answer& answer, Show show) {
  boost::system::error_code error;
  const json::value body = json::parse(answer.body, error);
  if (error) throw Foreign{answer.status};
  try {
    show(body);
  } catch (const std::exception&) {  // a member is missing, or of another kind
    throw Foreign{answer.status};
  }
}

// What a problem+json says.
std::string detail_of(const AdminClient::Answer& answer) {
  boost::system::error_code error;
  const json::value body = json::parse(answer.body, error);
  const json::value* detail = error || !body.is_object() ? nullptr : body.get_object().if_contains("detail");
  if (!detail || !detail->is_string()) throw Foreign{answer.status};
  std::string text(detail->get_string());
  if (const json::value* known = body.get_object().if_contains("known")) text += "; known: " + json::serialize(*known);
  return text;
}

// What a refusal says, and what to do about it.
int refused(const World& world, const AdminClient::Answer& answer) {
  std::string line = detail_of(answer);
  if (answer.status == 401) line += "; give it with --token-file FILE or in FUSEWIRE_TOKEN";
  if (answer.status == 403)
    line +=
        "; set admin.token_file in the proxy's configuration, then give the token with --token-file FILE or in "
        "FUSEWIRE_TOKEN";
  return fail(world, line);
}

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
    why = error.what();
  }
  world.out << (why ? "not ready: " + *why + '\n' : "ready\n");
  return why ? kFailed : kOk;
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
      world.out << json::serialize(body) << '\n';
    else
      world.out << (one.empty() ? breaker_table(body) : breaker_details(body));
  });
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

// Prints what is kept; the id of the last one goes to `last`.
int events(const AdminClient& client, const World& world, std::uint64_t& last) {
  const auto answer = client.call("GET", "/admin/events");
  if (answer.status != 200) return refused(world, answer);
  with_body(answer, [&](const json::value& body) {
    for (const json::value& event : body.at("events").as_array()) world.out << event_line(event);
    world.out.flush();
    last = body.at("last_id").to_number<std::uint64_t>();
  });
  return kOk;
}

int follow(const AdminClient& client, const World& world) {
  std::uint64_t last = 0;
  if (const int failed = events(client, world, last)) return failed;
  EventReader reader([&world](std::string_view data) {
    world.out << event_line(json::parse({data.data(), data.size()}));
    world.out.flush();
  });
  const auto answer = client.stream("/admin/events/stream?since=" + std::to_string(last),
                                    [&reader](std::string_view piece) { reader.read(piece); });
  return answer.status == 200 ? fail(world, "the stream of events ended") : refused(world, answer);
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

// UPSTREAM or UPSTREAM/ADDRESS.
bool is_name(const std::string& name) {
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
    world.out << options.name << ": " << action << " done; state " << breaker.at("state").as_string().c_str()
              << ", override " << breaker.at("override").as_string().c_str() << '\n';
    if (const json::value* found = breaker.as_object().if_contains("note")) note = found->as_string().c_str();
  });
  if (note.empty()) return kOk;
  world.err << "fusewire: " << options.name << ": " << note << '\n';
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
  if ((!optional_name || !options.name.empty()) && !is_name(options.name))
    throw BadUsage(config::quote(options.name) + " is not the name of a breaker");
  if (options.limit && !is_limit(*options.limit))
    throw BadUsage("--for: expected a duration above zero such as 10m, got " + config::quote(*options.limit));
}

int ask(const AdminClient& client, const Options& options, const World& world) {
  if (options.command == Command::status) return options.ready ? ready(client, world) : status(client, options, world);
  if (options.command == Command::explain) return explain(client, options, world);
  if (options.command != Command::events) return change(client, options, world);
  std::uint64_t last = 0;
  return options.follow ? follow(client, world) : events(client, world, last);
}

int ask(const Options& options, const World& world) {
  check_usage(options);
  AdminAccess access = find_admin(options, world);
  const std::string url = access.endpoint.url;
  try {
    return ask(AdminClient(std::move(access.endpoint), std::move(access.token), std::move(access.ca)), options, world);
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
