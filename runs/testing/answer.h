// What a command answers, for tests that call it in their own process.
#pragma once
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "core/program/command.h"

namespace subband::testing {

struct Answer {
  int code = 0;
  std::string out, err;
};

inline Answer answer_of(int (*command)(Arguments), const std::vector<std::string>& words) {
  std::ostringstream out, err;
  std::streambuf* const out_before = std::cout.rdbuf(out.rdbuf());
  std::streambuf* const err_before = std::cerr.rdbuf(err.rdbuf());
  const int code = command(words);
  std::cout.rdbuf(out_before), std::cerr.rdbuf(err_before);
  return {code, out.str(), err.str()};
}

}  // namespace subband::testing
