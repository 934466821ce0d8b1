// SPDX-License-Identifier: Apache-2.0
// Connections without sockets: what the proxy asks of the kernel for a connection (socket, connect, send, recv, epoll,
// …) is answered here. The linker puts the functions of virtual_sockets.cpp in the place of the system's
// (wrapped_symbols.txt). What is at the other end is the test's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fusewire::testing {

// One connection. The far end is the test's: a client, or an endpoint. Bytes arrive at once; who wants a delay sends
// later.
class Link : public std::enable_shared_from_this<Link> {
 public:
  explicit Link(std::uint16_t to) : port(to) {}

  const std::uint16_t port;       // that the proxy dials; 0: a client has come
  std::function<void()> on_news;  // the far end's: bytes, or an end, have come. Called between two turns

  // ------ the far end
  void accept();  // the proxy's connect() succeeds
  void refuse();
  void send(std::string_view bytes);
  void finish();  // FIN
  void reset();   // RST
  // From now on nothing that comes is read, as if the process had closed its end.
  void go_deaf() { deaf_ = true; }
  bool heard_while_deaf() const { return unread_ > 0; }
  // The far end's buffer is full: the proxy's next write finds no room. Or it has room again.
  void set_full(bool full);
  std::string received;  // what the proxy has sent so far
  bool proxy_has_ended() const { return closed_ || shut_; }
  bool proxy_has_closed() const { return closed_; }

  // ------ the proxy's end: virtual_sockets.cpp. Errors are negative errno.
  int connect_error() const { return connect_error_; }
  bool is_connected() const { return connected_; }
  long read(char* to, std::size_t size, bool peek);
  long write(std::string_view bytes);
  void shut();
  void close();
  void watch(void* source);
  void forget() { source_ = nullptr; }
  void* source() const { return source_; }
  std::uint32_t take_events();
  int unacknowledged() const { return unread_; }

 private:
  friend class VirtualNetwork;
  void note(std::uint32_t events);
  void tell();

  std::string inbox_;
  void* source_ = nullptr;
  std::uint32_t events_ = 0;
  int connect_error_ = 0;
  bool connected_ = false;
  bool fin_ = false;       // the far end sends no more
  bool rst_ = false;       // it has reset the connection
  bool rst_read_ = false;  // and the proxy knows
  bool full_ = false;
  bool shut_ = false;
  bool closed_ = false;
  bool deaf_ = false;
  int unread_ = 0;         // bytes, since then
  bool has_news_ = false;  // for the far end
};
using LinkPtr = std::shared_ptr<Link>;

// While one lives, the process' new connections are virtual ones; there is one at a time. One thread.
class VirtualNetwork {
 public:
  VirtualNetwork();
  ~VirtualNetwork();
  VirtualNetwork(const VirtualNetwork&) = delete;
  VirtualNetwork& operator=(const VirtualNetwork&) = delete;
  static VirtualNetwork* current();

  // The proxy dials: the link is then to be accepted, refused, or left alone. Called between two turns.
  std::function<void(const LinkPtr&)> on_dial;
  // A client has come; the descriptor is the proxy's end.
  int open(const LinkPtr&);
  // Tells the far ends what has come. Whether anything has moved since the last time, on either side.
  bool deliver();
  std::size_t open_descriptors() const { return links_.size(); }

  // ------ the proxy's end
  Link* find(int descriptor);
  int socket();
  void connect(int descriptor, std::uint16_t port);
  void close(int descriptor);
  const std::map<int, LinkPtr>& links() const { return links_; }
  void moved() { moved_ = true; }
  void talked(const LinkPtr& link) { talked_.push_back(link); }

 private:
  static constexpr int kFirst = 200;  // above the process' own descriptors, below what is_reserved() keeps

  std::map<int, LinkPtr> links_;
  std::vector<LinkPtr> dialled_;
  std::vector<LinkPtr> talked_;  // whose far ends have not heard of it
  bool moved_ = false;
};

}  // namespace fusewire::testing
