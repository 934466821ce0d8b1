// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/journal.hpp"

#include <algorithm>

#include "proxy/observe/journal_find.hpp"
#include "proxy/observe/packed_record.hpp"

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
  chunk.for_each([&](std::span<const std::byte> record) {
    if (!is_bad(facts_of(record))) return;
    if (bad_.empty() || !bad_.back()->has_room()) bad_.emplace_back(new JournalChunk);
    copy_record(record, chunk.names(), *bad_.back());
    ++bad_count_;
  });
  while (bad_.size() > 1 && (bad_count_ - bad_.front()->count() >= most_bad_ || bad_.size() > kMaxBadChunks)) {
    bad_count_ -= bad_.front()->count();
    bad_.pop_front();
  }
}

void JournalWriter::begin_chunk() {
  chunk_ = journal_.next_chunk(std::move(chunk_));
  known_.clear();
}

std::uint16_t JournalWriter::put(const NamePair& pair, const void* owner, const void* part,
                                 const std::shared_ptr<const void>& alive) {
  const std::uint16_t at = chunk_->put(pair);
  if (at != 0) known_.keep(at, owner, part, alive);
  return at;
}

// ------------------------------------------------------------------------------------------------------ being read

Journal::Found Journal::find(std::string_view id, std::size_t most) const {
  struct Match {
    const JournalChunk* chunk;
    std::span<const std::byte> record;
    bool own;
    std::int64_t wall_ns;
  };
  std::vector<Match> matches;
  const Reading reading(*this);
  for (const ChunkPtr& chunk : reading.chunks)
    chunk->for_each([&](std::span<const std::byte> record) {
      if (id_of(record) != id) return;
      const RequestFacts facts = facts_of(record);
      matches.push_back({chunk.get(), record, facts.own_id, facts.wall_ns});
    });
  std::stable_sort(matches.begin(), matches.end(),
                   [](const Match& a, const Match& b) { return a.own != b.own ? a.own : a.wall_ns > b.wall_ns; });
  Found found{.entries = {}, .total = matches.size()};
  if (matches.size() > most) matches.resize(most);
  for (const Match& match : matches) found.entries.push_back(unpack(match.record, match.chunk->names()));
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
