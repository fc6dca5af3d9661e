// How a matrix is packed into few bits a value, and how a file tells it; no LibTorch here.
//   W[r,c] = scale[r,g] (q[r,c] - zero[r,g]),  g = c / group,  q of `bits` bits in two's complement
// A row is a sequence of blocks of 16 lanes: value 16 s + i of a block is field s of lane i, counted from the low bits.
//   8 bits   16 values in 16 bytes                4 bits   32 values in 16 bytes
//   2 bits   64 values in 16 bytes                3 bits   64 values in 24 bytes: the two low bits as above, then the third
//   bits of all 64, field s being bit s of a half byte: of lanes 0 to 7 the low halves, of lanes 8 to 15 the high ones
// What a row lacks to a whole block is zero bits.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensors/safetensors_header.h"

namespace subband {

struct PackedForm {
  static constexpr int64_t kTensor = -1, kRow = 0;  ///< groups that are the whole matrix, a whole row

  int64_t rows = 1, columns = 1;
  int bits = 8;           ///< 8, 4, 3 or 2
  int64_t group = kRow;   ///< values with one scale: kTensor, kRow, or 32, 64, 128, 256
  bool symmetric = true;  ///< no zeros

  bool operator==(const PackedForm&) const = default;
  int64_t block() const { return bits == 8 ? 16 : bits == 4 ? 32 : 64; }  ///< values
  int64_t block_bytes() const { return bits == 3 ? 24 : 16; }
  int64_t row_blocks() const { return (columns + block() - 1) / block(); }
  int64_t row_bytes() const { return row_blocks() * block_bytes(); }
  bool has_groups() const { return group > 0; }
  int64_t groups() const { return has_groups() ? (columns + group - 1) / group : 1; }  ///< of a row
  int64_t scale_rows() const { return group == kTensor ? 1 : rows; }
  int64_t scale_bytes() const { return has_groups() ? 2 : 4; }  ///< fp16 of groups, else fp32
  int64_t bytes() const;                                        ///< codes, scales and zeros
  std::string text() const;                                     ///< `4 bits, groups of 128, with zeros`
};

/// `tensor`, `row`, or a number; nothing else is a group. ConfigError naming `place`.
int64_t packed_group(const std::string& word, const std::string& place);
std::string packed_group_text(int64_t group);

using PackedForms = std::map<std::string, PackedForm>;  ///< by the parameter's name

/// Where a file keeps the pieces of a packed parameter.
std::string packed_piece(const std::string& name,
                         std::string_view piece);  ///< `packed/NAME/codes`, `scales`, `zeros`

/// Forms as a file's metadata `packed` holds them.
std::string packed_forms_text(const PackedForms& forms);
/// The same read, and compared with the tensors that the file has: codes U8 [rows, row_bytes], scales F32 or F16
/// [scale_rows, groups], zeros I8 alike unless symmetric; none without a form. Error naming `file` otherwise.
PackedForms read_packed_forms(std::string_view text, const std::string& file,
                              const std::vector<SafetensorsEntry>& entries);

}  // namespace subband
