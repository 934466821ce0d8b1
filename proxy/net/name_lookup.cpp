// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/name_lookup.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <system_error>
#include <thread>

namespace fusewire::proxy {
namespace {

// What the waiting coroutine and the thread share.
struct Pending {
  std::mutex mutex;                       // guards the rest
  asio::steady_timer* waiting = nullptr;  // null when nobody waits any more
  Resolved found;
  bool done = false;

  void deliver(Resolved answer, const std::shared_ptr<Pending>& self) {
    const std::lock_guard lock(mutex);
    if (waiting == nullptr) return;
    found = std::move(answer);
    done = true;
    asio::post(waiting->get_executor(), [self] {
      const std::lock_guard again(self->mutex);
      if (self->waiting != nullptr) self->waiting->cancel();
    });
  }
};

// The coroutine may end at its wait, with its io_context: then its timer goes.
class Waiting {
 public:
  Waiting(Pending& pending, asio::steady_timer& timer) : pending_(pending) { pending_.waiting = &timer; }
  ~Waiting() {
    const std::lock_guard lock(pending_.mutex);
    pending_.waiting = nullptr;
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  Pending& pending_;
};

Resolved failed(std::string why) { return {.addresses = {}, .error = std::move(why)}; }

bool begin(const std::shared_ptr<Pending>& pending, const std::shared_ptr<std::atomic<int>>& threads, Resolver resolver,
           config::Address address) {
  if (threads->load() >= NameLookup::kMaxThreads) return false;
  ++*threads;
  try {
    std::thread([pending, threads, resolver = std::move(resolver), address = std::move(address)] {
      Resolved answer = resolver(address.host, address.port);
      --*threads;
      pending->deliver(std::move(answer), pending);
    }).detach();
    return true;
  } catch (const std::system_error&) {
    --*threads;
    return false;
  }
}

}  // namespace

AsioTask<Resolved> NameLookup::find(config::Address address, std::chrono::steady_clock::time_point until) {
  if (const auto known = literal(address)) co_return Resolved{.addresses = {*known}, .error = {}};
  const auto pending = std::make_shared<Pending>();
  asio::steady_timer timer(io_, until);
  const Waiting waiting(*pending, timer);
  if (!begin(pending, threads_, resolver_, std::move(address))) co_return failed("no thread is free to look it up");
  error_code ignored;
  co_await timer.async_wait(asio::redirect_error(use_task, ignored));
  const std::lock_guard lock(pending->mutex);
  co_return pending->done ? std::move(pending->found) : failed("the look-up of the name takes too long");
}

}  // namespace fusewire::proxy
