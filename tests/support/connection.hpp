// SPDX-License-Identifier: Apache-2.0
// One TCP connection with deadlines, for both ends of a test, plain or under TLS. Bytes go out as given and come in as
// they are; FIN, RST and silence are three different things here.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/eventually.hpp"
#include "tests/support/tls.hpp"

namespace fusewire::testing {

enum class End { open, eof, reset, truncated };  // truncated: FIN without the close_notify of TLS
const char* to_string(End);

// Belongs to one thread. `stop`, where given, makes every wait end early.
class Connection {
 public:
  explicit Connection(int fd, const std::atomic<bool>* stop = nullptr);
  static Connection to(std::uint16_t port);          // 127.0.0.1; throws when refused
  static Connection to(const std::string& address);  // "[::1]:80", or a socket's path
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  // Reads what comes in meanwhile, so that a peer which answers early never blocks. False: the peer is gone.
  bool send(std::string_view bytes, milliseconds patience = kPatience);
  void shut_down_writing();
  // The handshake, of either side. False: tls().failure() says why, or it did not come about in time.
  bool secure(TlsEnd&, bool resume = false, milliseconds patience = kPatience);
  TlsLayer& tls() { return *tls_; }
  bool is_secure() const { return tls_ != nullptr; }
  void cut();    // FIN, under TLS without close_notify
  void close();  // FIN (after everything sent), under TLS after close_notify
  void reset();  // RST

  // Reads once more into the buffer; false when the connection ended, or nothing came in time.
  bool fill(milliseconds patience = kPatience);
  // Up to and with `mark`; nullopt when it never came.
  std::optional<std::string> take_until(std::string_view mark, milliseconds patience = kPatience);
  // At most `n` bytes; fewer only when the connection ended or nothing came in time.
  std::string take(std::size_t n, milliseconds patience = kPatience);
  // Everything until the peer ends the connection; end() says how it did.
  std::string take_all(milliseconds patience = kPatience);
  // Whether the peer ended the connection within that time; what it sends meanwhile is kept in the buffer.
  bool ended(milliseconds patience = kPatience);

  End end() const { return end_; }
  bool is_open() const { return fd_ >= 0; }
  const std::string& buffered() const { return buffer_; }
  std::uint16_t local_port() const;

 private:
  int wait(short events, std::chrono::steady_clock::time_point until) const;  // poll's revents; 0: time is over
  bool receive();

  int fd_ = -1;
  std::unique_ptr<TlsLayer> tls_;
  const std::atomic<bool>* stop_ = nullptr;
  std::string buffer_;
  End end_ = End::open;
};

// Whether nobody listens on that port of 127.0.0.1.
bool refused(std::uint16_t port);

}  // namespace fusewire::testing
