// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/storable.hpp"

#include <algorithm>
#include <array>

#include "filters/cache/vary.hpp"

namespace fusewire::cache {
namespace {

using config::Serve;

// Those whose rules of caching are implemented here (RFC 9111 §5.2.2.3).
bool understood(int status) noexcept {
  return heuristically_cacheable(status) || status == 302 || status == 303 || status == 307;
}

// About one request alone (a part, a condition, credentials, a field that the upstream does not take), or never stored
// by its own definition (RFC 6585): one client's odd field must not become the answer that all others get.
bool for_one_request(int status) noexcept {
  constexpr std::array kStatuses = {206, 304, 400, 401, 406, 407, 408, 411, 412, 413, 415,
                                    416, 417, 421, 422, 424, 425, 426, 428, 429, 431, 511};
  return status < 200 || std::find(kStatuses.begin(), kStatuses.end(), status) != kStatuses.end();
}

// Any final status may be stored with explicit freshness. Where the cache answers on errors only, errors would take the
// place of the answer that a fallback is looking for: only what is understood is remembered there.
bool has_storable_status(const Response& response, const ResponseDirectives& directives, Serve serve) noexcept {
  if (understood(response.status)) return true;
  return serve == Serve::normal && !directives.must_understand && !for_one_request(response.status);
}

bool has_validator(const Fields& fields) noexcept { return fields.find("etag") || fields.find("last-modified"); }

Refusal refused_by_request(const Request& request, const Response& response, const ResponseDirectives& directives,
                           Serve serve) noexcept {
  if (!is_plain_get(request)) return Refusal::method;
  if (!has_storable_status(response, directives, serve)) return Refusal::status;
  if (request_directives(request.fields).no_store) return Refusal::request_no_store;
  if (request.fields.find("authorization") && !is_for_all(directives)) return Refusal::authorization;
  if (selecting_bytes(response.fields, request.fields) > kMaxSelectingBytes) return Refusal::vary_long;
  return Refusal::none;
}

Refusal refused_by_response(const Response& response, const ResponseDirectives& directives,
                            const config::Cache& settings, std::string_view deadline_header) noexcept {
  if (directives.malformed) return Refusal::malformed;
  const bool softened = directives.must_understand && understood(response.status);
  if (directives.no_store && !softened) return Refusal::no_store;
  if (directives.private_) return Refusal::private_;
  const bool validates = settings.serve == Serve::normal && has_validator(response.fields);
  if (directives.no_cache && !validates) return Refusal::no_cache;
  if (!settings.store_set_cookie && response.fields.find("set-cookie")) return Refusal::set_cookie;
  if (varies_by_anything(response.fields, deadline_header)) return Refusal::vary_any;
  if (response.body == BodyKind::until_close) return Refusal::close_delimited;
  return Refusal::none;
}

// What a fallback looks for. An error that says nothing of its freshness may be one request's own.
bool can_stand_in(int status) noexcept {
  constexpr std::array kStatuses = {200, 203, 204, 300, 301, 308};
  return std::find(kStatuses.begin(), kStatuses.end(), status) != kStatuses.end();
}

// What has no freshness can still be validated, which saves its body, or be served stale where the operator says so.
std::optional<Freshness> usable_freshness(const Response& response, const ResponseDirectives& directives,
                                          const config::Cache& settings, const Received& when, Terms terms) noexcept {
  const auto freshness = freshness_of(response, directives, when, settings.heuristic_fraction);
  if (freshness) return freshness;
  const bool validates = settings.serve == Serve::normal && has_validator(response.fields);
  const bool allowed = heuristically_cacheable(response.status) || directives.public_;
  const bool stale = terms.stale_by_operator && can_stand_in(response.status);
  if (!allowed || !(validates || stale)) return std::nullopt;
  return no_freshness(response, directives, when);
}

}  // namespace

bool is_plain_get(const Request& request) noexcept {
  const Fields& fields = request.fields;
  return request.method == "GET" && !request.has_body() && !fields.find("upgrade") && !fields.find("expect");
}

bool is_for_all(const ResponseDirectives& directives) noexcept {
  return directives.public_ || directives.s_maxage || directives.must_revalidate;
}

Storability storability(const Request& request, const Response& response, const config::Cache& settings,
                        const Received& when, Terms terms) noexcept {
  const ResponseDirectives directives = response_directives(response.fields);
  if (const Refusal refusal = refused_by_response(response, directives, settings, terms.deadline_header);
      refusal != Refusal::none)
    return {refusal, {}};
  if (const Refusal refusal = refused_by_request(request, response, directives, settings.serve);
      refusal != Refusal::none)
    return {refusal, {}};
  const auto freshness = usable_freshness(response, directives, settings, when, terms);
  if (!freshness) return {Refusal::no_freshness, {}};
  if (!freshness->is_explicit && request.has_cookie()) return {Refusal::cookie, {}};
  return {Refusal::none, *freshness};
}

}  // namespace fusewire::cache
