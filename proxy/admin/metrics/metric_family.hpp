// SPDX-License-Identifier: Apache-2.0
// Builds Prometheus families from the workers' cells.
#pragma once

#include <prometheus/metric_family.h>

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/observe/cells.hpp"

namespace fusewire::proxy {

using Labels = std::vector<prometheus::ClientMetric::Label>;

// The exemplar of a histogram's bucket. The library has no place for it.
struct BucketExemplar {
  std::size_t family = 0;  // each by its position in what is above it
  std::size_t metric = 0;
  std::size_t bucket = 0;
  Exemplar exemplar;
};

// What a scrape has collected.
struct Families {
  std::vector<prometheus::MetricFamily> all;
  std::vector<BucketExemplar> exemplars;  // in the order of their buckets
};

// One family under construction. The text format carries values as 64-bit floats, as Prometheus itself does: counters
// are exact up to 2^53.
class Family {
 public:
  static Family counter(std::string name, std::string help) {
    return {std::move(name), std::move(help), prometheus::MetricType::Counter};
  }
  static Family gauge(std::string name, std::string help) {
    return {std::move(name), std::move(help), prometheus::MetricType::Gauge};
  }
  static Family histogram(std::string name, std::string help) {
    return {std::move(name), std::move(help), prometheus::MetricType::Histogram};
  }

  Family& add(Labels labels, double value) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = metric.gauge.value = value;  // the type says which of them is read
    family_.metric.push_back(std::move(metric));
    return *this;
  }
  Family& add(Labels labels, std::uint64_t value) { return add(std::move(labels), static_cast<double>(value)); }

  // The sum over the workers of what `read` finds in their cells: T -> const DurationCells&.
  template <class T, class Read>
  Family& add_durations(Labels labels, const PerWorker<T>& cells, Read read) {
    constexpr auto& kBounds = DurationCells::kBounds;
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i <= kBounds.size(); ++i) {
      cumulative += cells.sum([&](const T& cell) { return read(cell).bucket(i); });
      const double bound = i < kBounds.size() ? kBounds[i] : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({cumulative, bound});
      if (const auto latest = latest_exemplar(cells, i, read))
        exemplars_.push_back({.metric = family_.metric.size(), .bucket = i, .exemplar = *latest});
    }
    metric.histogram.sample_count = cumulative;
    const std::uint64_t nanoseconds = cells.sum([&](const T& cell) { return read(cell).sum_nanoseconds(); });
    metric.histogram.sample_sum = static_cast<double>(nanoseconds) / 1e9;
    family_.metric.push_back(std::move(metric));
    return *this;
  }

  void into(Families& families) {
    for (BucketExemplar& each : exemplars_) {
      each.family = families.all.size();
      families.exemplars.push_back(each);
    }
    families.all.push_back(std::move(family_));
  }

 private:
  template <class T, class Read>
  static std::optional<Exemplar> latest_exemplar(const PerWorker<T>& cells, std::size_t bucket, Read read) {
    std::optional<Exemplar> latest;
    for (std::size_t worker = 0; worker < cells.size(); ++worker)
      if (const auto found = read(cells.of(worker)).exemplar(bucket); found && (!latest || found->at > latest->at))
        latest = found;
    return latest;
  }

  Family(std::string name, std::string help, prometheus::MetricType type)
      : family_{std::move(name), std::move(help), type, {}} {}

  prometheus::MetricFamily family_;
  std::vector<BucketExemplar> exemplars_;
};

}  // namespace fusewire::proxy
