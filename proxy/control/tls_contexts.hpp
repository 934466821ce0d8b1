// SPDX-License-Identifier: Apache-2.0
// Makes the TLS contexts of a snapshot, and notices when the files of the one that serves have changed. Control thread.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "config/judges.hpp"
#include "proxy/control/config_watch.hpp"
#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::proxy {

// For the loader: whether the files of a section are sound.
config::Judges tls_judges();

struct BadCertificate : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Gives each listener and upstream of `next` its context, taken over from `before` (may be nullptr) where nothing has
// changed. Throws BadCertificate with one clear line.
void make_tls_contexts(Snapshot& next, const Snapshot* before, std::size_t workers,
                       std::chrono::steady_clock::time_point now);

// Whether one was made anew.
bool same_tls_contexts(const Snapshot&, const Snapshot&);

// When the first of its listeners needs ticket keys that are new; without such a listener as if they were made `now`.
std::chrono::steady_clock::time_point ticket_keys_due(const Snapshot&, std::chrono::steady_clock::time_point now);

class CertificateWatch {
 public:
  CertificateWatch() = default;
  // The present content of the files is not reported as a change, so the watch is made before they are read.
  explicit CertificateWatch(const config::Config&);

  // One look at each file; true when one has changed and settled.
  bool poll();

 private:
  struct File {
    ContentWatch content;
    std::string shown;  // in the log
  };
  std::vector<File> files_;
};

}  // namespace fusewire::proxy
