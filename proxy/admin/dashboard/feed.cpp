// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/dashboard/feed.hpp"

#include "proxy/admin/dashboard/viewer.hpp"

namespace fusewire::proxy::admin::dashboard {

void Feed::tick(Moment now) {
  const auto view = control_.view();
  if (!view) return;
  sample(*view, now.steady);
  if (viewers_.empty()) {
    parts_ = {};  // nobody looks: it need not be kept
    return;
  }
  make(*view, now);
  for (Viewer* viewer : viewers_) viewer->wake();
}

void Feed::sample(const ControlView& view, Time now) {
  if (!history_.begin(now)) return;
  for (const auto& upstream : view.snapshot->upstreams)
    history_.add(upstream->state->name, counters_of(*upstream, now));
  history_.end();
}

void Feed::make(const ControlView& view, Moment now) {
  parts_ = make_frame(control_, view, history_, ++frame_, now);
  made_ = now.steady;
}

// The first viewer need not wait for the next second.
void Feed::add(Viewer& viewer, Moment now) {
  viewers_.insert(&viewer);
  const auto view = control_.view();
  if (view && (parts_.empty() || now.steady - made_ >= kInterval)) make(*view, now);
}

void Feed::remove(Viewer& viewer) { viewers_.erase(&viewer); }

}  // namespace fusewire::proxy::admin::dashboard
