// SPDX-License-Identifier: Apache-2.0
#include "proxy/control/config_watch.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace fusewire::proxy;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Seen = ContentWatch::Seen;

namespace {

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "fusewire-watch-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }

// A change is reported at the second look that finds the same.
bool reports_change(ContentWatch& watch) { return watch.poll() == Seen::settling && watch.poll() == Seen::changed; }

}  // namespace

TEST_CASE("what is there at the start is not a change") {
  Folder folder;
  write(folder / "f", "one");
  ContentWatch watch(folder / "f");
  CHECK(watch.poll() == Seen::same);
  CHECK(watch.poll() == Seen::same);
}

TEST_CASE("a write in place, a rename over it, and one of equal length are reported once each") {
  Folder folder;
  write(folder / "f", "one");
  ContentWatch watch(folder / "f");
  write(folder / "f", "two!");
  CHECK(reports_change(watch));
  CHECK(watch.poll() == Seen::same);
  write(folder / "g", "three");
  fs::rename(folder / "g", folder / "f");
  CHECK(reports_change(watch));
  write(folder / "f", "eight");
  CHECK(reports_change(watch));
  CHECK(watch.poll() == Seen::same);
}

TEST_CASE("a write that leaves size and modification time as they were is still seen") {
  Folder folder;
  write(folder / "f", "one");
  ContentWatch watch(folder / "f");
  const auto before = fs::last_write_time(folder / "f");
  write(folder / "f", "two");
  fs::last_write_time(folder / "f", before);
  CHECK(reports_change(watch));
}

TEST_CASE("touching the file, or writing the same again, is not a change") {
  Folder folder;
  write(folder / "f", "one");
  ContentWatch watch(folder / "f");
  write(folder / "f", "one");
  CHECK(watch.poll() == Seen::same);
  fs::last_write_time(folder / "f", fs::file_time_type::clock::now() + 1h);
  CHECK(watch.poll() == Seen::same);
}

TEST_CASE("a ConfigMap's swap of ..data is seen though the file's own link stays") {
  Folder folder;
  fs::create_directory(folder / "..1");
  fs::create_directory(folder / "..2");
  write(folder / "..1/fusewire.yaml", "one");
  write(folder / "..2/fusewire.yaml", "two");
  fs::create_directory_symlink("..1", folder / "..data");
  fs::create_symlink("..data/fusewire.yaml", folder / "fusewire.yaml");
  ContentWatch watch(folder / "fusewire.yaml");
  CHECK(watch.poll() == Seen::same);
  fs::create_directory_symlink("..2", folder / "..data_tmp");
  fs::rename(folder / "..data_tmp", folder / "..data");
  fs::remove_all(folder / "..1");
  CHECK(reports_change(watch));
}

TEST_CASE("a file that is gone is not a change; one that comes back different is") {
  Folder folder;
  write(folder / "f", "one");
  ContentWatch watch(folder / "f");
  fs::remove(folder / "f");
  CHECK(watch.poll() == Seen::same);
  write(folder / "f", "one");
  CHECK(watch.poll() == Seen::same);
  fs::remove(folder / "f");
  CHECK(watch.poll() == Seen::same);
  write(folder / "f", "two");
  CHECK(reports_change(watch));
}

TEST_CASE("a file that stays away is reported once, and once when it is back") {
  Folder folder;
  write(folder / "f", "one");
  ContentWatch watch(folder / "f");
  fs::remove(folder / "f");
  CHECK(watch.poll() == Seen::same);  // it may be in the middle of being replaced
  fs::create_directory(folder / "f");
  CHECK(watch.poll() == Seen::lost);
  for (int i = 0; i < 3; ++i) CHECK(watch.poll() == Seen::same);
  fs::remove(folder / "f");
  write(folder / "f", "one");
  CHECK(watch.poll() == Seen::found);
  CHECK(watch.poll() == Seen::same);
  fs::remove(folder / "f");
  watch.poll();
  CHECK(watch.poll() == Seen::lost);
  write(folder / "f", "two");
  CHECK(watch.poll() == Seen::found);
  CHECK(reports_change(watch));
}

TEST_CASE("a partial write is waited for, but not for ever") {
  Folder folder;
  write(folder / "f", "one");
  ContentWatch watch(folder / "f");
  write(folder / "f", "");
  CHECK(watch.poll() == Seen::settling);
  write(folder / "f", "tw");
  CHECK(watch.poll() == Seen::settling);
  write(folder / "f", "two");
  CHECK(watch.poll() == Seen::settling);
  write(folder / "f", "two, and on");
  CHECK(watch.poll() == Seen::changed);
}

TEST_CASE("a change that was taken back, or loaded by other means, is not reported") {
  Folder folder;
  write(folder / "f", "one");
  ContentWatch watch(folder / "f");
  write(folder / "f", "two");
  CHECK(watch.poll() == Seen::settling);
  write(folder / "f", "one");
  CHECK(watch.poll() == Seen::same);
  write(folder / "f", "three");
  CHECK(watch.poll() == Seen::settling);
  watch.accept();
  CHECK(watch.poll() == Seen::same);
}

TEST_CASE("the watch tells a change within 500 ms, and nothing after its end") {
  Folder folder;
  write(folder / "f", "one");
  boost::asio::io_context io;
  int calls = 0;
  auto watch = std::make_unique<ConfigWatch>(io, folder / "f", [&] { ++calls; });
  write(folder / "f", "two");
  const auto begin = std::chrono::steady_clock::now();
  while (calls == 0 && std::chrono::steady_clock::now() - begin < 5s) io.run_one_for(100ms);
  CHECK(calls == 1);
  CHECK(std::chrono::steady_clock::now() - begin < 500ms);
  watch.reset();
  write(folder / "f", "three");
  io.run();  // ends: no timer is left
  CHECK(calls == 1);
}

TEST_CASE("a file that goes is one change, and its return another") {
  Folder folder;
  write(folder / "f", "one");
  boost::asio::io_context io;
  int changes = 0;
  ConfigWatch watch(io, folder / "f", [&] { ++changes; });
  const auto run_until = [&](int times) {
    const auto begin = std::chrono::steady_clock::now();
    while (changes < times && std::chrono::steady_clock::now() - begin < 5s) io.run_one_for(100ms);
    io.run_for(3 * ConfigWatch::kInterval);  // and not again
    return changes == times;
  };
  CHECK(run_until(0));
  fs::remove(folder / "f");
  CHECK(run_until(1));
  write(folder / "f", "one");
  CHECK(run_until(2));
}
