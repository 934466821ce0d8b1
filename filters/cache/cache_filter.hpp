// SPDX-License-Identifier: Apache-2.0
// The cache's place in the chain: first, so that it remembers what truly came, and answers before the breaker is asked.
#pragma once

#include <memory>
#include <optional>

#include "filters/cache/cache_lookup.hpp"
#include "filters/cache/cache_writer.hpp"

namespace fusewire {

class CacheFilter : public PassThrough {
 public:
  explicit CacheFilter(const ChainContext& context) noexcept : context_(&context), writer_(context) {}

  std::optional<Reply> on_request(Exchange&, Time now);
  void on_reply(Exchange&, Reply&, Time now);
  void on_body(Exchange&, std::string_view piece);
  void on_done(Exchange&, Time now) noexcept;

  // Of the chain: see there. A detour leads to the same upstream, once more, and what comes of it is the answer.
  bool follow(std::shared_ptr<cache::Follower>);
  void on_client_stalled() noexcept;
  bool remembers() const noexcept { return writer_.remembering() != nullptr; }
  std::optional<std::string_view> detour() const noexcept { return detour_; }

 private:
  void validated(Exchange&, Reply&, Time now);

  const ChainContext* context_;
  CacheWriter writer_;
  std::optional<CacheLookup> lookup_;  // serve: normal
  std::optional<std::string_view> detour_;
};

}  // namespace fusewire
