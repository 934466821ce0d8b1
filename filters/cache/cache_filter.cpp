// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/cache_filter.hpp"

namespace fusewire {

std::optional<Reply> CacheFilter::on_request(Exchange& x, Time now) {
  auto reply = writer_.on_request(x, now);
  if (reply || x.upstream->cache.serve == config::Serve::on_error) return reply;
  if (!lookup_) lookup_.emplace(*context_);
  return lookup_->on_request(x, now);
}

void CacheFilter::on_reply(Exchange& x, Reply& reply, Time now) {
  if (lookup_ && reply.origin == Reply::Origin::upstream && lookup_->is_validating() && x.response->status == 304)
    return validated(x, reply, now);
  writer_.on_reply(x, reply, now);
  if (lookup_ && reply.origin == Reply::Origin::upstream) lookup_->on_relay(x, reply, writer_.remembering(), now);
}

// Either the stored response is still valid, or the 304 names a validator that we did not send. In the second case the
// entry is dropped, and the upstream asked again without conditions (RFC 9111 §4.3.4).
void CacheFilter::validated(Exchange& x, Reply& reply, Time now) {
  const cache::Entry& asked_about = *lookup_->validating();
  if (cache::still_holds(asked_about, *x.response, cache::received(x, now).wall)) {
    reply = lookup_->on_validated(x, writer_.update(x, asked_about, now), now);
    return;
  }
  context_->store->invalidate(asked_about);
  detour_ = x.upstream->name;
  reply = {};  // is never sent: the detour's result is the answer
  reply.origin = Reply::Origin::problem;
  reply.problem = Problem::upstream_protocol_error;
  reply.status = 502;
}

void CacheFilter::on_body(Exchange& x, std::string_view piece) {
  if (!remembers()) return;
  writer_.on_body(x, piece);
  if (lookup_ && !remembers()) lookup_->on_given_up(x);
}

void CacheFilter::on_done(Exchange& x, Time now) noexcept {
  writer_.on_done(x, now);
  if (lookup_) lookup_->on_done(x, writer_.has_stored(), now);
}

bool CacheFilter::follow(std::shared_ptr<cache::Follower> follower) {
  return lookup_ && lookup_->follow(std::move(follower));
}

void CacheFilter::on_client_stalled() noexcept {
  if (lookup_) lookup_->let_go();
}

}  // namespace fusewire
