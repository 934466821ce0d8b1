// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/admin_access.hpp"

#include <unistd.h>

#include <optional>

#include "config/addresses.hpp"
#include "config/file_text.hpp"
#include "config/load.hpp"
#include "config/messages.hpp"
#include "proxy/cli/config_source.hpp"

namespace fusewire::cli {
namespace {

constexpr const char* kDefaultUrl = "http://127.0.0.1:9901";

config::Endpoint parse_url(const std::string& url) {
  const auto parsed = config::parse_endpoint(url);
  if (!parsed.value) throw BadUsage(config::quote(url) + " is not an admin address: " + parsed.error);
  return *parsed.value;
}

// Where one asks what listens there: a wildcard address is asked on loopback.
config::Endpoint endpoint_of(config::Address address) {
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";
  const std::string text = config::format_address(address);
  return parse_url(address.kind == config::Address::Kind::tcp ? "http://" + text : text);
}

std::string read_token(const std::string& file) {
  constexpr std::size_t kLargest = 64 * config::kKiB;
  const auto read = config::read_file_or_descriptor(file, kLargest).text;
  if (!read || read->size() > kLargest) throw BadUsage("the token file " + config::quote(file) + " cannot be read");
  std::string text = *read;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

bool changes_something(Options::Command command) {
  using Command = Options::Command;
  return command != Command::status && command != Command::events && command != Command::explain;
}

// What the configuration says of the admin.
struct Section {
  std::optional<config::Admin> admin;
  std::string error;  // why the file is no good now; there may be an admin all the same
};

Section read_section(const Options& options, const World& world) {
  const std::string file = config_file(options, world);
  if (file.empty()) return {};
  const config::LoadResult result = load_file(file, options, world);
  if (result.config) return {result.config->admin, {}};
  return {load_admin(file, options, world).admin, result.errors.front().to_string()};
}

// --admin, or FUSEWIRE_ADMIN where no file goes before it; else empty.
std::string given_url(const Options& options, const World& world) {
  if (!options.admin.empty() || !options.file.empty()) return options.admin;
  return world.variable("FUSEWIRE_ADMIN");
}

config::Endpoint configured_endpoint(const Section& section, const Options& options, const World& world) {
  const bool lost = !section.admin && !section.error.empty();
  if (lost && changes_something(options.command)) throw BadUsage(section.error);
  if (!section.error.empty())
    world.err << "fusewire: " << section.error << "; "
              << (lost ? "the admin is sought at its default address" : "its admin section is used all the same")
              << '\n';
  return section.admin ? endpoint_of(section.admin->address) : parse_url(kDefaultUrl);
}

// An https:// admin is ours behind a TLS proxy or a tunnel: its certificate is always verified.
std::string authorities(const Options& options, const config::Endpoint& endpoint) {
  if (options.ca.empty()) return {};
  if (!endpoint.tls) throw BadUsage("--ca is for an https:// admin, and " + endpoint.url + " is none");
  if (::access(options.ca.c_str(), R_OK) != 0)
    throw BadUsage("the file of authorities " + config::quote(options.ca) + " cannot be read");
  return options.ca;
}

void warn_of_clear_token(const AdminAccess& access, const World& world) {
  if (access.token.empty() || access.endpoint.tls || config::is_loopback(access.endpoint.address)) return;
  world.err << "fusewire: warning: the token goes to " << access.endpoint.url
            << " unencrypted; use an https:// address, or ask on the proxy's own host\n";
}

}  // namespace

AdminAccess find_admin(const Options& options, const World& world) {
  const Section section = options.admin.empty() ? read_section(options, world) : Section{};
  const std::string url = given_url(options, world);
  AdminAccess access;
  access.endpoint = url.empty() ? configured_endpoint(section, options, world) : parse_url(url);
  access.token = world.variable("FUSEWIRE_TOKEN");
  if (!options.token_file.empty())
    access.token = read_token(options.token_file);
  else if (access.token.empty() && section.admin)
    access.token = section.admin->token;
  access.ca = authorities(options, access.endpoint);
  warn_of_clear_token(access, world);
  return access;
}

}  // namespace fusewire::cli
