// SPDX-License-Identifier: Apache-2.0
#include "proxy/downstream/http1_client.hpp"

namespace fusewire::proxy {

ClientStream::BodyRead Http1Client::read_body(std::string_view& piece) {
  ReadBuffer& buffer = to_.channel.buffer();
  while (!buffer.empty()) {
    to_.deadline.forgive();  // from here on it is the upstream that is waited for
    const auto step = to_.inbound.body.decode(buffer.data(), buffer.size());
    if (to_.inbound.body.failed()) return BodyRead::malformed;
    if (to_.inbound.body.decoded() > to_.inbound.limits->max_body) return BodyRead::too_large;
    piece = step.data;
    taken_ = step.consumed;
    if (!piece.empty() || to_.inbound.body.done()) return BodyRead::piece;
    consume_body();
  }
  if (input_ended()) return BodyRead::gone;
  return to_.deadline.passed() ? BodyRead::late : BodyRead::wait;
}

void Http1Client::wait_for_body(Time now) {
  if (now != kNever) to_.deadline.extend(now + to_.inbound.limits->body_timeout);
  to_.channel.start_read();
}

void Http1Client::end_upload() {
  upload_ = nullptr;
  to_.deadline.disarm();
}

void Http1Client::break_off() {
  to_.persistence.end();
  writer_ != nullptr ? writer_->break_off() : to_.channel.close();
}

}  // namespace fusewire::proxy
