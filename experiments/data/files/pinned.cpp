#include "experiments/data/files/pinned.h"

#include <fmt/format.h>

namespace subband {

namespace {

class Pinned final : public Data {
 public:
  Pinned(std::shared_ptr<const Data> data, const DataManifest& manifest)
      : data_(std::move(data)), manifest_(manifest) {}

  std::string name() const override { return data_->name(); }
  std::vector<std::string> splits() const override { return data_->splits(); }
  std::optional<ExampleForm> form() const override { return data_->form(); }
  std::string layout(std::string_view split) const override { return data_->layout(split); }

  // Compared after it was read: a change in the middle of reading shows too.
  TextSplit text(std::string_view split) const override {
    TextSplit text = data_->text(split);
    manifest();
    return text;
  }
  ExampleSet examples(std::string_view split) const override {
    ExampleSet examples = data_->examples(split);
    manifest();
    return examples;
  }
  DataManifest manifest() const override {
    DataManifest now = data_->manifest();
    std::vector<Problem> changes = manifest_changes("data." + name(), manifest_, now, "when the run began");
    if (!changes.empty()) throw Error(std::move(changes));
    return now;
  }

 private:
  std::shared_ptr<const Data> data_;
  DataManifest manifest_;
};

}  // namespace

std::shared_ptr<Data> pinned_data(std::shared_ptr<const Data> data, const DataManifest& manifest) {
  return std::make_shared<Pinned>(std::move(data), manifest);
}

std::vector<Problem> manifest_changes(const std::string& place, const DataManifest& before,
                                      const DataManifest& now, const std::string& since) {
  constexpr size_t kShown = 16;
  const auto shown = [](const DataManifest& manifest, const std::string& file) {
    const auto found = manifest.find(file);
    return found == manifest.end() ? std::string("absent") : found->second.substr(0, kShown);
  };
  DataManifest all = before;
  all.insert(now.begin(), now.end());
  std::vector<Problem> changes;
  for (const auto& [file, checksum] : all) {
    const std::string was = shown(before, file), is = shown(now, file);
    if (was != is)
      changes.push_back(
          {place,
           fmt::format("{}: sha256 = {}: was {} {}; put it back and run the same command again, or run anew "
                       "with the file as it is",
                       file, is, was, since),
           "changed"});
  }
  return changes;
}

}  // namespace subband
