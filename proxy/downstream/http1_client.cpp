// SPDX-License-Identifier: Apache-2.0
#include "proxy/downstream/http1_client.hpp"

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

void Http1Client::end_upload() {
  upload_ = nullptr;
  deadline_.disarm();
}

}  // namespace fusewire::proxy
