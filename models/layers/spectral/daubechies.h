// Daubechies' orthogonal low-pass filters, computed.
#pragma once
#include <cstdint>
#include <vector>

namespace subband {

/// The filter of 2 `order` taps with `order` vanishing moments and the shortest delay (extremal phase, `dbN`); its sum is
/// sqrt 2, its even shifts are orthonormal. From the roots of Daubechies' polynomial inside the unit circle.
/// order 1 to 20; precise to about 1e-12.
/// Source  I. Daubechies, Ten Lectures on Wavelets, section 6.1
std::vector<double> daubechies(int64_t order);

}  // namespace subband
