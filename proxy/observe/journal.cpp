// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/journal.hpp"

#include <algorithm>

namespace fusewire::proxy {

// Chunks are given back under the mutex: one that nobody else holds then is good for other records.
class Journal::Reading {
 public:
  explicit Reading(const Journal& journal) : journal_(journal) {
    const std::lock_guard lock(journal_.mutex_);
    chunks.assign(journal_.bad_.begin(), journal_.bad_.end());
    bad = chunks.size();
    chunks.insert(chunks.end(), journal_.full_.begin(), journal_.full_.end());
    chunks.insert(chunks.end(), journal_.written_.begin(), journal_.written_.end());
  }
  ~Reading() {
    const std::lock_guard lock(journal_.mutex_);
    chunks.clear();
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  std::vector<ChunkPtr> chunks;
  std::size_t bad = 0;  // so many of them hold what is kept longer

 private:
  const Journal& journal_;
};

bool Journal::is_bad(const RequestFacts& facts) {
  const auto harmless = bits(Flag::cache_hit);
  return facts.status == 0 || facts.status >= 500 || facts.error != Problem::none ||
         (facts.flags & static_cast<Flags>(~harmless)) != 0;
}

// ------------------------------------------------------------------------------------------------------ being written

Journal::ChunkPtr Journal::next_chunk(ChunkPtr full) {
  const std::lock_guard lock(mutex_);
  if (full) {
    std::erase(written_, full);
    count_ += full->count();
    full_.push_back(std::move(full));
  }
  while (!full_.empty() && (count_ - full_.front()->count() >= most_ || full_.size() >= kMaxChunks)) forget_oldest();
  ChunkPtr next = std::move(spare_);
  spare_.reset();
  if (!next) next.reset(new JournalChunk);  // its bytes are not set: memory that is not written is not used
  written_.push_back(next);
  return next;
}

void Journal::leave(const ChunkPtr& chunk) {
  const std::lock_guard lock(mutex_);
  std::erase(written_, chunk);
  count_ += chunk->count();
  full_.push_back(chunk);
}

void Journal::forget_oldest() {
  ChunkPtr oldest = std::move(full_.front());
  full_.pop_front();
  count_ -= oldest->count();
  keep_bad(*oldest);
  if (oldest.use_count() > 1) return;  // it is being read
  oldest->clear();
  spare_ = std::move(oldest);
}

void Journal::keep_bad(const JournalChunk& chunk) {
  chunk.for_each([this](std::span<const std::byte> record) {
    if (!is_bad(facts_of(record))) return;
    if (bad_.empty() || !bad_.back()->has_room()) bad_.emplace_back(new JournalChunk);
    std::memcpy(bad_.back()->room(), record.data(), record.size());
    bad_.back()->commit(record.size());
    ++bad_count_;
  });
  while (bad_.size() > 1 && (bad_count_ - bad_.front()->count() >= most_bad_ || bad_.size() > kMaxBadChunks)) {
    bad_count_ -= bad_.front()->count();
    bad_.pop_front();
  }
}

// ------------------------------------------------------------------------------------------------------ being read

std::vector<JournalEntry> Journal::find(std::string_view id, std::size_t most) const {
  std::vector<JournalEntry> found;
  const Reading reading(*this);
  for (const ChunkPtr& chunk : reading.chunks)
    chunk->for_each([&](std::span<const std::byte> record) {
      if (id_of(record) == id) found.push_back(unpack(record));
    });
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.facts.wall_ns > b.facts.wall_ns; });
  if (found.size() > most) found.resize(most);
  return found;
}

Journal::Kept Journal::kept() const {
  Kept kept;
  const Reading reading(*this);
  for (std::size_t i = 0; i < reading.chunks.size(); ++i) {
    const bool bad = i < reading.bad;
    reading.chunks[i]->for_each([&](std::span<const std::byte> record) {
      ++(bad ? kept.bad : kept.requests);
      std::int64_t& oldest = bad ? kept.oldest_bad_ns : kept.oldest_ns;
      const std::int64_t at = facts_of(record).wall_ns;
      if (oldest == 0 || at < oldest) oldest = at;
    });
  }
  return kept;
}

}  // namespace fusewire::proxy
