// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/packed_record.hpp"

namespace fusewire::proxy {
namespace {

class Unpacker {
 public:
  explicit Unpacker(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class T>
  T take() {
    T facts;
    std::memcpy(&facts, bytes_.data(), sizeof facts);
    bytes_ = bytes_.subspan(sizeof facts);
    return facts;
  }
  std::string_view text(std::size_t length) {
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()), length);
    bytes_ = bytes_.subspan(length);
    return text;
  }

 private:
  std::span<const std::byte> bytes_;
};

JournalEntry::Attempt take_attempt(Unpacker& from) {
  JournalEntry::Attempt attempt;
  attempt.facts = from.take<AttemptFacts>();
  for (std::size_t i = 0; i < AttemptFacts::kTexts; ++i) attempt.texts[i] = from.text(attempt.facts.lengths[i]);
  return attempt;
}

JournalEntry::Call take_call(Unpacker& from) {
  JournalEntry::Call call;
  call.facts = from.take<CallFacts>();
  call.upstream = from.text(call.facts.name_length);
  for (unsigned i = 0; i < call.facts.notes; ++i) call.notes.push_back(from.take<Note>());
  for (unsigned i = 0; i < call.facts.attempts; ++i) call.attempts.push_back(take_attempt(from));
  return call;
}

}  // namespace

JournalEntry unpack(std::span<const std::byte> record) {
  Unpacker from(record);
  JournalEntry entry;
  entry.facts = from.take<RequestFacts>();
  for (std::size_t i = 0; i < RequestFacts::kTexts; ++i) entry.texts[i] = from.text(entry.facts.lengths[i]);
  if (entry.facts.traced) entry.trace = from.take<TraceFacts>();
  for (unsigned i = 0; i < entry.facts.calls; ++i) entry.calls.push_back(take_call(from));
  return entry;
}

RequestFacts facts_of(std::span<const std::byte> record) { return Unpacker(record).take<RequestFacts>(); }

std::string_view id_of(std::span<const std::byte> record) {
  Unpacker from(record);
  const auto facts = from.take<RequestFacts>();
  for (std::size_t i = 0; i < RequestFacts::id; ++i) from.text(facts.lengths[i]);
  return from.text(facts.lengths[RequestFacts::id]);
}

}  // namespace fusewire::proxy
