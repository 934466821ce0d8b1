// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/cache_filter.hpp"

namespace fusewire {

std::optional<Reply> CacheFilter::on_request(Exchange& x, Time now) {
  auto reply = memory_.on_request(x, now);
  if (reply || x.upstream->cache.serve == config::Serve::on_error) return reply;
  if (!front_) front_.emplace(*context_);
  return front_->on_request(x, now);
}

void CacheFilter::on_reply(Exchange& x, Reply& reply, Time now) {
  if (front_ && reply.origin == Reply::Origin::upstream && front_->is_validating() && x.response->status == 304)
    return validated(x, reply, now);
  memory_.on_reply(x, reply, now);
  if (front_ && reply.origin == Reply::Origin::upstream) front_->on_relay(x, reply, memory_.remembering(), now);
}

// Either the stored response is still valid, or the 304 names a validator that we did not send. In the second case the
// entry is dropped, and the upstream asked again without conditions (RFC 9111 §4.3.4).
void CacheFilter::validated(Exchange& x, Reply& reply, Time now) {
  const cache::Entry& asked_about = *front_->validating();
  if (cache::still_holds(asked_about, *x.response, cache::received(x, now).wall)) {
    reply = front_->on_validated(x, memory_.update(x, asked_about, now), now);
    return;
  }
  context_->store->invalidate(asked_about);
  detour_ = x.upstream->name;
  reply = {};  // goes out nowhere: what the detour comes to is the answer
  reply.origin = Reply::Origin::problem;
  reply.problem = Problem::upstream_protocol_error;
  reply.status = 502;
}

void CacheFilter::on_body(Exchange& x, std::string_view piece) {
  if (!remembers()) return;
  memory_.on_body(x, piece);
  if (front_ && !remembers()) front_->on_given_up(x);
}

void CacheFilter::on_done(Exchange& x, Time now) noexcept {
  memory_.on_done(x, now);
  if (front_) front_->on_done(x, memory_.has_stored(), now);
}

bool CacheFilter::follow(std::shared_ptr<cache::Follower> follower) {
  return front_ && front_->follow(std::move(follower));
}

void CacheFilter::on_client_stalled() noexcept {
  if (front_) front_->let_go();
}

}  // namespace fusewire
