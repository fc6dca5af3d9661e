#include "core/source_code.h"

#include <algorithm>
#include <cctype>

#include "core/files.h"
#include "core/hash.h"
#include "core/text.h"

namespace subband {

namespace fs = std::filesystem;

namespace {

constexpr size_t kDigits = 16;

bool is_word(char letter) { return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_'; }

// Copies code without comments; texts stay as they are.
class Stripper {
 public:
  explicit Stripper(const std::string& source) : in_(source) {}

  std::string take() {
    while (at_ < in_.size()) step();
    while (!out_.empty() && out_.back() == ' ') out_.pop_back();
    return std::move(out_);
  }

 private:
  bool begins(const char* text) const { return in_.compare(at_, std::string_view(text).size(), text) == 0; }
  void copy_to(size_t end) {
    end = std::min(end, in_.size());
    out_.append(in_, at_, end - at_);
    at_ = end;
  }
  void skip_past(const char* text, size_t from) {
    const size_t found = in_.find(text, from);
    at_ = found == std::string::npos ? in_.size() : found + std::string_view(text).size();
    blank();
  }
  void blank() {
    if (!out_.empty() && out_.back() != ' ') out_ += ' ';
  }

  void step() {
    const char letter = in_[at_];
    if (begins("//"))
      skip_past("\n", at_);
    else if (begins("/*"))
      skip_past("*/", at_ + 2);
    else if (std::isspace(static_cast<unsigned char>(letter)) != 0)
      ++at_, blank();
    else if (letter == '"' && !out_.empty() && out_.back() == 'R')
      raw_text();
    else if (letter == '"' || (letter == '\'' && (out_.empty() || !is_word(out_.back()))))  // else 1'000
      text(letter);
    else
      copy_to(at_ + 1);
  }

  void text(char quote) {
    size_t end = at_ + 1;
    while (end < in_.size() && in_[end] != quote && in_[end] != '\n') end += in_[end] == '\\' ? 2 : 1;
    copy_to(end + 1);
  }

  void raw_text() {
    const size_t open = in_.find('(', at_);
    if (open == std::string::npos) return copy_to(in_.size());
    const std::string close = ")" + in_.substr(at_ + 1, open - at_ - 1) + "\"";
    const size_t end = in_.find(close, open);
    copy_to(end == std::string::npos ? in_.size() : end + close.size());
  }

  const std::string& in_;
  std::string out_;
  size_t at_ = 0;
};

// What decides results, not how a config is read or a message is written.
bool counts(const std::string& path) {
  if (path.starts_with("models/") || path.starts_with("experiments/")) return true;
  return path.starts_with("core/ops/") || path.starts_with("core/tensors/") || path.starts_with("core/draws.");
}

std::vector<std::string> includes_of(const std::string& source) {
  std::vector<std::string> found;
  for (const std::string& line : split(source, '\n')) {
    constexpr std::string_view kBegin = "#include \"";
    if (!line.starts_with(kBegin)) continue;
    const size_t end = line.find('"', kBegin.size());
    if (end != std::string::npos) found.push_back(line.substr(kBegin.size(), end - kBegin.size()));
  }
  return found;
}

}  // namespace

std::string code_alone(const std::string& source) { return Stripper(source).take(); }

std::string digest_of_own_source(const fs::path& source) {
  std::map<std::string, std::string> all;
  std::vector<fs::path> open = {source.filename()};
  while (!open.empty()) {
    const fs::path next = open.back();
    open.pop_back();
    if (all.contains(next.string())) continue;
    const std::string text = read_file(source.parent_path() / next);
    all.emplace(next.string(), code_alone(text));
    for (const std::string& name : includes_of(text))
      if (fs::exists(source.parent_path() / name)) open.emplace_back(name);
  }
  Sha256 hash;
  for (const auto& [path, code] : all) hash.update(path).update("\n").update(code).update("\n");
  return hash.hex().substr(0, kDigits);
}

SourceCode::File SourceCode::read(const fs::path& path) const {
  const std::string source = read_file(path);
  File file{.code = code_alone(source)};
  for (const std::string& name : includes_of(source)) {
    if (!fs::exists(root_ / name)) continue;
    file.includes.insert(name);
    if (!counts(name)) continue;
    file.reaches.insert(name);
    const std::string stem = name.substr(0, name.rfind('.'));
    for (const char* ending : {".cpp", ".cu", "_loops.cpp"})
      if (fs::exists(root_ / (stem + ending))) file.reaches.insert(stem + ending);
  }
  return file;
}

const SourceCode::File& SourceCode::file(const std::string& path) {
  const auto known = files_.find(path);
  return known != files_.end() ? known->second : files_.emplace(path, read(root_ / path)).first->second;
}

std::string SourceCode::digest_of(std::vector<std::string> open, std::set<std::string> File::* next) {
  std::map<std::string, const File*> all;
  while (!open.empty()) {
    const std::string path = open.back();
    open.pop_back();
    if (all.contains(path)) continue;
    const File& reached = file(path);
    all.emplace(path, &reached);
    open.insert(open.end(), (reached.*next).begin(), (reached.*next).end());
  }
  Sha256 hash;
  for (const auto& [path, each] : all) hash.update(path).update("\n").update(each->code).update("\n");
  return hash.hex().substr(0, kDigits);
}

std::string SourceCode::digest(const std::string& source) { return digest_of({source}, &File::reaches); }

std::string SourceCode::digest_of_headers(const std::vector<std::string>& headers) {
  return digest_of(headers, &File::includes);
}

std::vector<std::string> SourceCode::files() const {
  std::vector<std::string> names;
  for (const auto& [path, file] : files_) names.push_back(path);
  return names;
}

}  // namespace subband
