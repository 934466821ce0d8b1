// SPDX-License-Identifier: Apache-2.0
// Notices that a file's content has changed, in whatever way: written in place, renamed over, or reached through a
// symlink that was swapped, as a ConfigMap's `..data` is.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <optional>
#include <string>

namespace fusewire::proxy {

// Looks at the file when asked to, and compares its content. It looks by path, so symlinks are resolved anew each time,
// and no kind of notification has to be trusted or can be lost.
class ContentWatch {
 public:
  // The present content is not reported as a change.
  explicit ContentWatch(std::string path);

  enum class Seen {
    same,
    settling,  // it has changed, and may still be changing: look again in kSettle
    changed,   // new content, the same at two looks; reported once
    lost,      // it could not be read at kMissingLooks looks in a row; reported once
    found,     // it can be read again; reported once
  };
  // Costs one stat() while nothing changes. A file that is missing or unreadable is not a change.
  Seen poll();
  // The present content has been loaded by other means.
  void accept();
  const std::string& path() const { return path_; }

  static constexpr std::chrono::milliseconds kSettle{50};
  static constexpr int kMissingLooks = 2;  // a file that is being replaced may be missing for a moment
  static constexpr std::size_t kMaxContent = 4 * 1024 * 1024;  // of configurations, certificates and tokens
  static constexpr int kMaxSettling = 3;  // then it is reported, settled or not: endless writing must not hide it

 private:
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = -1;
    timespec modified{};
    timespec changed{};
  };
  Seen miss();
  std::optional<Stamp> stamp() const;
  bool same_stamp(const Stamp&) const;
  std::optional<std::string> read() const;

  const std::string path_;
  Stamp stamp_;
  std::string content_;                 // as last reported, or accepted
  std::optional<std::string> pending_;  // seen once
  int settling_ = 0;
  int missing_ = 0;  // looks in a row at which it could not be read
};

}  // namespace fusewire::proxy
