// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/cache_filter.hpp"

namespace fusewire {

Step CacheFilter::on_request(Call& call, Reply& reply, Time now) {
  if (auto stored = writer_.on_request(call, now)) {
    reply = std::move(*stored);
    return Answer{};
  }
  if (call.upstream->cache.serve == config::Serve::on_error) return Proceed{};
  if (!lookup_) lookup_.emplace(*context_);
  return lookup_->on_request(call, reply, now);
}

Step CacheFilter::on_reply(Call& call, Reply& reply, Time now) {
  if (lookup_ && reply.origin == Reply::Origin::upstream && lookup_->is_validating() &&
      call.exchange->response->status == 304)
    return validated(call, reply, now);
  writer_.on_reply(call, reply, now);
  if (lookup_ && reply.origin == Reply::Origin::upstream) lookup_->on_relay(call, reply, writer_.remembering(), now);
  return Proceed{};
}

// Either the stored response is still valid, or the 304 names a validator that we did not send. In the second case the
// upstream is asked again without the proxy's conditions (RFC 9111 §4.3.4).
Step CacheFilter::validated(Call& call, Reply& reply, Time now) {
  const cache::Entry& asked_about = *lookup_->validating();
  if (cache::still_holds(asked_about, *call.exchange->response, cache::received(call, now).wall)) {
    reply = lookup_->on_validated(call, writer_.update(call, asked_about, now), now);
    return Proceed{};
  }
  lookup_->ask_unconditionally(call);
  return Ask{};
}

void CacheFilter::on_body(Call& call, std::string_view piece) {
  if (!needs_body()) return;
  writer_.on_body(call, piece);
  if (lookup_ && !needs_body()) lookup_->on_given_up(call);
}

void CacheFilter::on_done(Call& call, Time now) noexcept {
  writer_.on_done(call, now);
  if (lookup_) lookup_->on_done(call, writer_.has_stored(), now);
}

void CacheFilter::on_client_stalled() noexcept {
  if (lookup_) lookup_->let_go();
}

}  // namespace fusewire
