#include "runs/record/record.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/files.h"
#include "runs/other_code.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

std::string line_place(const fs::path& file, size_t line) {
  return file.string() + ":" + std::to_string(line);
}

std::string number_complaint(const RecordJson& object, size_t expected) {
  const auto number = integer_in(object, "seq", -1);
  if (number == static_cast<int64_t>(expected)) return "";
  return "seq = " + std::to_string(number) + ": expected " + std::to_string(expected) +
         "; lines are missing or doubled";
}

// Puts events together in their order.
class RecordAssembly {
 public:
  explicit RecordAssembly(const fs::path& file) : file_(file) {}
  void add(const RecordJson& event) {
    const std::string kind = text_in(event, "event");
    const double time = number_in(event, "time");
    if (kind == "start")
      start(event, time);
    else if (kind == "resume")
      resume(event, time);
    else if (kind == "model")
      model(event);
    else if (kind == "step")
      step(event);
    else if (kind == "metrics")
      metrics(event);
    else if (kind == "sample")
      run_.samples.push_back({integer_in(event, "step"), text_in(event, "text")});
    else if (kind == "ops")
      ops(event);
    else if (kind == "note")
      run_.notes.push_back(text_in(event, "text"));
    else if (kind == "takeover")
      run_.notes.push_back("taken over from " + text_in(event, "from"));
    else if (kind == "end")
      end(event);
    run_.seconds = earlier_ + std::max(0.0, time - session_);
  }
  RunRecord take() { return std::move(run_); }

 private:
  void start(const RecordJson& event, double time) {
    run_.id = text_in(event, "id");
    run_.recipe = text_in(event, "recipe");
    run_.seed = integer_in(event, "seed");
    run_.config = member_of(event, "config", kEmpty);
    run_.parts = member_of(event, "parts", kEmpty);
    run_.data = member_of(event, "data", kEmpty);
    run_.provenance = member_of(event, "provenance", kEmpty);
    run_.code = part_code_in(run_.provenance);
    run_.started = session_ = time;
  }
  void resume(const RecordJson& event, double time) {
    earlier_ = run_.seconds;
    session_ = time;
    ++run_.resumes;
    earlier_ops_ = run_.ops;
    run_.provenance = member_of(event, "provenance", kEmpty);
    if (!run_.code.empty()) run_.code = code_of_both(std::move(run_.code), part_code_in(run_.provenance));
    run_.status = Status::running;
    run_.message.clear();
  }
  void model(const RecordJson& event) {
    run_.parameters = integer_in(event, "parameters");
    run_.step = integer_in(event, "step");
    const auto is_void = [&](const auto& point) { return point.step > run_.step; };
    std::erase_if(run_.curve, is_void);
    std::erase_if(run_.evaluations, is_void);
    std::erase_if(run_.samples, is_void);
    run_.metrics.clear();
    for (const Evaluation& each : run_.evaluations) keep(each.metrics);
  }
  void step(const RecordJson& event) {
    run_.step = integer_in(event, "step");
    run_.steps = integer_in(event, "steps");
    run_.curve.push_back({.step = run_.step,
                          .tokens = integer_in(event, "tokens"),
                          .loss = number_in(event, "loss"),
                          .rate = number_in(event, "rate"),
                          .gradient_norm = number_in(event, "gradient_norm"),
                          .seconds = number_in(event, "seconds")});
  }
  void metrics(const RecordJson& event) {
    run_.evaluations.push_back({integer_in(event, "step"), metrics_of(member_of(event, "metrics", kEmpty))});
    keep(run_.evaluations.back().metrics);
  }
  void ops(const RecordJson& event) {
    run_.ops = earlier_ops_;
    for (const RecordJson& each : member_of(event, "ops", kEmpty)) {
      OpUse use{text_in(each, "op"), text_in(each, "path"), text_in(each, "detail"), 0};
      const auto is_same = [&](const OpUse& other) {
        return other.op == use.op && other.path == use.path && other.detail == use.detail;
      };
      auto found = std::ranges::find_if(run_.ops, is_same);
      if (found == run_.ops.end()) found = run_.ops.insert(found, std::move(use));
      found->calls += integer_in(each, "calls");
    }
  }
  void end(const RecordJson& event) {
    const std::string word = text_in(event, "status", "failed");
    const auto status = status_named(word);
    if (!status)
      throw Error(Problem{file_.string(), "status = " + word + ": unknown to this version of the program",
                          "damaged"});
    run_.status = *status;
    run_.step = integer_in(event, "step", run_.step);
    run_.message = text_in(event, "message");
    keep(metrics_of(member_of(event, "metrics", kEmpty)));
  }
  void keep(const Metrics& newer) {
    for (const auto& [name, value] : newer) run_.metrics[name] = value;
  }

