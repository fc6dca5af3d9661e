// Opinions as text, two classes, from the archives that NLTK distributes.
//   movie_reviews      whole reviews, neg 0, pos 1; the fold is the hundreds digit of the file's name (cv000 … cv999)
//   sentence_polarity  sentences, neg 0, pos 1;      in the other three the fold is the line's number modulo 10
//   subjectivity       sentences, plot (objective) 0, quote (subjective) 1
//   pros_cons          lines, cons 0, pros 1, without their tags
// Fold 9 is the test split, fold 8 the validation split, as is usual for movie_reviews.
// Source  Pang & Lee 2004 and 2005; Ganapathibhotla & Liu 2008
#include <array>

#include "core/error.h"
#include "core/text.h"
#include "experiments/data.h"
#include "experiments/data/files/data_files.h"
#include "experiments/data/files/unpack.h"

namespace subband::data::reviews {

struct Config {
  std::string set = "movie_reviews";
  std::string archive;
  int64_t test_fold = 9, valid_fold = 8;
  std::string fetch;

  void bind(Binder& b) {
    b.choice("set", set, {"movie_reviews", "sentence_polarity", "subjectivity", "pros_cons"},
             "which of the four");
    b.field("archive", archive, "its .zip; empty: reviews/SET.zip below the program's root or $SUBBAND_DATA");
    b.field("test_fold", test_fold, {0, 9}, "tenth of the texts to report on");
    b.field("valid_fold", valid_fold, {0, 9}, "tenth of the texts to choose on");
    b.field("fetch", fetch, "what a missing file's message says to fetch");
    b.check(test_fold != valid_fold, "valid_fold",
            "must differ from test_fold = " + std::to_string(test_fold));
    b.cosmetic({"fetch"});
  }
};

// Members whose path has the word in it are of the class.
struct MemberClass {
  const char* set;
  const char* word;
  int64_t label;
};
constexpr std::array<MemberClass, 8> kMembers = {{{"movie_reviews", "/neg/", 0},
                                                  {"movie_reviews", "/pos/", 1},
                                                  {"sentence_polarity", "rt-polarity.neg", 0},
                                                  {"sentence_polarity", "rt-polarity.pos", 1},
                                                  {"subjectivity", "plot.tok", 0},
                                                  {"subjectivity", "quote.tok", 1},
                                                  {"pros_cons", "IntegratedCons", 0},
                                                  {"pros_cons", "IntegratedPros", 1}}};

// `<Pros>Easy to use</Pros>` without its tags.
static std::string_view untagged(std::string_view line) {
  line = trim(line);
  if (line.starts_with('<')) line.remove_prefix(std::min(line.find('>') + 1, line.size()));
  if (const size_t end = line.rfind("</"); end != std::string_view::npos) line = line.substr(0, end);
  return line;
}

class Reviews final : public Data {
 public:
  Reviews(const Config& config, const DataContext& context)
      : config_(config), files_("data." + config.set, context.root, config.fetch) {}

  std::string name() const override { return config_.set; }
  std::vector<std::string> splits() const override { return {"train", "valid", "test"}; }
  std::optional<ExampleForm> form() const override { return ExampleForm{.classes = 2}; }
  DataManifest manifest() const override { return {{archive(), files_.checksum(archive())}}; }
  std::string layout(std::string_view split) const override { return std::string(split); }

  ExampleSet examples(std::string_view split) const override {
    expect_split(*this, split);
    ExampleSet examples;
    read_members(files_.find(archive()), [&](const std::string& member, const std::string& content) {
      for (const MemberClass& each : kMembers) {
        if (config_.set != each.set || member.find(each.word) == std::string::npos) continue;
        if (config_.set == "movie_reviews")
          add_review(member, content, each.label, split, examples);
        else
          add_lines(content, each.label, split, examples);
      }
    });
    return examples;
  }

 private:
  std::string archive() const {
    return config_.archive.empty() ? "reviews/" + config_.set + ".zip" : config_.archive;
  }
  bool is_in(int64_t fold, std::string_view split) const {
    if (fold == config_.test_fold) return split == "test";
    if (fold == config_.valid_fold) return split == "valid";
    return split == "train";
  }
  void add_review(const std::string& member, const std::string& content, int64_t label,
                  std::string_view split, ExampleSet& examples) const {
    const size_t number = member.rfind("/cv");
    const bool is_numbered = number != std::string::npos && number + 3 < member.size();
    const int64_t fold = is_numbered ? member[number + 3] - '0' : -1;
    if (fold < 0 || fold > 9) throw Error(member, "must be named cv000 … cv999");
    if (is_in(fold, split)) examples.add_text(content, label);
  }
  void add_lines(const std::string& content, int64_t label, std::string_view split,
                 ExampleSet& examples) const {
    int64_t number = 0;
    for (const std::string& line : subband::split(content, '\n')) {
      const std::string_view text = config_.set == "pros_cons" ? untagged(line) : trim(line);
      if (trim(line).empty()) continue;
      if (is_in(number++ % 10, split)) examples.add_text(text, label);
    }
  }

  Config config_;
  DataFiles files_;
};

void add_to(DataRegistry& registry) {
  registry.add<Reviews, Config>({.name = "reviews",
                                 .summary = "opinions as text, two classes",
                                 .source = "Pang & Lee 2004, 2005; Ganapathibhotla & Liu 2008"});
}

}  // namespace subband::data::reviews
