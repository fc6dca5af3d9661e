// What nearly every file that touches LibTorch includes; precompiled in the `dev` preset.
#include <ATen/ATen.h>
#include <torch/nn/module.h>
