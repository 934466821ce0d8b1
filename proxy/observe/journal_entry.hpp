// SPDX-License-Identifier: Apache-2.0
// A finished request as the journal keeps it: numbers, codes and short texts, in the order in which they are packed
// (packed_record.hpp). Times are microseconds since the request came.
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
  static constexpr std::size_t kTexts = 9;
  enum Text : std::uint8_t { listener, route, peer, host, scheme, method, path, id, detail };

  std::int64_t wall_ns = 0;  // when it came
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint32_t duration_us = 0;
  std::uint16_t status = 0;  // 0: no answer was begun
  std::uint16_t flags = 0;
  std::uint8_t minor_version = 1;
  Problem error = Problem::none;
  std::uint8_t calls = 0;
  bool traced = false;      // TraceFacts follow the texts
  bool incomplete = false;  // not all of it had room
  std::array<std::uint8_t, kTexts> lengths{};
};

struct CallFacts {
  enum Of : std::uint8_t { own, fallback };

  std::uint32_t permitted_us = kNoValue;
  std::uint32_t total_us = kNoValue;  // deadline
  std::uint32_t ended_us = kNoValue;
  std::uint16_t flags = 0;
  std::uint8_t retries_made = 0;
  std::uint8_t retries_max = 0;
  Of of = own;
  Verdict verdict = Verdict::none;
  breaker::State breaker = breaker::State::closed;  // at the request's end
  Outcome outcome = Outcome::pending;
  bool endpoint_breakers = false;
  bool answered = false;  // the answer is this call's
  bool runs_on = false;
  std::uint8_t notes = 0;
  std::uint8_t attempts = 0;
  std::uint8_t name_length = 0;
};

struct AttemptFacts {
  static constexpr std::size_t kTexts = 3;
  enum Text : std::uint8_t { endpoint, address, detail };  // its URL; where it was connected to; what was wrong

  std::uint64_t span = 0;
  std::uint32_t begun_us = kNoValue;
  std::uint32_t connected_us = kNoValue;
  std::uint32_t sent_us = kNoValue;
  std::uint32_t head_us = kNoValue;
  std::uint32_t ended_us = kNoValue;
  std::uint32_t connect_ms = 0;  // limits; 0: none was set
  std::uint32_t response_ms = 0;
  std::uint32_t idle_ms = 0;
  std::uint16_t status = 0;  // 0: no head came
  Outcome outcome = Outcome::pending;
  std::uint8_t tries = 0;  // on so many connections
  bool kept_connection = false;
  bool nothing_sent = false;
  bool client_withheld = false;
  bool has_breaker = false;
  std::array<std::uint8_t, kTexts> lengths{};
};

// The same, read back.
struct JournalEntry {
  struct Attempt {
    AttemptFacts facts;
    std::array<std::string, AttemptFacts::kTexts> texts;
  };
  struct Call {
    CallFacts facts;
    std::string upstream;
    std::vector<Note> notes;
    std::vector<Attempt> attempts;
  };

  const std::string& text(RequestFacts::Text which) const { return texts[which]; }

  RequestFacts facts;
  std::array<std::string, RequestFacts::kTexts> texts;
  TraceFacts trace;
  std::vector<Call> calls;  // the route's upstream first, then those of its fallback
};

}  // namespace fusewire::proxy
