// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/proxy/request/schedules/virtual_network.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace fusewire::testing {

namespace {

VirtualNetwork* network = nullptr;

}  // namespace

// ------------------------------------------------------------------------------------------------------ the far end

void Link::accept() {
  if (closed_) return;
  connected_ = true;
  note(EPOLLOUT);
}

void Link::refuse() {
  connect_error_ = ECONNREFUSED;
  note(EPOLLERR | EPOLLHUP | EPOLLIN | EPOLLOUT);
}

void Link::send(std::string_view bytes) {
  if (bytes.empty() || fin_ || rst_ || closed_) return;
  inbox_.append(bytes);
  note(EPOLLIN);
}

void Link::finish() {
  if (std::exchange(fin_, true)) return;
  note(EPOLLIN | EPOLLRDHUP);
}

void Link::reset() {
  if (std::exchange(rst_, true)) return;
  note(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLERR | EPOLLHUP);
}

void Link::set_full(bool full) {
  full_ = full;
  if (!full) note(EPOLLOUT);
}

// ------------------------------------------------------------------------------------------------------ the proxy's
// end

long Link::read(char* to, std::size_t size, bool peek) {
  if (!inbox_.empty()) {
    const std::size_t n = std::min(size, inbox_.size());
    std::memcpy(to, inbox_.data(), n);
    if (!peek) inbox_.erase(0, n);
    return static_cast<long>(n);
  }
  if (rst_ && !rst_read_) {
    rst_read_ = !peek;
    return -ECONNRESET;
  }
  return fin_ || rst_ ? 0 : -EAGAIN;
}

long Link::write(std::string_view bytes) {
  if (rst_) return -ECONNRESET;
  if (shut_) return -EPIPE;
  if (full_) return -EAGAIN;
  if (deaf_)
    unread_ += static_cast<int>(bytes.size());
  else
    received.append(bytes);
  tell();
  return static_cast<long>(bytes.size());
}

void Link::shut() {
  shut_ = true;
  tell();
}

void Link::close() {
  closed_ = true;
  source_ = nullptr;
  tell();
}

// What is there already is an event, too.
void Link::watch(void* source) {
  source_ = source;
  if (connected_) note(EPOLLOUT);
  if (!inbox_.empty() || fin_ || rst_) note(EPOLLIN);
  if (fin_) note(EPOLLRDHUP);
  if (rst_) note(EPOLLERR | EPOLLHUP);
}

std::uint32_t Link::take_events() { return source_ == nullptr ? 0 : std::exchange(events_, 0); }

void Link::note(std::uint32_t events) {
  events_ |= events;
  if (network != nullptr) network->moved();
}

void Link::tell() {
  if (network == nullptr) return;
  network->moved();
  if (!std::exchange(has_news_, true)) network->talked(shared_from_this());
}

// ------------------------------------------------------------------------------------------------------ the network

VirtualNetwork::VirtualNetwork() { network = this; }
VirtualNetwork::~VirtualNetwork() {
  network = nullptr;
  for (const auto& [descriptor, link] : links_) link->on_news = nullptr;
}
VirtualNetwork* VirtualNetwork::current() { return network; }

Link* VirtualNetwork::find(int descriptor) {
  if (descriptor < kFirst) return nullptr;
  const auto found = links_.find(descriptor);
  return found == links_.end() ? nullptr : found->second.get();
}

int VirtualNetwork::open(const LinkPtr& link) {
  int descriptor = kFirst;
  while (links_.contains(descriptor)) ++descriptor;
  link->connected_ = link->port == 0;
  links_[descriptor] = link;
  moved_ = true;
  return descriptor;
}

int VirtualNetwork::socket() { return open(std::make_shared<Link>(std::uint16_t{0})); }

void VirtualNetwork::connect(int descriptor, std::uint16_t port) {
  LinkPtr& link = links_[descriptor];
  link = std::make_shared<Link>(port);
  dialled_.push_back(link);
  moved_ = true;
}

void VirtualNetwork::close(int descriptor) {
  const auto found = links_.find(descriptor);
  found->second->close();
  links_.erase(found);
}

bool VirtualNetwork::deliver() {
  for (const LinkPtr& link : std::exchange(dialled_, {}))
    if (!link->closed_ && on_dial) on_dial(link);
  for (const LinkPtr& link : std::exchange(talked_, {})) {
    link->has_news_ = false;
    if (link->on_news) link->on_news();
    if (link->closed_) link->on_news = nullptr;  // it may hold what holds the link
  }
  return std::exchange(moved_, false);
}

}  // namespace fusewire::testing
