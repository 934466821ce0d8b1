// SPDX-License-Identifier: Apache-2.0
// One request as it comes from a client: what the session has read of it, shared with what forwards it. One thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "filters/message.hpp"
#include "proxy/http/body_decoder.hpp"
#include "proxy/http/head_parser.hpp"
#include "proxy/http/head_progress.hpp"
#include "proxy/http/headers.hpp"
#include "proxy/net/channel.hpp"
#include "proxy/net/deadlines.hpp"
#include "proxy/net/event.hpp"
#include "proxy/upstream/bound_connections.hpp"

namespace fusewire::proxy {

struct Route;

struct Inbound {
  Channel& channel;             // the client's connection
  Event& event;                 // what the session's coroutine waits for
  Event* reader;                // set when the channel changes: `event`, or the upload's own while one runs
  std::weak_ptr<void> session;  // locked by callbacks that set `event`, so that it outlives them
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
  const Route* route = nullptr;         // set before it is forwarded; in the snapshot that admits it
  std::string cache_scope{};            // of stored responses, where its route's alone does not say it
  bool late = false;                    // `deadline` has passed
  bool connection_bound = false;        // it has credentials that authenticate the connection

  // Made with the first such connection, and there as long as the client's.
  std::unique_ptr<BoundConnections> bound{};

  // The client has closed or broken its connection. A FIN while its response is pending means that, too, but where the
  // listener takes it for the end of the requests alone (client_half_close).
  bool gone() const { return channel.write_failed() || (channel.ended() && !channel.is_half_closed()); }
  // Nothing more comes of it, whether it is gone or not.
  bool input_ended() const { return channel.ended() || channel.write_failed(); }
  // An authentication of the connection has lost its connection: it begins anew on a new connection of the client's.
  bool has_lost_bound() const { return bound && bound->has_lost(); }
  // To hear of that while nothing more of the client is needed, also behind more bytes than are read ahead.
  void listen() {
    if (!channel.start_read()) channel.watch_for_end();
  }
};

}  // namespace fusewire::proxy
