// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/metrics/process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace fusewire::proxy {
namespace {

std::string read_file(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Seconds since the epoch at which the machine started.
std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  return std::nullopt;
}

std::optional<std::uint64_t> open_descriptors() {
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end; !error && entry != end;
       entry.increment(error))
    ++count;
  // One of them is the directory that was just read.
  return error || count == 0 ? std::nullopt : std::optional(count - 1);
}

void append_gauge(Families& out, const char* name, const char* help, double value) {
  Family::gauge(name, help).add({}, value).into(out);
}

void append_stat(Families& out, const ProcessStat& stat) {
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  Family::counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")
      .add({}, static_cast<double>(stat.cpu_ticks) / ticks)
      .into(out);
  append_gauge(out, "process_resident_memory_bytes", "Resident memory size in bytes.",
               static_cast<double>(stat.resident_pages) * page);
  append_gauge(out, "process_virtual_memory_bytes", "Virtual memory size in bytes.",
               static_cast<double>(stat.virtual_bytes));
  if (const auto boot = boot_time())
    append_gauge(out, "process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
                 *boot + static_cast<double>(stat.start_ticks) / ticks);
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  std::istringstream rest{std::string(text.substr(name_end + 1))};
  // The first word is field 3.
  const std::vector<std::string> words{std::istream_iterator<std::string>(rest), {}};
  if (words.size() < 22) return std::nullopt;
  const auto field = [&words](std::size_t n) { return std::strtoull(words[n - 3].c_str(), nullptr, 10); };
  return ProcessStat{field(14) + field(15), field(22), field(23), field(24)};
}

void append_process_families(Families& out) {
  if (const auto stat = parse_process_stat(read_file("/proc/self/stat"))) append_stat(out, *stat);
  if (const auto open = open_descriptors())
    append_gauge(out, "process_open_fds", "Number of open file descriptors.", static_cast<double>(*open));
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    append_gauge(out, "process_max_fds", "Maximum number of open file descriptors.",
                 static_cast<double>(limit.rlim_cur));
}

}  // namespace fusewire::proxy
