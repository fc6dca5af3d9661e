// What a file really is, by its first bytes: behind every refusal of a file that is not what its name promises.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace subband {

/// One guess. Unknown where nothing about the bytes is telling; plain text is unknown.
struct FileLook {
  enum class Kind {
    unknown,
    empty,
    stand_in,  ///< a Git LFS or git-annex pointer, an HTML or error page: in place of the file that was meant
    packed,    ///< gzip, xz, zip, tar, ...
    wide_text,  ///< UTF-16 or UTF-32
    binary,     ///< Parquet, a pickle, an image, ...
  };
  Kind kind = Kind::unknown;
  std::string_view name;    ///< `a Git LFS pointer`
  std::string_view remedy;  ///< `git lfs pull fetches the file itself`; may be empty

  bool is_known() const { return kind != Kind::unknown; }
  /// `is a Git LFS pointer, no JSON; git lfs pull fetches the file itself`; must be known.
  std::string is(std::string_view expected) const;
};

/// How many bytes from the start what_is looks at.
constexpr size_t kLookBytes = 1024;

FileLook what_is(std::string_view bytes);
/// Of the file's first bytes; unknown where it cannot be read.
FileLook what_is_file(const std::filesystem::path& file);

}  // namespace subband
