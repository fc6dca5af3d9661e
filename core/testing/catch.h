// Catch2, whichever of its two generations is installed.
#ifndef SUBBAND_CORE_TESTING_CATCH_H
#define SUBBAND_CORE_TESTING_CATCH_H
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
namespace Catch {
using Matchers::ContainsSubstring;
}
#else
#include <catch2/catch.hpp>
namespace Catch {
inline auto ContainsSubstring(const std::string& text) { return Matchers::Contains(text); }
}  // namespace Catch
#endif
#endif

// LibTorch's logging has a CHECK of its own; in a file that includes this header last, Catch2's counts.
#undef CHECK
#define CHECK(...) INTERNAL_CATCH_TEST("CHECK", Catch::ResultDisposition::ContinueOnFailure, __VA_ARGS__)
