// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/packed_record.hpp"

#include <algorithm>
#include <cassert>

namespace fusewire::proxy {
namespace {

class Unpacker {
 public:
  explicit Unpacker(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class T>
  T take() {
    T facts;
    at_ = (at_ + Packer::kAlignment - 1) & ~(Packer::kAlignment - 1);
    const std::size_t begin = at_;
    skip(sizeof facts);
    std::memcpy(&facts, bytes_.data() + begin, sizeof facts);
    return facts;
  }
  std::string_view text(std::size_t length) {
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data() + at_), length);
    skip(length);
    return text;
  }
  void skip(std::size_t bytes) {
    assert(at_ + bytes <= bytes_.size());
    at_ += bytes;
  }
  std::size_t at() const { return at_; }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

// From the steady clock's to those since the request came.
template <class... Times>
void rebase(Time started, Times&... times) {
  ((times = times == kNever ? kNever : Time(times - started)), ...);
}

JournalEntry::Attempt take_attempt(Unpacker& from, Names names, Time started) {
  JournalEntry::Attempt attempt;
  AttemptFacts& facts = attempt.facts = from.take<AttemptFacts>();
  rebase(started, facts.begun, facts.connected, facts.sent, facts.head, facts.ended);
  const NamePair pair = names.at(facts.names);
  attempt.endpoint = pair.first;
  attempt.address = pair.second;
  attempt.detail = from.text(facts.detail_length);
  return attempt;
}

JournalEntry::Call take_call(Unpacker& from, Names names, const JournalEntry& of, Time started) {
  JournalEntry::Call call;
  CallFacts& facts = call.facts = from.take<CallFacts>();
  rebase(started, facts.permitted, facts.total, facts.ended);
  call.upstream = names.at(facts.names).first;
  call.breaker = facts.route_breaker ? call.upstream + "/" + of.route : call.upstream;
  for (unsigned i = 0; i < facts.notes; ++i) rebase(started, call.notes.emplace_back(from.take<Note>()).at);
  for (unsigned i = 0; i < facts.attempts; ++i) call.attempts.push_back(take_attempt(from, names, started));
  std::stable_sort(call.attempts.begin(), call.attempts.end(),
                   [](const auto& a, const auto& b) { return a.facts.begun < b.facts.begun; });
  return call;
}

// All places of a record that say where names are.
class References {
 public:
  explicit References(std::span<std::byte> record) : record_(record), from_(record) {}

  template <class Do>
  void for_each(Do what) {
    const auto facts = take<RequestFacts>(what);
    for (const std::uint8_t length : facts.lengths) from_.skip(length);
    if (facts.traced) from_.take<TraceFacts>();
    for (unsigned i = 0; i < facts.calls; ++i) {
      const auto call = take<CallFacts>(what);
      for (unsigned j = 0; j < call.notes; ++j) from_.take<Note>();
      for (unsigned j = 0; j < call.attempts; ++j) from_.skip(take<AttemptFacts>(what).detail_length);
    }
  }

 private:
  template <class Facts, class Do>
  Facts take(Do what) {
    auto facts = from_.take<Facts>();
    facts.names = what(facts.names);
    std::memcpy(record_.data() + (from_.at() - sizeof facts), &facts, sizeof facts);
    return facts;
  }

  std::span<std::byte> record_;
  Unpacker from_;
};

}  // namespace

JournalEntry unpack(std::span<const std::byte> record, Names names) {
  Unpacker from(record);
  JournalEntry entry;
  entry.facts = from.take<RequestFacts>();
  const Time started = entry.facts.started;
  rebase(started, entry.facts.started, entry.facts.ended);
  const NamePair pair = names.at(entry.facts.names);
  entry.listener = pair.first;
  entry.route = pair.second;
  for (std::size_t i = 0; i < RequestFacts::kTexts; ++i) entry.texts[i] = from.text(entry.facts.lengths[i]);
  if (entry.facts.traced) entry.trace = from.take<TraceFacts>();
  for (unsigned i = 0; i < entry.facts.calls; ++i) entry.calls.push_back(take_call(from, names, entry, started));
  return entry;
}

void copy_record(std::span<const std::byte> record, Names names, JournalChunk& to) {
  const std::span<std::byte> room(to.room(), record.size());
  std::copy(record.begin(), record.end(), room.begin());
  References(room).for_each([&](std::uint16_t at) { return at == 0 ? at : to.put(names.at(at)); });
  to.commit(record.size());
}

std::string alone(std::span<const std::byte> record, Names names) {
  std::string bytes(reinterpret_cast<const char*>(record.data()), record.size());
  std::string behind;
  const auto put = [&](std::uint16_t at) {
    if (at == 0) return at;
    const NamePair pair = names.at(at);
    const auto where = static_cast<std::uint16_t>(record.size() + behind.size());
    behind.resize(behind.size() + pair.bytes());
    pair.write(reinterpret_cast<std::byte*>(behind.data()) + (where - record.size()));
    return where;
  };
  References(std::as_writable_bytes(std::span(bytes))).for_each(put);
  return bytes += behind;
}

JournalEntry unpack_alone(std::string_view record) {
  const auto bytes = std::as_bytes(std::span(record));
  return unpack(bytes, Names(bytes.data()));
}

RequestFacts facts_of(std::span<const std::byte> record) { return Unpacker(record).take<RequestFacts>(); }

std::string_view id_of(std::span<const std::byte> record) {
  Unpacker from(record);
  const auto facts = from.take<RequestFacts>();
  for (std::size_t i = 0; i < RequestFacts::id; ++i) from.skip(facts.lengths[i]);
  return from.text(facts.lengths[RequestFacts::id]);
}

}  // namespace fusewire::proxy