  const fs::path& file_;
  const RecordJson kEmpty = RecordJson::object();
  RunRecord run_;
  std::vector<OpUse> earlier_ops_;  // of the sessions before this one
  double session_ = 0;              // when the present session began
  double earlier_ = 0;              // seconds of the sessions before it
};

}  // namespace

fs::path record_file(const fs::path& file, int64_t generation) {
  if (generation == 0) return file;
  return file.parent_path() /
         (file.stem().string() + "." + std::to_string(generation) + file.extension().string());
}

RecordSize record_size(const fs::path& file) {
  RecordSize size;
  struct stat status {};
  for (int64_t generation = 0; ::stat(record_file(file, generation).c_str(), &status) == 0; ++generation) {
    size.bytes += static_cast<uint64_t>(status.st_size);
    size.modified_ns =
        std::max<int64_t>(size.modified_ns, status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec);
  }
  return size;
}

namespace {

// One file of a record, as far as it counts.
struct RecordPart {
  fs::path file;
  std::string text;
  int64_t generation = 0;
};

// Where a further file goes on: after so many bytes of an earlier one. Nothing where its first line is not whole.
struct Takeover {
  int64_t after = 0;
  size_t bytes = 0;
};
std::optional<Takeover> takeover_in(const std::string& text) {
  const OpenedLine line = open_line(std::string_view(text).substr(0, text.find('\n')));
  if (!line.complaint.empty() || text_in(line.object, "event") != "takeover") return std::nullopt;
  return Takeover{integer_in(line.object, "after"), static_cast<size_t>(integer_in(line.object, "bytes"))};
}

// The files that count, lowest generation first: each as long as it was when the next one took over.
std::vector<RecordPart> record_parts(const fs::path& file) {
  std::vector<RecordPart> found = {{file, read_file(file), 0}};
  std::error_code none;
  for (int64_t generation = 1; fs::exists(record_file(file, generation), none); ++generation)
    found.push_back({record_file(file, generation), read_file(record_file(file, generation)), generation});
  std::vector<RecordPart> parts;
  for (size_t i = found.size() - 1;;) {
    const auto takeover = i == 0 ? std::nullopt : takeover_in(found[i].text);
    if (i > 0 && !takeover) {  // whoever took over here was gone before he wrote a line
      --i;
      continue;
    }
    parts.insert(parts.begin(), found[i]);
    if (i == 0) return parts;
    if (takeover->after < 0 || static_cast<size_t>(takeover->after) >= i)
      throw Error(
          Problem{line_place(found[i].file, 1), "after: names no earlier file of the record", "damaged"});
    i = static_cast<size_t>(takeover->after);
    found[i].text.resize(std::min(found[i].text.size(), takeover->bytes));
  }
}

void read_part(const RecordPart& part, RecordFile& record) {
  const std::string& text = part.text;
  record.generation = part.generation;
  record.whole_bytes = 0;
  record.line_open = false;
  size_t from = 0;
  for (size_t number = 1; from < text.size(); ++number) {
    const size_t end = text.find('\n', from);
    const bool is_cut = end == std::string::npos;
    const std::string_view line = std::string_view(text).substr(from, is_cut ? end : end - from);
    OpenedLine opened = open_line(line);
    if (opened.complaint.empty()) opened.complaint = number_complaint(opened.object, record.events.size());
    const std::string place = line_place(part.file, number);
    if (!opened.complaint.empty() && is_cut) {
      record.torn = place + ": torn line = " + std::to_string(line.size()) +
                    " bytes: dropped; the run was cut off while it was written";
      return;
    }
    if (!opened.complaint.empty()) throw Error(Problem{place, opened.complaint, "damaged"});
    record.events.push_back(std::move(opened.object));
    record.line_open = is_cut;
    from = is_cut ? text.size() : end + 1;
    record.whole_bytes = from;
  }
}

}  // namespace

RecordFile read_record_file(const fs::path& file) {
  RecordFile record;
  for (const RecordPart& part : record_parts(file)) {
    record.torn.clear();
    read_part(part, record);
  }
  return record;
}

RunRecord read_record(const fs::path& file) {
  const RecordFile record = read_record_file(file);
  RecordAssembly assembly(file);
  for (const RecordJson& event : record.events) assembly.add(event);
  RunRecord run = assembly.take();
  run.torn = record.torn;
  return run;
}

}  // namespace subband
