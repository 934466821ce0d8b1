// SPDX-License-Identifier: Apache-2.0
// The story in seven chapters. Each one checks real answers and the breaker itself, and remembers what differed from
// the narration.
#pragma once

#include <string>
#include <vector>

#include "proxy/cli/demo_stage.hpp"

namespace fusewire::cli {

class Story {
 public:
  Story(Stage& stage, Narrator& narrator) : stage_(stage), narrator_(narrator) {}

  // Takes about 15 s. True when every chapter happened as narrated.
  bool tell();
  const std::vector<std::string>& differences() const { return differences_; }

 private:
  void traffic_flows();
  void upstream_fails();
  void circuit_opens();
  void stale_answers();
  void upstream_heals();
  void half_open();
  void closed_again();

  DemoAnswer send(const char* method, const char* target, const char* remark = nullptr);
  void expect(bool happened, const std::string& what);
  void expect_state(breaker::State, const char* remark);
  void pause(std::chrono::milliseconds) const;

  Stage& stage_;
  Narrator& narrator_;
  int chapter_ = 0;
  std::vector<std::string> differences_;
};

}  // namespace fusewire::cli
