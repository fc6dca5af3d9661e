#include "runs/record/provenance.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <fstream>

#include "core/program/surroundings.h"
#include "core/text.h"
#include "runs/record/program_version.h"

namespace subband {

namespace {

std::string processor_name() {
  std::ifstream stream("/proc/cpuinfo");
  for (std::string line; std::getline(stream, line);)
    if (line.starts_with("model name")) return std::string(trim(line.substr(line.find(':') + 1)));
  return "unknown";
}

std::string compiler_name() {
#if defined(__clang__)
  return std::string("clang ") + __clang_version__;
#elif defined(__GNUC__)
  return std::string("g++ ") + __VERSION__;
#else
  return "unknown";
#endif
}

std::string time_text() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace

RecordJson program_provenance(std::span<const std::string> command_line) {
  utsname system{};
  const bool is_known = ::uname(&system) == 0;
  const auto [version, commit, changes, build] = program_version();
  RecordJson object = {{"version", version}, {"commit", commit}};
  object["changes"] = changes < 0 ? RecordJson("unknown") : RecordJson(changes);
  object["compiler"] = compiler_name();
  object["build"] = build;
  object["cpu"] = processor_name();
  object["cores"] = usable_cores();
  object["host"] = is_known ? system.nodename : "unknown";
  object["system"] = is_known ? std::string(system.sysname) + " " + system.release : "unknown";
  object["process"] = static_cast<int64_t>(::getpid());
  object["time"] = time_text();
  object["command"] = join(command_line, " ");
  return object;
}

}  // namespace subband
