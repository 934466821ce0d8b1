// SPDX-License-Identifier: Apache-2.0
// From a request to the reply that the cache can give in the upstream's place.
#pragma once

#include <optional>

#include "filters/cache/entry.hpp"
#include "filters/call.hpp"
#include "filters/chain_context.hpp"
#include "filters/reply.hpp"

namespace fusewire::cache {

// How far past its lifetime a response may be used.
struct StaleRule {
  bool on_error = false;          // the upstream failed: stale-if-error and max_stale hold
  milliseconds max_stale{0};      // for a response that names no stale-if-error
  bool while_validating = false;  // it is being asked: stale-while-revalidate holds
};

// Whether the request's directives and the response's own allow an answer now.
bool may_answer(const RequestDirectives&, const Freshness&, StaleRule, Time now) noexcept;

// Whether a stored response may answer it at all: GET and HEAD without a body, but for If-Match and the like.
bool is_answerable(const Request&) noexcept;

// The part of the store that the call's request may see.
Scope scope_of(const ChainContext&, const Call&) noexcept;

// The stored response for the call's request, if there is one and it may be used. Counts hit and stale; a miss too,
// unless the request was looked up before (serve: normal).
EntryPtr select(const ChainContext&, const Call&, StaleRule, Time now);

// 200 (or what is stored), 304, 206 or 416, with Age and this Cache-Status. Copies no body.
Reply answer(const Call&, EntryPtr, std::string_view cache_status, Time now);

// NotCached, 504: only-if-cached, and nothing to answer with (RFC 9111 §5.2.1.7).
Reply not_cached();

}  // namespace fusewire::cache
