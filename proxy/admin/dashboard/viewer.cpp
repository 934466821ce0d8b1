// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/dashboard/viewer.hpp"

#include "proxy/admin/json_writer.hpp"

namespace fusewire::proxy::admin::dashboard {
namespace {

constexpr std::uint64_t kTransitions = 300;  // of those before the page was opened
constexpr std::size_t kAtOnce = 30;          // events in one message: about 15 KiB

void append_series(std::string& out, const std::vector<Sample>& samples, std::size_t figure) {
  out.append(",\"").append(Sample::kNames[figure]).append("\":[");
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (i > 0) out += ',';
    append_figure(out, samples[i].figures[figure]);
  }
  out += ']';
}

}  // namespace

Viewer::Viewer(Feed& feed, std::function<void()> wake, Moment now) : feed_(feed), wake_(std::move(wake)), began_(now) {
  const std::uint64_t last = feed_.control().events().last_id();
  event_ = last > kTransitions ? last - kTransitions : 0;
  feed_.add(*this, now);
}

Viewer::~Viewer() { feed_.remove(*this); }

EventSource::Text Viewer::next() {
  Text text;
  if (stage_ == Stage::hello) {
    stage_ = Stage::first_frame;
    return hello();
  }
  if (stage_ == Stage::first_frame) {
    text = part();
    if (part_ == 0) stage_ = Stage::history;
    if (text) return text;
  }
  if (stage_ == Stage::history) {
    text = history();
    if (text) return text;
    stage_ = Stage::live;
  }
  text = transitions();
  return text ? text : part();
}

EventSource::Text Viewer::hello() {
  return sse_event("hello", to_text({{"version", FUSEWIRE_VERSION},
                                     {"at_ms", epoch_ms(began_.wall)},
                                     {"frame_interval_ms", std::int64_t{1000} * Feed::kInterval.count()},
                                     {"sample_interval_ms", std::int64_t{1000} * History::kInterval.count()},
                                     {"samples", History::kSamples}}));
}

EventSource::Text Viewer::history() {
  const std::string* const upstream = feed_.history().after(shown_);
  if (!upstream) return nullptr;
  shown_ = *upstream;
  const std::vector<Sample> samples = feed_.history().of(shown_);
  std::string data =
      R"({"upstream":)" + to_text(boost::json::value(shown_)) + ",\"n\":" + std::to_string(feed_.history().number());
  for (std::size_t figure = 0; figure < Sample::kNames.size(); ++figure) append_series(data, samples, figure);
  return sse_event("history", data + '}');
}

EventSource::Text Viewer::transitions() {
  boost::json::array list;
  for (const LoggedEvent& event : feed_.control().events().unsent(event_)) {
    if (list.size() == kAtOnce) break;
    list.push_back(event_view(event));
    event_ = event.id;
  }
  return list.empty() ? nullptr : sse_event("events", to_text({{"events", std::move(list)}}));
}

EventSource::Text Viewer::part() {
  if (part_ == 0) {
    if (frame_ == feed_.frame()) return nullptr;
    frame_ = feed_.frame();
  }
  const std::vector<Text>& parts = feed_.parts();
  if (part_ >= parts.size()) {  // the latest frame is shorter than the one that was begun
    part_ = 0;
    return part();
  }
  Text text = parts[part_];
  part_ = part_ + 1 == parts.size() ? 0 : part_ + 1;
  return text;
}

}  // namespace fusewire::proxy::admin::dashboard
