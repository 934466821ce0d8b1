// SPDX-License-Identifier: Apache-2.0
#include "proxy/downstream/http1_writer.hpp"

#include "proxy/downstream/http1_client.hpp"
#include "proxy/downstream/send_patience.hpp"
#include "proxy/http/headers.hpp"

namespace fusewire::proxy {

namespace {

constexpr std::size_t kJoined = 2048;  // a body up to this is copied behind its head: cheaper than gathering

const Fields kNoTrailers;

}  // namespace

Http1Writer::Http1Writer(Http1Client& client, Scratch::Pool& scratch)
    : client_(client), to_(client.connection()), scratch_(scratch) {
  client.write_with(this);
}

Http1Writer::~Http1Writer() { client_.write_with(nullptr); }

// ------------------------------------------------------------------------------------------------------ framing

bool Http1Writer::write(const ResponsePart& part) {
  gather_.clear();
  last_ = part.last;
  part.start != nullptr ? add_first(part) : add(part);
  if (!to_.channel.try_write(gather_)) return false;
  if (last_) until_close_ = false;
  return true;
}

Task<void> Http1Writer::flush() {
  begin_discarding();
  co_await flush(gather_);
  discards_ = false;
  if (last_) until_close_ = false;
}

// How the body goes on to this client (RFC 9112 §6).
ClientBody Http1Writer::framing(const ResponseStart& start) const {
  const Request& request = to_.inbound.request;
  if (request.is_head() || has_no_body(start.status)) return ClientBody::none;
  if (start.length_known) return ClientBody::length;
  return request.minor_version == 0 ? ClientBody::until_close : ClientBody::chunked;
}

void Http1Writer::add_first(const ResponsePart& part) {
  const ResponseStart& start = *part.start;
  body_ = framing(start);
  until_close_ = body_ == ClientBody::until_close;
  // The response may end before the upload does, which would end the connection: what is not said now can't be later.
  const bool close = to_.persistence.must_close() || until_close_ || !to_.persistence.rest_is_drainable();
  if (close) to_.persistence.end();
  if (body_ == ClientBody::chunked && start.connection != nullptr)
    chunks_.set_connection(start.fields, *start.connection);
  head_.emplace(scratch_);
  append_response_head(
      **head_, start,
      {.body = body_, .close = close && start.status != 101, .http10 = to_.inbound.request.minor_version == 0});
  const bool framed = body_ == ClientBody::length || body_ == ClientBody::until_close;
  const bool joined = framed && part.piece.size() <= kJoined;
  if (joined) (*head_)->append(part.piece);
  gather_.add(**head_);
  if (!joined) add(part);
}

void Http1Writer::add(const ResponsePart& part) {
  if (body_ == ClientBody::chunked)
    chunks_.add(gather_, part.piece, part.last, part.trailers != nullptr ? *part.trailers : kNoTrailers);
  else if (body_ != ClientBody::none)
    gather_.add(part.piece);
}

void Http1Writer::break_off() { until_close_ ? to_.channel.reset() : to_.channel.close(); }

// ------------------------------------------------------------------------------------------------------ a slow client

Task<void> Http1Writer::flush(Gather& gather) {
  SendPatience patience(to_.channel, to_.inbound.limits->send_timeout, to_.channel.loop().deadlines(), to_.deadline);
  co_await to_.channel.flush(gather);
}

void Http1Writer::begin_discarding() {
  const http::BodyDecoder& body = to_.inbound.body;
  const bool uploads = client_.upload() != nullptr;
  if (uploads || body.done() || body.failed()) return;
  discards_ = true;
  client_.consume_body();
  discard();
}

// Drops what has come of the request's body. False: there is no more of it to be dropped.
bool Http1Writer::discard() {
  http::BodyDecoder& body = to_.inbound.body;
  ReadBuffer& buffer = to_.channel.buffer();
  const std::size_t size = buffer.size();
  while (!buffer.empty() && !body.done() && !body.failed())
    buffer.consume(body.decode(buffer.data(), buffer.size()).consumed);
  const bool enough = !to_.discarded.drop(size - buffer.size());
  discards_ = !enough && !body.done() && !body.failed() && !to_.channel.ended();
  if (discards_) to_.channel.start_read();
  return discards_;
}

}  // namespace fusewire::proxy
