// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/auth.hpp"

#include <openssl/crypto.h>

#include <boost/asio/ip/address.hpp>

#include <algorithm>

#include "filters/message.hpp"

namespace fusewire::proxy::admin {
namespace {

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "[::1]:9901" -> "::1", "localhost:9901" -> "localhost"; nothing when malformed.
std::optional<std::string_view> without_port(std::string_view authority) {
  std::string_view host = authority;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = authority.substr(1, end - 1);
    authority.remove_prefix(end + 1);
    if (host.find(':') == std::string_view::npos) return std::nullopt;
  } else {
    host = authority.substr(0, authority.find(':'));
    authority.remove_prefix(host.size());
  }
  if (host.empty() || (!authority.empty() && !is_port(authority.substr(1)))) return std::nullopt;
  return authority.empty() || authority.front() == ':' ? std::optional(host) : std::nullopt;
}

bool is_address(std::string_view host) {
  boost::system::error_code error;
  boost::asio::ip::make_address(std::string(host), error);
  return !error;
}

Reply unauthorized(std::string_view challenge, std::string_view detail) {
  Reply reply = problem(401, "Unauthorized", detail);
  reply.fields.emplace_back("WWW-Authenticate", challenge);
  return reply;
}

std::optional<Reply> refuse_token(const config::Admin& config, const Request& request) {
  if (config.token.empty())
    return problem(403, "Forbidden", "no admin.token is configured, so what needs it is refused");
  constexpr std::string_view kScheme = "Bearer ";
  constexpr std::string_view kChallenge = R"(Bearer realm="fusewire")";
  if (request.authorizations.size() != 1) return unauthorized(kChallenge, "an Authorization: Bearer token is needed");
  std::string_view given = request.authorizations.front();
  if (!iequals(given.substr(0, kScheme.size()), kScheme))
    return unauthorized(kChallenge, "an Authorization: Bearer token is needed");
  given.remove_prefix(kScheme.size());
  given.remove_prefix(std::min(given.find_first_not_of(' '), given.size()));
  if (equal_in_constant_time(given, config.token)) return std::nullopt;
  return unauthorized(R"(Bearer realm="fusewire", error="invalid_token")", "the token is not the right one");
}

// An Origin names a scheme and an authority; same-site is the one that was asked.
bool same_site(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (origin.starts_with(scheme)) return iequals(origin.substr(scheme.size()), host);
  return false;
}

}  // namespace

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool host_allowed(std::string_view authority, const std::vector<std::string>& allowed) {
  const auto host = without_port(authority);
  if (!host) return false;
  if (is_address(*host) || iequals(*host, "localhost")) return true;
  return std::any_of(allowed.begin(), allowed.end(),
                     [&](const std::string& name) { return iequals(name, *host) || iequals(name, authority); });
}

std::optional<Reply> refuse_host(const config::Admin& config, const Request& request,
                                 std::string_view target_authority) {
  const bool may_lack_host = request.http_1_0 && request.is_read();  // a load balancer's health check
  if (request.hosts.empty() && may_lack_host && target_authority.empty()) return std::nullopt;
  if (request.hosts.size() != 1) return problem(400, "BadRequest", "exactly one Host field is needed");
  const bool target_allowed = target_authority.empty() || host_allowed(target_authority, config.allowed_hosts);
  if (target_allowed && host_allowed(request.hosts.front(), config.allowed_hosts)) return std::nullopt;
  return problem(421, "MisdirectedRequest", "Host must be an IP address, localhost, or listed in admin.allowed_hosts");
}

std::optional<Reply> refuse_change(const config::Admin& config, const Request& request) {
  if (request.origin && !same_site(*request.origin, request.hosts.front()))
    return problem(403, "CrossSiteRequest", "changes are not taken from another site's page");
  return refuse_token(config, request);
}

std::optional<Reply> refuse_read(const config::Admin& config, const Request& request) {
  return config.read_requires_token ? refuse_token(config, request) : std::nullopt;
}

}  // namespace fusewire::proxy::admin
