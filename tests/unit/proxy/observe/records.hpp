// SPDX-License-Identifier: Apache-2.0
// Finished requests, packed by hand.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "proxy/observe/journal.hpp"
#include "proxy/observe/journal_find.hpp"
#include "proxy/observe/packed_record.hpp"

namespace fusewire::testing {

using namespace fusewire::proxy;

inline constexpr std::int64_t kWallNs = 1'769'847'330'042'000'000;

// Since the request came.
inline Time at_us(std::uint32_t us) { return Time(std::chrono::microseconds(us)); }

struct RecordedAttempt {
  AttemptFacts facts;
  std::string_view endpoint = "http://orders";
  std::string_view address = "10.0.0.1:80";
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
  std::string_view listener = "main";
  std::string_view route = "all";
  TraceFacts trace = {};
  std::vector<RecordedCall> calls = {};
};

inline Recorded recorded(std::string_view id, int status = 200, std::int64_t wall_ns = kWallNs) {
  Recorded request;
  request.facts.wall_ns = wall_ns;
  request.facts.status = static_cast<std::uint16_t>(status);
  request.facts.ended = at_us(31'000);
  request.texts[RequestFacts::peer] = "127.0.0.1";
  request.texts[RequestFacts::host] = "shop.test:8080";
  request.texts[RequestFacts::method] = "GET";
  request.texts[RequestFacts::path] = "/a";
  request.texts[RequestFacts::id] = id;
  return request;
}

// With names as `names` puts them, a function.
template <class Put>
std::size_t pack(Recorded request, std::byte* room, Put names) {
  Packer out(room, kMaxRecord);
  const auto put = [&out](const auto& facts) { out.put([&facts] { return facts; }); };
  request.facts.calls = static_cast<std::uint8_t>(request.calls.size());
  request.facts.names = names(NamePair{request.listener, request.route});
  RequestFacts& facts = out.put([&request] { return request.facts; });
  std::apply([&](const auto&... text) { out.put(facts.lengths.data(), text...); }, request.texts);
  if (request.facts.traced) put(request.trace);
  for (RecordedCall& call : request.calls) {
    call.facts.names = names(NamePair{call.upstream, {}});
    call.facts.notes = static_cast<std::uint8_t>(call.notes.size());
    call.facts.attempts = static_cast<std::uint8_t>(call.attempts.size());
    if (!call.attempts.empty()) call.attempts.back().facts.current = true;
    put(call.facts);
    for (const Note& note : call.notes) put(note);
    for (RecordedAttempt& attempt : call.attempts) {
      attempt.facts.names = names(NamePair{attempt.endpoint, attempt.address});
      put(attempt.facts);
    }
  }
  return out.size();
}

// The names of each text are put once a chunk.
inline std::size_t put(JournalWriter& writer, const Recorded& request) {
  return pack(request, writer.begin_record(), [&writer](const NamePair& pair) {
    return writer.names([&pair] { return pair; }, pair.first.data(), pair.second.data());
  });
}
inline void write(JournalWriter& writer, const Recorded& request) { writer.commit(put(writer, request)); }

// As the journal gives it back.
inline JournalEntry read_back(const Recorded& request) {
  const auto chunk = std::make_unique<JournalChunk>();
  const std::size_t size = pack(request, chunk->room(), [&chunk](const NamePair& pair) { return chunk->put(pair); });
  return unpack(std::span(chunk->room(), size), chunk->names());
}

// As the exporter gets it.
inline std::string packed_alone(const Recorded& request) {
  const auto chunk = std::make_unique<JournalChunk>();
  const std::size_t size = pack(request, chunk->room(), [&chunk](const NamePair& pair) { return chunk->put(pair); });
  return alone(std::span(chunk->room(), size), chunk->names());
}

}  // namespace fusewire::testing
