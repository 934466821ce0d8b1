// SPDX-License-Identifier: Apache-2.0
// A client with one connection: it sends its requests one after the other, and does what clients do. It leaves, sends
// half a body or garbage, or does not take its answer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/proxy/request/schedules/play.hpp"
#include "tests/unit/proxy/request/schedules/virtual_network.hpp"

namespace fusewire::testing {

class VirtualClient : public std::enable_shared_from_this<VirtualClient> {
 public:
  enum class Body { none, whole, in_pieces, stalls, garbage };
  struct Wish {
    std::size_t id = 0;  // in Play::requests
    std::string route;
    Body body = Body::none;
    bool chunked = false;
    bool expects_continue = false;
    int priority = 0;
    std::size_t size = 0;
  };

  // Draws what it will want; sends nothing yet.
  VirtualClient(Play& play, Draw& draw);
  VirtualClient(const VirtualClient&) = delete;
  VirtualClient& operator=(const VirtualClient&) = delete;

  const LinkPtr& link() const { return link_; }
  void begin();  // the proxy has its connection
  void stay_away() { over_ = true; }
  bool is_over() const { return over_; }
  // How many of its requests have been sent.
  std::size_t sent() const { return sent_; }

 private:
  void draw_wish(Draw& draw);
  void send_next();
  void send_body(const Wish&);
  void sent_whole();
  void on_news();
  void read(bool ended);
  void check(std::size_t id, const std::string& body, std::string_view about, std::string_view length);
  void leave();
  void end();

  Play& play_;
  const LinkPtr link_ = std::make_shared<Link>(std::uint16_t{0});
  std::vector<Wish> wishes_;
  std::optional<milliseconds> leaves_after_;
  std::optional<milliseconds> stops_reading_after_;
  milliseconds reads_again_after_{0};
  bool leaves_by_reset_ = false;
  milliseconds thinks_{0};
  std::size_t sent_ = 0;
  bool has_sent_all_ = false;  // of its last request
  bool over_ = false;
};

}  // namespace fusewire::testing
