// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <unordered_set>
#include <vector>

namespace fusewire::proxy {

// What runs on a worker until it ends by itself: a client's connection, a refresh.
class WorkerTask {
 public:
  virtual void stop() = 0;                 // it is cut off now
  virtual void drain() {}                  // it begins nothing new
  virtual void configuration_changed() {}  // the context has another snapshot; it may end

 protected:
  ~WorkerTask() = default;
};

// Those of one kind. Tasks add and remove themselves on the worker's thread; size() may be called by any thread.
class WorkerTasks {
 public:
  // `on_removed` runs after each removal, before size() shows it.
  explicit WorkerTasks(std::function<void()> on_removed) : on_removed_(std::move(on_removed)) {}

  void add(WorkerTask& task) {
    tasks_.insert(&task);
    size_.store(tasks_.size());
  }
  void remove(WorkerTask& task) {
    tasks_.erase(&task);
    on_removed_();
    size_.store(tasks_.size());
  }
  bool empty() const { return tasks_.empty(); }
  std::size_t size() const { return size_.load(); }

  // Calls each of those that are there now; one may end, and with it others.
  void for_each(void (WorkerTask::*call)()) {
    const std::vector<WorkerTask*> now(tasks_.begin(), tasks_.end());
    for (WorkerTask* task : now)
      if (tasks_.contains(task)) (task->*call)();
  }

 private:
  std::function<void()> on_removed_;
  std::unordered_set<WorkerTask*> tasks_;
  std::atomic<std::size_t> size_{0};
};

}  // namespace fusewire::proxy
