// SPDX-License-Identifier: Apache-2.0
// Finished requests, packed by hand.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/observe/journal.hpp"

namespace fusewire::proxy::testing {

inline constexpr std::int64_t kWallNs = 1'769'847'330'042'000'000;

struct RecordedAttempt {
  AttemptFacts facts;
  std::array<std::string_view, AttemptFacts::kTexts> texts;
};
struct RecordedCall {
  CallFacts facts = {};
  std::string_view upstream = "orders";
  std::vector<Note> notes = {};
  std::vector<RecordedAttempt> attempts = {};
};
struct Recorded {
  RequestFacts facts;
  std::array<std::string_view, RequestFacts::kTexts> texts;
  TraceFacts trace = {};
  std::vector<RecordedCall> calls = {};
};

inline Recorded recorded(std::string_view id, int status = 200, std::int64_t wall_ns = kWallNs) {
  Recorded request;
  request.facts.wall_ns = wall_ns;
  request.facts.status = static_cast<std::uint16_t>(status);
  request.facts.duration_us = 31'000;
  request.texts[RequestFacts::listener] = "main";
  request.texts[RequestFacts::route] = "all";
  request.texts[RequestFacts::peer] = "127.0.0.1";
  request.texts[RequestFacts::host] = "shop.test:8080";
  request.texts[RequestFacts::scheme] = "http";
  request.texts[RequestFacts::method] = "GET";
  request.texts[RequestFacts::path] = "/a";
  request.texts[RequestFacts::id] = id;
  return request;
}

inline std::size_t pack(Recorded request, std::byte* room) {
  Packer out(room, kMaxRecord);
  for (std::size_t i = 0; i < request.texts.size(); ++i)
    request.facts.lengths[i] = static_cast<std::uint8_t>(request.texts[i].size());
  request.facts.calls = static_cast<std::uint8_t>(request.calls.size());
  out.put(request.facts);
  for (const std::string_view text : request.texts) out.put(text);
  if (request.facts.traced) out.put(request.trace);
  for (RecordedCall& call : request.calls) {
    call.facts.name_length = static_cast<std::uint8_t>(call.upstream.size());
    call.facts.notes = static_cast<std::uint8_t>(call.notes.size());
    call.facts.attempts = static_cast<std::uint8_t>(call.attempts.size());
    out.put(call.facts);
    out.put(call.upstream);
    for (const Note& note : call.notes) out.put(note);
    for (RecordedAttempt& attempt : call.attempts) {
      for (std::size_t i = 0; i < attempt.texts.size(); ++i)
        attempt.facts.lengths[i] = static_cast<std::uint8_t>(attempt.texts[i].size());
      out.put(attempt.facts);
      for (const std::string_view text : attempt.texts) out.put(text);
    }
  }
  return out.size();
}

inline void write(JournalWriter& writer, const Recorded& request) { writer.commit(pack(request, writer.room())); }

// As the journal gives it back.
inline JournalEntry read_back(const Recorded& request) {
  std::array<std::byte, kMaxRecord> room;
  return unpack(std::span(room.data(), pack(request, room.data())));
}

}  // namespace fusewire::proxy::testing
