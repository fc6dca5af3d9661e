// What an unquoted word means. One table for files, command lines and resolver arguments: YAML 1.2's core
// schema, and `1_000`.
//   null      null Null NULL (and ~ in files)      integer   10 -3 +4 1_000 0x1F 0o17
//   boolean   true True TRUE false False FALSE     number    1. .5 1e3 -.5 .inf -.inf .nan
#pragma once
#include <string_view>

#include "core/config/node.h"

namespace subband::config {

/// The value of an unquoted word, with its place. ConfigError where an integer needs more than 64 bits.
Node plain_scalar(std::string_view text, const Place& place);

/// What a reader of YAML 1.1 takes the plain word for, where we read text or another number; else nullptr.
const char* other_reading(std::string_view text);

}  // namespace subband::config
