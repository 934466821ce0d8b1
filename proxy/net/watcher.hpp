// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fusewire::proxy {

// Is notified when a channel has bytes, has ended, or was cut off; and when a connector has ended.
class Watcher {
 public:
  virtual void on_activity() = 0;

 protected:
  ~Watcher() = default;
};

}  // namespace fusewire::proxy
