// SPDX-License-Identifier: Apache-2.0
// The endpoints of docs/reference.md, "Admin", one function each; who may call them has been decided (router.hpp).
#pragma once

#include "proxy/admin/router.hpp"

namespace fusewire::proxy::admin {

// breaker_handlers.cpp
Reply get_breakers(const Call&);
Reply get_breakers_health(const Call&);
Reply get_breaker(const Call&);
Reply post_reset(const Call&);
Reply post_breaker_reset(const Call&);
Reply post_force_open(const Call&);
Reply post_force_close(const Call&);
Reply post_release(const Call&);

// process_handlers.cpp
Reply get_health(const Call&);
Reply get_ready(const Call&);
Reply get_metrics(const Call&);
Reply get_events(const Call&);
Reply get_event_stream(const Call&);
Reply get_config(const Call&);
Reply post_reload(const Call&);  // where no name has to be looked up
Reply post_check(const Call&);
Reply post_drain(const Call&);

// dashboard_handlers.cpp
Reply get_dashboard(const Call&);
Reply get_dashboard_file(const Call&);
Reply get_dashboard_stream(const Call&);

// explain_handlers.cpp
Reply get_explain(const Call&);

// fault_handlers.cpp
Reply get_faults(const Call&);
Reply put_fault(const Call&);
Reply delete_faults(const Call&);
Reply delete_fault_of(const Call&);

// upstream_handlers.cpp
Reply get_upstreams(const Call&);
Reply get_cache(const Call&);
Reply delete_cache(const Call&);
Reply delete_cache_of(const Call&);

// 404 with the names that are known.
Reply unknown_upstream(const Call&, std::string_view error, std::string_view name);

}  // namespace fusewire::proxy::admin
