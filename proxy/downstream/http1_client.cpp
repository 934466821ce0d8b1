// SPDX-License-Identifier: Apache-2.0
#include "proxy/downstream/http1_client.hpp"

#include "proxy/net/clock.hpp"

namespace fusewire::proxy {

ClientStream::BodyRead Http1Client::read_body(std::string_view& piece) {
  ReadBuffer& buffer = channel_.buffer();
  while (!buffer.empty()) {
    deadline_.disarm();  // from here on it is the upstream that is waited for
    late_ = false;
    const auto step = inbound_.body.decode(buffer.data(), buffer.size());
    if (inbound_.body.failed()) return BodyRead::malformed;
    if (inbound_.body.decoded() > inbound_.limits->max_body) return BodyRead::too_large;
    piece = step.data;
    taken_ = step.consumed;
    if (!piece.empty() || inbound_.body.done()) return BodyRead::piece;
    consume_body();
  }
  if (input_ended()) return BodyRead::gone;
  return late_ ? BodyRead::late : BodyRead::wait;
}

void Http1Client::wait_for_body(Time now) {
  deadline_.arm(now + inbound_.limits->body_timeout);
  channel_.start_read();
}

Task<void> Http1Client::flush(Gather& gather) {
  arm_send_deadline();
  co_await channel_.flush(gather);
  send_deadline_.disarm();
}

// A client that takes something within send_timeout, however little, is waited for.
void Http1Client::arm_send_deadline() {
  sent_before_ = channel_.bytes_written();
  unacknowledged_before_ = channel_.unacknowledged();
  send_deadline_.arm(steady_now() + inbound_.limits->send_timeout);
}

void Http1Client::on_send_late() {
  if (!channel_.write_blocked()) return;
  const auto left = channel_.unacknowledged();
  const bool progress = channel_.bytes_written() != sent_before_ || left < unacknowledged_before_;
  if (progress) return arm_send_deadline();
  channel_.reset();
  wake_();
}

void Http1Client::end_upload() {
  upload_ = nullptr;
  deadline_.disarm();
}

}  // namespace fusewire::proxy
