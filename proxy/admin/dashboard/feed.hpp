// SPDX-License-Identifier: Apache-2.0
// Once a second: reads the counters into the history, and, while somebody looks, makes the frame that all viewers
// share. Admin thread; time is an argument. `control` outlives it, and it outlives its viewers.
#pragma once

#include <unordered_set>
#include <vector>

#include "proxy/admin/dashboard/frame.hpp"

namespace fusewire::proxy::admin::dashboard {

class Viewer;

class Feed {
 public:
  static constexpr std::chrono::seconds kInterval{1};

  explicit Feed(Control& control) : control_(control) {}
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  void tick(Moment now);

  std::uint64_t frame() const { return frame_; }  // the number of the latest; 0: there is none yet
  const std::vector<Text>& parts() const { return parts_; }
  const History& history() const { return history_; }
  Control& control() const { return control_; }

 private:
  friend class Viewer;
  void add(Viewer&, Moment now);
  void remove(Viewer&);
  void sample(const ControlView&, Time now);
  void make(const ControlView&, Moment now);

  Control& control_;
  History history_;
  std::uint64_t frame_ = 0;
  Time made_{};
  std::vector<Text> parts_;
  std::unordered_set<Viewer*> viewers_;
};

}  // namespace fusewire::proxy::admin::dashboard
