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

  void begin(std::vector<config::Address>);
  void deliver(std::uint64_t look_up, Found);
  void take(std::uint64_t look_up, Found);

  // Control thread.
  Found found;
  std::function<void()> then;

  std::mutex mutex;                     // guards the rest
  asio::io_context* control = nullptr;  // null when ListenNames is gone
  std::uint64_t wanted = 0;             // the number of the last look-up
  int threads = 0;
};

ListenNames::ListenNames(asio::io_context& control) : shared_(std::make_shared<Shared>()) {
  shared_->control = &control;
}

ListenNames::~ListenNames() {
  forget();
  const std::lock_guard lock(shared_->mutex);
  shared_->control = nullptr;
}

void ListenNames::forget() {
  shared_->then = nullptr;
  const std::lock_guard lock(shared_->mutex);
  ++shared_->wanted;
}

void ListenNames::look_up(std::vector<config::Address> addresses, std::function<void()> then) {
  forget();
  shared_->found.clear();
  std::erase_if(addresses, [](const config::Address& address) { return literal(address).has_value(); });
  if (addresses.empty()) return then();
  shared_->then = std::move(then);
  shared_->begin(std::move(addresses));
}

std::optional<ListenAddresses> ListenNames::find(const config::Address& wanted) const {
  const auto& all = shared_->found;
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.first == wanted; });
  return at == all.end() ? std::nullopt : std::optional(at->second);
}

// Where no thread can be had, the answer comes all the same, as an error.
void ListenNames::Shared::begin(std::vector<config::Address> names) {
  Found answer;
  for (auto& name : names)
    answer.emplace_back(std::move(name),
                        ListenAddresses{{}, make_error_code(boost::system::errc::resource_unavailable_try_again)});
  const std::lock_guard lock(mutex);
  const auto give_up = [&] {
    asio::post(*control, [self = shared_from_this(), number = wanted, answer] { self->take(number, answer); });
  };
  if (threads == kMaxThreads) return give_up();
  try {
    std::thread([self = shared_from_this(), number = wanted, answer]() mutable {
      for (auto& [name, addresses] : answer) addresses = addresses_to_listen_on(name);
      self->deliver(number, std::move(answer));
    }).detach();
    ++threads;
  } catch (const std::system_error&) {
    give_up();
  }
}

void ListenNames::Shared::deliver(std::uint64_t look_up, Found answer) {
  const std::lock_guard lock(mutex);
  --threads;
  if (control == nullptr || look_up != wanted) return;
  asio::post(*control, [self = shared_from_this(), look_up, answer = std::move(answer)]() mutable {
    self->take(look_up, std::move(answer));
  });
}

void ListenNames::Shared::take(std::uint64_t look_up, Found answer) {
  {
    const std::lock_guard lock(mutex);
    if (look_up != wanted) return;
  }
  found = std::move(answer);
  if (const auto next = std::exchange(then, nullptr)) next();
}

}  // namespace fusewire::proxy
