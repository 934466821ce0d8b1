// SPDX-License-Identifier: Apache-2.0
// Writes what one request's client gets as HTTP/1: the response's framing, and whether its head says
// `Connection: close`.
#pragma once

#include <optional>

#include "proxy/downstream/http1_connection.hpp"
#include "proxy/http/chunk_writer.hpp"
#include "proxy/http/response_part.hpp"
#include "proxy/net/gather.hpp"
#include "proxy/net/scratch.hpp"
#include "proxy/net/task.hpp"

namespace fusewire::proxy {

class Http1Client;

// The session makes one for each request, so that an idle connection has none; Http1Client passes on to it what the
// request's runner and forwarder write. One thread. Use: write() for each part of the response and flush() where that
// was false; a 1xx goes through flush(Gather&). Invariants: one write is under way at a time; while one waits, the rest
// of the request's body is dropped (is_discarding()), for its client may send all of it before it reads.
class Http1Writer {
 public:
  // Both outlive it.
  Http1Writer(Http1Client&, Scratch::Pool&);
  ~Http1Writer();
  Http1Writer(const Http1Writer&) = delete;
  Http1Writer& operator=(const Http1Writer&) = delete;

  // ClientStream::write(), flush_response() and break_off().
  bool write(const ResponsePart&);
  Task<void> flush();
  void break_off();
  // Waits until the client has taken it. Ends with a reset where the client takes nothing for send_timeout.
  Task<void> flush(Gather&);

  // Something has come, or the client has left, while an answer waits to be sent. True: it was more of the body, and
  // more may come.
  bool is_discarding() { return discards_ && discard(); }

 private:
  void add_first(const ResponsePart&);
  void add(const ResponsePart&);
  ClientBody framing(const ResponseStart&) const;
  void begin_discarding();
  bool discard();

  Http1Client& client_;
  const Http1Connection& to_;
  Scratch::Pool& scratch_;
  std::optional<Scratch> head_;  // from the first part on
  http::ChunkWriter chunks_;
  Gather gather_;  // what is left of the last part
  ClientBody body_ = ClientBody::none;
  bool until_close_ = false;  // what has been sent so far ends where the connection does
  bool last_ = false;         // the part being written
  bool discards_ = false;
};

}  // namespace fusewire::proxy
