// SPDX-License-Identifier: Apache-2.0
// Certificates of the test's own making: an authority and what it issues, all P-256, as PEM texts.
#pragma once

#include <chrono>
#include <memory>
#include <string>

namespace fusewire::testing {

struct Identity {
  std::string certificate;
  std::string private_key;
};

struct Wanted {
  std::string names = "DNS:localhost,IP:127.0.0.1";  // subjectAltName; empty: none
  std::string common_name = "localhost";
  std::chrono::seconds ends_in = std::chrono::hours(1);  // negative: it has ended
};

class Authority {
 public:
  explicit Authority(const std::string& name = "Test authority");
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  std::string certificate() const;  // PEM
  Identity issue(const Wanted& = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusewire::testing
