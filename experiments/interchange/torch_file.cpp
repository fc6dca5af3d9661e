#include "experiments/interchange/torch_file.h"

#include <ATen/ATen.h>
#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <functional>
#include <memory>

#include "core/error.h"
#include "experiments/interchange/pickle.h"

namespace subband {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kLargestPickle = 64 << 20;

// A zip archive, gone through from its start as often as one likes.
class Archive {
 public:
  explicit Archive(const fs::path& file) : file_(file), size_(static_cast<int64_t>(fs::file_size(file))) {}

  [[noreturn]] void fail(const std::string& what) const { throw Error(file_.string(), what); }

  /// `visit(name, size)` says where to put an entry's bytes: null passes it over.
  void go_through(const std::function<char*(const std::string&, int64_t)>& visit) const {
    const std::unique_ptr<archive, int (*)(archive*)> reader(archive_read_new(), archive_read_free);
    archive_read_support_format_zip_seekable(reader.get());
    if (archive_read_open_filename(reader.get(), file_.c_str(), 1 << 20) != ARCHIVE_OK)
      fail_with(reader.get());
    archive_entry* entry = nullptr;
    int status = ARCHIVE_OK;
    while ((status = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK) {
      const char* name = archive_entry_pathname(entry);
      const int64_t size = archive_entry_size(entry);
      // Values are stored as they are; a size beyond the file's is no size.
      if (name == nullptr || size < 0 || size > size_)
        fail("is no file of torch.save: an entry has no proper size");
      if (char* out = visit(name, size)) read(reader.get(), out, size);
    }
    if (status != ARCHIVE_EOF) fail_with(reader.get());
  }

 private:
  [[noreturn]] void fail_with(archive* reader) const {
    const char* reason = archive_error_string(reader);
    fail(std::string("cannot be read as a zip archive: ") + (reason ? reason : "damaged") +
         "; the file is cut or damaged, or of PyTorch before 1.6 and must be saved again by a later one");
  }
  void read(archive* reader, char* out, int64_t size) const {
    for (int64_t done = 0; done < size;) {
      const la_ssize_t got = archive_read_data(reader, out + done, static_cast<size_t>(size - done));
      if (got < 0) fail_with(reader);
      if (got == 0) fail("is no file of torch.save: an entry is shorter than it says");
      done += got;
    }
  }

  fs::path file_;
  int64_t size_;
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
    collect(document_[document_.root], "", file);
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

  // One level of dictionaries inside the outermost is all that checkpoints have.
  void collect(const pickle::Value& dictionary, const std::string& prefix, TorchFile& file) {
    for (size_t i = 0; i + 1 < dictionary.parts.size(); i += 2) {
      const pickle::Value& key = document_[dictionary.parts[i]];
      const pickle::Value& value = document_[dictionary.parts[i + 1]];
      if (key.kind != pickle::Kind::text) continue;
      const std::string name = prefix + key.text;
      if (value.kind == pickle::Kind::tensor)
        file.tensors[name] = storages_.at(document_[value.parts[0]].text)
                                 .as_strided(value.sizes, value.strides, value.integer);
      else if (value.kind == pickle::Kind::text || value.kind == pickle::Kind::bytes)
        file.texts[name] = value.text;
      else if (value.kind == pickle::Kind::dictionary && prefix.empty())
        collect(value, name + "/", file);
    }
  }

  fs::path path_;
  const Archive& archive_;
  std::string folder_;
  pickle::Document document_;
  std::map<std::string, at::Tensor> storages_;
  std::map<std::string, std::pair<at::ScalarType, int64_t>> announced_;
};

}  // namespace

TorchFile read_torch_file(const fs::path& path) {
  std::error_code none;
  if (!fs::is_regular_file(path, none)) throw Error(path.string(), "cannot be read: no such file");
  const Archive archive(path);
  return Reader(path, archive).read();
}

}  // namespace subband
