// Parts as a spec would make them, for tests.
#pragma once
#include <filesystem>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "core/files.h"
#include "core/slot.h"
#include "experiments/data.h"
#include "experiments/data/corpus.h"
#include "experiments/tokenizer.h"

namespace subband {

namespace testing {

/// Binds `node` as the config of the part and makes it. ConfigError as a spec's.
template <class Interface>
std::shared_ptr<Interface> made(const std::string& part, const config::Node& node = config::Node::map(),
                                const typename Interface::Context& context = {}) {
  Registry registry;
  register_corpora_parts(registry);
  config::Node spec = node;
  spec.set("type", config::Node(part));
  return make_part<Interface>(registry, spec, context);
}

/// `{type: text, name: NAME, splits: {SPLIT: {files: [FILE]}}}`
inline config::Node text_node(const std::string& name, const std::string& split, const std::string& file) {
  config::Node node = config::Node::map();
  node.set("name", config::Node(name));
  node.set_at("splits." + split + ".files", config::Node::list({config::Node(file)}));
  return node;
}

/// What a command prints on stdout, after its exit code.
template <class Command>
std::pair<int, std::string> output_of(Command command, const std::vector<std::string>& arguments) {
  std::ostringstream text;
  std::streambuf* before = std::cout.rdbuf(text.rdbuf());
  const int code = command(arguments);
  std::cout.rdbuf(before);
  return {code, text.str()};
}

/// A folder that goes with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "subband-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code none;
    std::filesystem::remove_all(path_, none);
  }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace testing
}  // namespace subband
