// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/proxy/request/schedules/virtual_client.hpp"

#include <algorithm>
#include <utility>

#include "tests/fuzz/exchange/reader.hpp"

namespace fusewire::testing {

// ------------------------------------------------------------------------------------------------------ what it wants

VirtualClient::VirtualClient(Play& play, Draw& draw) : play_(play) {
  for (int left = draw.one_of({1, 1, 1, 2, 4}); left > 0; --left) draw_wish(draw);
  if (draw.chance(12)) leaves_after_ = draw.ms(0, 400);
  leaves_by_reset_ = draw.chance(50);
  if (draw.chance(8)) stops_reading_after_ = draw.ms(0, 60);
  reads_again_after_ = draw.ms(20, 600);
  thinks_ = draw.ms(0, 80);
}

void VirtualClient::draw_wish(Draw& draw) {
  Wish wish{.id = play_.requests.size(), .route = draw.one_of({"a", "b"})};
  RequestLog& log = play_.requests.emplace_back();
  log.method = draw.one_of({"GET", "GET", "GET", "HEAD", "PUT", "DELETE", "POST", "POST", "PATCH"});
  if (log.method == "POST" || log.method == "PATCH" || log.method == "PUT") {
    const int die = draw.below(100);
    wish.body = die < 60 ? Body::whole : die < 84 ? Body::in_pieces : die < 92 ? Body::stalls : Body::garbage;
    wish.chunked = wish.body == Body::garbage || draw.chance(30);
    wish.size = static_cast<std::size_t>(draw.one_of({2, 40, 500, 4000}));
    wish.expects_continue = wish.body == Body::in_pieces && draw.chance(30);
  }
  if (draw.chance(25)) log.deadline = draw.ms(5, 400);
  if (draw.chance(20)) wish.priority = draw.between(-2, 5);
  wishes_.push_back(wish);
}

void VirtualClient::begin() {
  const auto self = shared_from_this();
  link_->on_news = [self] { self->on_news(); };
  if (leaves_after_) play_.in(*leaves_after_, [self] { self->leave(); });
  if (stops_reading_after_) {
    for (const Wish& wish : wishes_) play_.requests[wish.id].client_is_slow = true;
    play_.in(*stops_reading_after_, [self] { self->link_->set_full(true); });
    play_.in(*stops_reading_after_ + reads_again_after_, [self] { self->link_->set_full(false); });
  }
  send_next();
}

// ------------------------------------------------------------------------------------------------------ requests

void VirtualClient::send_next() {
  if (over_) return;
  if (link_->proxy_has_ended() || sent_ == wishes_.size()) return end();
  const Wish& wish = wishes_[sent_++];
  RequestLog& log = play_.requests[wish.id];
  log.sent = play_.clock.now();
  log.total = play_.totals[wish.route];
  std::string head = log.method + " /" + wish.route + "/" + std::to_string(wish.id) + " HTTP/1.1\r\nHost: h\r\n";
  if (log.deadline) head += "X-Request-Timeout-Ms: " + std::to_string(log.deadline->count()) + "\r\n";
  if (wish.priority != 0) head += "X-Priority: " + std::to_string(wish.priority) + "\r\n";
  if (wish.expects_continue) head += "Expect: 100-continue\r\n";
  if (wish.body != Body::none)
    head += wish.chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: " + std::to_string(wish.size) + "\r\n";
  play_.tell([&] {
    return "request " + std::to_string(wish.id) + ": " + log.method + " /" + wish.route +
           (log.deadline ? ", deadline " + std::to_string(log.deadline->count()) + " ms" : std::string());
  });
  link_->send(head + "\r\n");
  has_sent_all_ = false;
  if (wish.body == Body::none)
    sent_whole();
  else
    send_body(wish);
}

void VirtualClient::send_body(const Wish& wish) {
  const std::string text(wish.size, 'b');
  std::string bytes = text;
  if (wish.chunked) {
    const bool small = wish.size < 10;
    bytes = (small ? std::to_string(wish.size) + "\r\n" + text : "2\r\nbb\r\n5\r\nbbbbb") + "\r\n0\r\n\r\n";
  }
  if (wish.body == Body::garbage) bytes = "2\r\nbb\r\nno size\r\n";
  if (wish.body == Body::stalls) bytes.resize(bytes.size() / 2);
  const bool ends = wish.body != Body::stalls;
  const std::size_t half = wish.expects_continue ? 0 : bytes.size() / 2;
  const std::size_t first = wish.body == Body::in_pieces ? half : bytes.size();
  link_->send(std::string_view(bytes).substr(0, first));
  if (first == bytes.size()) {
    if (ends) sent_whole();
    return;
  }
  play_.in(play_.draw.ms(1, 250), [self = shared_from_this(), rest = bytes.substr(first), number = sent_] {
    if (self->over_ || self->sent_ != number) return;
    self->sent_whole();
    self->link_->send(rest);
  });
}

void VirtualClient::sent_whole() {
  has_sent_all_ = true;
  play_.requests[wishes_[sent_ - 1].id].sent_whole = play_.clock.now();
}

// ------------------------------------------------------------------------------------------------------ answers

void VirtualClient::on_news() {
  const auto self = shared_from_this();
  if (!over_) read(link_->proxy_has_ended());
  if (link_->proxy_has_ended()) end();
}

void VirtualClient::read(bool ended) {
  if (sent_ == 0) return;
  const std::size_t id = wishes_[sent_ - 1].id;
  RequestLog& log = play_.requests[id];
  const fuzz::Reading reading = fuzz::read_responses(link_->received, {log.method}, ended, fuzz::Rules::exact);
  if (!reading.fault.empty()) {
    play_.find("request " + std::to_string(id) + " has an answer that it must not have: " + reading.fault);
    return end();
  }
  if (reading.messages.empty() || !reading.messages.front().head) return;
  const fuzz::Message& answer = reading.messages.front();
  const bool by_proxy = answer.first("x-for").empty();
  if (log.has_whole_answer) return play_.find("request " + std::to_string(id) + " has two answers");
  if (log.answers == 0) {
    log.answers = 1;
    log.status = answer.status();
    log.by_proxy = by_proxy;
    log.answered = play_.clock.now();
    play_.tell([&] { return "request " + std::to_string(id) + " is answered " + std::to_string(log.status); });
  }
  if (!answer.complete) return;
  log.has_whole_answer = true;
  if (by_proxy)
    log.problem = answer.body;
  else if (log.method != "HEAD")
    check(id, answer.body, answer.first("x-for"), answer.first("x-length"));
  link_->received.clear();
  if (!has_sent_all_ || !answer.keeps_alive() || ended) return end();
  play_.in(thinks_, [self = shared_from_this(), number = sent_] {
    if (self->sent_ == number) self->send_next();
  });
}

void VirtualClient::check(std::size_t id, const std::string& body, std::string_view about, std::string_view length) {
  const std::string mine = std::to_string(id);
  if (about != mine) play_.find("request " + mine + " has the answer to request " + std::string(about));
  if (length != std::to_string(body.size())) play_.find("request " + mine + " has an answer that only looks whole");
}

// ------------------------------------------------------------------------------------------------------ its end

void VirtualClient::leave() {
  if (over_) return;
  play_.tell([&] { return "the client of request " + std::to_string(wishes_[sent_ - 1].id) + " leaves"; });
  end();
}

void VirtualClient::end() {
  if (std::exchange(over_, true)) return;
  if (sent_ > 0) {  // who does not read his answer is parted with
    RequestLog& log = play_.requests[wishes_[sent_ - 1].id];
    log.client_left = !log.has_whole_answer && (log.client_is_slow || play_.has_ended || !link_->proxy_has_ended());
    if (log.client_left) log.left = play_.clock.now();
  }
  leaves_by_reset_ ? link_->reset() : link_->finish();
}

}  // namespace fusewire::testing
