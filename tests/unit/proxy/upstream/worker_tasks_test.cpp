// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/worker_tasks.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <optional>

using namespace fusewire::proxy;

namespace {

struct Job final : WorkerTask {
  explicit Job(WorkerTasks& of) : all(of) { all.add(*this); }
  ~Job() { end(); }
  void end() {
    if (std::exchange(there, false)) all.remove(*this);
  }
  void stop() override {
    ++stops;
    if (on_stop) on_stop();
  }

  WorkerTasks& all;
  std::function<void()> on_stop;
  bool there = true;
  int stops = 0;
};

}  // namespace

TEST_CASE("each task that is there is called once, and may end by it") {
  WorkerTasks tasks([] {});
  Job one(tasks), two(tasks), three(tasks);
  two.on_stop = [&] { two.end(); };
  tasks.for_each(&WorkerTask::stop);
  CHECK(one.stops == 1);
  CHECK(two.stops == 1);
  CHECK(three.stops == 1);
  CHECK(tasks.size() == 2);
}

TEST_CASE("a task that ends through another one is not called any more") {
  WorkerTasks tasks([] {});
  Job one(tasks), two(tasks);
  one.on_stop = [&] { two.end(); };
  two.on_stop = [&] { one.end(); };
  tasks.for_each(&WorkerTask::stop);
  CHECK(one.stops + two.stops == 1);
}

TEST_CASE("a task that begins while the others are called is not one of them") {
  WorkerTasks tasks([] {});
  Job one(tasks);
  std::optional<Job> late;
  one.on_stop = [&] { late.emplace(tasks); };
  tasks.for_each(&WorkerTask::stop);
  CHECK(late->stops == 0);
  CHECK(tasks.size() == 2);
}

TEST_CASE("who waits for the last task's end has heard of it before another thread can see it") {
  std::optional<std::size_t> seen;
  bool was_empty = false;
  WorkerTasks tasks([&] { seen = tasks.size(), was_empty = tasks.empty(); });
  { const Job one(tasks); }
  CHECK(seen == 1);
  CHECK(was_empty);
  CHECK(tasks.size() == 0);
}
