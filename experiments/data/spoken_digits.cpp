// Free Spoken Digit Dataset: one spoken digit a clip, raw samples at 8 kHz, ten classes.
//   files `{digit}_{speaker}_{index}.wav`, 16 bit, mono
// The official split: index 0 to 4 test, the rest train; of the rest, index 45 to 49 are our validation split. With
// `held_out`, that speaker's clips are the test split and nobody else's.
// Source  Jackson et al., Free Spoken Digit Dataset
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/text.h"
#include "experiments/data.h"
#include "experiments/data/files/data_files.h"
#include "experiments/data/files/unpack.h"

namespace subband::data::spoken_digits {

constexpr int64_t kTestBelow = 5, kValidFrom = 45;  // of the index of a recording

struct Config {
  std::string name = "spoken_digits";
  std::string archive = "fsdd/recordings.tar.xz";
  std::string level = "recorded";
  std::optional<std::string> held_out;
  std::string fetch;

  void bind(Binder& b) {
    b.field("name", name, "what messages call it");
    b.field("archive", archive, "of the recordings; relative to the program's root, else to $SUBBAND_DATA");
    b.choice("level", level, {"recorded", "peak"},
             "recorded: sample / 32768; peak: every clip divided by its largest magnitude");
    b.field("held_out", held_out, "speaker whose clips are the test split; without one, index 0 to 4 of all");
    b.field("fetch", fetch, "what a missing file's message says to fetch");
    b.cosmetic({"name", "fetch"});
  }
};

// Little-endian number of `bytes` bytes.
static uint32_t number_at(std::string_view content, size_t at, size_t bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < bytes; ++i)
    value |= uint32_t{static_cast<unsigned char>(content[at + i])} << (8 * i);
  return value;
}

// Samples of a PCM file: chunks of `id, size, content`, of which `fmt ` and `data` count.
static std::vector<float> samples_of(const std::string& file, std::string_view content) {
  const bool is_wave =
      content.size() > 12 && content.substr(0, 4) == "RIFF" && content.substr(8, 4) == "WAVE";
  bool has_form = false;
  for (size_t at = 12; is_wave && at + 8 <= content.size();) {
    const std::string_view id = content.substr(at, 4);
    const size_t size = number_at(content, at + 4, 4);
    if (size > content.size() - at - 8) break;
    if (id == "fmt " && size >= 16) {
      has_form = number_at(content, at + 8, 2) == 1 && number_at(content, at + 10, 2) == 1 &&
                 number_at(content, at + 22, 2) == 16;
    } else if (id == "data" && has_form) {
      std::vector<float> samples(size / 2);
      for (size_t i = 0; i < samples.size(); ++i)
        samples[i] =
            static_cast<float>(static_cast<int16_t>(number_at(content, at + 8 + 2 * i, 2))) / 32768.0f;
      return samples;
    }
    at += 8 + size + size % 2;
  }
  throw Error(file, "must be a WAV file, PCM, one channel, 16 bit");
}

struct Clip {
  int64_t digit = 0, index = 0;
  std::string speaker;
};

static Clip clip_named(const std::string& member) {
  const size_t slash = member.rfind('/');
  const std::string file = member.substr(slash == std::string::npos ? 0 : slash + 1);
  const auto words = subband::split(std::string_view(file).substr(0, file.find('.')), '_');
  const auto digit = words.size() == 3 ? parse_integer(words[0]) : std::nullopt;
  const auto index = words.size() == 3 ? parse_integer(words[2]) : std::nullopt;
  if (!digit || !index || *digit < 0 || *digit > 9)
    throw Error(member, "must be named {digit}_{speaker}_{index}.wav");
  return {*digit, *index, words[1]};
}

class SpokenDigits final : public Data {
 public:
  SpokenDigits(const Config& config, const DataContext& context)
      : config_(config), files_(place(), context.root, config.fetch) {}

  std::string name() const override { return config_.name; }
  std::vector<std::string> splits() const override { return {"train", "valid", "test"}; }
  std::optional<ExampleForm> form() const override { return ExampleForm{.classes = 10, .channels = 1}; }
  DataManifest manifest() const override { return {{config_.archive, files_.checksum(config_.archive)}}; }
  std::string layout(std::string_view split) const override { return std::string(split); }

  ExampleSet examples(std::string_view split) const override {
    expect_split(*this, split);
    ExampleSet examples;
    bool is_known = !config_.held_out;
    read_members(files_.find(config_.archive), [&](const std::string& member, const std::string& content) {
      if (!member.ends_with(".wav")) return;
      const Clip clip = clip_named(member);
      is_known = is_known || clip.speaker == config_.held_out;
      if (split_of(clip) != split) return;
      std::vector<float> samples = samples_of(member, content);
      if (config_.level == "peak") scale_to_peak(samples);
      examples.add_numbers(samples, clip.digit);
    });
    if (!is_known)
      throw ConfigError("", "data.held_out = " + *config_.held_out + ": no clip is spoken by them",
                        "bad_value");
    return examples;
  }

 private:
  std::string place() const { return "data." + config_.name; }
  std::string_view split_of(const Clip& clip) const {
    const bool is_test = config_.held_out ? clip.speaker == *config_.held_out : clip.index < kTestBelow;
    if (is_test) return "test";
    return clip.index >= kValidFrom ? "valid" : "train";
  }
  static void scale_to_peak(std::vector<float>& samples) {
    float peak = 0;
    for (const float sample : samples) peak = std::max(peak, std::abs(sample));
    if (peak > 0) {
      for (float& sample : samples) sample /= peak;
    }
  }

  Config config_;
  DataFiles files_;
};

void add_to(DataRegistry& registry) {
  registry.add<SpokenDigits, Config>({.name = "spoken_digits",
                                      .summary = "spoken digits as raw samples at 8 kHz",
                                      .source = "Free Spoken Digit Dataset"});
}

}  // namespace subband::data::spoken_digits
