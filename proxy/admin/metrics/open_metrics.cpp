// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/metrics/open_metrics.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>

#include "proxy/http/trace_context.hpp"

namespace fusewire::proxy {
namespace {

constexpr std::string_view kTotal = "_total";
using Placed = std::vector<BucketExemplar>::const_iterator;

// As std::to_chars writes it.
template <class... Number>
void append_digits(std::string& out, Number... number) {
  std::array<char, 32> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number...).ptr);
}

// Seconds with milliseconds.
void append_unix_time(std::string& out, WallTime time) {
  const auto ms = std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
  const auto rest = ms % 1000;
  append_digits(out, ms / 1000);
  out.append(rest < 10 ? ".00" : rest < 100 ? ".0" : ".");
  append_digits(out, rest);
}

void append_label(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append("=\"");
  append_escaped(out, value);
  out.append("\"");
}

// NAME{LABELS} with a blank behind it; `bound` is the `le` of a bucket.
void append_series(std::string& out, std::string_view name, std::string_view suffix,
                   const std::vector<prometheus::ClientMetric::Label>& labels, const double* bound = nullptr) {
  out.append(name).append(suffix);
  char before = '{';
  for (const auto& label : labels) {
    out += before;
    append_label(out, label.name, label.value);
    before = ',';
  }
  if (bound != nullptr) {
    out += before;
    out.append("le=\"");
    append_bound(out, *bound);
    out.append("\"");
    before = ',';
  }
  out.append(before == '{' ? " " : "} ");
}

void append_exemplar(std::string& out, const Exemplar& exemplar) {
  const auto span = span_text(exemplar.span);
  out.append(" # {");
  append_label(out, "trace_id", {exemplar.trace_id.data(), exemplar.trace_id.size()});
  out.append(",");
  append_label(out, "span_id", {span.data(), span.size()});
  out.append("} ");
  append_number(out, std::chrono::duration<double>(exemplar.taken).count());
  out.append(" ");
  append_unix_time(out, exemplar.at);
}

class OpenMetricsWriter {
 public:
  explicit OpenMetricsWriter(const Families& families) : families_(families), next_(families.exemplars.begin()) {}

  std::string run() {
    for (; family_ < families_.all.size(); ++family_) append_family(families_.all[family_]);
    out_.append("# EOF\n");
    return std::move(out_);
  }

 private:
  void append_family(const prometheus::MetricFamily& family) {
    std::string_view name = family.name;
    std::string_view type = "gauge";
    if (family.type == prometheus::MetricType::Counter) {
      type = "counter";
      if (name.ends_with(kTotal)) name.remove_suffix(kTotal.size());
    } else if (family.type == prometheus::MetricType::Histogram) {
      type = "histogram";
    }
    out_.append("# TYPE ").append(name).append(" ").append(type).append("\n# HELP ").append(name).append(" ");
    append_escaped(out_, family.help);
    out_.append("\n");
    for (std::size_t i = 0; i < family.metric.size(); ++i) {
      if (family.type == prometheus::MetricType::Histogram)
        append_histogram(name, family.metric[i], i);
      else if (family.type == prometheus::MetricType::Counter)
        append_sample(name, kTotal, family.metric[i], family.metric[i].counter.value);
      else
        append_sample(name, {}, family.metric[i], family.metric[i].gauge.value);
    }
  }

  void append_sample(std::string_view name, std::string_view suffix, const prometheus::ClientMetric& metric,
                     double value) {
    append_series(out_, name, suffix, metric.label);
    append_number(out_, value);
    out_.append("\n");
  }

  void append_histogram(std::string_view name, const prometheus::ClientMetric& metric, std::size_t index) {
    const auto& histogram = metric.histogram;
    for (std::size_t i = 0; i < histogram.bucket.size(); ++i) {
      append_series(out_, name, "_bucket", metric.label, &histogram.bucket[i].upper_bound);
      append_digits(out_, histogram.bucket[i].cumulative_count);
      if (is_next(index, i)) append_exemplar(out_, next_++->exemplar);
      out_.append("\n");
    }
    append_series(out_, name, "_count", metric.label);
    append_digits(out_, histogram.sample_count);
    out_.append("\n");
    append_sample(name, "_sum", metric, histogram.sample_sum);
  }

  // Exemplars come in the order of their buckets.
  bool is_next(std::size_t metric, std::size_t bucket) const {
    return next_ != families_.exemplars.end() && next_->family == family_ && next_->metric == metric &&
           next_->bucket == bucket;
  }

  const Families& families_;
  std::size_t family_ = 0;
  Placed next_;
  std::string out_;
};

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      out.append("\\n");
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
}

void append_number(std::string& out, double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53: up to here each whole number has a double of its own
  if (std::isnan(value))
    out.append("NaN");
  else if (std::isinf(value))
    out.append(value > 0 ? "+Inf" : "-Inf");
  else if (std::trunc(value) == value && std::abs(value) <= kExact)
    append_digits(out, static_cast<std::int64_t>(value));
  else
    append_digits(out, value, std::chars_format::general);
}

void append_bound(std::string& out, double bound) {
  if (!std::isfinite(bound)) return append_number(out, bound);
  const std::size_t begin = out.size();
  append_digits(out, bound, std::chars_format::general);
  if (out.find_first_not_of("-0123456789", begin) == std::string::npos) out.append(".0");
}

std::string open_metrics_text(const Families& families) { return OpenMetricsWriter(families).run(); }

}  // namespace fusewire::proxy
