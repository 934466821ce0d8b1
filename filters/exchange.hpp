// SPDX-License-Identifier: Apache-2.0
// What is known of one attempt: a request sent to one endpoint, and what came back.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "filters/client_waits.hpp"
#include "filters/endpoint_context.hpp"
#include "filters/fault/injected.hpp"
#include "filters/message.hpp"
#include "filters/outcome.hpp"
#include "filters/time.hpp"

namespace fusewire {

// Belongs to its attempt, and to one worker thread.
struct Exchange {
  EndpointContext endpoint;  // set when it has been chosen

  // Steady times, kNever while they have not come.
  Time begun = kNever;         // with the breaker's permit, where it is the first attempt
  Time connected = kNever;     // a new connection was there; kNever: one that was kept, or none
  Time request_sent = kNever;  // last byte of the request sent; equal to `begun` without a body
  Time response_head = kNever;
  Time response_end = kNever;

  // Limits, which the attempt's filters set and Forward enforces.
  milliseconds connect_within{0};
  milliseconds response_within{0};
  milliseconds idle_within{0};

  fault::Injected injected;  // into it; Forward does it

  std::uint64_t span = 0;  // of a trace; 0: the request is not traced

  // What came of it. Forward sets `outcome`, a filter that answers sets `local`. It is `pending` again where a kept
  // connection turned out closed, a response that was put aside is relayed after all, or a trial runs on.
  Outcome outcome = Outcome::pending;
  TlsFault tls_fault;                  // of Outcome::tls_error, and of a reset by TLS
  std::string_view malformed;          // of Outcome::protocol_error: what is wrong with the response; static storage
  int upstream_status = 0;             // 0 before the response's head
  const Response* response = nullptr;  // the upstream's head, valid until the exchange ends
  ClientWaits waits;                   // for the client, while the outcome is pending
  bool answered_stall = false;         // when the response's head came, the client withheld an upload
  bool client_withheld = false;        // when the upstream ended it, the client withheld something
  bool was_moving = false;             // when it ended, something of it had moved within the last second
  bool nothing_sent = true;            // no byte went to the endpoint
  bool kept_connection = false;        // it was there already
  bool stale_connection = false;       // a kept one that the upstream had closed when the request came

  // How long the upstream took for its answer's head, from the last byte of the request on. Nothing where that says
  // little of how long answers take: errors come sooner.
  std::optional<Time::duration> time_to_answer() const noexcept {
    if (response_head == kNever || request_sent == kNever || upstream_status >= 500) return std::nullopt;
    return response_head - request_sent - waits.since_sent();
  }
};

}  // namespace fusewire
