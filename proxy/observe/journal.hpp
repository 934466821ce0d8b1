// SPDX-License-Identifier: Apache-2.0
// The requests that can be explained: the last 10,000 of the process, and apart from them, longer, the last 1,000 that
// did not end well.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "proxy/observe/journal_chunk.hpp"
#include "proxy/observe/known_names.hpp"

namespace fusewire::proxy {

struct JournalEntry;
struct RequestFacts;

// Thread-safe: a mutex, which a worker takes once a chunk of some 200 requests; readers hold it for as long as it takes
// to copy a list of pointers. Chunks are made when they are needed: a process without requests has none.
class Journal {
 public:
  static constexpr std::size_t kRequests = 10'000;
  static constexpr std::size_t kBad = 1'000;
  // 8 MiB and 1 MiB at most, and a chunk for each worker: where requests have long names, fewer are kept.
  static constexpr std::size_t kMaxChunks = 128;
  static constexpr std::size_t kMaxBadChunks = 16;

  // Whether a request is among those that are kept longer: it got no answer, one of our own or a 5xx, or a flag says
  // that something went wrong.
  static bool is_bad(const RequestFacts&);

  // Both by default the constants above; tests keep fewer.
  explicit Journal(std::size_t requests = kRequests, std::size_t bad = kBad) : most_(requests), most_bad_(bad) {}

  struct Found;  // journal_find.hpp
  // Those that are kept with that id, `most` at most: first the one that this process gave it to, whatever clients have
  // sent with the same id; of the others the newest first.
  Found find(std::string_view id, std::size_t most) const;
  struct Kept {
    std::size_t requests = 0;
    std::size_t bad = 0;         // apart from these
    std::int64_t oldest_ns = 0;  // of the requests, by the wall clock; 0: there is none
    std::int64_t oldest_bad_ns = 0;
  };
  Kept kept() const;

 private:
  friend class JournalWriter;
  using ChunkPtr = std::shared_ptr<JournalChunk>;

  // Its chunk is full (nullptr: it has none yet).
  ChunkPtr next_chunk(ChunkPtr full);
  void leave(const ChunkPtr&);
  void forget_oldest();
  void keep_bad(const JournalChunk&);
  class Reading;

  const std::size_t most_;
  const std::size_t most_bad_;
  mutable std::mutex mutex_;
  std::deque<ChunkPtr> full_;      // the oldest first
  std::vector<ChunkPtr> written_;  // those that workers write into
  std::deque<ChunkPtr> bad_;       // the oldest first; the last one is written into, under the mutex
  ChunkPtr spare_;                 // that nobody reads
  std::size_t count_ = 0;          // of records in full_
  std::size_t bad_count_ = 0;
};

// One worker's, on its thread.
class JournalWriter {
 public:
  explicit JournalWriter(Journal& journal) : journal_(journal) {}
  ~JournalWriter() {
    if (chunk_) journal_.leave(chunk_);
  }
  JournalWriter(const JournalWriter&) = delete;
  JournalWriter& operator=(const JournalWriter&) = delete;

  // Room for one record, of kMaxRecord bytes at most. Here alone another chunk begins: what is said below of a record
  // is said of the one begun last, however many names it has put.
  std::byte* begin_record() {
    if (!chunk_ || !chunk_->has_room()) begin_chunk();
    return chunk_->room();
  }
  // The names in that chunk which others have, by `pair`, a function; as KnownNames has it.
  template <class Pair>
  std::uint16_t names(Pair pair, const void* owner, const void* part = nullptr,
                      const std::shared_ptr<const void>& alive = nullptr) {
    if (const std::uint16_t at = known_.find(owner, part)) return at;
    return put(pair(), owner, part, alive);
  }
  void forget_names() { known_.clear(); }
  // Its first bytes, before it is committed.
  std::span<const std::byte> record(std::size_t size) const { return {chunk_->room(), size}; }
  Names names() const { return chunk_->names(); }  // that it refers to
  void commit(std::size_t size) { chunk_->commit(size); }

 private:
  void begin_chunk();
  std::uint16_t put(const NamePair&, const void* owner, const void* part, const std::shared_ptr<const void>& alive);

  Journal& journal_;
  std::shared_ptr<JournalChunk> chunk_;
  KnownNames known_;
};

}  // namespace fusewire::proxy
