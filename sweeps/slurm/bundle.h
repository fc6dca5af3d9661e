// The program as it was when a sweep was submitted: copied into the sweep's folder, so that a build or an edit meanwhile
// changes nothing. A job that finds another program, library or LibTorch refuses to run.
//   bundle/<digits>/  subband, libsubband_laboratory.so, libsubband_cuda.so, catalogue.json
//                     root/          presets and shipped data, as they lie below the program's root
//                     bundle.json    {"files": {NAME: sha256}, "libtorch": {"file", "sha256", "size", "modified_ns"}}
#pragma once
#include <filesystem>
#include <string>

namespace subband::slurm {

struct BundleSource {
  std::filesystem::path program;  ///< the running one
  std::filesystem::path root;     ///< program_root()
};

/// Copies what is not there yet; the folder. Error where a file is missing or the folder cannot be written.
std::filesystem::path make_bundle(const std::filesystem::path& folder, const BundleSource& source);
/// The source of this process.
BundleSource this_program();

/// Refuses to go on in another program than that of the bundle. Error of kind `changed` with every file that differs.
/// LibTorch is read again only where its size or time differ from those of its checksum.
void expect_bundle(const std::filesystem::path& bundle, const BundleSource& source);

}  // namespace subband::slurm
