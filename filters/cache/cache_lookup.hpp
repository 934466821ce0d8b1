// SPDX-License-Identifier: Apache-2.0
// Answers from the store before the upstream is asked (`serve: normal`): what is fresh; what is stale where the origin
// lets it be while it is asked anew; and what still holds after the upstream was asked about it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "filters/cache/answer.hpp"
#include "filters/cache/cache_status.hpp"
#include "filters/cache/request_collapser.hpp"
#include "filters/cache/store.hpp"
#include "filters/chain_context.hpp"

namespace fusewire {

class CacheLookup {
 public:
  explicit CacheLookup(const ChainContext& context) noexcept : context_(&context) {}

  // The answer; or nullopt, and x says what the attempt has to do: wait, or ask with x.conditions.
  std::optional<Reply> on_request(Exchange&, Time now);
  // The exchange that fetches notifies the follower, at the latest in its on_done.
  bool follow(std::shared_ptr<cache::Follower>);

  // The upstream was asked about this stored response.
  bool is_validating() const noexcept { return !!entry_; }
  const cache::EntryPtr& validating() const noexcept { return entry_; }
  // It still holds: `fresh` is the same with its new fields. The client's own conditions are judged here.
  Reply on_validated(Exchange&, cache::EntryPtr fresh, Time now);
  // Another response is on its way to the client; `remembered`: and into the store.
  void on_relay(const Exchange&, Reply&, const cache::Freshness* remembered, Time now);
  // It turns out that the response on its way can't be stored.
  void on_given_up(const Exchange&);
  void on_done(const Exchange&, bool stored, Time now) noexcept;
  // Nobody waits for this exchange any longer.
  void let_go() noexcept { end(cache::Ended::alone); }

 private:
  std::optional<Reply> from_store(Exchange&, const cache::EntryPtr&, Hold before, Time now);
  std::optional<Reply> unless_cached_only(Exchange&) const;
  std::optional<Reply> ask_behind(Exchange&, cache::EntryPtr, Time now);
  void go_upstream(Exchange&, cache::EntryPtr, Hold before, Time now);
  bool may_share(const Exchange&, const cache::Entry*) const;
  void share(Exchange&, Time now);
  void ask_about(Exchange&, cache::EntryPtr);
  const std::string& fetch_key(const Exchange&);
  void end(cache::Ended how) noexcept;

  const ChainContext* context_;
  cache::RequestDirectives asked_;
  cache::Forward why_ = cache::Forward::uri_miss;
  cache::EntryPtr entry_;  // being validated
  std::string uri_;
  std::string fetch_;  // its key among the fetches
  std::optional<cache::RequestCollapser::Lead> lead_;
};

}  // namespace fusewire
