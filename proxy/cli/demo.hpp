// SPDX-License-Identifier: Apache-2.0
// `fusewire demo`: the proxy before an upstream that misbehaves on command, shown as a story in the terminal.
#pragma once

namespace fusewire::cli {

struct DemoOptions {
  bool serve = false;    // keep both running, to be explored with curl, until a signal comes
  bool traffic = false;  // with serve: more upstreams, which fail now and then, and clients
};

// Exit status: 0 only if every chapter of the story truly happened.
int demo(const DemoOptions&);

}  // namespace fusewire::cli
