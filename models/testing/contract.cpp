// The door to the contracts of parts, for `subband check-part`: Catch2 with the words of a command line.
#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

extern "C" __attribute__((visibility("default"))) int subband_contract(int count, const char* const* words);
int subband_contract(int count, const char* const* words) { return Catch::Session().run(count, words); }
