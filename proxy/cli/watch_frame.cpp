// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/watch_frame.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <string_view>
#include <vector>

#include "config/printable.hpp"
#include "proxy/cli/number_text.hpp"
#include "proxy/cli/report.hpp"

namespace fusewire::cli {
namespace {

namespace json = boost::json;

struct Cell {
  std::string text;
  Tone tone = Tone::plain;
};
// The first columns matter most: from the right they go where the terminal is narrow.
using WatchRow = std::vector<Cell>;

// Characters, not bytes.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & '\xc0') != '\x80'; }));
}

std::string cut(std::string_view text, std::size_t width) {
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end)
    if ((text[end] & '\xc0') != '\x80' && ++seen > width) break;
  return std::string(text.substr(0, end));
}

std::string rate_text(const std::deque<double>& rates) {
  if (rates.empty()) return "-";
  const double rate = rates.back();
  return fixed_text(rate, rate < 10 ? 1 : 0) + "/s";
}

std::uint64_t total(const json::object& breaker, std::initializer_list<const char*> names) {
  std::uint64_t sum = 0;
  for (const char* name : names) sum += breaker.at("totals").at(name).to_number<std::uint64_t>();
  return sum;
}

int rank(const json::object& breaker) {
  const Tone tone = state_tone(breaker);
  return tone == Tone::bad ? 0 : tone == Tone::warning ? 1 : 2;
}

// What rejects first, then what is on trial or overridden; else as the admin has them.
std::vector<const json::object*> by_trouble(const json::value& answer) {
  std::vector<const json::object*> all;
  if (answer.is_object())
    for (const json::value& breaker : answer.at("circuit_breakers").as_array()) all.push_back(&breaker.as_object());
  std::stable_sort(all.begin(), all.end(), [](const auto* a, const auto* b) { return rank(*a) < rank(*b); });
  return all;
}

std::string line_of(const WatchRow& row, const std::vector<std::size_t>& widths, std::size_t columns, Paint paint) {
  std::string line;
  std::size_t used = 0;
  for (std::size_t i = 0; i < widths.size() && used < columns; ++i) {
    const std::string shown = cut(row[i].text, columns - used);
    line += paint(row[i].tone, shown);
    used += width_of(shown);
    if (i + 1 == widths.size()) break;
    const std::size_t gap = std::min(widths[i] + 2 - std::min(widths[i], width_of(shown)), columns - used);
    line.append(gap, ' ');
    used += gap;
  }
  while (line.ends_with(' ')) line.pop_back();
  return line + '\n';
}

std::string table(const std::vector<WatchRow>& rows, std::size_t columns, Paint paint) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const WatchRow& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i].text));
  // The last column is cut; before it, those go that would begin too late to say anything.
  std::string text;
  for (const WatchRow& row : rows) text += line_of(row, widths, columns, paint);
  return text;
}

}  // namespace

std::string sparkline(const std::deque<double>& values, std::size_t width, bool unicode) {
  static constexpr std::array<const char*, 8> kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr std::array<const char*, 8> kPlain = {".", ":", "-", "=", "+", "*", "%", "#"};
  const auto& bars = unicode ? kBars : kPlain;
  const std::size_t shown = std::min(width, values.size());
  const auto first = values.end() - static_cast<std::ptrdiff_t>(shown);
  const double highest = shown == 0 ? 0 : *std::max_element(first, values.end());
  std::string text(width - shown, ' ');
  for (auto value = first; value != values.end(); ++value) {
    if (*value <= 0 || highest <= 0)
      text += ' ';
    else
      text += bars.at(static_cast<std::size_t>(std::min(7.0, std::floor(*value / highest * 7.999))));
  }
  return text;
}

void WatchFrame::add(std::deque<double>& to, double value) {
  to.push_back(value);
  if (to.size() > kKept) to.pop_front();
}

