// SPDX-License-Identifier: Apache-2.0
// What the forwarding code may know of one request and its response on a connection to an upstream: not the protocol,
// and not how the connection came about. One thread (the worker's).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "filters/message.hpp"
#include "filters/outcome.hpp"
#include "filters/time.hpp"
#include "proxy/http/head_parser.hpp"
#include "proxy/http/headers.hpp"
#include "proxy/net/task.hpp"

namespace fusewire::proxy {

// The head of a response, interim or final. Its views stay good until the next read_head() where it is interim, else
// until the stream is finished.
struct UpstreamHead {
  Response message;
  http::ConnectionOptions connection;  // which fields are this hop's own (RFC 9110 §7.6.1)
  bool connection_bound = false;       // it authenticates the connection (authentication.hpp)
  bool ends_response = false;          // no body follows it
};

// A stream in the sense of RFC 9113 §5: an HTTP/1.1 connection carries one at a time, an HTTP/2 connection many.
//
// A StreamSource owns it; one Forward uses it, from the moment it gets it until it is finished. Use: try_send(), and
// flush() where that is false; then read_head() until it is final, then read_body() until the body ends, with listen()
// and a wait for the driver's event where one of them says `wait`; then finish(). The rest of the request's body may be
// sent meanwhile, with try_send_body() and flush(). cancel() is allowed at any time.
//
// Invariants: one write is under way at a time; an end, once seen, stays; nothing is read of a response that was found
// malformed. The stream gives reports and changes nothing but itself: what they mean for the exchange is its user's
// decision.
class UpstreamStream {
 public:
  // ------ the request
  struct RequestPiece {
    std::string_view bytes;  // decoded; stays good until it is sent
    bool last = false;       // the request ends with it
    const Fields& trailers;  // of a request that ends
  };
  // The head, and what is at hand of the body. True: the transport has taken all of it, or the stream has failed (see
  // write_failed); else flush() waits for that. The request outlives the stream, the rest of RequestHead need not.
  virtual bool try_send(const RequestHead&, const RequestPiece&) = 0;
  // More of the body, likewise.
  virtual bool try_send_body(const RequestPiece&) = 0;
  virtual Task<void> flush() = 0;
  virtual bool write_failed() const = 0;
  virtual bool write_blocked() const = 0;  // a flush() waits
  // Bytes of the request, as it is on the wire, that have left this process.
  virtual std::uint64_t bytes_sent() const = 0;

  // ------ the response
  enum class HeadRead : std::uint8_t {
    wait,       // no whole head has come yet
    interim,    // a 1xx; others follow
    final,      // the final head, or a 101
    malformed,  // malformed() says why
    ended,      // there will be no head
  };
  virtual HeadRead read_head(UpstreamHead&) = 0;

  enum class BodyRead : std::uint8_t {
    piece,      // some bytes
    last,       // perhaps some bytes, and the body ends with them; trailers() are there
    wait,       // nothing has come
    malformed,  // malformed() says why
    broken,     // the stream has ended before the body
  };
  // The piece stays good until the next read_body() or consume_body().
  virtual BodyRead read_body(std::string_view& piece) = 0;
  virtual void consume_body() = 0;
  // read_body() would say something else than `wait`, as far as is known without decoding.
  virtual bool has_news() const = 0;
  virtual const Fields& trailers() const = 0;      // empty until the body has ended
  virtual std::string_view malformed() const = 0;  // one clause for a person; static storage
  virtual void listen() = 0;                       // the driver's event is set when more has come, or the end

  // ------ what is known of its connection
  // Since when the connection was idle before it was taken for this request; nullopt: it was made for it.
  virtual std::optional<Time> idle_since() const = 0;
  virtual bool received_any() const = 0;  // a byte of a response
  // The upstream has ended the stream in order and, as far as the transport can tell, has not taken the request: it was
  // closing the connection when the request came (RFC 9112 §9.5; of HTTP/2, RFC 9113 §8.7). May cost a system call.
  virtual bool ended_unprocessed() const = 0;
  // What TLS has ended the stream with, such as the upstream's alert; empty: with nothing of its own.
  virtual TlsFault tls_fault() const { return {}; }

  // ------ the end
  // Idempotent. A waiting flush() returns in the next turn of the loop; what has come can still be read.
  virtual void cancel() = 0;
  // Nothing more is asked of the stream, except flush() of an upload, which ends soon. True: request and response were
  // whole and the connection can take another request; else the stream is cancelled.
  virtual bool finish() = 0;

 protected:
  ~UpstreamStream() = default;
};

}  // namespace fusewire::proxy
