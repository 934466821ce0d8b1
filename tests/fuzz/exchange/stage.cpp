// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/exchange/stage.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "tests/fuzz/check.hpp"

namespace fusewire::fuzz {

namespace {

constexpr int kQuiet = 5;       // turns in a row in which nothing came: the longest chain inside is shorter
constexpr int kMaxTurns = 400;  // for one input to come to rest

}  // namespace

// ------------------------------------------------------------------------------------------------------ an end

void End::send(std::string_view bytes) {
  if (!open() || finished) return;
  const ssize_t n = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n > 0) sent.append(bytes.substr(0, static_cast<std::size_t>(n)));
  if (n < static_cast<ssize_t>(bytes.size())) finished = true;  // hung up on, or full: that is all of it
}

void End::finish() {
  if (open() && !std::exchange(finished, true)) ::shutdown(descriptor, SHUT_WR);
}

void End::close() {
  if (open()) ::close(std::exchange(descriptor, -1));
  finished = true;
}

bool End::pump() {
  if (!open() || ended) return false;
  char bytes[16384];
  const ssize_t n = ::recv(descriptor, bytes, sizeof bytes, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return false;
  if (n > 0)
    received.append(bytes, static_cast<std::size_t>(n));
  else
    ended = true;
  return true;
}

// ------------------------------------------------------------------------------------------------------ the stage

Stage::Stage(World& world, bool answers_by_itself)
    : world_(world), worker_(0, world.cells(), world.dns()), answers_by_itself_(answers_by_itself) {
  gate_->name = "main";
  worker_.publish(world_.snapshot());
  worker_.context().loop().turn(Time{});
}

Stage::~Stage() {
  for (End& client : clients_) client.close();
  for (OriginEnd& connection : connections_) connection.close();
  world_.cleanse();
}

void Stage::open_client() {
  if (!clients_.empty()) client().close();
  int ends[2];
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  clients_.emplace_back().descriptor = ends[0];
  gate_->connections.fetch_add(1);
  worker_.accept(ends[1], gate_, false);
}

OriginEnd* Stage::origin() {
  for (auto connection = connections_.rbegin(); connection != connections_.rend(); ++connection)
    if (connection->open()) return &*connection;
  return nullptr;
}

void Stage::script(Answer next) {
  answers_.push_back(std::move(next));
  for (OriginEnd& connection : connections_)
    if (connection.open()) answer(connection, read_requests(connection.received, Rules::exact));
}

void Stage::turn() {
  worker_.context().loop().turn(Time{});
  pump();
}

void Stage::pass(std::chrono::milliseconds time) {
  worker_.context().deadlines().tick(std::chrono::steady_clock::now() + time);
  settle();
}

bool Stage::pump() {
  bool moved = false;
  for (int accepted; (accepted = world_.accept()) >= 0; moved = true) connections_.emplace_back().descriptor = accepted;
  if (!clients_.empty()) moved = client().pump() || moved;
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    if (!connections_[i].pump()) continue;
    moved = true;
    look(i);
  }
  return moved;
}

void Stage::look(std::size_t index) {
  OriginEnd& connection = connections_[index];
  const Reading reading = read_requests(connection.received, Rules::exact);
  require(reading.fault.empty());
  for (std::size_t i = connection.sent_before.size(); i < reading.messages.size() && reading.messages[i].head; ++i) {
    connection.sent_before.push_back(connection.sent.size());
    arrivals_.push_back({index, i, clients_.size()});
    if (i > 0) check_reuse(connection, reading);
  }
  answer(connection, reading);
}

// A further request comes only when all that we have said is whole answers to the ones before, each of which may be
// followed by another.
void Stage::check_reuse(const OriginEnd& connection, const Reading& reading) const {
  std::vector<std::string> methods;
  for (std::size_t i = 0; i + 1 < connection.sent_before.size(); ++i)
    methods.emplace_back(reading.messages[i].method());
  const Reading said = read_responses(connection.sent, methods, false, Rules::free);
  require(said.fault.empty() && said.messages.size() == methods.size() && said.end == connection.sent.size());
  for (const Message& answer : said.messages) require(answer.complete && answer.keeps_alive());
  require(!connection.finished);
}

void Stage::answer(OriginEnd& connection, const Reading& reading) {
  while (connection.answered < reading.messages.size()) {
    const Message& request = reading.messages[connection.answered];
    if (answers_.empty() && !answers_by_itself_) return;
    const bool when_whole = answers_.empty() || answers_.front().when_whole;
    if (when_whole ? !request.complete : !request.head) return;
    ++connection.answered;
    if (answers_.empty()) {
      const std::string body = "answer " + std::to_string(arrivals_.size());
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                      (request.method() == "HEAD" ? std::string() : body));
      continue;
    }
    connection.send(answers_.front().bytes);
    answers_.pop_front();
  }
}

void Stage::settle() {
  int quiet = 0;
  for (int turns = 0; quiet < kQuiet; ++turns) {
    require(turns < kMaxTurns);
    worker_.context().loop().turn(Time{});
    quiet = pump() ? 0 : quiet + 1;
  }
}

void Stage::end() {
  if (!clients_.empty()) client().close();
  settle();
  if (gate_->connections.load() != 0) {  // a call runs on without its client, but not behind a drain
    worker_.drain();
    settle();
  }
  require(world_.cells().connections_open.value() == 0 && gate_->connections.load() == 0);
  require(world_.upstream().limits.limiter.in_use() == 0);
  for (const OriginEnd& connection : connections_) {
    if (connection.ended) continue;  // what is kept could be used again: nothing is unfinished in it
    const Reading reading = read_requests(connection.received, Rules::exact);
    require(connection.open() ? reading.end == connection.received.size() : true);
  }
  worker_.context().pool().close_all();
  require(world_.upstream().connections.load() == 0);
}

}  // namespace fusewire::fuzz
