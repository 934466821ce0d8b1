// SPDX-License-Identifier: Apache-2.0
// Stores the upstream's responses. It sees them as they came, before a fallback replaces any. It works where the cache
// serves normally, or the fallback chain has a cache step.
#pragma once

#include <string>

#include "filters/cache/storable.hpp"
#include "filters/cache/store.hpp"
#include "filters/call_filter.hpp"
#include "filters/chain_context.hpp"

namespace fusewire {

class CacheWriter {
 public:
  explicit CacheWriter(const ChainContext& context) noexcept : context_(&context), room_(*context.store) {}

  // `serve: on_error` answers `only-if-cached` by itself: from the store, or 504.
  std::optional<Reply> on_request(Call&, Time now);
  // Decides whether this response is collected; 304, HEAD and unsafe methods do their work here.
  void on_reply(Call&, Reply&, Time now);
  void on_body(Call&, std::string_view piece);
  // Commits a response that came whole.
  void on_done(Call&, Time now) noexcept;

  // The response at hand is being remembered with this freshness; nullptr: it is not.
  const cache::Freshness* remembering() const noexcept { return plan_ == Plan::nothing ? nullptr : &freshness_; }
  // Whether something of this call is stored now.
  bool has_stored() const noexcept { return has_stored_; }
  // Returns this stored response with the fields and times of the one at hand, a 304 or an answer to HEAD, and stores
  // it where that is allowed.
  cache::EntryPtr update(const Call&, const cache::Entry&, Time head);

 private:
  enum class Plan : std::uint8_t { nothing, collect, keep_bytes };

  void begin(Call&);
  cache::Storability judge(const Call&, const Request&, const Response&) const;
  void collect(const Call&);
  cache::EntryPtr find(const Call&) const;
  void forget_superseded(const Call&, cache::Refusal);
  void give_up() noexcept;
  void freshen(const Call&);
  bool displaces_a_good_one(const Call&) const;
  void commit(Call&);
  bool store(const Call&, cache::EntryPtr, cache::Event);

  const ChainContext* context_;
  std::uint64_t serial_ = 0;  // of the store's invalidations when the upstream was asked
  Plan plan_ = Plan::nothing;
  bool has_stored_ = false;
  Time head_{};  // when the response's head came
  cache::Freshness freshness_;
  std::string uri_;
  std::string bytes_;        // collect
  std::size_t largest_ = 0;  // that bytes_ may become
  cache::EntryPtr stored_;   // keep_bytes: whose body is the same
  cache::Store::Reservation room_;
};

}  // namespace fusewire
