// SPDX-License-Identifier: Apache-2.0
// The manual and the completions are made of the table of commands: both name all of it.
#include <sys/wait.h>
#include <algorithm>
#include <cstdio>
#include <sstream>

#include "proxy/cli/command_list.hpp"
#include "proxy/cli/command_table.hpp"
#include "tests/unit/proxy/cli/run.hpp"

#include <CLI/CLI.hpp>

using namespace fusewire;

namespace {

std::string out_of(std::vector<std::string> arguments) {
  const auto ran = testing::fusewire_cli(std::move(arguments));
  REQUIRE(ran.status == 0);
  return ran.out;
}

std::vector<cli::CommandWords> all_commands() {
  cli::Options unused;
  return cli::command_words(*cli::make_commands(unused));
}

struct Shell {
  int status = -1;
  std::string output;  // both streams
};

Shell shell(const std::string& command) {
  Shell ran;
  std::FILE* const pipe = ::popen(("(" + command + ") 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char piece[4096];
  for (std::size_t n = 0; (n = std::fread(piece, 1, sizeof piece, pipe)) > 0;) ran.output.append(piece, n);
  const int status = ::pclose(pipe);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

// What bash would offer at the end of the line.
std::string offered(const std::string& line) {
  const testing::File script(out_of({"completion", "bash"}));
  const auto ran = shell("bash -c 'source " + script.path() + "; COMP_LINE=\"" + line +
                         "\" COMP_POINT=" + std::to_string(line.size()) + "; _fusewire; echo \"${COMPREPLY[*]}\"'");
  CHECK(ran.status == 0);
  return ran.output;
}

}  // namespace

TEST_CASE("the manual that is shipped is the program's own") {
  const std::string path = FUSEWIRE_SOURCE_DIR "/docs/man/fusewire.1";
  const std::string page = out_of({"man"});
  if (std::getenv("FUSEWIRE_UPDATE") != nullptr) std::ofstream(path) << page;
  std::ifstream in(path);
  const std::string shipped{std::istreambuf_iterator<char>(in), {}};
  CHECK_MESSAGE(shipped == page, "FUSEWIRE_UPDATE=1 unit_proxy -tc=\"the manual*\" writes docs/man/fusewire.1");
}

TEST_CASE("the manual has every command with every option and its exit statuses") {
  const std::string page = out_of({"man"});
  for (const cli::CommandWords& command : all_commands()) {
    CAPTURE(command.name);
    std::string name = command.name;
    for (std::size_t at = 0; (at = name.find('-', at)) != std::string::npos; at += 2) name.insert(at, 1, '\\');
    const std::size_t begin = page.find(".SS \\fBfusewire\\fR \\fB" + name + "\\fR");
    REQUIRE(begin != std::string::npos);
    const std::string section = page.substr(begin, page.find("\n.S", begin + 1) - begin);
    CHECK(section.find("Exit status: 0 ") != std::string::npos);
    for (const cli::OptionWords& option : command.options)
      for (std::string word : option.names) {
        if (word == "-h" || word == "--help") continue;
        for (std::size_t at = 0; (at = word.find('-', at)) != std::string::npos; at += 2) word.insert(at, 1, '\\');
        CHECK_MESSAGE(section.find("\\fB" + word + "\\fR") != std::string::npos, word);
      }
  }
}

TEST_CASE("roff has nothing to say about the manual") {
  if (shell("command -v groff").status != 0) return;
  const testing::File page(out_of({"man"}));
  const auto ran = shell("groff -man -Tutf8 -ww -z " + page.path());
  CHECK(ran.status == 0);
  CHECK(ran.output.empty());
}

TEST_CASE("completions of all shells name every command and option, and their shells can read them") {
  for (const std::string name_of_shell : {"bash", "zsh", "fish"}) {
    CAPTURE(name_of_shell);
    const std::string script = out_of({"completion", name_of_shell});
    for (const cli::CommandWords& command : all_commands()) {
      CHECK_MESSAGE(script.find(command.name) != std::string::npos, command.name);
      for (const cli::OptionWords& option : command.options)
        for (const std::string& name : option.names)
          if (name.starts_with("--") && name != "--help")
            CHECK_MESSAGE(script.find(name_of_shell == "fish" ? "-l " + name.substr(2) : name) != std::string::npos,
                          name);
    }
    if (shell("command -v " + name_of_shell).status != 0) continue;
    const testing::File file(script);
    const auto ran = shell(name_of_shell + " -n " + file.path());
    CHECK_MESSAGE(ran.status == 0, ran.output);
  }
}

TEST_CASE("bash completes commands, options, shells and files") {
  CHECK(offered("fusewire st") == "status\n");
  CHECK(offered("fusewire status --wa") == "--watch\n");
  CHECK(offered("fusewire completion z") == "zsh\n");
  CHECK(offered("fusewire --config x status --js") == "--json\n");
  CHECK(offered("fusewire check -c /etc/passw").starts_with("/etc/passwd"));
  CHECK(offered("fusewire force-open x --for 1") == "\n");
}
