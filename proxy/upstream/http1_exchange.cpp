// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/http1_exchange.hpp"

#include "proxy/http/interims.hpp"
#include "proxy/http/keep_alive.hpp"

namespace fusewire::proxy {

namespace {

// Behind a head that is larger than config::kMaxHeadBytes: as much as the pool's buffers have behind that.
constexpr std::size_t kBodyRoom = BufferPool::kSize - config::kMaxHeadBytes;

bool is_interim(int status) { return status < 200 && status != 101; }

// How long the upstream lets the connection be idle, with a second for the way there.
milliseconds keep_alive_of(const Fields& fields) {
  for (const Field& field : fields) {
    if (field.id != FieldId::keep_alive) continue;
    if (const auto allowed = http::keep_alive_timeout(field.value))
      return std::max<milliseconds>(*allowed - std::chrono::seconds(1), milliseconds::zero());
  }
  return milliseconds::max();
}

}  // namespace

// ------------------------------------------------------------------------------------------------------ the request

bool Http1Exchange::try_send(const RequestHead& head, const RequestPiece& body) {
  request_ = &head.request;
  upgrades_ = head.upgrades;
  Scratch& text = head_text_.emplace(scratch_);
  append_request_head(*text, head);
  unsent_.add(*text);
  if (request_->body == BodyKind::chunked) {
    chunks_.set_deadline_header(head.deadline_header);
    chunks_.set_connection(request_->fields, head.connection);
    if (body.last || !body.bytes.empty()) chunks_.add(unsent_, body.bytes, body.last, body.trailers);
  } else {
    unsent_.add(body.bytes);
  }
  request_ended_ = body.last;
  if (!channel_.try_write(unsent_)) return false;
  head_text_.reset();
  return true;
}

bool Http1Exchange::try_send_body(const RequestPiece& piece) {
  unsent_.clear();
  if (request_->body == BodyKind::chunked)
    chunks_.add(unsent_, piece.bytes, piece.last, piece.trailers);
  else
    unsent_.add(piece.bytes);
  request_ended_ = piece.last;
  return channel_.try_write(unsent_);
}

Task<void> Http1Exchange::flush() { return head_text_ ? flush_head() : channel_.flush(unsent_); }

Task<void> Http1Exchange::flush_head() {
  co_await channel_.flush(unsent_);
  head_text_.reset();
}

// ------------------------------------------------------------------------------------------------------ the head

UpstreamStream::HeadRead Http1Exchange::read_head(UpstreamHead& head) {
  ReadBuffer& buffer = channel_.buffer();
  if (std::exchange(holds_interim_, false)) buffer.release();
  if (buffer.empty()) return nothing_yet();
  received_any_ = true;
  Response& response = head.message;
  const http::HeadResult found = parse_head(response);
  if (found.parsed == http::Parsed::incomplete) return nothing_yet();
  if (found.parsed == http::Parsed::refused) return refuse_head(found.reason);
  if (switches_unasked(response, found)) return refuse_head("a switch of protocols that was not asked for");
  head.connection = found.connection;
  head.connection_bound = found.connection_bound;
  buffer.hold(found.size);
  if (is_interim(response.status)) {
    holds_interim_ = true;
    return ++interims_ > http::kMaxInterims ? refuse_head("too many interim responses") : HeadRead::interim;
  }
  begin_body(head);
  head.ends_response = body_->done();
  return HeadRead::final;
}

UpstreamStream::HeadRead Http1Exchange::refuse_head(std::string_view why) {
  malformed_ = why;
  return HeadRead::malformed;
}

// An ordinary head leaves room behind it in the pool's buffer. A very large one gets a larger buffer, and is parsed
// anew there: what is known of it views the bytes.
http::HeadResult Http1Exchange::parse_head(Response& response) {
  ReadBuffer& buffer = channel_.buffer();
  buffer.compact();
  const http::HeadLimits limits = head_limits();
  const auto parse = [&] { return http::parse_response_head(buffer.view(), limits, request_->is_head(), response); };
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

http::HeadLimits Http1Exchange::head_limits() const {
  return {.max_line = limits_.max_head_bytes,
          .max_bytes = limits_.max_head_bytes,
          .max_fields = limits_.max_fields,
          .too_large = "the head is larger than limits.max_head_bytes",
          .too_many_fields = "more fields than limits.max_fields"};
}

bool Http1Exchange::switches_unasked(const Response& response, const http::HeadResult& head) const {
  if (response.status != 101) return false;
  return upgrades_ == nullptr || !switches_as_asked(response, head.connection, request_->fields, *upgrades_);
}

// ------------------------------------------------------------------------------------------------------ the body

void Http1Exchange::begin_body(const UpstreamHead& head) {
  const Response& response = head.message;
  body_.emplace(response.body, response.content_length);
  keep_alive_ = keep_alive_of(response.fields);
  is_persistent_ = !head.connection.close && (response.minor_version >= 1 || head.connection.keep_alive) &&
                   response.body != BodyKind::until_close && response.status != 101;
}

UpstreamStream::BodyRead Http1Exchange::read_body(std::string_view& piece) {
  consume_body();
  piece = {};
  ReadBuffer& buffer = channel_.buffer();
  if (!buffer.empty()) {
    const auto step = body_->decode(buffer.data(), buffer.size());
    taken_ = step.consumed;
    if (body_->failed()) return malformed_ = body_->failure(), BodyRead::malformed;
    piece = step.data;
    if (body_->done()) return BodyRead::last;
    if (!piece.empty()) return BodyRead::piece;
    consume_body();
  }
  if (!channel_.ended()) return BodyRead::wait;
  return channel_.eof() && body_->finish() ? BodyRead::last : BodyRead::broken;
}

void Http1Exchange::consume_body() {
  if (taken_ != 0) channel_.buffer().consume(std::exchange(taken_, 0));
}

// ------------------------------------------------------------------------------------------------------ the end

std::optional<Time> Http1Exchange::idle_since() const {
  return connection_.reused() ? std::optional(connection_.idle_since()) : std::nullopt;
}

bool Http1Exchange::ended_unprocessed() const {
  return channel_.eof() && !channel_.was_reset() && channel_.unacknowledged() > 0;
}

TlsFault Http1Exchange::tls_fault() const {
  const TlsStream* const tls = channel_.tls();
  return tls == nullptr || tls->wire_ended() || tls->wire_failed() ? TlsFault{} : tls->fault();
}

bool Http1Exchange::finish() {
  if (!channel_.closed()) consume_body();
  const bool request_sent = request_ended_ && unsent_.done() && !channel_.write_failed();
  const bool reusable = is_persistent_ && body_->done() && request_sent;
  if (!reusable) channel_.close();
  return reusable;
}

}  // namespace fusewire::proxy
