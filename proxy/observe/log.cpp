// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/log.hpp"

#include <spdlog/async.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "proxy/observe/line.hpp"
#include "proxy/observe/log_writer.hpp"

namespace fusewire::proxy::log {
namespace {

using namespace std::chrono_literals;

// stop() waits this long for the queue, then this long for the writer to let go: together at most a second.
constexpr auto kDrainLimit = 700ms;
constexpr auto kAbandonLimit = 250ms;

// spdlog's queue has room for all that Writer::admit lets in, so overrun_oldest never overruns; and unlike `block` it
// could not stop a thread if it did.
class Pipeline {
 public:
  Pipeline(int fd, std::atomic<std::uint64_t>& dropped) : writer_(std::make_shared<Writer>(fd, dropped)) {
    pool_ = std::make_shared<spdlog::details::thread_pool>(Writer::kMaxItems + 8, 1);
    logger_ = std::make_shared<spdlog::async_logger>("fusewire", writer_, pool_,
                                                     spdlog::async_overflow_policy::overrun_oldest);
  }

  bool submit(std::string_view lines) {
    if (!writer_->admit(lines.size())) return false;
    logger_->log(spdlog::level::info, spdlog::string_view_t(lines.data(), lines.size()));
    return true;
  }

  // False when the descriptor holds the writing thread even so: then this must never be destroyed.
  bool drain() {
    if (writer_->drain(kDrainLimit)) return true;
    writer_->abandon();
    return writer_->drain(kAbandonLimit);
  }

 private:
  std::shared_ptr<Writer> writer_;
  std::shared_ptr<spdlog::async_logger> logger_;
  // Destroyed first: it joins its thread, which is the last other user of the logger.
  std::shared_ptr<spdlog::details::thread_pool> pool_;
};

// The process has one standard output, so it has one of these.
struct State {
  std::mutex mutex;  // of `pipeline` and `abandoned`; never held while something is written
  std::shared_ptr<Pipeline> pipeline;
  std::vector<std::shared_ptr<Pipeline>> abandoned;  // whose threads are still inside write(2)
  std::atomic<config::LogLevel> level{config::LogLevel::info};
  std::atomic<config::LogFormat> format{config::LogFormat::json};
  std::atomic<std::uint64_t> dropped{0};

  std::shared_ptr<Pipeline> current() {
    const std::lock_guard lock(mutex);
    return pipeline;
  }
};

// Never destroyed: threads may log while static objects go.
State& state() {
  static State& instance = *new State;
  return instance;
}

std::string_view name_of(config::LogLevel level) {
  constexpr std::array<std::string_view, 6> kNames = {"trace", "debug", "info", "warn", "error", "off"};
  return kNames[static_cast<std::size_t>(level)];
}

void add(Line& line, const Pair& pair) {
  struct Visitor {
    Line& line;
    std::string_view key;
    void operator()(std::string_view value) const { line.text(key, value); }
    void operator()(std::int64_t value) const { line.number(key, value); }
    void operator()(double value) const { line.real(key, value); }
    void operator()(bool value) const { line.boolean(key, value); }
  };
  std::visit(Visitor{line, pair.key}, pair.value);
}

std::string render(config::LogFormat format, config::LogLevel level, std::string_view message,
                   std::span<const Pair> pairs) {
  std::string text;
  Line line(text, format, time_chars(std::chrono::system_clock::now()), name_of(level), message);
  for (const Pair& pair : pairs) add(line, pair);
  line.finish();
  return text;
}

void write_to_stderr(std::string_view text) {
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) state().dropped += 1;
}

}  // namespace

void start(const config::Log& config, int fd) {
  configure(config);
  State& s = state();
  const std::lock_guard lock(s.mutex);
  if (!s.pipeline) s.pipeline = std::make_shared<Pipeline>(fd, s.dropped);
}

void configure(const config::Log& config) {
  state().level = config.level;
  state().format = config.format;
}

void stop() {
  State& s = state();
  std::shared_ptr<Pipeline> pipeline;
  {
    const std::lock_guard lock(s.mutex);
    pipeline.swap(s.pipeline);
  }
  if (!pipeline || pipeline->drain()) return;
  // A thread that is still inside write(2) can't be joined; the exit of the process ends it.
  const std::lock_guard lock(s.mutex);
  s.abandoned.push_back(std::move(pipeline));
}

bool enabled(config::LogLevel level) { return level != config::LogLevel::off && level >= state().level.load(); }

void write(config::LogLevel level, std::string_view message, std::span<const Pair> pairs) {
  if (!enabled(level)) return;
  const auto pipeline = state().current();
  if (!pipeline) return write_to_stderr(render(config::LogFormat::text, level, message, pairs));
  if (!pipeline->submit(render(state().format, level, message, pairs))) state().dropped += 1;
}

void info(std::string_view message, std::initializer_list<Pair> pairs) {
  write(config::LogLevel::info, message, {pairs.begin(), pairs.size()});
}
void warn(std::string_view message, std::initializer_list<Pair> pairs) {
  write(config::LogLevel::warn, message, {pairs.begin(), pairs.size()});
}
void error(std::string_view message, std::initializer_list<Pair> pairs) {
  write(config::LogLevel::error, message, {pairs.begin(), pairs.size()});
}

bool write_lines(std::string&& batch, std::uint64_t lines) {
  const auto pipeline = state().current();
  if (state().level.load() == config::LogLevel::off) return true;
  if (pipeline && pipeline->submit(batch)) return true;
  state().dropped += lines;
  return false;
}

std::uint64_t dropped() { return state().dropped.load(); }

}  // namespace fusewire::proxy::log
