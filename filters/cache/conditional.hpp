// SPDX-License-Identifier: Apache-2.0
// Conditional requests answered from the cache (RFC 9110 §13, RFC 9111 §4.3.2).
#pragma once

#include <string>

#include "filters/cache/entry.hpp"

namespace fusewire::cache {

// If-Match and If-Unmodified-Since are the origin's to judge: such a request is not answered from here.
bool only_origin_can_judge(const Request&) noexcept;

// Whether the client's If-None-Match (or, without one, If-Modified-Since) says that it has what is stored. For GET and
// HEAD.
bool not_modified(const Request&, const Entry&, HttpTime now) noexcept;

// The conditions of a request that asks whether an entry still holds, as complete lines (RFC 9111 §4.3.1). Empty: it
// has no validator, or none that a server would look at (RFC 9110 §13.2.1).
std::string conditions_for(const Entry&);

// Weak comparison of the list in If-None-Match with an entity tag; "*" is any.
bool none_match_lists(std::string_view if_none_match, std::string_view etag) noexcept;

}  // namespace fusewire::cache
