// SPDX-License-Identifier: Apache-2.0
// The coroutines of the data plane. A coroutine begins where it is awaited and runs on in its caller's turn until it
// has to wait: what never waits costs a call and a recycled frame, or a call alone (Task::ended). One thread; see
// docs/decisions/0006.
//
// Only Event suspends. Whatever completes elsewhere (a write, a connect) ends in Event::set() on the same thread.
#pragma once

#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>

#include "proxy/net/frame_pool.hpp"

namespace fusewire::proxy {

template <class T>
class Task;

namespace detail {

struct Nothing {};

struct TaskPromiseBase {
  static void* operator new(std::size_t size) { return FramePool::allocate(size); }
  static void operator delete(void* frame, std::size_t size) { FramePool::release(frame, size); }

  // Resumes the awaiting coroutine. It may destroy this frame: nothing is touched afterwards.
  struct AtEnd {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      if (const std::coroutine_handle<> next = self.promise().waiter) next.resume();
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  AtEnd final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { thrown = std::current_exception(); }

  std::coroutine_handle<> waiter;  // set once the task has been suspended: until then its caller is on the stack
  std::exception_ptr thrown;
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  Task<T> get_return_object();
  void return_value(T result) { value = std::move(result); }
  T take() { return std::move(value); }
  T value{};
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void take() const noexcept {}
};

}  // namespace detail

// Awaited once, by the coroutine that holds it.
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using Frame = std::coroutine_handle<promise_type>;

  explicit Task(Frame frame) : frame_(frame) {}
  // A task that has ended, without a frame. A plain function that calls a coroutine only where it must wait returns it
  // otherwise; such a function does its work when it is called.
  static Task ended() requires std::is_void_v<T> { return Task(); }
  template <class Value = T>
  static Task ended(std::type_identity_t<Value> result) requires(!std::is_void_v<T>) {
    Task task;
    task.result_ = std::move(result);
    return task;
  }
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)), result_(std::move(other.result_)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (frame_) frame_.destroy();
  }

  bool is_ready() const noexcept { return !frame_; }  // there is no frame: it ended before it was a task
  bool await_ready() const noexcept { return is_ready(); }
  // False: it has ended without waiting.
  bool await_suspend(std::coroutine_handle<> waiter) {
    frame_.resume();
    if (frame_.done()) return false;
    frame_.promise().waiter = waiter;
    return true;
  }
  T await_resume() {
    if (!frame_) return static_cast<T>(std::move(result_));
    if (frame_.promise().thrown) std::rethrow_exception(frame_.promise().thrown);
    return frame_.promise().take();
  }

 private:
  using Result = std::conditional_t<std::is_void_v<T>, detail::Nothing, T>;
  Task() = default;

  Frame frame_;
  [[no_unique_address]] Result result_{};
};

namespace detail {

template <class T>
Task<T> TaskPromise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

}  // namespace detail

}  // namespace fusewire::proxy
