// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/injected_stream.hpp"

#include "filters/fault/injected.hpp"
#include "proxy/text/json_text.hpp"

namespace fusewire::proxy {

namespace {

using std::string_view;

// As the proxy's own answers are (own_answer.cpp): people and programs read both.
std::string body_of(std::uint16_t status, string_view upstream, string_view request_id) {
  std::string body = R"({"type":"urn:fusewire:error:FaultInjected","title":"FaultInjected","status":)";
  body.append(std::to_string(status)).append(R"(,"detail":)");
  append_json(body, std::string("a fault was injected into upstream '").append(upstream).append("'"));
  body.append(R"(,"error":"FaultInjected","upstream":)");
  append_json(body, upstream);
  body.append(R"(,"request_id":)");
  append_json(body, request_id);
  return body.append("}\n");
}

// proxy_internal_response: the answer was made here, and the next hop was not asked (RFC 9209 §2.3.29). No cache is to
// hold it, were its status one that may be held.
std::string head_of(std::uint16_t status, std::size_t body_size) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head.append(reason_phrase(status)).append("\r\nContent-Type: application/problem+json\r\nContent-Length: ");
  head.append(std::to_string(body_size)).append("\r\nCache-Control: no-store\r\n");
  head.append("Proxy-Status: fusewire; error=proxy_internal_response; details=\"fault injected\"\r\n");
  return head.append("Connection: close\r\n\r\n");
}

}  // namespace

InjectedStream::InjectedStream(std::uint16_t abort, string_view upstream, string_view request_id) : abort_(abort) {
  if (abort_ == fault::kReset) return;
  body_ = body_of(abort_, upstream, request_id);
  head_ = head_of(abort_, body_.size());
}

bool InjectedStream::try_send(const RequestHead& head, const RequestPiece&) {
  to_head_ = head.request.is_head();
  sent_ = 1;
  return true;
}

bool InjectedStream::try_send_body(const RequestPiece& piece) {
  sent_ += piece.bytes.size();
  return true;
}

UpstreamStream::HeadRead InjectedStream::read_head(UpstreamHead& head) {
  if (ended_ || abort_ == fault::kReset) return HeadRead::ended;
  answered_ = true;
  const http::HeadResult found = http::parse_response_head(head_, {}, to_head_, head.message);
  head.connection = found.connection;
  head.ends_response = to_head_;
  return HeadRead::final;
}

UpstreamStream::BodyRead InjectedStream::read_body(std::string_view& piece) {
  piece = {};
  if (ended_) return BodyRead::broken;
  piece = body_;
  return BodyRead::last;
}

}  // namespace fusewire::proxy
