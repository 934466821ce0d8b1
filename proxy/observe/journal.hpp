// SPDX-License-Identifier: Apache-2.0
// The requests that can be explained: the last 10,000 of the process, and apart from them, longer, the last 1,000 that
// did not end well.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "proxy/observe/packed_record.hpp"

namespace fusewire::proxy {

// Records one after the other, each behind its size. One thread writes; others read what is complete: a record never
// changes once end_ is behind it.
class JournalChunk {
 public:
  static constexpr std::size_t kBytes = std::size_t{64} * 1024;

  bool has_room() const { return kBytes - used_ >= kMaxRecord + sizeof(std::uint32_t); }
  std::byte* room() { return bytes_.data() + used_ + sizeof(std::uint32_t); }  // kMaxRecord bytes
  void commit(std::size_t size) {
    const auto prefix = static_cast<std::uint32_t>(size);
    std::memcpy(bytes_.data() + used_, &prefix, sizeof prefix);
    used_ += sizeof prefix + size;
    ++count_;
    end_.store(used_, std::memory_order_release);
  }
  std::size_t count() const { return count_; }  // the writer's, or of a chunk that is full
  // The oldest first.
  template <class Do>
  void for_each(Do what) const {
    const std::size_t end = end_.load(std::memory_order_acquire);
    for (std::size_t at = 0; at < end;) {
      std::uint32_t size = 0;
      std::memcpy(&size, bytes_.data() + at, sizeof size);
      what(std::span(bytes_.data() + at + sizeof size, size));
      at += sizeof size + size;
    }
  }
  void clear() {
    used_ = count_ = 0;
    end_.store(0, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::size_t> end_{0};
  std::size_t used_ = 0;
  std::size_t count_ = 0;
  std::array<std::byte, kBytes> bytes_;  // up to end_
};

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

  // All that are kept with that id, the newest first, `most` at most.
  std::vector<JournalEntry> find(std::string_view id, std::size_t most) const;
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

  // For one record of kMaxRecord bytes at most.
  std::byte* room() {
    if (!chunk_ || !chunk_->has_room()) chunk_ = journal_.next_chunk(std::move(chunk_));
    return chunk_->room();
  }
  void commit(std::size_t size) { chunk_->commit(size); }

 private:
  Journal& journal_;
  std::shared_ptr<JournalChunk> chunk_;
};

}  // namespace fusewire::proxy
