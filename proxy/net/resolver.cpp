// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/resolver.hpp"

#include <netdb.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace fusewire::proxy {

namespace {

Resolver::Addresses look_up(const std::string& host, std::uint16_t port) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  Resolver::Addresses found;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &list) != 0) return found;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    Protocol::endpoint endpoint;
    if (one->ai_addrlen > endpoint.capacity()) continue;
    std::memcpy(endpoint.data(), one->ai_addr, one->ai_addrlen);
    endpoint.resize(one->ai_addrlen);
    found.push_back(endpoint);
  }
  ::freeaddrinfo(list);
  return found;
}

}  // namespace

struct Resolver::Shared {
  struct Job {
    std::string host;
    std::uint16_t port;
    Then then;
  };
  std::mutex mutex;
  std::condition_variable news;
  std::deque<Job> jobs;
  Loop* loop;  // nullptr: the owner is gone
  bool started = false;
};

Resolver::Resolver(Loop& loop) : shared_(std::make_shared<Shared>()) { shared_->loop = &loop; }

Resolver::~Resolver() {
  const std::lock_guard lock(shared_->mutex);
  shared_->loop = nullptr;
  shared_->news.notify_one();
}

void Resolver::resolve(const std::string& host, std::uint16_t port, Then then) {
  const std::lock_guard lock(shared_->mutex);
  shared_->jobs.push_back({host, port, std::move(then)});
  shared_->news.notify_one();
  if (!std::exchange(shared_->started, true)) std::thread(work, shared_).detach();
}

void Resolver::work(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  while (shared->loop != nullptr) {
    if (shared->jobs.empty()) {
      shared->news.wait(lock);
      continue;
    }
    const Shared::Job job = std::move(shared->jobs.front());
    shared->jobs.pop_front();
    lock.unlock();
    const Addresses found = look_up(job.host, job.port);
    lock.lock();
    if (shared->loop != nullptr) shared->loop->post([then = job.then, found] { then(found); });
  }
}

}  // namespace fusewire::proxy
