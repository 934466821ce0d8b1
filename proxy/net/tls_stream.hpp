// SPDX-License-Identifier: Apache-2.0
// TLS on one connection: takes the place of a channel's plain reads and writes. What the library wants to send goes
// into a buffer and out in one system call; it reads only when the kernel is known to have something. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "filters/outcome.hpp"
#include "proxy/net/buffer.hpp"

struct ssl_st;          // OpenSSL's SSL
struct ssl_session_st;  // and SSL_SESSION
struct bio_st;

namespace fusewire::proxy {

class Gather;

struct SslFree {
  void operator()(ssl_st*) const noexcept;
};
using Ssl = std::unique_ptr<ssl_st, SslFree>;

struct SslSessionFree {
  void operator()(ssl_session_st*) const noexcept;
};
using SslSession = std::unique_ptr<ssl_session_st, SslSessionFree>;

// A connection that a context has made ready for its handshake.
struct TlsSetup {
  Ssl ssl;                               // null: no memory
  SslSession* session = nullptr;         // where the next session to resume goes; a client's
  std::shared_ptr<const void> keeps_it;  // `session`
};

// Its channel owns it, from start_tls() on, and drives it: handshake() until ready(), then read() and encrypt(); after
// each of them send() writes out what has been gathered. Invariants: encrypt() takes as much as the buffer holds, so
// the rest is offered again after send(); bytes go out in the order in which they were encrypted.
class TlsStream {
 public:
  // What the channel knows of its descriptor. `readable` is ours to clear, as the channel does after a short read.
  struct Wire {
    const int& descriptor;
    bool& readable;
    const bool& ending;
  };
  enum class Step : std::uint8_t {
    done,
    blocked,  // the kernel has no more for now
    ended,    // the peer's close_notify
    failed,   // fault() says of what
  };

  TlsStream(TlsSetup, Wire, BufferPool&);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // Advances the handshake with what the kernel has. Its output waits for send().
  Step handshake();
  bool ready() const { return ready_; }  // the handshake is done
  bool resumed() const;
  int version() const;  // TLS1_2_VERSION, …; 0: not agreed yet

  struct Got {
    std::size_t bytes = 0;
    Step step = Step::done;  // why there are no more bytes than these; done: the memory is full
    bool more = false;       // ask again without waiting for an event
  };
  Got read(char* memory, std::size_t size);

  // Encrypts what fits into the buffer; false: the connection is unusable.
  bool encrypt(Gather&);
  // False: something is left to be sent, when the kernel takes it, or `error` is set.
  bool send(int& error);
  std::size_t unsent() const { return out_end_ - out_begin_; }
  // Says that we send nothing more. Needs room in the buffer, so nothing after a send() that left something.
  void close_notify();

  const TlsFault& fault() const { return fault_; }
  bool spoke_http() const { return spoke_http_; }        // plain, instead of a handshake
  bool wire_failed() const { return wire_error_ != 0; }  // the connection itself, not TLS
  bool wire_ended() const { return eof_; }
  void keep_session(SslSession);  // the library has got one
  void note_key_update();         // of the peer's; too many with little data between them end the connection
  void note_ticket();             // of the peer's; too many in a row do, too

 private:
  friend struct WireBio;
  int receive(char* memory, int size);
  int put(const char* bytes, int size);
  Step judge(int result);
  void blame(unsigned long error);
  void stop_library();

  Ssl ssl_;
  SslSession* const session_;
  const std::shared_ptr<const void> keeps_session_;
  const Wire wire_;
  BufferPool& pool_;
  std::unique_ptr<char[]> out_;  // encrypted, not yet sent
  std::size_t out_begin_ = 0;
  std::size_t out_end_ = 0;
  TlsFault fault_;
  std::uint64_t data_ = 0;                // bytes, both ways
  std::uint64_t data_at_key_update_ = 0;  // when key_updates_ began to be counted
  unsigned key_updates_ = 0;
  unsigned tickets_ = 0;  // in a row: without data between them
  int wire_error_ = 0;
  int receives_left_ = 0;  // of one read(): a peer that never stops must not stop the others
  Step end_ = Step::done;  // ended or failed, once it is
  bool ready_ = false;
  bool eof_ = false;  // FIN
  bool spoke_http_ = false;
};

}  // namespace fusewire::proxy
