// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/listen_names.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "proxy/net/resolver.hpp"

namespace fusewire::proxy {

struct ListenNames::Shared : std::enable_shared_from_this<Shared> {
  using Found = std::vector<std::pair<config::Address, ListenAddresses>>;

  Shared(asio::io_context& thread, LookUp how) : look_up(std::move(how)), control(&thread) {}
  void begin();
  void deliver(std::uint64_t number, Found);
  void take(std::uint64_t number, Found);

  const LookUp look_up;

  // Control thread.
  Found found;
  std::function<void()> then;

  std::mutex mutex;                    // guards the rest
  asio::io_context* control;           // null when ListenNames is gone
  std::uint64_t wanted = 0;            // the number of the last look-up
  std::vector<config::Address> names;  // of that one; empty once it has begun
  int threads = 0;
};

ListenNames::ListenNames(asio::io_context& control, LookUp look_up)
    : shared_(std::make_shared<Shared>(control, std::move(look_up))) {}

ListenNames::~ListenNames() {
  forget();
  const std::lock_guard lock(shared_->mutex);
  shared_->control = nullptr;
}

void ListenNames::forget() {
  shared_->then = nullptr;
  const std::lock_guard lock(shared_->mutex);
  ++shared_->wanted;
  shared_->names.clear();
}

void ListenNames::look_up(std::vector<config::Address> addresses, std::function<void()> then) {
  forget();
  shared_->found.clear();
  std::erase_if(addresses, [](const config::Address& address) { return literal(address).has_value(); });
  if (addresses.empty()) return then();
  shared_->then = std::move(then);
  const std::lock_guard lock(shared_->mutex);
  shared_->names = std::move(addresses);
  shared_->begin();
}

std::optional<ListenAddresses> ListenNames::find(const config::Address& wanted) const {
  const auto& all = shared_->found;
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.first == wanted; });
  return at == all.end() ? std::nullopt : std::optional(at->second);
}

// With the mutex held. Where the system has no thread to give, the answer comes all the same, as an error.
void ListenNames::Shared::begin() {
  if (names.empty() || threads == kMaxThreads) return;
  Found answer;
  for (auto& name : std::exchange(names, {}))
    answer.emplace_back(std::move(name),
                        ListenAddresses{{}, make_error_code(boost::system::errc::resource_unavailable_try_again)});
  try {
    std::thread([self = shared_from_this(), number = wanted, answer]() mutable {
      for (auto& [name, addresses] : answer) addresses = self->look_up(name);
      self->deliver(number, std::move(answer));
    }).detach();
    ++threads;
  } catch (const std::system_error&) {
    asio::post(*control, [self = shared_from_this(), number = wanted, answer] { self->take(number, answer); });
  }
}

void ListenNames::Shared::deliver(std::uint64_t number, Found answer) {
  const std::lock_guard lock(mutex);
  --threads;
  if (control == nullptr) return;
  if (number != wanted) return begin();
  asio::post(*control, [self = shared_from_this(), number, answer = std::move(answer)]() mutable {
    self->take(number, std::move(answer));
  });
}

void ListenNames::Shared::take(std::uint64_t number, Found answer) {
  {
    const std::lock_guard lock(mutex);
    if (number != wanted) return;
  }
  found = std::move(answer);
  if (const auto next = std::exchange(then, nullptr)) next();
}

}  // namespace fusewire::proxy
