// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/admin_access.hpp"

#include <fstream>
#include <iterator>
#include <optional>

#include "config/addresses.hpp"
#include "proxy/cli/config_source.hpp"

namespace fusewire::cli {
namespace {

constexpr const char* kDefaultUrl = "http://127.0.0.1:9901";

config::Endpoint parse_url(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  const auto parsed = config::parse_endpoint(url);
  if (!parsed.value) throw BadUsage("'" + url + "' is not an admin address: " + parsed.error);
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
  std::ifstream stream(file);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) throw BadUsage("the token file '" + file + "' cannot be read");
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

// The admin's section, where a configuration is named and good.
std::optional<config::Admin> configured(const Options& options, const World& world) {
  const std::string file = config_file(options, world);
  if (file.empty()) return std::nullopt;
  const config::LoadResult result = load_file(file, options, world);
  if (result.config) return result.config->admin;
  if (!options.file.empty()) throw BadUsage(result.errors.front().to_string());
  return std::nullopt;
}

}  // namespace

AdminAccess find_admin(const Options& options, const World& world) {
  const std::string from_environment = world.variable("FUSEWIRE_ADMIN");
  const auto admin = options.admin.empty() ? configured(options, world) : std::nullopt;
  AdminAccess access;
  if (!options.admin.empty())
    access.endpoint = parse_url(options.admin);
  else if (!options.file.empty())
    access.endpoint = endpoint_of(admin->address);
  else if (!from_environment.empty())
    access.endpoint = parse_url(from_environment);
  else
    access.endpoint = admin ? endpoint_of(admin->address) : parse_url(kDefaultUrl);

  access.token = world.variable("FUSEWIRE_TOKEN");
  if (!options.token_file.empty())
    access.token = read_token(options.token_file);
  else if (access.token.empty() && admin && options.admin.empty())
    access.token = admin->token;
  return access;
}

}  // namespace fusewire::cli
