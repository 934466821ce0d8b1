// SPDX-License-Identifier: Apache-2.0
// An endpoint of an upstream, as it is in bad times: it refuses connections, hangs, resets, breaks off, talks garbage.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/proxy/request/schedules/play.hpp"
#include "tests/unit/proxy/request/schedules/virtual_network.hpp"

namespace fusewire::fuzz {
struct Message;
}

namespace fusewire::testing {

class VirtualEndpoint {
 public:
  enum class Mood { well, slow, failing, refusing, unreachable, moody };

  VirtualEndpoint(Play& play, std::string upstream, std::uint16_t port)
      : play_(play), upstream_(std::move(upstream)), port_(port) {}
  VirtualEndpoint(const VirtualEndpoint&) = delete;
  VirtualEndpoint& operator=(const VirtualEndpoint&) = delete;

  std::uint16_t port() const { return port_; }
  void turn(Mood);
  void on_dial(const LinkPtr&);
  // So many requests are at it that it has not done with, as far as it knows.
  int busy() const;

 private:
  // A connection to it.
  struct Visit {
    LinkPtr link;
    bool answering = false;
    bool has_head = false;  // of the request that it answers next
    bool is_hasty = false;  // it does not wait for that one's body
    bool is_last = false;   // it takes no request behind that one
    std::uint64_t served = 0;
  };
  using VisitPtr = std::shared_ptr<Visit>;
  enum class Reaction {
    answer,
    server_error,
    unavailable,
    hang,
    finish,
    reset,
    half_a_head,
    garbage,
    break_off,
    break_off_by_reset,
    stall_in_body,
  };

  void on_news(const VisitPtr&);
  void take(const VisitPtr&, const fuzz::Message&);
  Reaction choose();
  void react(const VisitPtr&, Reaction, std::size_t id, bool to_head);
  void answer(const VisitPtr&, int status, std::size_t id, bool to_head, std::string_view fields);
  void send_in_pieces(const VisitPtr&, std::string bytes, bool ends_connection);
  void break_off(const VisitPtr&, std::size_t id, bool by_reset);
  void done(const VisitPtr&);
  void close_when_idle(const VisitPtr&);
  void end(const VisitPtr&, bool by_reset);

  Play& play_;
  const std::string upstream_;
  const std::uint16_t port_;
  Mood mood_ = Mood::well;
  std::vector<VisitPtr> visits_;
};

const char* to_string(VirtualEndpoint::Mood);

}  // namespace fusewire::testing
