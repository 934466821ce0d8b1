// SPDX-License-Identifier: Apache-2.0
// A finished request as the journal keeps it: numbers, codes and short texts, in the order in which they are packed
// (packed_record.hpp). Times are those of the steady clock as they are packed, and since the request came, whose own
// time is 0 then, when they are read back.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "filters/call.hpp"
#include "filters/notes.hpp"
#include "filters/outcome.hpp"

namespace fusewire::proxy {

// Of numbers alone, each copied as it is. Members stand by size, so that nothing is between them.
struct TraceFacts {
  std::array<char, 32> trace_id{};  // lower-case hexadecimal digits
  std::uint64_t span = 0;           // of the request; 0: it was not traced
  std::uint64_t parent = 0;         // the client's; 0: the trace begins here
  bool sampled = false;
};

struct RequestFacts {
  static constexpr std::size_t kTexts = 6;
  enum Text : std::uint8_t { peer, host, method, path, id, detail };

  std::int64_t wall_ns = 0;  // when it came
  Time started{};
  Time ended{};
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  Flags flags = 0;
  std::uint16_t status = 0;  // 0: no answer was begun
  std::uint8_t minor_version = 1;
  Problem error = Problem::none;
  std::uint8_t calls = 0;
  bool traced = false;      // TraceFacts follow the texts
  bool incomplete = false;  // not all of it had room
  bool own_id = false;      // this process made the id
  bool tls = false;         // its scheme
  std::array<std::uint8_t, kTexts> lengths{};
  std::uint16_t names = 0;  // in its chunk: listener and route
};

struct CallFacts {
  enum Of : std::uint8_t { own, fallback };

  Time permitted = kNever;
  Time total = kNever;  // deadline
  Time ended = kNever;
  Flags flags = 0;
  std::uint8_t retries_made = 0;
  std::uint8_t retries_max = 0;
  Of of = own;
  Verdict verdict = Verdict::none;
  breaker::State breaker = breaker::State::closed;  // at the request's end
  Outcome outcome = Outcome::pending;
  bool endpoint_breakers = false;
  bool answered = false;  // the answer is this call's
  bool runs_on = false;
  bool route_breaker = false;  // scope: route
  std::uint8_t notes = 0;
  std::uint8_t attempts = 0;
  std::uint16_t names = 0;  // its upstream
};

struct AttemptFacts {
  std::uint64_t span = 0;
  Time begun = kNever;
  Time connected = kNever;
  Time sent = kNever;
  Time head = kNever;
  Time ended = kNever;
  std::uint32_t connect_ms = 0;  // limits; 0: none was set
  std::uint32_t response_ms = 0;
  std::uint32_t idle_ms = 0;
  std::uint32_t injected_delay_ms = 0;  // of a fault; 0: none
  std::uint16_t status = 0;             // 0: no head came
  std::uint16_t injected_abort = 0;     // fault::Injected::abort
  Outcome outcome = Outcome::pending;
  std::uint8_t tries = 0;  // on so many connections
  bool kept_connection = false;
  bool nothing_sent = false;
  bool client_withheld = false;
  bool has_breaker = false;
  bool hedge = false;    // it ran beside another one
  bool current = false;  // its exchange was the call's
  std::uint8_t detail_length = 0;
  std::uint16_t names = 0;  // the endpoint's URL, and the address that it was connected to
};

// Of a time that was read back; kNoValue: that did not come.
constexpr std::uint32_t microseconds_of(Time at) {
  if (at == kNever) return kNoValue;
  return saturated(std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count());
}

// The same, read back.
struct JournalEntry {
  struct Attempt {
    AttemptFacts facts;
    std::string endpoint;  // its URL
    std::string address;   // empty: none was known
    std::string detail;    // what was wrong
  };
  struct Call {
    CallFacts facts;
    std::string upstream;
    std::string breaker;  // UPSTREAM, or UPSTREAM/ROUTE
    std::vector<Note> notes;
    std::vector<Attempt> attempts;  // in the order in which they began
  };

  const std::string& text(RequestFacts::Text which) const { return texts[which]; }

  RequestFacts facts;
  std::string listener;
  std::string route;
  std::array<std::string, RequestFacts::kTexts> texts;
  TraceFacts trace;
  std::vector<Call> calls;  // the route's upstream first, then those of its fallback
};

}  // namespace fusewire::proxy
