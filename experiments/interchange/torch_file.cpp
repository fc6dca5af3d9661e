#include "experiments/interchange/torch_file.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <functional>
#include <memory>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "core/what_is.h"
#include "experiments/data/files/archive_reader.h"
#include "experiments/interchange/pickle.h"

namespace subband {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kLargestPickle = 64 << 20;

constexpr size_t kMostLevels = 8;  // of dictionaries in dictionaries

// A zip archive, gone through from its start as often as one likes.
class Archive {
 public:
  explicit Archive(const fs::path& file) : file_(file), mapped_(file) {
    const FileLook look = what_is(bytes().substr(0, kLookBytes));
    if (look.is_known() && look.name != "a zip archive") fail(look.is("file of torch.save"));
  }

  [[noreturn]] void fail(const std::string& what) const { throw Error(file_.string(), what); }

  /// `visit(name, size)` says where to put an entry's bytes: null passes it over.
  void go_through(const std::function<char*(const std::string&, int64_t)>& visit) const {
    ArchiveReader reader(file_, bytes(), /*is_archive=*/true,
                         {.trouble = "cannot be read as a zip archive: ",
                          .advice = "; the file is cut or damaged, or was written without checksums; fetch or save it again"});
    while (reader.next()) {
      const std::string name = reader.name();
      const int64_t size = reader.size();
      // Values are stored as they are; a size beyond the file's is no size.
      if (size < 0 || size > static_cast<int64_t>(bytes().size()))
        fail("is no file of torch.save: an entry has no proper size");
      if (char* out = visit(name, size)) reader.read_into(out, size);
    }
  }

 private:
  std::string_view bytes() const {
    return {reinterpret_cast<const char*>(mapped_.bytes().data()), mapped_.bytes().size()};
  }

  fs::path file_;
  MappedFile mapped_;
};

at::ScalarType type_of(const std::string& storage) {
  static const std::map<std::string, at::ScalarType> types = {
      {"torch DoubleStorage", at::kDouble}, {"torch FloatStorage", at::kFloat},
      {"torch HalfStorage", at::kHalf},     {"torch BFloat16Storage", at::kBFloat16},
      {"torch LongStorage", at::kLong},     {"torch IntStorage", at::kInt},
      {"torch ShortStorage", at::kShort},   {"torch CharStorage", at::kChar},
      {"torch ByteStorage", at::kByte},     {"torch BoolStorage", at::kBool}};
  return types.at(storage);
}

// The pickle's text and the folder in which all entries lie.
struct Found {
  std::string pickle, folder;
};

Found find_pickle(const Archive& archive) {
  Found found;
  std::string byte_order;
  archive.go_through([&](const std::string& name, int64_t size) -> char* {
    const size_t slash = name.find('/');
    const std::string rest = slash == std::string::npos ? "" : name.substr(slash + 1);
    if (rest == "byteorder" && size < 100) {
      byte_order.resize(static_cast<size_t>(size));
      return byte_order.data();
    }
    if (rest != "data.pkl") return nullptr;
    if (!found.folder.empty()) archive.fail("is no file of torch.save: it holds two pickles");
    if (size > kLargestPickle) archive.fail(fmt::format("{}: {} bytes: must be at most 64 MiB", name, size));
    found.folder = name.substr(0, slash + 1);
    found.pickle.resize(static_cast<size_t>(size));
    return found.pickle.data();
  });
  if (found.folder.empty()) archive.fail("is no file of torch.save: it has no data.pkl");
  if (!byte_order.empty() && byte_order != "little")
    archive.fail("byteorder = " + byte_order + ": must be little");
  return found;
}

class Reader {
 public:
  Reader(const fs::path& path, const Archive& archive) : path_(path), archive_(archive) {
    Found found = find_pickle(archive);
    folder_ = found.folder;
    document_ = pickle::read(found.pickle, path.string());
  }

  TorchFile read() {
    if (document_[document_.root].kind != pickle::Kind::dictionary)
      archive_.fail("expected a dictionary of tensors; saved was another object");
    read_storages();
    TorchFile file;
    collect(document_[document_.root], "", 1, file);
    return file;
  }

