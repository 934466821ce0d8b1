// SPDX-License-Identifier: Apache-2.0
#include "filters/http_date.hpp"

#include <charconv>

#include "filters/message.hpp"

namespace fusewire {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct Civil {
  int year = 0;
  unsigned month = 0, day = 0;
  unsigned hour = 0, minute = 0, second = 0;
};

// Takes the date apart from left to right; after the first thing that does not fit, everything fails.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool done() const { return ok_ && rest_.empty(); }
  bool ok() const { return ok_; }

  Reader& literal(std::string_view expected) {
    take(expected.size(), [&](std::string_view part) { return iequals(part, expected); });
    return *this;
  }
  template <class T>
  Reader& digits(std::size_t width, T& out) {
    take(width, [&](std::string_view part) {
      for (char c : part)
        if (c < '0' || c > '9') return false;
      return std::from_chars(part.data(), part.data() + part.size(), out).ec == std::errc{};
    });
    return *this;
  }
  // asctime pads the day with a space.
  Reader& padded_day(unsigned& day) {
    if (!rest_.empty() && rest_[0] == ' ') return literal(" ").digits(1, day);
    return digits(2, day);
  }
  Reader& month(unsigned& month) {
    take(3, [&](std::string_view part) {
      for (unsigned i = 0; i < 12; ++i)
        if (iequals(part, kMonths.substr(i * 3, 3))) month = i + 1;
      return month != 0;
    });
    return *this;
  }
  Reader& time(Civil& c) { return digits(2, c.hour).literal(":").digits(2, c.minute).literal(":").digits(2, c.second); }

 private:
  template <class Accept>
  void take(std::size_t width, Accept&& accept) {
    ok_ = ok_ && rest_.size() >= width && accept(rest_.substr(0, width));
    if (ok_) rest_.remove_prefix(width);
  }

  std::string_view rest_;
  bool ok_ = true;
};

// What follows the day's name, which must be one, short or in full; empty when it is none.
std::string_view after_day_name(std::string_view text, bool full) {
  for (std::string_view day : kDays) {
    const std::string_view name = full ? day : day.substr(0, 3);
    if (text.size() > name.size() && iequals(text.substr(0, name.size()), name)) return text.substr(name.size());
  }
  return {};
}

bool imf_fixdate(std::string_view text, Civil& c) {
  if (text.size() != 29) return false;
  Reader reader(after_day_name(text, false));
  reader.literal(", ").digits(2, c.day).literal(" ").month(c.month).literal(" ").digits(4, c.year).literal(" ");
  return reader.time(c).literal(" GMT").done();
}

// A year more than 50 years ahead is in the past century (RFC 9110 §5.6.7).
int full_year(int two_digits, HttpTime now) {
  const int this_year = static_cast<int>(year_month_day{floor<days>(now)}.year());
  const int year = this_year - this_year % 100 + two_digits;
  return year > this_year + 50 ? year - 100 : year;
}

bool rfc850(std::string_view text, HttpTime now, Civil& c) {
  Reader reader(after_day_name(text, true));
  reader.literal(", ").digits(2, c.day).literal("-").month(c.month).literal("-").digits(2, c.year).literal(" ");
  if (!reader.time(c).literal(" GMT").done()) return false;
  c.year = full_year(c.year, now);
  return true;
}

bool asctime(std::string_view text, Civil& c) {
  Reader reader(after_day_name(text, false));
  reader.literal(" ").month(c.month).literal(" ").padded_day(c.day).literal(" ").time(c).literal(" ");
  return reader.digits(4, c.year).done();
}

}  // namespace

std::optional<HttpTime> parse_http_date(std::string_view text, HttpTime now) noexcept {
  Civil c;
  const auto read = [&](auto&& form) {
    c = {};
    return form();
  };
  if (!read([&] { return imf_fixdate(text, c); }) && !read([&] { return rfc850(text, now, c); }) &&
      !read([&] { return asctime(text, c); }))
    return std::nullopt;
  const year_month_day date{year(c.year), month(c.month), day(c.day)};
  if (!date.ok() || c.hour > 23 || c.minute > 59 || c.second > 60) return std::nullopt;  // 60: a leap second
  return sys_days{date} + hours(c.hour) + minutes(c.minute) + seconds(c.second);
}

std::array<char, 29> format_http_date(WallTime at) noexcept { return format_http_date(floor<seconds>(at)); }

std::array<char, 29> format_http_date(HttpTime at) noexcept {
  const auto day_point = floor<days>(at);
  const year_month_day date{day_point};
  const hh_mm_ss time{at - day_point};
  std::array<char, 29> text{};
  std::size_t size = 0;
  const auto put = [&](std::string_view part) {
    for (char c : part) text[size++] = c;
  };
  const auto number = [&](unsigned value, unsigned scale) {
    for (; scale != 0; scale /= 10) text[size++] = static_cast<char>('0' + value / scale % 10);
  };
  put(kDays[weekday{day_point}.c_encoding()].substr(0, 3));
  put(", ");
  number(static_cast<unsigned>(date.day()), 10);
  put(" ");
  put(kMonths.substr((static_cast<unsigned>(date.month()) - 1) * 3, 3));
  put(" ");
  number(static_cast<unsigned>(static_cast<int>(date.year())), 1000);
  put(" ");
  number(static_cast<unsigned>(time.hours().count()), 10);
  put(":");
  number(static_cast<unsigned>(time.minutes().count()), 10);
  put(":");
  number(static_cast<unsigned>(time.seconds().count()), 10);
  put(" GMT");
  return text;
}

}  // namespace fusewire
