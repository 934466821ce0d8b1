// SPDX-License-Identifier: Apache-2.0
// An HTTP upstream in this process whose every byte is scripted and which remembers everything it was sent. A thread a
// connection, blocking sockets: plain on purpose. All members may be called by the test while traffic runs.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/connection.hpp"
#include "tests/support/message.hpp"
#include "tests/support/reserved_port.hpp"

namespace fusewire::testing {

// One request at the upstream: its head has been read, nothing has been answered.
class Call {
 public:
  const Request& request() const { return request_; }
  std::size_t number() const { return number_; }  // 1, 2, … over all connections
  Connection& connection() { return connection_; }

  // Once; recorded in the upstream's requests() as far as it came.
  const Request& read_body();
  bool send(std::string_view bytes) { return connection_.send(bytes); }
  // A delay. False: the proxy hung up, or the upstream was stopped, before it was over.
  bool wait(milliseconds delay) { return !connection_.ended(delay) && !stopping(); }
  void hang();  // until the proxy hangs up or the upstream is stopped
  bool stopping() const;

 private:
  friend class ScriptedUpstream;
  Call(class ScriptedUpstream& upstream, Connection& connection, Request request);

  class ScriptedUpstream& upstream_;
  Connection& connection_;
  Request request_;
  bool body_read_ = false;
  std::size_t number_ = 0;
};

using Script = std::function<void(Call&)>;

namespace scripts {

Script reply(std::string raw);                     // reads the body, then answers these bytes
Script ok(std::string body = "hello");             // 200 with that body
Script status(int status, std::string body = {});  // that status
Script early(std::string raw);                     // answers before the request's body has been read
Script echo();                                     // 200 with the request's body, in the request's framing
Script delayed(milliseconds, Script then);
Script drip(std::string raw, milliseconds pause);  // a byte at a time
Script hang();                                     // reads the request, never answers
Script cut(std::string raw = {});                  // these bytes, then FIN
Script reset(std::string raw = {});                // these bytes (given time to arrive), then RST
Script in_turn(std::vector<Script>);               // the n-th request gets the n-th script, later ones the last

}  // namespace scripts

class ScriptedUpstream {
 public:
  // On 127.0.0.HOST; port 0: the kernel's choice. `tls`: every connection begins with a handshake; it outlives the
  // upstream.
  explicit ScriptedUpstream(Script script = scripts::ok(), std::uint8_t host = 1, std::uint16_t port = 0,
                            TlsEnd* tls = nullptr);
  ScriptedUpstream(Script script, TlsEnd* tls) : ScriptedUpstream(std::move(script), 1, 0, tls) {}
  ~ScriptedUpstream();

  std::uint16_t port() const { return port_.number(); }
  void script(Script);  // for requests from now on

  // As a killed process: the port refuses, every open connection is reset.
  void kill();
  void start();  // on the same port; does nothing while it runs

  // While it runs: no packet reaches its listener, a SYN is neither answered nor refused, as behind a dead cable.
  void silence(bool) const;

  std::vector<Request> requests() const;  // in order of arrival
  std::size_t request_count() const { return request_count_.load(); }
  std::size_t connection_count() const { return connection_count_.load(); }  // accepted so far
  std::size_t open_connections() const { return open_connections_.load(); }
  std::size_t resumed() const { return resumed_.load(); }  // handshakes of an earlier session
  std::size_t refused() const { return refused_.load(); }  // handshakes that failed

 private:
  friend class Call;
  void accept_loop();
  void serve(int fd);
  std::size_t record(const Request&);
  void record_body(std::size_t number, const Request&);
  Script current() const;

  TlsEnd* const tls_ = nullptr;
  ReservedPort port_;
  int listener_ = -1;
  mutable std::mutex mutex_;  // guards script_ and requests_
  Script script_;
  std::deque<Request> requests_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> request_count_{0}, connection_count_{0}, open_connections_{0}, resumed_{0}, refused_{0};
  std::vector<std::thread> connections_;  // accept_loop's, until it has been joined
  std::thread acceptor_;
};

}  // namespace fusewire::testing
