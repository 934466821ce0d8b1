// SPDX-License-Identifier: Apache-2.0
// What one open dashboard is sent: who speaks (hello), the latest frame, ten minutes of history, the last transitions;
// then each frame and each transition as they come. It holds no more than the part that is being written: a viewer that
// is slow misses frames, and its next part is one of the latest frame. Admin thread.
#pragma once

#include <functional>

#include "proxy/admin/dashboard/feed.hpp"
#include "proxy/admin/event_source.hpp"

namespace fusewire::proxy::admin::dashboard {

class Viewer final : public EventSource {
 public:
  // `wake` is called when there is a new frame. The session hears of transitions itself (Connections::wake_streams).
  Viewer(Feed&, std::function<void()> wake, Moment now);
  ~Viewer() override;

  Text next() override;
  void wake() const { wake_(); }

 private:
  enum class Stage : std::uint8_t { hello, first_frame, history, live };

  Text hello();
  Text history();
  Text transitions();
  Text part();

  Feed& feed_;
  const std::function<void()> wake_;
  const Moment began_;
  Stage stage_ = Stage::hello;
  std::string shown_;        // the upstream whose history was sent last
  std::uint64_t event_ = 0;  // the last that was sent
  std::uint64_t frame_ = 0;  // the one that the parts under way began with
  std::size_t part_ = 0;     // the next one of it; 0: none is under way
};

}  // namespace fusewire::proxy::admin::dashboard
