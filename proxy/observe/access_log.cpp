// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/access_log.hpp"

#include <array>
#include <bit>
#include <span>
#include <string_view>
#include <utility>

#include "proxy/observe/line.hpp"
#include "proxy/observe/log.hpp"

namespace fusewire::proxy {
namespace {

constexpr std::size_t kFlushAt = 16 * 1024;
constexpr std::size_t kKeepCapacity = 2 * kFlushAt;  // more than that is given back

void add_flags(Line& line, Flags flags) {
  std::array<std::string_view, kFlagNames.size()> names;
  std::size_t count = 0;
  for (; flags != 0; flags &= flags - 1)
    names.at(count++) = kFlagNames.at(static_cast<std::size_t>(std::countr_zero(flags)));
  line.words("flags", std::span(names).first(count));
}

void append_line(std::string& out, config::LogFormat format, const TimeChars& at, const AccessRecord& r) {
  Line line(out, format, at, "info", "access");
  line.text("request_id", r.request_id);
  if (!r.trace_id.empty()) line.text("trace_id", r.trace_id);
  line.text("listener", r.listener).text("peer", r.peer).text("host", r.host);
  line.text("route", r.route);
  line.text("upstream", r.upstream).text("endpoint", r.endpoint).text("method", r.method).text("path", r.path);
  line.number("status", r.status).text("error", r.error).text("fallback", r.fallback);
  line.count("bytes_in", r.bytes_in).count("bytes_out", r.bytes_out);
  line.milliseconds("duration_ms", r.total).milliseconds("upstream_ms", r.upstream_time);
  line.count("attempts", r.attempts);
  add_flags(line, r.flags);
  line.text("breaker_state", r.breaker_state).finish();
}

}  // namespace

void AccessLog::write(const config::Log& config, const AccessRecord& record) {
  if (!config.access || config.level == config::LogLevel::off) return;
  sample_ += config.access_sample;
  if (sample_ < 1) return;
  sample_ -= 1;
  append_line(batch_, config.format, time_.chars(record.at), record);
  ++lines_;
  if (batch_.size() >= kFlushAt) flush();
}

void AccessLog::flush() {
  if (lines_ == 0) return;
  if (!log::write_lines(std::move(batch_), lines_)) cells_.access_lines_dropped.add(lines_);
  batch_.clear();
  if (batch_.capacity() > kKeepCapacity) batch_.shrink_to_fit();
  lines_ = 0;
}

}  // namespace fusewire::proxy
