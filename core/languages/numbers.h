// Numbers as people read them in tables.
#pragma once
#include <string>

namespace subband {

/// `2.5500`; from 1e12 on `1.0000e+171`; `inf`, `−inf`, `nan`.
std::string decimal_text(double value);
/// The same with its sign: `+0.0505`, `−0.0505`.
std::string signed_text(double value);
/// `90 MiB`; words and powers as in decimal_text.
std::string mib_text(double mib);

}  // namespace subband
