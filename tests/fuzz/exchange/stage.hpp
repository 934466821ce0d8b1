// SPDX-License-Identifier: Apache-2.0
// One execution: a worker of the proxy in this thread, a client and an origin at the other ends of its sockets. Nothing
// moves but by turn(), so that an input always does the same.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/server/worker.hpp"
#include "tests/fuzz/exchange/reader.hpp"
#include "tests/fuzz/exchange/world.hpp"

namespace fusewire::fuzz {

// An end of a socket that does not block, and all that went through it.
struct End {
  int descriptor = -1;
  std::string sent;
  std::string received;
  bool finished = false;  // we send no more
  bool ended = false;     // the proxy sends no more

  bool open() const { return descriptor >= 0; }
  void send(std::string_view);
  void finish();
  void close();
  bool pump();  // reads what is there; whether there was anything
};

struct OriginEnd : End {
  std::vector<std::size_t> sent_before;  // of our bytes, when the head of its n-th request was seen
  std::size_t answered = 0;              // requests
};

// A request at the origin, in order of arrival.
struct Arrival {
  std::size_t connection = 0;
  std::size_t index = 0;    // on that connection
  std::size_t clients = 0;  // so far
};

class Stage {
 public:
  struct Answer {
    std::string bytes;
    bool when_whole = false;  // when the request is whole, else when its head is
  };

  Stage(World&, bool answers_by_itself);
  ~Stage();

  void open_client();  // closes the one before
  End& client() { return clients_.back(); }
  OriginEnd* origin();  // the newest connection that is open, or nullptr
  OriginEnd& connection(std::size_t index) { return connections_[index]; }  // in the order in which they came
  void script(Answer);                                                      // for the next request
  void turn();
  // What falls due within this time does so now; a reader of the clock then finds that less has passed.
  void pass(std::chrono::milliseconds);
  // Turns until nothing moves any more.
  void settle();
  // Everybody hangs up; all must be gone then.
  void end();

  proxy::WorkerContext& context() { return worker_.context(); }
  const std::deque<End>& clients() const { return clients_; }
  const std::deque<OriginEnd>& connections() const { return connections_; }
  const std::vector<Arrival>& arrivals() const { return arrivals_; }

 private:
  bool pump();
  void look(std::size_t connection);
  void answer(OriginEnd&, const Reading&);
  void check_reuse(const OriginEnd&, const Reading&) const;

  World& world_;
  std::shared_ptr<proxy::ListenerGate> gate_ = std::make_shared<proxy::ListenerGate>();
  proxy::Worker worker_;
  const bool answers_by_itself_;
  std::deque<Answer> answers_;
  std::deque<End> clients_;
  std::deque<OriginEnd> connections_;
  std::vector<Arrival> arrivals_;
};

}  // namespace fusewire::fuzz
