// SPDX-License-Identifier: Apache-2.0
#include "proxy/downstream/http1_reader.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "proxy/http/chars.hpp"
#include "proxy/net/clock.hpp"

namespace fusewire::proxy {

void Http1Reader::begin(Time patience) {
  inbound_.connection = {};
  if (inbound_.body.kind() != BodyKind::none) inbound_.body = {};
  inbound_.buffered_body = {};
  inbound_.upgrades = nullptr;
  inbound_.route = nullptr;
  body_taken_ = 0;
  idle_ = true;
  deadline_.allow(patience);
}

Http1Reader::Next Http1Reader::look(bool input_ended, bool wanted) {
  if (!buffer_.empty()) {
    const Next next = parse();
    if (next != Next::incomplete) return next;
    if (std::exchange(idle_, false)) begin_head();
  }
  if (input_ended) return Next::close;
  if (idle_ && (deadline_.passed() || !wanted)) return Next::close;
  if (deadline_.passed()) {
    refusal_.problem = Problem::request_timeout;
    refusal_.reason = "the request's head did not arrive in time";
    keep_what_a_refusal_shows();
    return Next::refused;
  }
  if (buffer_.empty()) {
    buffer_.shrink();
    worker_.give_back(std::move(inbound_.request.fields));
  }
  return Next::incomplete;
}

void Http1Reader::refuse_input(Problem problem, std::string_view reason) {
  note_start();
  make_request_id();
  refusal_.problem = problem;
  refusal_.reason = reason;
  idle_ = false;
}

// Its first bytes have come; the rest may take head_timeout.
void Http1Reader::begin_head() {
  note_start();
  make_request_id();
  deadline_.extend(started_ + inbound_.limits->head_timeout);
}

void Http1Reader::note_start() {
  started_ = steady_now();
  wall_ = std::chrono::system_clock::now();
}

Http1Reader::Next Http1Reader::parse() {
  buffer_.compact();
  Request& request = inbound_.request;
  if (!request.fields.has_room()) request.fields = worker_.take_fields();
  const http::HeadLimits limits{.max_line = inbound_.limits->max_request_line,
                                .max_bytes = inbound_.limits->max_head_bytes,
                                .max_fields = inbound_.limits->max_fields};
  const auto bytes = buffer_.view();
  if (!progress_.may_be_complete(bytes, limits)) return Next::incomplete;
  request.scheme = secure_ ? "https" : "http";
  const http::HeadResult head = http::parse_request_head(bytes, limits, request);
  if (head.parsed == http::Parsed::incomplete) {
    progress_.found_incomplete(bytes.size());
    return Next::incomplete;
  }
  progress_.restart();
  return take(head);
}

Http1Reader::Next Http1Reader::take(const http::HeadResult& head) {
  idle_ = false;
  deadline_.disarm();
  note_start();
  inbound_.connection = head.connection;
  inbound_.connection_bound = head.connection_bound;
  if (head.parsed == http::Parsed::refused) return refuse(head);
  buffer_.hold(head.size);
  choose_request_id();
  take_body();
  return Next::request;
}

// What has come of it with the head.
void Http1Reader::take_body() {
  if (inbound_.request.body == BodyKind::none) return;
  inbound_.body = http::BodyDecoder(inbound_.request.body, inbound_.request.content_length);
  if (inbound_.body.done() || buffer_.empty()) return;
  const auto step = inbound_.body.decode(buffer_.data(), buffer_.size());
  inbound_.buffered_body = step.data;
  if (inbound_.body.done())
    buffer_.hold(step.consumed);  // in memory as a whole: it can be sent again
  else
    body_taken_ = step.consumed;
}

Http1Reader::Next Http1Reader::refuse(const http::HeadResult& head) {
  refusal_ = head;
  keep_what_a_refusal_shows();
  make_request_id();
  return Next::refused;
}

// Of a head that is not taken two things count: the method, since an answer to HEAD has no body, a refusal's neither;
// and, for the log, an origin-form's path.
void Http1Reader::keep_what_a_refusal_shows() {
  auto line = buffer_.view();
  if (line.starts_with("\r\n")) line.remove_prefix(2);
  line = line.substr(0, std::min(line.find_first_of("\r\n"), inbound_.limits->max_request_line));
  inbound_.request = {};
  const auto method = line.substr(0, line.find(' '));
  if (!http::is_token(method)) return;
  inbound_.request.method = method;
  line.remove_prefix(std::min(line.size(), method.size() + 1));
  if (line.starts_with('/')) inbound_.request.path = line.substr(0, line.find_first_of(" ?#"));
}

// Kept when it is short and visible, else made (docs/reference.md, the access log).
void Http1Reader::choose_request_id() {
  const auto given = inbound_.request.fields.find("x-request-id");
  const auto visible = [](char c) { return c > ' ' && c < 0x7f; };
  if (!given || given->empty() || given->size() > 128 || !std::all_of(given->begin(), given->end(), visible))
    return make_request_id();
  inbound_.request_id = *given;
  inbound_.own_request_id = false;
}

void Http1Reader::make_request_id() {
  inbound_.request_id = worker_.new_request_id();
  inbound_.own_request_id = true;
}

}  // namespace fusewire::proxy
