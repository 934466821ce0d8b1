// SPDX-License-Identifier: Apache-2.0
// What the proxy itself answers (docs/reference.md has the table): names, statuses and the problem+json body
// (RFC 9457) with Proxy-Status (RFC 9209). No internal address, path or version appears in it.
#pragma once

#include <string>
#include <string_view>

#include "filters/call.hpp"
#include "filters/reply.hpp"

namespace fusewire::proxy {

// Fills a reply of Origin::problem: its status, and what a person reads.
Reply problem_reply(Problem, std::string detail);

// The answer for an exchange that failed: ConnectFailed, ResponseTimeout, …
Reply failure_reply(const Call&);
// The same where nothing more is known than the outcome.
Reply failure_reply(Outcome, std::string_view upstream, const TlsFault& = {});

struct OwnAnswer {
  std::string_view fields;  // complete lines: Content-Type, Proxy-Status, Retry-After, …
  std::string_view body;
};
// Written into `room`, which the answer views.
OwnAnswer render(const Reply&, Outcome, std::string_view upstream, std::string_view request_id, std::string& room);

}  // namespace fusewire::proxy
