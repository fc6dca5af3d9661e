// Included before everything else in tests that touch LibTorch: its logging defines a CHECK that would take the place of
// Catch2's wherever it came later.
#pragma once
#include <c10/util/Logging.h>
#undef CHECK
