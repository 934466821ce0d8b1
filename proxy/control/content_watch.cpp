// SPDX-License-Identifier: Apache-2.0
#include "proxy/control/content_watch.hpp"

#include <ctime>
#include <utility>

#include "config/file_text.hpp"

namespace fusewire::proxy {
namespace {

bool equal(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

// Two writes within one tick of the file system's clock leave the same times: what is this young is read again.
bool is_young(const timespec& changed) {
  constexpr time_t kYoung = 2;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec - changed.tv_sec < kYoung;
}

}  // namespace

ContentWatch::ContentWatch(std::string path) : path_(std::move(path)) { accept(); }

void ContentWatch::accept() {
  stamp_ = stamp().value_or(Stamp{});
  content_ = read().value_or("");
  pending_.reset();
  settling_ = 0;
  missing_ = 0;
}

ContentWatch::Seen ContentWatch::poll() {
  const auto now = stamp();
  if (!now) return miss();
  if (!missing_ && !pending_ && same_stamp(*now) && !is_young(now->changed)) return Seen::same;
  auto text = read();
  if (!text) return miss();
  if (std::exchange(missing_, 0) >= kMissingLooks) {
    stamp_ = Stamp{};  // the next look compares
    return Seen::found;
  }
  stamp_ = *now;
  if (text == content_) {
    pending_.reset();
    settling_ = 0;
    return Seen::same;
  }
  if (text != pending_ && settling_ < kMaxSettling) {
    pending_ = std::move(text);
    ++settling_;
    return Seen::settling;
  }
  content_ = std::move(*text);
  pending_.reset();
  settling_ = 0;
  return Seen::changed;
}

ContentWatch::Seen ContentWatch::miss() {
  if (missing_ == kMissingLooks) return Seen::same;
  return ++missing_ == kMissingLooks ? Seen::lost : Seen::same;
}

std::optional<ContentWatch::Stamp> ContentWatch::stamp() const {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return Stamp{status.st_dev, status.st_ino, status.st_size, status.st_mtim, status.st_ctim};
}

bool ContentWatch::same_stamp(const Stamp& other) const {
  return stamp_.device == other.device && stamp_.inode == other.inode && stamp_.size == other.size &&
         equal(stamp_.modified, other.modified) && equal(stamp_.changed, other.changed);
}

// Of a file that is too large for whatever it is, the beginning is enough.
std::optional<std::string> ContentWatch::read() const { return config::read_regular_file(path_, kMaxContent).text; }

}  // namespace fusewire::proxy
