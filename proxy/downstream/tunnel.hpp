// SPDX-License-Identifier: Apache-2.0
// What follows a 101: bytes in both directions, unseen, until both have ended, one connection breaks, or neither has
// moved a byte for `idle`. Made when there is one. One thread; driven by the session's coroutine.
#pragma once

#include <cstdint>
#include <memory>

#include "proxy/net/channel.hpp"
#include "proxy/net/deadlines.hpp"
#include "proxy/observe/access_log.hpp"
#include "proxy/upstream/upstream_pool.hpp"

namespace fusewire::proxy {

class Tunnel {
 public:
  Tunnel(DeadlineWheel&, ChannelPtr client, std::unique_ptr<UpstreamConnection>, milliseconds idle);
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  // The record of its request, for the line that is written when the tunnel ends. What it views of the request is
  // copied; `endpoint` is what else it views.
  void keep(const AccessRecord&, std::shared_ptr<const void> endpoint);
  // Of all of it, once run() has returned.
  AccessRecord finished_record(Time started, Time ended) const;

  // Until both directions have ended; awaited by the tunnel's owner. What is in the buffers already goes first.
  Task<void> run();
  // Ends it now, with RST: neither side may take that for the other's goodbye.
  void cut();

  // Why it ended, as access log flags; 0: both sides said goodbye, or this process ends.
  Flags flags() const { return flags_; }
  std::uint64_t bytes_in() const { return from_client_.bytes; }     // from the client to the upstream
  std::uint64_t bytes_out() const { return from_upstream_.bytes; }  // and back

 private:
  // One direction: what is read of `from` is written to `to`. Half-close is passed on.
  struct Side final : Watcher {
    Side(Tunnel& t, Channel& f, Channel& o, Flag b) : tunnel(t), from(f), to(o), broken(b) {}
    void on_activity() override { tunnel.heard_of(*this); }

    Tunnel& tunnel;
    Channel& from;
    Channel& to;
    const Flag broken;  // what it means when `from` breaks
    Event news{};
    std::uint64_t bytes = 0;
  };

  Task<void> pump(Side&);
  Task<bool> pass_on(Side&);
  void heard_of(Side&);
  void end(Flag why);
  void on_idle();
  void touch();
  bool still_moves();

  const ChannelPtr client_;
  const std::unique_ptr<UpstreamConnection> upstream_;
  const milliseconds idle_;
  Deadline idle_due_;
  Side from_client_;
  Side from_upstream_;
  Event over_;
  AccessRecord record_{};
  std::string trace_id_, method_, path_, host_, route_name_, upstream_name_;  // what it views
  std::shared_ptr<const void> endpoint_;
  std::uint64_t written_before_ = 0;  // to both, at the last touch()
  std::size_t left_before_ = 0;       // what both peers had still to take, at the last look; 0: not looked yet
  Flags flags_ = 0;
  int running_ = 0;  // directions
  bool cut_ = false;
};

}  // namespace fusewire::proxy
