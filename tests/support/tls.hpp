// SPDX-License-Identifier: Apache-2.0
// TLS for a test's end of a connection, straight on OpenSSL: nothing of it is shared with the proxy.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tests/support/certificates.hpp"

struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;

namespace fusewire::testing {

struct TlsWishes {
  std::string ca = {};                    // PEM: the peer must show a certificate by it; empty: any will do
  Identity identity = {};                 // what we show; a client may have none
  std::string server_name = "localhost";  // a client's SNI
  std::string protocols = {};             // ALPN, "h2,http/1.1": offered, or taken in that order; empty: none
  int version = 0;                        // 0x0303, 0x0304: that version only
};

// One side's settings, and its last session. Shared by the threads of a test.
class TlsEnd {
 public:
  enum class Role { client, server };
  TlsEnd(Role, TlsWishes);
  ~TlsEnd();
  TlsEnd(const TlsEnd&) = delete;
  TlsEnd& operator=(const TlsEnd&) = delete;

 private:
  friend class TlsLayer;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// On a non-blocking descriptor. Like recv and send: -1 and EAGAIN where it must wait.
class TlsLayer {
 public:
  TlsLayer(TlsEnd&, int descriptor, bool resume);
  ~TlsLayer();

  enum class Step { done, reads, writes, failed };
  Step handshake();
  long receive(char* memory, std::size_t size);  // 0: close_notify; -1 and EPIPE: FIN without one
  long send(std::string_view);
  void close_notify();
  void send_ticket();  // TLS 1.3, a server
  void update_key();   // TLS 1.3, asking the peer to do the same

  const std::string& failure() const { return failure_; }
  bool resumed() const;
  std::string version() const;   // "TLSv1.3"
  std::string protocol() const;  // ALPN; empty: none
  std::string cipher() const;
  std::string server_name() const;       // at a server: the client's SNI
  std::string peer_certificate() const;  // PEM; empty: none

 private:
  Step judge(int result);

  ssl_st* ssl_;
  std::string failure_;
};

}  // namespace fusewire::testing
