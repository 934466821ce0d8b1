// SPDX-License-Identifier: Apache-2.0
// One second's figures of the whole process, as the Server-Sent Events that every viewer of the dashboard is sent. Made
// once for all of them, in parts, so that a viewer that reads slowly keeps one part alive and no more.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/admin/dashboard/history.hpp"
#include "proxy/admin/json_views.hpp"

namespace fusewire::proxy::admin::dashboard {

constexpr std::size_t kPartBytes = 16 * 1024;  // a part ends with the item that reaches it
constexpr std::size_t kItemBytes = 16 * 1024;  // of an upstream with more endpoints than that, the first ones are shown

using Text = std::shared_ptr<const std::string>;

// "event: NAME", its data, and the blank line.
Text sse_event(std::string_view name, std::string_view data);

// Milliseconds since 1970.
std::int64_t epoch_ms(std::chrono::system_clock::time_point);

// Reads the counters of an upstream; what there is now, for the history.
Counters counters_of(const Upstream&, Time now);

std::vector<Text> make_frame(Control&, const ControlView&, const History&, std::uint64_t number, Moment now);

}  // namespace fusewire::proxy::admin::dashboard
