// What nearly every file that touches LibTorch includes; precompiled.
#include <ATen/ATen.h>
#include <torch/nn/module.h>
