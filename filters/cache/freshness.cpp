// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/freshness.hpp"

#include <algorithm>
#include <array>

#include "filters/list_field.hpp"

namespace fusewire::cache {
namespace {

using std::chrono::floor;

// What is guessed is guessed for a day at most (RFC 9111 §4.2.2 leaves the bound to us); a Last-Modified from before
// there was HTTP is a clock that was never set.
constexpr seconds kMaxGuess = std::chrono::hours{24};
constexpr HttpTime kFirstModified{seconds{631152000}};  // 1990

seconds bounded(seconds span) noexcept { return std::clamp(span, seconds{0}, kMaxDelta); }

// Expires − Date. An Expires that cannot be read, or two that differ, lie in the past (RFC 9111 §5.3, §4.2.1).
std::optional<seconds> expires_lifetime(const Fields& fields, HttpTime date, HttpTime now) noexcept {
  std::optional<seconds> lifetime;
  for (const Field& field : fields) {
    if (!iequals(field.name, "expires")) continue;
    const auto at = parse_http_date(field.value, now);
    const seconds value = at && *at > date ? bounded(*at - date) : seconds{0};
    lifetime = lifetime && *lifetime != value ? seconds{0} : value;
  }
  return lifetime;
}

std::optional<seconds> explicit_lifetime(const Fields& fields, const ResponseDirectives& directives, HttpTime date,
                                         HttpTime now) noexcept {
  if (directives.s_maxage) return directives.s_maxage;
  if (directives.max_age) return directives.max_age;
  return expires_lifetime(fields, date, now);
}

std::optional<seconds> heuristic_lifetime(const Response& response, const ResponseDirectives& directives, HttpTime date,
                                          double fraction, HttpTime now) noexcept {
  if (!heuristically_cacheable(response.status) && !directives.public_) return std::nullopt;
  const auto field = response.fields.find("last-modified");
  const auto modified = field ? parse_http_date(*field, now) : std::nullopt;
  if (!modified || *modified > date || *modified < kFirstModified) return std::nullopt;
  const std::chrono::duration<double> unchanged = bounded(date - *modified);
  return std::min(floor<seconds>(unchanged * fraction), kMaxGuess);
}

// The Age field's first member; what is no number is ignored (RFC 9111 §5.1).
seconds age_value(const Fields& fields) noexcept {
  const auto field = fields.find("age");
  if (!field) return seconds{0};
  return parse_delta(trim(field->substr(0, field->find(',')))).value_or(seconds{0});
}

// RFC 9111 §4.2.3.
milliseconds initial_age(const Fields& fields, const Received& when, HttpTime date) noexcept {
  const milliseconds apparent = date < when.wall ? bounded(when.wall - date) : seconds{0};
  const milliseconds delay = std::max(floor<milliseconds>(when.at - when.requested), milliseconds{0});
  return std::max<milliseconds>(apparent, age_value(fields) + delay);
}

// Most responses say nothing at all: no need to read dates then.
bool may_be_fresh(const Fields& fields) noexcept {
  return std::any_of(fields.begin(), fields.end(), [](const Field& field) {
    return iequals(field.name, "cache-control") || iequals(field.name, "expires") ||
           iequals(field.name, "last-modified");
  });
}

}  // namespace

Received received(const Call& call, Time head) {
  const auto since = std::chrono::duration_cast<WallTime::duration>(head - call.context->started);
  return {call.exchange->begun == kNever ? call.context->started : call.exchange->begun, head,
          std::chrono::floor<seconds>(call.context->wall + since)};
}

bool heuristically_cacheable(int status) noexcept {
  constexpr std::array kStatuses = {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501};
  return std::find(kStatuses.begin(), kStatuses.end(), status) != kStatuses.end();
}

std::optional<Freshness> freshness_of(const Response& response, const ResponseDirectives& directives,
                                      const Received& when, double heuristic_fraction) noexcept {
  if (!may_be_fresh(response.fields)) return std::nullopt;
  Freshness freshness = no_freshness(response, directives, when);
  const auto stated = explicit_lifetime(response.fields, directives, freshness.date, when.wall);
  const auto lifetime =
      stated ? stated : heuristic_lifetime(response, directives, freshness.date, heuristic_fraction, when.wall);
  if (!lifetime) return std::nullopt;
  freshness.lifetime = *lifetime;
  freshness.is_explicit = stated.has_value();
  return freshness;
}

Freshness no_freshness(const Response& response, const ResponseDirectives& directives, const Received& when) noexcept {
  const auto date_field = response.fields.find("date");
  const auto stated_date = date_field ? parse_http_date(*date_field, when.wall) : std::nullopt;
  Freshness freshness;
  freshness.received = when.at;
  freshness.date = stated_date.value_or(when.wall);
  freshness.dated = stated_date.has_value();
  freshness.initial_age = initial_age(response.fields, when, freshness.date);
  freshness.stale_if_error = directives.stale_if_error;
  freshness.stale_while_revalidate = directives.stale_while_revalidate;
  freshness.stale_forbidden = directives.forbids_stale();
  freshness.must_validate = directives.no_cache;
  return freshness;
}

}  // namespace fusewire::cache
