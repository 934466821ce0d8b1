// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/proxy/request/schedules/virtual_endpoint.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "tests/fuzz/exchange/reader.hpp"

namespace fusewire::testing {

namespace {

constexpr milliseconds kOnTheWay{1};  // for an end, behind which the proxy may send

constexpr std::array kReactions = {"answers",
                                   "answers 500",
                                   "answers 503",
                                   "hangs",
                                   "finishes",
                                   "resets",
                                   "sends half a head",
                                   "sends garbage",
                                   "breaks off its answer",
                                   "resets its answer",
                                   "stalls in its answer"};

std::size_t number_in(std::string_view target) {
  const std::size_t slash = target.rfind('/');
  return static_cast<std::size_t>(std::atoll(std::string(target.substr(slash + 1)).c_str()));
}

std::string body_of(std::size_t id, std::size_t size) {
  std::string body = std::to_string(id) + ":";
  body.resize(size, 'x');
  return body;
}

std::string in_chunks(const std::string& body) {
  std::string out;
  for (std::size_t at = 0; at < body.size(); at += 9) {
    const std::string piece = body.substr(at, 9);
    out += std::to_string(piece.size()) + "\r\n" + piece + "\r\n";
  }
  return out + "0\r\n\r\n";
}

}  // namespace

const char* to_string(VirtualEndpoint::Mood mood) {
  return std::array{"well", "slow", "failing", "refusing", "unreachable", "moody"}[static_cast<std::size_t>(mood)];
}

void VirtualEndpoint::turn(Mood mood) {
  mood_ = mood;
  play_.tell([&] { return "endpoint " + std::to_string(port_) + " is " + to_string(mood); });
}

int VirtualEndpoint::busy() const {
  return static_cast<int>(std::count_if(visits_.begin(), visits_.end(), [](const VisitPtr& visit) {
    return visit->answering && !visit->link->proxy_has_ended();
  }));
}

// ------------------------------------------------------------------------------------------------------ connections

void VirtualEndpoint::on_dial(const LinkPtr& link) {
  const int die = play_.draw.below(100);
  const bool moody = mood_ == Mood::moody;
  if (mood_ == Mood::unreachable || (moody && die < 10)) return;
  if (mood_ == Mood::refusing || (moody && die < 25)) {
    play_.in(play_.draw.ms(0, 3), [link] { link->refuse(); });
    return;
  }
  const auto visit = std::make_shared<Visit>(Visit{link});
  visits_.push_back(visit);
  link->on_news = [this, visit] { on_news(visit); };
  const milliseconds handshake = mood_ == Mood::slow ? play_.draw.ms(0, 60) : play_.draw.ms(0, 2);
  if (handshake == milliseconds::zero()) return link->accept();
  play_.in(handshake, [link] { link->accept(); });
}

void VirtualEndpoint::on_news(const VisitPtr& visit) {
  Link& link = *visit->link;
  if (link.proxy_has_closed()) std::erase(visits_, visit);
  if (visit->answering || link.proxy_has_closed()) return;
  const fuzz::Reading reading = fuzz::read_requests(link.received, fuzz::Rules::exact);
  if (!reading.fault.empty()) play_.find("the proxy sent what it must not: " + reading.fault);
  if (reading.messages.empty() || !reading.messages.front().head) return;
  const fuzz::Message& request = reading.messages.front();
  if (!std::exchange(visit->has_head, true)) {
    RequestLog& log = play_.requests[number_in(request.target())];
    ++log.arrivals[upstream_];
    if (log.left && *log.left < play_.clock.now()) play_.find("a request was sent although its client had left");
    visit->is_hasty = play_.draw.chance(15);
    if (request.lists("expect", "100-continue") && !visit->is_hasty && play_.draw.chance(70))
      link.send("HTTP/1.1 100 Continue\r\n\r\n");
  }
  if (!request.complete && !visit->is_hasty) return;
  take(visit, request);
  link.received.erase(0, request.complete ? request.end : link.received.size());
}

void VirtualEndpoint::take(const VisitPtr& visit, const fuzz::Message& request) {
  const std::size_t id = number_in(request.target());
  ++visit->served;
  visit->answering = true;
  const bool to_head = request.method() == "HEAD";
  visit->is_last = !request.complete;
  const Reaction reaction = visit->is_last ? Reaction::server_error : choose();
  const bool says_nothing = reaction == Reaction::finish || reaction == Reaction::reset;
  if (visit->served > 1 && says_nothing) ++play_.requests[id].unanswered[upstream_];
  const milliseconds delay = mood_ == Mood::slow ? play_.draw.ms(20, 400) : play_.draw.ms(0, 25);
  play_.tell([&] {
    return "endpoint " + std::to_string(port_) + " " + kReactions[static_cast<std::size_t>(reaction)] + " to request " +
           std::to_string(id) + " in " + std::to_string(delay.count()) + " ms";
  });
  play_.in(delay, [=, this] {
    if (!visit->link->proxy_has_closed()) react(visit, reaction, id, to_head);
  });
}

VirtualEndpoint::Reaction VirtualEndpoint::choose() {
  const int die = play_.draw.below(100);
  const int bad = mood_ == Mood::failing ? 80 : mood_ == Mood::moody ? 35 : 3;
  if (die >= bad) return Reaction::answer;
  constexpr Reaction kBad[] = {Reaction::server_error, Reaction::server_error,
                               Reaction::unavailable,  Reaction::hang,
                               Reaction::finish,       Reaction::reset,
                               Reaction::half_a_head,  Reaction::garbage,
                               Reaction::break_off,    Reaction::break_off_by_reset,
                               Reaction::stall_in_body};
  return play_.draw.one_of(kBad);
}

// ------------------------------------------------------------------------------------------------------ answers

void VirtualEndpoint::react(const VisitPtr& visit, Reaction reaction, std::size_t id, bool to_head) {
  Link& link = *visit->link;
  switch (reaction) {
    case Reaction::answer:
      return answer(visit, play_.draw.chance(5) ? 404 : 200, id, to_head, {});
    case Reaction::server_error:
      return answer(visit, 500, id, to_head, {});
    case Reaction::unavailable:
      return answer(visit, 503, id, to_head, play_.draw.chance(50) ? "Retry-After: 1\r\n" : "Retry-After: 0\r\n");
    case Reaction::hang:
      return;
    case Reaction::finish:
      return end(visit, false);
    case Reaction::reset:
      return end(visit, true);
    case Reaction::half_a_head:
      link.send("HTTP/1.1 200 OK\r\nContent-");
      return end(visit, play_.draw.chance(50));
    case Reaction::garbage:
      return link.send("\x01\x02 no HTTP\r\n\r\n");
    case Reaction::break_off:
    case Reaction::break_off_by_reset:
      return break_off(visit, id, reaction == Reaction::break_off_by_reset);
    case Reaction::stall_in_body:
      link.send("HTTP/1.1 200 OK\r\nX-For: " + std::to_string(id) + "\r\nX-Length: 50\r\nContent-Length: 50\r\n\r\n" +
                body_of(id, 20));
      return;
  }
}

void VirtualEndpoint::answer(const VisitPtr& visit, int status, std::size_t id, bool to_head, std::string_view fields) {
  const auto size = static_cast<std::size_t>(play_.draw.one_of({4, 30, 80, 3000}));
  const bool chunked = play_.draw.chance(30);
  const bool ends_connection = play_.draw.chance(10);
  if (play_.draw.chance(5)) visit->link->send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
  std::string bytes = "HTTP/1.1 " + std::to_string(status) + " Said\r\nX-For: " + std::to_string(id) +
                      "\r\nX-Length: " + std::to_string(size) + "\r\n";
  bytes += fields;
  if (ends_connection) bytes += "Connection: close\r\n";
  bytes += chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: " + std::to_string(size) + "\r\n\r\n";
  if (!to_head) bytes += chunked ? in_chunks(body_of(id, size)) : body_of(id, size);
  send_in_pieces(visit, std::move(bytes), ends_connection);
}

void VirtualEndpoint::send_in_pieces(const VisitPtr& visit, std::string bytes, bool ends_connection) {
  if (visit->link->proxy_has_closed()) return;
  const bool whole = play_.draw.chance(70);
  const auto size =
      whole ? bytes.size() : static_cast<std::size_t>(play_.draw.between(1, static_cast<int>(bytes.size())));
  visit->link->send(std::string_view(bytes).substr(0, size));
  if (size < bytes.size()) {
    play_.in(play_.draw.ms(1, 60), [this, visit, rest = bytes.substr(size), ends_connection] {
      send_in_pieces(visit, rest, ends_connection);
    });
    return;
  }
  if (ends_connection || visit->is_last) return end(visit, false);
  done(visit);
}

void VirtualEndpoint::break_off(const VisitPtr& visit, std::size_t id, bool by_reset) {
  const bool chunked = play_.draw.chance(50);
  std::string bytes = "HTTP/1.1 200 OK\r\nX-For: " + std::to_string(id) + "\r\nX-Length: 60\r\n";
  bytes += chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: 60\r\n\r\n";
  const std::string body = chunked ? in_chunks(body_of(id, 60)) : body_of(id, 60);
  bytes += body.substr(0, static_cast<std::size_t>(play_.draw.below(static_cast<int>(body.size()))));
  if (chunked && play_.draw.chance(40)) return visit->link->send(bytes + "\r\nno size\r\n");
  visit->link->send(bytes);
  if (play_.draw.chance(30)) by_reset ? visit->link->reset() : visit->link->finish();
  play_.in(play_.draw.ms(0, 200), [=, this] { end(visit, by_reset); });
}

void VirtualEndpoint::done(const VisitPtr& visit) {
  visit->answering = visit->has_head = false;
  close_when_idle(visit);
  on_news(visit);
}

// ------------------------------------------------------------------------------------------------------ ends

// As servers do; a request that is on its way then is not read.
void VirtualEndpoint::close_when_idle(const VisitPtr& visit) {
  if (!play_.draw.chance(30)) return;
  play_.in(play_.draw.ms(0, 300), [this, visit, served = visit->served] {
    if (!visit->answering && visit->served == served && visit->link->received.empty()) end(visit, false);
  });
}

void VirtualEndpoint::end(const VisitPtr& visit, bool by_reset) {
  const LinkPtr link = visit->link;
  visit->answering = true;  // it takes no more requests
  link->go_deaf();
  play_.in(kOnTheWay, [this, link, visit, by_reset] {
    by_reset ? link->reset() : link->finish();
    std::erase(visits_, visit);
    play_.in(kOnTheWay, [link] {
      if (link->heard_while_deaf()) link->reset();
    });
  });
}

}  // namespace fusewire::testing
