// Images in IDX files (MNIST and its relatives) as sequences of pixels, row by row.
//   numbers  one number a position, pixel / 255
//   ids      one of 256 tokens a position
// `permute` shuffles the pixels, the same way in every image: permuted sequential MNIST.
// The last `valid` training images are the validation split.
// Source  LeCun & Cortes, MNIST; sequential and permuted: Le, Jaitly & Hinton 2015, arXiv 1504.00941
#include <fmt/format.h>

#include "core/draws.h"
#include "core/error.h"
#include "experiments/data.h"
#include "experiments/data/files/data_files.h"

namespace subband::data::idx_images {

struct Files {
  std::string images, labels, images_sha256, labels_sha256;

  void bind(Binder& b) {
    b.field("images", images,
            "idx3-ubyte file, packed or not; relative to the program's root, else to $SUBBAND_DATA");
    b.field("labels", labels, "idx1-ubyte file");
    b.field("images_sha256", images_sha256, "of the unpacked file; empty: not checked");
    b.field("labels_sha256", labels_sha256, "likewise");
    b.check(!images.empty(), "images", "must name a file");
    b.check(!labels.empty(), "labels", "must name a file");
  }
};

struct Config {
  std::string name = "idx_images";
  Files train, test;
  int64_t classes = 10;
  int64_t valid = 5'000;
  std::string pixels = "numbers";
  bool permute = false;
  int64_t permutation_seed = 0;
  std::string fetch;

  void bind(Binder& b) {
    b.field("name", name, "what messages call it");
    b.group("train", train, "files of the training images");
    b.group("test", test, "files of the test images");
    b.field("classes", classes, {2, 256}, "labels are below it");
    b.field("valid", valid, {1, 1e9}, "the last so many training images are for validation");
    b.choice("pixels", pixels, {"numbers", "ids"}, "a pixel is a number in 0 … 1, or one of 256 tokens");
    b.field("permute", permute, "one fixed shuffle of the pixels, in all images");
    b.field("permutation_seed", permutation_seed, {0, 9e15}, "of that shuffle");
    b.field("fetch", fetch, "what a missing file's message says to fetch");
    b.cosmetic({"name", "fetch"});
  }
};

struct Idx {
  std::vector<int64_t> sizes;
  std::string_view values;
};

// Big-endian header: 0, 0, 8 (bytes), number of dimensions, their sizes.
static Idx parse_idx(std::string_view content, const std::string& file, size_t dimensions) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(content[i]); };
  const size_t header = 4 + 4 * dimensions;
  if (content.size() < header || byte(0) != 0 || byte(1) != 0 || byte(2) != 8 || byte(3) != dimensions)
    throw Error(file, fmt::format("must be an IDX file of bytes with {} dimensions", dimensions));
  Idx idx;
  int64_t values = 1;
  for (size_t i = 4; i < header; i += 4) {
    idx.sizes.push_back(int64_t{byte(i)} << 24 | int64_t{byte(i + 1)} << 16 | int64_t{byte(i + 2)} << 8 |
                        int64_t{byte(i + 3)});
    values *= idx.sizes.back();
  }
  idx.values = content.substr(header);
  if (std::ssize(idx.values) != values)
    throw Error(file, fmt::format("holds {} values: its header promises {}", idx.values.size(), values));
  return idx;
}

class IdxImages final : public Data {
 public:
  IdxImages(const Config& config, const DataContext& context)
      : config_(config), files_("data." + config.name, context.root, config.fetch) {}

  std::string name() const override { return config_.name; }
  std::vector<std::string> splits() const override { return {"train", "valid", "test"}; }
  std::optional<ExampleForm> form() const override {
    ExampleForm form{.classes = config_.classes};
    (config_.pixels == "ids" ? form.vocabulary : form.channels) = config_.pixels == "ids" ? 256 : 1;
    return form;
  }
  DataManifest manifest() const override {
    DataManifest manifest;
    for (const Files* files : {&config_.train, &config_.test}) {
      manifest[files->images] = files_.checksum(files->images, files->images_sha256);
      manifest[files->labels] = files_.checksum(files->labels, files->labels_sha256);
    }
    return manifest;
  }
  std::string layout(std::string_view split) const override { return std::string(split); }

  ExampleSet examples(std::string_view split) const override {
    expect_split(*this, split);
    const Files& files = split == "test" ? config_.test : config_.train;
    const std::string image_bytes = files_.read(files.images, files.images_sha256);
    const std::string label_bytes = files_.read(files.labels, files.labels_sha256);
    const Idx images = parse_idx(image_bytes, files.images, 3),
              labels = parse_idx(label_bytes, files.labels, 1);
    const int64_t count = images.sizes[0];
    if (labels.sizes[0] != count)
      throw Error(files.labels,
                  fmt::format("holds {} labels: {} holds {} images", labels.sizes[0], files.images, count));
    if (split != "test" && config_.valid >= count)
      throw ConfigError(
          "", fmt::format("data.valid = {}: must be fewer than the {} training images", config_.valid, count),
          "bad_value");
    const int64_t begin = split == "valid" ? count - config_.valid : 0;
    return taken(images, labels, begin, split == "train" ? count - config_.valid : count);
  }

 private:
  ExampleSet taken(const Idx& images, const Idx& labels, int64_t begin, int64_t end) const {
    const int64_t size = images.sizes[1] * images.sizes[2];
    std::vector<int64_t> order;
    if (config_.permute)
      order = Draws(static_cast<uint64_t>(config_.permutation_seed), "pixels").permutation(size);
    const auto pixel = [&](int64_t image, int64_t place) {
      const int64_t from = order.empty() ? place : order[static_cast<size_t>(place)];
      return static_cast<unsigned char>(images.values[static_cast<size_t>(image * size + from)]);
    };
    ExampleSet examples;
    std::vector<float> numbers(static_cast<size_t>(size));
    std::vector<uint16_t> ids(static_cast<size_t>(size));
    for (int64_t image = begin; image < end; ++image) {
      const int64_t label = static_cast<unsigned char>(labels.values[static_cast<size_t>(image)]);
      if (label >= config_.classes)
        throw Error("data." + config_.name, fmt::format("label {} of image {}: must be below classes = {}",
                                                        label, image, config_.classes));
      for (int64_t i = 0; i < size; ++i) {
        const auto at = static_cast<size_t>(i);
        ids[at] = pixel(image, i), numbers[at] = static_cast<float>(ids[at]) / 255.0f;
      }
      if (config_.pixels == "ids")
        examples.add_ids(ids, label);
      else
        examples.add_numbers(numbers, label);
    }
    return examples;
  }

  Config config_;
  DataFiles files_;
};

void add_to(DataRegistry& registry) {
  registry.add<IdxImages, Config>({.name = "idx_images",
                                   .summary = "images in IDX files as sequences of pixels",
                                   .source = "MNIST; arXiv 1504.00941"});
}

}  // namespace subband::data::idx_images