 private:
  void read_storages() {
    for (const pickle::Value& value : document_.values)
      if (value.kind == pickle::Kind::storage) announce(value);
    std::map<std::string, bool> seen;
    archive_.go_through([&](const std::string& name, int64_t size) -> char* {
      const std::string prefix = folder_ + "data/";
      if (!name.starts_with(prefix)) return nullptr;
      const auto found = storages_.find(name.substr(prefix.size()));
      if (found == storages_.end()) return nullptr;
      const auto [type, count] = announced_.at(found->first);
      const auto wanted = static_cast<int64_t>(c10::elementSize(type));
      if (size % wanted != 0 || size / wanted != count)
        archive_.fail(
            fmt::format("{}: {} bytes: must hold {} values of {} bytes", name, size, count, wanted));
      if (!seen.emplace(found->first, true).second) archive_.fail(name + ": is there twice");
      found->second = at::empty({count}, at::TensorOptions(type));
      return size == 0 ? nullptr : static_cast<char*>(found->second.mutable_data_ptr());
    });
    for (const auto& [key, tensor] : storages_)
      if (!tensor.defined()) archive_.fail(folder_ + "data/" + key + ": missing; the file is cut");
  }

  void announce(const pickle::Value& storage) {
    const std::pair<at::ScalarType, int64_t> said = {type_of(document_[storage.parts[0]].text),
                                                     storage.integer};
    const auto [known, is_new] = announced_.emplace(storage.text, said);
    if (!is_new && known->second != said)
      archive_.fail("storage " + storage.text + ": described in two ways");
    storages_[storage.text];
  }

  void collect(const pickle::Value& dictionary, const std::string& prefix, size_t levels, TorchFile& file) {
    for (size_t i = 0; i + 1 < dictionary.parts.size(); i += 2) {
      const pickle::Value& key = document_[dictionary.parts[i]];
      const pickle::Value& value = document_[dictionary.parts[i + 1]];
      if (key.kind != pickle::Kind::text) continue;
      const std::string name = prefix + key.text;
      if (value.kind == pickle::Kind::tensor)
        keep(file, name, value);
      else if (value.kind == pickle::Kind::text || value.kind == pickle::Kind::bytes)
        file.texts[name] = value.text;
      else if (value.kind == pickle::Kind::other)
        file.unread[name] = value.text;
      else if (value.kind == pickle::Kind::dictionary && levels < kMostLevels)
        collect(value, name + "/", levels + 1, file);
    }
  }

  void keep(TorchFile& file, const std::string& name, const pickle::Value& value) {
    const at::Tensor tensor = storages_.at(document_[value.parts[0]].text)
                                  .as_strided(value.sizes, value.strides, value.integer);
    if (!file.tensors.emplace(name, tensor).second) archive_.fail("tensor '" + name + "': two of this name");
  }

  fs::path path_;
  const Archive& archive_;
  std::string folder_;
  pickle::Document document_;
  std::map<std::string, at::Tensor> storages_;
  std::map<std::string, std::pair<at::ScalarType, int64_t>> announced_;
};

// Dictionaries that programs put a net's tensors in, beside those of the optimiser and the rest.
bool names_a_state(const std::string& group) {
  const std::string last = group.substr(group.rfind('/') + 1);
  for (const char* known : {"model_state", "model_state_dict", "state_dict", "model", "module", "net", "weights", "params"})
    if (last == known) return true;
  return false;
}

std::string group_of(const std::string& name) {
  const size_t slash = name.rfind('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}

}  // namespace

TorchFile read_torch_file(const fs::path& path) {
  std::error_code none;
  if (!lies_there(path) || fs::is_directory(path, none))
    throw Error(path.string(), "cannot be read: no such file");
  const Archive archive(path);
  return Reader(path, archive).read();
}

StateDictionary state_dictionary(const TorchFile& file, const std::string& place) {
  std::map<std::string, size_t> groups;  // and how many tensors each has
  for (const auto& [name, tensor] : file.tensors) ++groups[group_of(name)];
  std::vector<std::string> states;
  for (const auto& [group, count] : groups)
    if (names_a_state(group)) states.push_back(group);
  if (states.empty() && groups.size() == 1) states.push_back(groups.begin()->first);
  if (states.size() > 1)
    throw Error(place, "holds several state dictionaries: " + join(states, ", ") + "; save the one you want alone");
  StateDictionary state;
  for (const auto& [name, type] : file.unread)
    if (type.starts_with("torch")) state.remarks.push_back(name + ": " + type + ": passed over; its type is none of ours");
  if (states.empty()) {
    state.tensors = file.tensors;
    return state;
  }
  const std::string prefix = states[0].empty() ? "" : states[0] + "/";
  for (const auto& [name, tensor] : file.tensors)
    if (group_of(name) == states[0]) state.tensors.emplace(name.substr(prefix.size()), tensor);
  for (const auto& [group, count] : groups)
    if (group != states[0])
      state.remarks.push_back(fmt::format("{}: {} tensors that are not of {} are passed over",
                                          group.empty() ? "the outermost dictionary" : group, count, states[0]));
  return state;
}

}  // namespace subband
