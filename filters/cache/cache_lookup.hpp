// SPDX-License-Identifier: Apache-2.0
// Answers from the store before the upstream is asked (`serve: normal`): what is fresh; what is stale where the origin
// lets it be while it is asked anew; and what still holds after the upstream was asked about it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "filters/cache/answer.hpp"
#include "filters/cache/cache_status.hpp"
#include "filters/cache/request_collapser.hpp"
#include "filters/cache/store.hpp"
#include "filters/call.hpp"
#include "filters/chain_context.hpp"
#include "filters/step.hpp"

namespace fusewire {

class CacheLookup final : public Awaited {
 public:
  explicit CacheLookup(const ChainContext& context) noexcept : context_(&context) {}

  // The answer; or a Wait for somebody else's fetch of the same thing; or Proceed, with call.conditions.
  Step on_request(Call&, Reply&, Time now);
  // The end of that fetch.
  bool await(std::shared_ptr<Waker>) override;

  // The upstream was asked about this stored response.
  bool is_validating() const noexcept { return !!entry_; }
  const cache::EntryPtr& validating() const noexcept { return entry_; }
  // The upstream's word on it made no sense: it is asked once more, and not about a stored response.
  void ask_unconditionally(Call&) noexcept;
  // It still holds: `fresh` is the same with its new fields. The client's own conditions are judged here.
  Reply on_validated(Call&, cache::EntryPtr fresh, Time now);
  // Another response is on its way to the client; `remembered`: and into the store.
  void on_relay(const Call&, Reply&, const cache::Freshness* remembered, Time now);
  // It turns out that the response on its way can't be stored.
  void on_given_up(const Call&);
  void on_done(const Call&, bool stored, Time now) noexcept;
  // Its client takes its response more slowly than the upstream sends it: nobody is to wait for that.
  void let_go() noexcept { end(cache::Ended::vacant); }

 private:
  // How the request is looked up: for the first time, after a wait, or after one that was the last.
  enum class Look : std::uint8_t { first, again, last };

  // A request that waits hears of the end by its waker, and finds here what the end was.
  class Following final : public cache::Follower {
   public:
    explicit Following(std::shared_ptr<Waker> waker) : waker_(std::move(waker)) {}
    void fetch_ended(cache::Ended) noexcept override;
    std::optional<cache::Ended> ended() const noexcept;

   private:
    static constexpr int kNotYet = -1;
    std::shared_ptr<Waker> waker_;
    std::atomic<int> ended_{kNotYet};  // written by the leader's thread, before it wakes
  };

  Look look(const Call&, Time now) noexcept;
  static Time waits_until(const Call&);
  std::optional<Answer> from_store(Call&, Reply&, const cache::EntryPtr&, Look, Time now);
  bool wants_cached_only(Call&, Reply&, Time now) const;
  Step ask_behind(Call&, Reply&, cache::EntryPtr, Time now);
  Step go_upstream(Call&, cache::EntryPtr, Look, Time now);
  bool may_share(const Call&, const cache::Entry*) const;
  bool goes_alone(const Call&, Time now);
  void ask_about(Call&, cache::EntryPtr);
  const std::string& fetch_key(const Call&);
  void stop_following() noexcept;
  void end(cache::Ended how) noexcept;  // as Lead::end

  const ChainContext* context_;
  cache::RequestDirectives asked_;
  cache::Forward why_ = cache::Forward::uri_miss;
  cache::EntryPtr entry_;  // being validated
  std::string uri_;
  std::string fetch_;  // its key among the fetches
  std::optional<cache::RequestCollapser::Lead> lead_;
  std::shared_ptr<Following> following_;  // the last fetch that was waited for, unless it had ended already
  std::optional<cache::RequestCollapser::Place> place_;  // of following_
  bool has_waited_ = false;
  int fetches_ = 0;           // whose end it has seen
  bool end_counted_ = false;  // of its fetch
  bool shareable_ = false;    // the response that is being stored
};

}  // namespace fusewire
