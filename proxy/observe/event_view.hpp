// SPDX-License-Identifier: Apache-2.0
// An event as the admin API, its stream and webhooks show it. Values in, values out.
#pragma once

#include <boost/json/object.hpp>

#include "proxy/observe/event_log.hpp"

namespace fusewire::proxy {

boost::json::object event_view(const LoggedEvent&);

// The figures of a trip without its time.
boost::json::object trip_figures(const breaker::Trip&);

}  // namespace fusewire::proxy
