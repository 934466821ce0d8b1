// SPDX-License-Identifier: Apache-2.0
// One request as it comes from a client: what the session has read of it, shared with whoever forwards it. One thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "filters/message.hpp"
#include "proxy/headers.hpp"
#include "proxy/http/body_decoder.hpp"
#include "proxy/http/head_parser.hpp"
#include "proxy/net/channel.hpp"
#include "proxy/net/deadlines.hpp"
#include "proxy/net/event.hpp"

namespace fusewire::proxy {

struct Inbound {
  Channel& channel;             // the client's connection
  Event& event;                 // what the session's coroutine waits for
  Event* reader;                // who is told of the channel's activity: `event`, or an upload's own
  std::weak_ptr<void> session;  // keeps `event` good for whoever posts to it
  Deadline& deadline;           // the client's: head, body, send; its end sets late_ and wakes both
  Peer peer{};
  const config::ListenerLimits* limits = nullptr;

  // Of the current request. Views point into the channel's buffer, where the head (and a whole body) is held.
  Request request{};
  http::ConnectionOptions connection{};
  http::BodyDecoder body{};
  std::string_view buffered_body{};  // decoded, not yet sent; held when body.done()
  std::size_t buffered_raw = 0;      // the bytes it takes in the buffer, when it is not held
  std::string request_id{};
  const Protocols* upgrades = nullptr;  // what the request may switch to; nullptr: it asks for none of it
  bool preserve_host = false;           // of its route
  bool late = false;                    // `deadline` has passed

  // The client has closed or broken its connection (a FIN while its response is pending means that, too).
  bool gone() const { return channel.ended() || channel.write_failed(); }
  // To hear of that while nothing more of the client is needed, also behind more bytes than are read ahead.
  void listen() {
    if (!channel.start_read()) channel.watch_for_end();
  }
};

}  // namespace fusewire::proxy
