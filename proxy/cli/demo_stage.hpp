// SPDX-License-Identifier: Apache-2.0
// The demo's stage: the upstream, the real server before it, and the terminal on which the story is shown.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "filters/breaker/core/types.hpp"
#include "proxy/cli/demo_client.hpp"
#include "proxy/cli/demo_upstream.hpp"
#include "proxy/observe/event_log.hpp"
#include "proxy/server/server.hpp"

namespace fusewire::cli {

inline constexpr const char* kDemoToken = "demo";

struct StageOptions {
  std::uint16_t port = 0;  // 0: a free one
  std::uint16_t admin_port = 0;
  bool serve = false;    // runs until a signal comes, and logs its transitions
  bool traffic = false;  // has payments and catalogue beside orders
};

class Stage {
 public:
  explicit Stage(StageOptions);

  DemoUpstream& upstream() { return upstream_; }  // orders
  // With traffic only; of the catalogue, one of its two endpoints.
  DemoUpstream& payments() { return *others_[0]; }
  DemoUpstream& catalogue() { return *others_[1]; }
  std::uint16_t port() const { return server_.port("main"); }
  std::uint16_t admin_port() const { return server_.admin_port(); }
  breaker::Snapshot breaker();
  std::vector<proxy::LoggedEvent> transitions();
  int wait() { return server_.wait(); }

 private:
  DemoUpstream upstream_;
  std::array<std::unique_ptr<DemoUpstream>, 3> others_;
  proxy::Server server_;
};

// Colours and pauses only for a person: on a terminal, and NO_COLOR not set.
class Narrator {
 public:
  Narrator();

  void title(const std::string&);
  void chapter(int number, const std::string& title);
  void say(const std::string&);  // a sentence of the story
  void request(const std::string& method, const std::string& target, const DemoAnswer&, const std::string& remark);
  void state(const std::string&);
  void verdict(bool good, const std::string&);

 private:
  std::string paint(const char* code, const std::string&) const;
  bool colours_;
};

}  // namespace fusewire::cli
