// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/manual.hpp"

#include <CLI/CLI.hpp>
#include <string_view>

#include "proxy/cli/command_list.hpp"

namespace fusewire::cli {
namespace {

// What roff takes for an instruction, or would change, is escaped.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n'))
      out.append("\\&").append(1, c);
    else
      out += c;
  }
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + plain(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + plain(text) + "\\fR"; }

std::string usage(const CommandWords& command) {
  std::string text = bold("fusewire") + (command.name == "fusewire" ? "" : " " + bold(command.name));
  for (const OptionWords& option : command.options) {
    if (!option.names.empty()) continue;
    const std::string word = italic(option.value) + (option.repeated ? " ..." : "");
    text += option.required ? " " + word : " [" + word + "]";
  }
  return text + " [" + italic("OPTION") + " ...]";
}

std::string option_entry(const OptionWords& option) {
  std::string tag;
  for (const std::string& name : option.names) tag += (tag.empty() ? "" : ", ") + bold(name);
  if (option.names.empty())
    tag = italic(option.value);
  else if (!option.value.empty())
    tag += " " + italic(option.value);
  return ".TP\n" + tag + "\n" + plain(option.help) + ".\n";
}

std::string command_section(const CommandWords& command) {
  std::string text = ".SS " + usage(command) + "\n" + plain(command.help) + ".\n";
  for (const OptionWords& option : command.options)
    if (option.names.empty() || option.names.back() != "--help") text += option_entry(option);
  return text + ".PP\n" + plain(command.footer) + "\n";
}

constexpr std::string_view kDescription = R"(.SH DESCRIPTION
Fusewire stands beside an application and forwards its HTTP requests. Each upstream has a circuit breaker: one that
fails is left alone for a while, and what would have gone to it is answered at once, by an error, a cache, another
upstream or a fixed answer. Without a command the proxy is run.
.PP
The commands
.BR status ,
.BR events ,
.BR reset ,
.BR release ,
.B force\-open
and
.B force\-close
ask a running Fusewire by its admin API. They find it by
.BR \-\-admin ,
else by
.BR \-c ,
.BR FUSEWIRE_ADMIN ,
.B FUSEWIRE_CONFIG
and http://127.0.0.1:9901, the first there is.
)";

constexpr std::string_view kManualRest = R"(.SH EXIT STATUS
.TP
0
It is done.
.TP
1
A failure at run time; a line on stderr says why.
.TP
2
Bad usage, or a bad configuration.
.TP
3
.B status \-\-exit\-code
only: a breaker rejects calls.
.PP
What they mean for each command stands with it.
.SH ENVIRONMENT
.TP
.B FUSEWIRE_CONFIG
The configuration file, where
.B \-c
names none.
.TP
.B FUSEWIRE_ADMIN
The admin's URL, where neither
.B \-\-admin
nor
.B \-c
is given.
.TP
.B FUSEWIRE_TOKEN
The admin's token.
.TP
.B FUSEWIRE__SECTION__KEY
Overrides one key of the configuration, as in FUSEWIRE__LOG__LEVEL=debug.
.TP
.BR SSL_CERT_FILE ", " SSL_CERT_DIR
The authorities to trust in the place of the system's.
.TP
.BR LISTEN_PID ", " LISTEN_FDS ", " LISTEN_FDNAMES
Listening sockets that the service manager has passed to
.BR run .
.TP
.B NO_COLOR
If it is set and not empty, no colours are shown. They are on terminals only.
.SH SIGNALS
.TP
.BR SIGTERM ", " SIGINT ", " SIGQUIT
Drain, then exit with 0; a second one ends the process at once.
.TP
.B SIGHUP
Reload the configuration.
.SH EXAMPLES
.EX
fusewire init orders=http://127.0.0.1:9000 \-o fusewire.yaml
fusewire doctor \-c fusewire.yaml
fusewire run \-c fusewire.yaml
fusewire status \-\-watch
fusewire explain 0f3a2c5e9b7d41868c02d7e4a1b5f936
fusewire force\-close orders \-\-for 10m
.EE
)";

}  // namespace

std::string manual_page(const CLI::App& app) {
  const CommandWords program = program_words(app);
  std::string text = ".TH FUSEWIRE 1 \"\" \"fusewire " FUSEWIRE_VERSION
                     "\" \"User Commands\"\n.SH NAME\nfusewire \\- " +
                     plain("a sidecar proxy that breaks the circuit to a failing upstream") + "\n.SH SYNOPSIS\n" +
                     bold("fusewire") + " [" + italic("COMMAND") + "] [" + italic("OPTION") + " ...]\n";
  text += kDescription;
  text += ".SH OPTIONS\n";
  for (const OptionWords& option : program.options) text += option_entry(option);
  text += ".SH COMMANDS\n";
  for (const CommandWords& command : command_words(app)) text += command_section(command);
  return text.append(kManualRest);
}

}  // namespace fusewire::cli
