// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/name_lookup.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace fusewire::proxy {

namespace {

Resolved failed(std::string why) { return {.addresses = {}, .error = std::move(why)}; }

}  // namespace

// A coroutine that waits. Guarded by Shared::mutex.
struct NameLookup::Waiter {
  asio::steady_timer* timer = nullptr;  // null when nobody waits any more
  Resolved found;
  bool done = false;
};

struct NameLookup::Shared : std::enable_shared_from_this<Shared> {
  explicit Shared(Resolver how) : resolver(std::move(how)) {}

  bool wait_for(const config::Address&, const std::shared_ptr<Waiter>&);
  void deliver(const std::string& name, const Resolved&);

  const Resolver resolver;
  std::mutex mutex;                                                     // guards the rest
  std::map<std::string, std::vector<std::shared_ptr<Waiter>>> running;  // a thread each, by HOST:PORT
};

// False: no thread is free.
bool NameLookup::Shared::wait_for(const config::Address& address, const std::shared_ptr<Waiter>& waiter) {
  const std::string name = address.host + ':' + std::to_string(address.port);
  const std::lock_guard lock(mutex);
  const auto [at, is_new] = running.try_emplace(name);
  std::erase_if(at->second, [](const auto& other) { return other->timer == nullptr; });
  at->second.push_back(waiter);
  if (!is_new) return true;
  try {
    if (running.size() <= kMaxThreads) {
      std::thread([self = shared_from_this(), name, address] {
        self->deliver(name, self->resolver(address.host, address.port));
      }).detach();
      return true;
    }
  } catch (const std::system_error&) {  // there is none
  }
  running.erase(at);
  return false;
}

void NameLookup::Shared::deliver(const std::string& name, const Resolved& answer) {
  const std::lock_guard lock(mutex);
  const auto ended = running.extract(name);
  for (const auto& waiter : ended.mapped()) {
    if (waiter->timer == nullptr) continue;
    waiter->found = answer;
    waiter->done = true;
    asio::post(waiter->timer->get_executor(), [self = shared_from_this(), waiter] {
      const std::lock_guard again(self->mutex);
      if (waiter->timer != nullptr) waiter->timer->cancel();
    });
  }
}

// The coroutine may end at its wait, with its io_context: then its timer goes.
class NameLookup::Waiting {
 public:
  Waiting(std::shared_ptr<Shared> shared, Waiter& waiter, asio::steady_timer& timer)
      : shared_(std::move(shared)), waiter_(waiter) {
    waiter_.timer = &timer;
  }
  ~Waiting() {
    const std::lock_guard lock(shared_->mutex);
    waiter_.timer = nullptr;
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  const std::shared_ptr<Shared> shared_;
  Waiter& waiter_;
};

NameLookup::NameLookup(asio::io_context& io, Resolver resolver)
    : io_(io), shared_(std::make_shared<Shared>(std::move(resolver))) {}

AsioTask<Resolved> NameLookup::find(config::Address address, std::chrono::steady_clock::time_point until) {
  if (const auto known = literal(address)) co_return Resolved{.addresses = {*known}, .error = {}};
  const auto shared = shared_;
  const auto waiter = std::make_shared<Waiter>();
  asio::steady_timer timer(io_, until);
  const Waiting waiting(shared, *waiter, timer);
  if (!shared->wait_for(address, waiter)) co_return failed("no thread is free to look it up");
  error_code ignored;
  co_await timer.async_wait(asio::redirect_error(use_task, ignored));
  const std::lock_guard lock(shared->mutex);
  co_return waiter->done ? std::move(waiter->found) : failed("the look-up of the name takes too long");
}

}  // namespace fusewire::proxy
