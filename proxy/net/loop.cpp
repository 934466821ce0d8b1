// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/loop.hpp"

#include "proxy/net/clock.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

namespace fusewire::proxy {

namespace {

constexpr std::uint32_t kEvents = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET;

}  // namespace

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (epoll_ < 0 || wakeup_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wakeup_, &event) != 0)
    throw std::system_error(errno, std::generic_category(), "an event loop can't be made");
}

Loop::~Loop() {
  ::close(wakeup_);
  ::close(epoll_);
}

bool Loop::watch(int descriptor, Source& source) {
  epoll_event event{.events = kEvents, .data = {.ptr = &source}};
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void Loop::forget(int descriptor) { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr); }

// ------------------------------------------------------------------------------------------------------ the queues

void Loop::append(Queue& queue, Source& source) {
  if (source.link_ != nullptr) return;
  source.queue_ = &queue;
  source.next_ = nullptr;
  source.link_ = queue.last;
  *queue.last = &source;
  queue.last = &source.next_;
}

void Loop::Source::leave_queue() {
  if (link_ == nullptr) return;
  *link_ = next_;
  if (next_ != nullptr)
    next_->link_ = link_;
  else
    queue_->last = link_;
  link_ = nullptr;
}

void Loop::defer(Source& source) { append(*later_, source); }

void Loop::soon(std::function<void()> work) { soon_.push_back(std::move(work)); }

// ------------------------------------------------------------------------------------------------------ turns

void Loop::run() {
  while (!stopped_.load(std::memory_order_relaxed)) turn();
}

// In milliseconds for epoll_wait, rounded up. The kernel takes up to a two-hundredth of a long wait as leave to be late
// (select_estimate_accuracy): such a wait ends early, and what is left of it is waited for in the next turn.
int Loop::patience(Time until) const {
  if (now_->first != nullptr || !soon_.empty()) return 0;
  const Time due = std::min(until, deadlines_.next());
  if (due == kNever) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - steady_now()).count();
  constexpr std::int64_t kLong = 200;
  const std::int64_t wait = left > kLong ? left - left / 64 : left;
  return static_cast<int>(std::clamp<std::int64_t>(wait, 0, std::numeric_limits<int>::max()));
}

void Loop::turn(Time until) {
  ++turns_;
  std::swap(now_, later_);
  const bool posted = look(patience(until));
  const Time looked = steady_now();
  if (posted) run_posted();  // first: what was said to other threads before a byte was sent holds for that byte
  act();
  if (deadlines_.next() != kNever) deadlines_.tick(looked);
  for (const auto& work : std::exchange(soon_, {})) work();
}

// Notes all that has come, in as many looks as it takes. True: something was posted, too.
bool Loop::look(int patience) {
  std::array<epoll_event, kBatch> events;
  bool posted = false;
  int count = kBatch;
  for (int looks = 0; count == kBatch && looks < kMaxLooks; ++looks) {
    count = ::epoll_wait(epoll_, events.data(), kBatch, looks == 0 ? patience : 0);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      auto* const source = static_cast<Source*>(event.data.ptr);
      posted = posted || source == nullptr;
      if (source == nullptr) continue;
      source->note(event.events);
      append(*now_, *source);
    }
  }
  return posted;
}

void Loop::act() {
  while (now_->first != nullptr) {
    Source& source = *now_->first;
    source.leave_queue();
    source.act();
  }
}

// ------------------------------------------------------------------------------------------------------ other threads

void Loop::run_posted() {
  std::uint64_t count = 0;
  if (::read(wakeup_, &count, sizeof count) < 0) return;
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(posted_mutex_);
    work.swap(posted_);
  }
  for (const auto& one : work) one();
}

void Loop::wake() {
  const std::uint64_t one = 1;
  static_cast<void>(::write(wakeup_, &one, sizeof one));
}

void Loop::post(std::function<void()> work) {
  bool first = false;
  {
    const std::lock_guard lock(posted_mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(work));
  }
  if (first) wake();
}

void Loop::stop() {
  stopped_ = true;
  wake();
}

}  // namespace fusewire::proxy