void WatchFrame::take(json::value answer, Time now, std::string notice) {
  answer_ = std::move(answer);
  notice_ = std::move(notice);
  failure_.clear();
  std::map<std::string, Series> next;
  for (const json::object* breaker : by_trouble(answer_)) {
    const std::string name(breaker->at("name").as_string());
    const std::uint64_t calls = total(*breaker, {"successes", "failures", "neutral", "rejected"});
    const std::uint64_t bad = total(*breaker, {"failures", "rejected"});
    const auto known = series_.find(name);
    Series series = known == series_.end() ? Series{} : std::move(known->second);
    const double seconds = std::chrono::duration<double>(now - series.at).count();
    // Totals begin anew with another process.
    if (known != series_.end() && calls >= series.calls && bad >= series.bad && seconds > 0) {
      add(series.rates, static_cast<double>(calls - series.calls) / seconds);
      add(series.bad_rates, static_cast<double>(bad - series.bad) / seconds);
    }
    series.calls = calls;
    series.bad = bad;
    series.at = now;
    next.emplace(name, std::move(series));
  }
  series_ = std::move(next);
}

std::string WatchFrame::text(const Screen& screen, Paint paint, const std::string& clock) const {
  const auto all = by_trouble(answer_);
  const auto count = [&all](int wanted) {
    return std::to_string(
        std::count_if(all.begin(), all.end(), [wanted](const auto* one) { return rank(*one) == wanted; }));
  };
  const std::string title = url_ + "  " + clock + "  " + count(0) + " reject, " + count(1) +
                            " on trial or overridden, " + count(2) + " closed   q quits";
  std::string text = paint(Tone::strong, cut(title, screen.columns)) + '\n';
  text += failure_.empty()
              ? paint(Tone::warning, cut(notice_, screen.columns)) + '\n'
              : paint(Tone::bad, cut(config::printable(failure_) + "; trying again", screen.columns)) + '\n';
  const std::size_t room = screen.lines > 4 ? screen.lines - 4 : 1;  // title, failure, head, and what is left out
  const std::size_t bars = std::clamp<std::size_t>(screen.columns / 10, 6, 30);
  std::vector<WatchRow> rows = {{{"NAME", Tone::faint},
                                 {"STATE", Tone::faint},
                                 {"SINCE", Tone::faint},
                                 {"NEXT", Tone::faint},
                                 {"CALLS", Tone::faint},
                                 {std::string(bars, ' '), Tone::faint},
                                 {"BAD", Tone::faint},
                                 {std::string(bars, ' '), Tone::faint},
                                 {"FAILED", Tone::faint},
                                 {"SLOW", Tone::faint},
                                 {"LAST TRIP", Tone::faint}}};
  for (std::size_t i = 0; i < std::min(all.size(), room); ++i) {
    const json::object& one = *all[i];
    const json::object& window = one.at("window").as_object();
    const Series& series = series_.at(std::string(one.at("name").as_string()));
    const bool bad = !series.bad_rates.empty() && series.bad_rates.back() > 0;
    rows.push_back({{config::printable(one.at("name").as_string())},
                    {state_text(one), state_tone(one)},
                    {since_text(one)},
                    {next_text(one)},
                    {rate_text(series.rates)},
                    {sparkline(series.rates, bars, screen.unicode), Tone::good},
                    {rate_text(series.bad_rates), bad ? Tone::bad : Tone::plain},
                    {sparkline(series.bad_rates, bars, screen.unicode), Tone::bad},
                    {percent_text(window.at("failure_rate"))},
                    {percent_text(window.at("slow_call_rate"))},
                    {last_trip_text(one)}});
  }
  text += table(rows, screen.columns, paint);
  if (all.size() > room)
    text += cut(std::string(screen.unicode ? "…" : "...") + " and " + std::to_string(all.size() - room) + " more",
                screen.columns) +
            '\n';
  return text;
}

}  // namespace fusewire::cli
