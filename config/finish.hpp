// SPDX-License-Identifier: Apache-2.0
// The rules over several keys of one section.
#pragma once

#include "config/config.hpp"
#include "config/reader.hpp"

namespace fusewire::config {

// read_section (describe/read.hpp) calls them once each key by itself has been read. They check what several keys
// decide together, and read what has to be read item by item.
void finish(const Reader&, Detection&);
void finish(const Reader&, Classify&);
void finish(const Reader&, Probe&);
void finish(const Reader&, AdaptiveTimeout&);
void finish(const Reader&, LoadBalancing&);
void finish(const Reader&, AdaptiveConcurrency&);
void finish(const Reader&, StaticStep&);
void finish(const Reader&, Fallback&);
void finish(const Reader&, UpstreamTls&);
void finish(const Reader&, Admin&);
void finish(const Reader&, Shutdown&);
void finish(const Reader&, Webhook&);

}  // namespace fusewire::config
