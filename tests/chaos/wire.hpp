// SPDX-License-Identifier: Apache-2.0
// Sees tries that no listener hears of: SYNs, which may be refused or vanish, and requests on kept connections into a
// black hole. It looks at loopback by a raw socket with a filter in the kernel. Needs CAP_NET_RAW; without it nothing
// is seen, and `works()` says so. Runs on the endpoints' thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string_view>

#include "tests/chaos/arrivals.hpp"

namespace chaos {

class Wire {
 public:
  Wire(const boost::asio::any_io_executor& executor, Arrivals& arrivals);

  bool works() const { return socket_.is_open(); }

  void add(std::uint16_t port, std::uint32_t endpoint) { endpoints_[port] = endpoint; }

  // Whether what comes to this port is dropped before its connections hear of it.
  void set_dark(std::uint16_t port, bool dark);

  // Runs until its executor's context stops.
  boost::asio::awaitable<void> watch();

 private:
  using Bytes = std::span<const unsigned char>;

  void filter();
  void drain();
  void see(Bytes packet);
  void see_syn(Bytes tcp, std::uint32_t endpoint);
  void see_request(Bytes tcp, std::uint32_t endpoint, std::string_view text);

  Arrivals& arrivals_;
  std::map<std::uint16_t, std::uint32_t> endpoints_;      // by port
  std::set<std::uint16_t> dark_;                          // ports
  std::map<std::uint32_t, std::uint32_t> last_sequence_;  // by both ports: a SYN that is sent again is no new try
  std::set<std::uint32_t> spent_;  // both ports of kept connections with a request in the dark: it can be no other one
  boost::asio::posix::stream_descriptor socket_;
};

}  // namespace chaos
