// SPDX-License-Identifier: Apache-2.0
// One request as it comes from a client: what has been read of it, shared with what forwards it. One thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "filters/message.hpp"
#include "proxy/http/body_decoder.hpp"
#include "proxy/http/client_stream.hpp"
#include "proxy/http/head_parser.hpp"
#include "proxy/http/head_progress.hpp"
#include "proxy/http/headers.hpp"
#include "proxy/http/trace_context.hpp"
#include "proxy/net/event.hpp"
#include "proxy/net/loop.hpp"
#include "proxy/upstream/bound_connections.hpp"

namespace fusewire::proxy {

struct Route;

struct Inbound {
  ClientStream& client;
  Event& event;                 // what the driver's coroutine waits for
  std::weak_ptr<void> session;  // the driver; locked by callbacks that set `event`, so that it outlives them
  Peer peer{};
  const config::ListenerLimits* limits = nullptr;

  // Of the current request. Views point into the client's buffer, where the head (and a whole body) is held.
  Request request{};
  http::ConnectionOptions connection{};
  http::BodyDecoder body{};
  std::string_view buffered_body{};  // came with the head; decoded, not yet sent; held when body.done()
  std::string request_id{};
  const Protocols* upgrades = nullptr;  // what the request may switch to; nullptr: it asks for none of it
  const Route* route = nullptr;         // set before it is forwarded; in the snapshot that admits it
  std::string cache_scope{};            // of stored responses, where its route's alone does not say it
  TraceContext* trace = nullptr;        // it is traced; nullptr: it is not
  bool own_request_id = true;           // made here; else its client's
  bool connection_bound = false;        // it has credentials that authenticate the connection

  // Made with the first such connection, and there as long as the client's.
  std::unique_ptr<BoundConnections> bound{};

  // The request's trace, where somebody will see it; nullptr: nobody will.
  const TraceContext* sampled_trace() const { return trace != nullptr && trace->sampled() ? trace : nullptr; }

  // An authentication of the connection has lost its connection: it begins anew on a new connection of the client's.
  bool has_lost_bound() const { return bound && bound->has_lost(); }
  // Sets the event from the loop: the driver's next step may destroy the caller.
  void wake_soon(Loop& loop) {
    loop.soon([driver = session.lock(), &news = event] { news.set(); });
  }
};

}  // namespace fusewire::proxy
