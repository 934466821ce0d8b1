// SPDX-License-Identifier: Apache-2.0
// Asks a running Fusewire's admin API, and waits for the answer. An https:// one must show a certificate for the URL's
// host; nothing is sent to it before that.
#pragma once

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace fusewire::cli {

// The API could not be asked: one clear line.
struct Unreachable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class AdminClient {
 public:
  struct Answer {
    int status = 0;
    std::string body;
  };

  // An empty token sends none. `ca`: the file of the authorities to trust; empty: the system's.
  AdminClient(config::Endpoint endpoint, std::string token, std::string ca = {})
      : endpoint_(std::move(endpoint)), token_(std::move(token)), ca_(std::move(ca)) {}

  // Within 5 s, else Unreachable.
  Answer call(const std::string& method, const std::string& target) const;
  // A GET whose body is handed over piece by piece, until it ends. Any status but 200 is answered at once, whole.
  Answer stream(const std::string& target, const std::function<void(std::string_view)>& on_piece) const;

 private:
  Answer run(const std::string& request, const std::function<void(std::string_view)>* on_piece) const;

  config::Endpoint endpoint_;
  std::string token_;
  std::string ca_;
};

}  // namespace fusewire::cli
