// SPDX-License-Identifier: Apache-2.0
// Where a forward gets the stream for its request from, and where the stream goes afterwards.
#pragma once

#include <memory>

#include "proxy/http/upstream_stream.hpp"
#include "proxy/snapshot/upstream.hpp"
#include "proxy/upstream/dial.hpp"

namespace fusewire::proxy {

// Belongs to one request at one upstream: its attempt owns it and the forward, which it outlives. One thread. Use:
// choose_endpoint() once; then reuse(), inject(), or acquire_slot() and connect(); at the end finish(), also where they
// gave no stream. Invariant: there is at most one stream, and it is the source's; nobody uses it after discard(),
// finish() and take_connection().
class StreamSource {
 public:
  // False: the request belongs on a connection of its client's own, and that is lost.
  virtual bool choose_endpoint(Time now) = 0;
  virtual const std::shared_ptr<EndpointState>& endpoint() const = 0;  // empty: none was chosen

  // A stream on a connection that is there: the client's own, or one that has not been idle for `keep_alive`. nullptr:
  // there is none.
  virtual UpstreamStream* reuse(Time now, milliseconds keep_alive) = 0;
  // On none: it answers in the endpoint's place, as fault::Injected::abort says.
  virtual UpstreamStream* inject(std::uint16_t abort) = 0;
  // On a new one, which needs a slot first: see Dial. Where there is no stream, failure() says why not; it is `pending`
  // where it was given up.
  virtual Task<bool> acquire_slot(const Dial::GiveUp&) = 0;
  virtual Task<UpstreamStream*> connect(Time now, const Dial::Until&, const Dial::GiveUp&) = 0;
  virtual Outcome failure() const = 0;
  virtual const TlsFault& tls_fault() const = 0;
  virtual bool is_resolving() const = 0;
  virtual Time::duration held() const { return {}; }  // of connect(): as Dial::held()
  virtual void cancel_connect() = 0;

  // The request is good on its connection alone: a leg of a handshake that authenticates the connection.
  virtual bool needs_this_connection() const = 0;
  // The response authenticates the connection: it is the client's own from now on.
  virtual void bind_to_client() = 0;
  // Closes the connection of a stream in whose place another one is tried.
  virtual void discard() = 0;

  struct End {
    bool reusable = false;  // as UpstreamStream::finish() says
    bool answered = false;  // a final head has come
    bool bound = false;     // the connection is for its client alone; of the attempt whose response is the call's
    Time at = kNever;       // when the response ended
    milliseconds keep_alive{0};
  };
  // The connection is kept, or closed.
  virtual void finish(const End&) = 0;
  // The connection of a response that has switched protocols. What follows the head is in its buffer; the head is good
  // no longer.
  virtual std::unique_ptr<UpstreamConnection> take_connection() = 0;

 protected:
  ~StreamSource() = default;
};

}  // namespace fusewire::proxy
