// SPDX-License-Identifier: Apache-2.0
// The response of an exchange: reading its head, relaying 1xx, and the pieces of its body.
#include <algorithm>

#include "proxy/net/clock.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/upstream/forward.hpp"

namespace fusewire::proxy {

namespace {

// Behind a head that is larger than config::kMaxHeadBytes: as much as the pool's buffers have behind that.
constexpr std::size_t kBodyRoom = BufferPool::kSize - config::kMaxHeadBytes;

}  // namespace

// An ordinary head leaves room behind it in the pool's buffer. A very large one gets a larger buffer, and is parsed
// anew there: what is known of it views the bytes.
http::HeadResult Forward::read_head(Channel& channel) {
  ReadBuffer& buffer = channel.buffer();
  buffer.compact();
  const http::HeadLimits limits = head_limits();
  const auto parse = [&] {
    return http::parse_response_head(buffer.view(), limits, call_.context->request->is_head(), response_);
  };
  const auto grow = [&] { return buffer.grow(limits.max_bytes + kBodyRoom); };
  if (!head_progress_.may_be_complete(buffer.view(), limits)) {
    if (buffer.size() > config::kMaxHeadBytes) grow();  // a line without end yet: there must be room for the rest
    return {};
  }
  http::HeadResult head = parse();
  const std::size_t used = head.parsed == http::Parsed::complete ? head.size : buffer.size();
  const bool large = used > config::kMaxHeadBytes && head.parsed != http::Parsed::refused;
  if (large && grow()) head = parse();
  if (head.parsed == http::Parsed::incomplete)
    head_progress_.found_incomplete(buffer.size());
  else
    head_progress_.restart();
  return head;
}

http::HeadLimits Forward::head_limits() const {
  const auto& limits = upstream_.config->limits;
  return {.max_line = limits.max_head_bytes,
          .max_bytes = limits.max_head_bytes,
          .max_fields = limits.max_fields,
          .too_large = "the head is larger than limits.max_head_bytes",
          .too_many_fields = "more fields than limits.max_fields"};
}

bool Forward::switches_unasked(const http::HeadResult& head) const {
  if (response_.status != 101) return false;
  return inbound_.upgrades == nullptr ||
         !switches_as_asked(response_, head.connection, call_.context->request->fields, *inbound_.upgrades);
}

// The response is malformed, and that is said: in the answer, where one is still to be given, and in the log.
void Forward::refuse(std::string_view malformed) {
  if (x_.outcome != Outcome::pending) return;
  x_.malformed = malformed;
  end(Outcome::protocol_error);
  if (!worker_.malformed_complaints().pass(x_.response_end)) return;
  log::warn("an upstream sent a malformed response", {{"upstream", upstream_.config->name},
                                                      {"endpoint", endpoint()->url},
                                                      {"reason", malformed},
                                                      {"request_id", inbound_.request_id}});
}

Task<void> Forward::relay_interim() {
  if (inbound_.request.minor_version >= 1 && !running_on_) {
    Scratch scratch(worker_.scratch());
    append_interim_head(*scratch, response_, response_connection_);
    Gather gather;
    gather.add(*scratch);
    if (!inbound_.client.try_write(gather)) {
      client_waits();
      chain_.on_client_stalled();  // others are not to wait with it
      co_await inbound_.client.flush(gather);
      client_took();
    }
  }
  if (connection_) connection_->channel().buffer().release();
}

std::string_view Forward::next_piece() {
  if (!set_aside_.empty()) return std::exchange(set_aside_, {});
  if (x_.outcome != Outcome::pending) return {};
  Channel& channel = connection_->channel();
  channel.buffer().consume(std::exchange(taken_raw_, 0));
  if (!channel.buffer().empty()) {
    const auto step = body_.decode(channel.buffer().data(), channel.buffer().size());
    taken_raw_ = step.consumed;
    if (body_.failed()) return refuse(body_.failure()), std::string_view{};
    if (body_.done()) end(Outcome::complete);
    if (!step.data.empty() || body_.done()) return step.data;
    channel.buffer().consume(std::exchange(taken_raw_, 0));
  }
  if (!channel.ended()) return {};
  if (channel.eof() && body_.finish())
    end(Outcome::complete);
  else
    end(fault_.value_or(Fault{Outcome::incomplete, steady_now()}));
  return {};
}

Task<void> Forward::wait() {
  Channel& channel = connection_->channel();
  channel.buffer().consume(std::exchange(taken_raw_, 0));
  last_progress_ = steady_now();
  phase_ = Phase::body;
  arm();
  while (channel.buffer().empty() && !channel.ended()) {
    if (interrupted()) co_return;
    channel.start_read();
    listen_to_client();
    co_await inbound_.event.wait();
  }
  phase_ = Phase::relaying;
}

// A body whose rest is at hand leaves its connection good for the next request. It is abandoned all the same: filters
// have not seen that rest.
void Forward::abandon(Outcome outcome) {
  if (x_.outcome != Outcome::pending) return;
  if (has_head_) set_aside_ = next_piece();
  read_whole_ = x_.outcome == Outcome::complete;
  if (read_whole_) x_.outcome = outcome;
  end(fault_.value_or(Fault{outcome, steady_now()}));
}

void Forward::suspend() {
  if (x_.outcome != Outcome::pending) return;
  suspended_ = true;
  x_.outcome = Outcome::abandoned;
  x_.response_end = steady_now();
}

void Forward::resume() {
  if (std::exchange(suspended_, false)) x_.outcome = Outcome::pending;
}

}  // namespace fusewire::proxy
