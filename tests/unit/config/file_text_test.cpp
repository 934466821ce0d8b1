// SPDX-License-Identifier: Apache-2.0
#include "config/file_text.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace fusewire::config {
namespace {

struct File {
  File() { std::filesystem::remove(path); }
  ~File() { std::filesystem::remove(path); }
  std::string path =
      (std::filesystem::temp_directory_path() / ("fusewire-file-text." + std::to_string(::getpid()))).string();
};

TEST_CASE("a file is read whole, or one character beyond the limit") {
  const File file;
  std::ofstream(file.path) << "12345";
  CHECK(read_regular_file(file.path, 5).text == "12345");
  CHECK(read_regular_file(file.path, 9).text == "12345");
  CHECK(read_regular_file(file.path, 2).text == "123");
}

TEST_CASE("what is no regular file is refused at once, and not waited for") {
  const File file;
  CHECK(read_regular_file(file.path, 9).error == "No such file or directory");
  REQUIRE(::mkfifo(file.path.c_str(), 0600) == 0);
  CHECK(read_regular_file(file.path, 9).error == "not a regular file");
  CHECK(read_file_or_descriptor(file.path, 9).error == "not a regular file");
  CHECK(read_regular_file("/dev/zero", 9).error == "not a regular file");
  CHECK(read_regular_file("/", 9).error == "Is a directory");
}

TEST_CASE("an open descriptor may be a pipe, of which no more is read than the limit says") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(::write(ends[1], "12345", 5) == 5);
  CHECK(read_file_or_descriptor("/dev/fd/" + std::to_string(ends[0]), 2).text == "123");
  ::close(ends[1]);
  CHECK(read_file_or_descriptor("/dev/fd/" + std::to_string(ends[0]), 2).text == "45");
  ::close(ends[0]);
}

}  // namespace
}  // namespace fusewire::config
