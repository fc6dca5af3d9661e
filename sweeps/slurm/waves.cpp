#include "sweeps/slurm/waves.h"

#include <unistd.h>

#include <algorithm>

#include "core/error.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/text.h"

namespace subband::slurm {

namespace fs = std::filesystem;

static fs::path wave_file(const fs::path& folder, int64_t wave) {
  return folder / ("wave-" + std::to_string(wave) + ".tasks");
}

std::vector<WaveArray> wave_arrays(std::vector<WaveItem>& items, const Settings& settings,
                                   int64_t max_elements) {
  const auto asks = [&](const WaveItem& item) { return resource_options(settings, item.needs); };
  std::ranges::stable_sort(items, {}, asks);
  std::vector<WaveArray> arrays;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::vector<std::string> options = asks(items[i]);
    const bool is_more = !arrays.empty() && arrays.back().options == options &&
                         arrays.back().count < static_cast<size_t>(max_elements);
    if (!is_more) arrays.push_back({.options = options, .first = i});
    ++arrays.back().count;
  }
  return arrays;
}

Waves::Waves(fs::path folder) : folder_(fs::absolute(folder / "slurm").lexically_normal()) {
  std::error_code failed;
  fs::create_directories(folder_, failed);
  if (failed) throw Error(folder_.string(), "cannot be made: " + failed.message());
  comment_ = "subband:" + sha256_hex(fs::canonical(folder_).string()).substr(0, 16) + ":";
}

std::vector<std::string> Waves::submit(std::vector<WaveItem> items, const Settings& settings,
                                       ScriptPlace place) {
  int64_t wave = 1;
  while (fs::exists(wave_file(folder_, wave))) ++wave;
  const std::vector<WaveArray> arrays = wave_arrays(items, settings, max_array_size());
  std::string lines;
  for (const WaveItem& item : items)
    lines += item.task.string() + "\t" + (item.until ? std::to_string(*item.until) : "") + "\n";
  place.tasks = wave_file(folder_, wave).string();
  place.elements = static_cast<int64_t>(items.size());
  place.comment = comment_ + std::to_string(wave) + ":";
  write_file(place.tasks, lines);
  std::vector<std::string> ids;
  for (const WaveArray& array : arrays) {
    place.offset = static_cast<int64_t>(array.first);
    std::string indices = "0-" + std::to_string(array.count - 1);
    if (settings.jobs > 0) indices += "%" + std::to_string(settings.jobs);
    std::vector<std::string> options = {
        "--array=" + indices,
        "--comment=" + place.comment + std::to_string(array.first),
        "--job-name=subband",
        "--chdir=" + fs::current_path().string(),
        "--output=" + (folder_ / ("wave-" + std::to_string(wave) + "-%A_%a.log")).string(),
        "--open-mode=append",
        "--requeue",
        "--signal=B:USR1@" + std::to_string(settings.warning_s)};
    options.insert(options.end(), array.options.begin(), array.options.end());
    // Together the arrays of a wave must not run more at once than one of them may.
    if (settings.jobs > 0 && !ids.empty()) options.push_back("--dependency=afterany:" + ids.back());
    ids.push_back(slurm::submit(options, array_script(settings, place)));
  }
  write_file(place.tasks + ".submitted", "");
  return ids;
}

KnownElements Waves::known() const {
  KnownElements found;
  std::map<int64_t, std::vector<std::string>> lines;
  for (const Element& element : elements(comment_)) {
    const std::vector<std::string> words = split(element.comment.substr(comment_.size()), ':');
    found.arrays.insert(element.comment);
    if (words.size() < 2 || element.index < 0) continue;
    const auto wave = parse_integer(words[0]), offset = parse_integer(words[1]);
    if (!wave || !offset || !fs::exists(wave_file(folder_, *wave))) continue;
    auto [wave_lines, is_new] = lines.try_emplace(*wave);
    if (is_new) wave_lines->second = split(read_file(wave_file(folder_, *wave)), '\n');
    const auto number = static_cast<size_t>(*offset + element.index);
    if (number >= wave_lines->second.size()) continue;
    const std::string& line = wave_lines->second[number];
    Element now = element;
    const fs::path ended = wave_file(folder_, *wave).string() + ".ended";
    if (fs::exists(ended / std::to_string(number))) now.state = "COMPLETED";
    Element& kept = found.of_tasks.try_emplace(line.substr(0, line.find('\t')), now).first->second;
    if (state_of(kept.state) == ElementState::ended) kept = now;
  }
  return found;
}

bool has_jobs(const fs::path& sweep_folder) {
  std::error_code none;
  if (!fs::is_directory(sweep_folder / "slurm", none)) return false;
  try {
    const std::map<fs::path, Element> jobs = Waves(sweep_folder).known().of_tasks;
    return std::ranges::any_of(jobs, [](const auto& job) { return state_of(job.second.state) != ElementState::ended; });
  } catch (const Error&) {
    return false;
  }
}

fs::path Waves::log_of(const Element& element) const {
  const std::string wave = split(element.comment.substr(comment_.size()), ':').front();
  return folder_ / ("wave-" + wave + "-" + element.array + "_" + std::to_string(element.index) + ".log");
}

}  // namespace subband::slurm
