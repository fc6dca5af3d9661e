// What nearly every test that touches LibTorch includes; precompiled.
#include "core/testing/torch_first.h"
#include "core/testing/catch.h"
#include <torch/torch.h>
