// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/storable.hpp"

#include "filters/list_field.hpp"

namespace fusewire::cache {
namespace {

// 302, 303 and 307 with explicit freshness only. Errors of the 5xx class, 501 apart, are not worth remembering: they
// would take the place of the answer that a fallback is looking for.
bool understood(int status) noexcept {
  return heuristically_cacheable(status) || status == 302 || status == 303 || status == 307;
}

bool varies_by_anything(const Fields& fields) noexcept {
  bool any = false;
  const bool well_formed =
      for_each_member(fields, "vary", [&](std::string_view member) { any = any || member == "*"; });
  return any || !well_formed;
}

Refusal refused_by_request(const Request& request, const Response& response,
                           const ResponseDirectives& directives) noexcept {
  if (request.method != "GET" || request.body != BodyKind::none) return Refusal::method;
  if (!understood(response.status)) return Refusal::status;
  if (request_directives(request.fields).no_store) return Refusal::request_no_store;
  const bool shareable = directives.public_ || directives.s_maxage || directives.must_revalidate;
  if (request.fields.find("authorization") && !shareable) return Refusal::authorization;
  return Refusal::none;
}

Refusal refused_by_response(const Response& response, const ResponseDirectives& directives,
                            const config::Cache& settings) noexcept {
  if (directives.malformed) return Refusal::malformed;
  if (directives.no_store) return Refusal::no_store;  // must-understand does not soften it here
  if (directives.private_) return Refusal::private_;
  if (directives.no_cache) return Refusal::no_cache;
  if (!settings.store_set_cookie && response.fields.find("set-cookie")) return Refusal::set_cookie;
  if (varies_by_anything(response.fields)) return Refusal::vary_any;
  if (response.body == BodyKind::until_close) return Refusal::close_delimited;
  return Refusal::none;
}

}  // namespace

Storability storability(const Request& request, const Response& response, const config::Cache& settings,
                        const Received& when) noexcept {
  const ResponseDirectives directives = response_directives(response.fields);
  if (const Refusal refusal = refused_by_response(response, directives, settings); refusal != Refusal::none)
    return {refusal, {}};
  if (const Refusal refusal = refused_by_request(request, response, directives); refusal != Refusal::none)
    return {refusal, {}};
  const auto freshness = freshness_of(response, directives, when, settings.heuristic_fraction);
  if (!freshness) return {Refusal::no_freshness, {}};
  if (!freshness->is_explicit && request.fields.find("cookie")) return {Refusal::cookie, {}};
  return {Refusal::none, *freshness};
}

}  // namespace fusewire::cache
