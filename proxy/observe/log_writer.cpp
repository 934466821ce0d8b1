// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/log_writer.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace fusewire::proxy::log {
namespace {

// A pipe that poll() calls writable takes this much without blocking (pipe(7): PIPE_BUF).
constexpr std::size_t kPiece = 4096;
constexpr int kPollMilliseconds = 20;  // how soon abandon() is noticed

bool is_regular_file(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

Writer::Writer(int fd, std::atomic<std::uint64_t>& dropped) : fd_(fd), file_(is_regular_file(fd)), dropped_(dropped) {}

bool Writer::admit(std::size_t bytes) noexcept {
  const std::size_t waiting = items_.fetch_add(1);
  const std::size_t held = bytes_.fetch_add(bytes);
  if (waiting < kMaxItems && held < kMaxBytes) return true;
  bytes_ -= bytes;
  items_ -= 1;
  return false;
}

bool Writer::drain(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, limit, [this] { return items_.load() == 0; });
}

void Writer::log(const spdlog::details::log_msg& message) {
  const std::string_view text(message.payload.data(), message.payload.size());
  if (!write_all(text)) dropped_ += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
  finish(text.size());
}

bool Writer::write_all(std::string_view text) {
  while (!text.empty()) {
    if (!file_ && !wait_writable()) return false;
    const ssize_t n = ::write(fd_, text.data(), file_ ? text.size() : std::min(text.size(), kPiece));
    if (n > 0)
      text.remove_prefix(static_cast<std::size_t>(n));
    else if (n < 0 && errno != EINTR && errno != EAGAIN)
      return false;
  }
  return true;
}

bool Writer::wait_writable() const {
  while (!abandoned_.load()) {
    pollfd waiting{fd_, POLLOUT, 0};
    if (::poll(&waiting, 1, kPollMilliseconds) > 0) return (waiting.revents & (POLLERR | POLLNVAL)) == 0;
  }
  return false;
}

void Writer::finish(std::size_t bytes) {
  bytes_ -= bytes;
  if (items_.fetch_sub(1) != 1) return;
  const std::lock_guard lock(mutex_);
  empty_.notify_all();
}

}  // namespace fusewire::proxy::log
