// Runs the body of a CUDA kernel on the host, for tests of its arithmetic and its indices: a grid block by block, the
// threads of a block as fibers that take turns between barriers. What it cannot show: speed, and races between barriers
// that no order of turns brings out.
//   #include "core/testing/kernel_grid.h"     first: it gives the words of CUDA a meaning
//   #include "core/ops/hadamard/fwht.cuh"
//   kernel_grid::run({.blocks = {rows}, .threads = 32, .shared_bytes = bytes}, [&](void* shared) { body(..., shared); });
#pragma once
#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#define SUBBAND_ON_HOST 1
#define __device__
#define __forceinline__ inline
#define __restrict__

namespace kernel_grid {

constexpr int kWarp = 32;
constexpr size_t kBehind = 256;  // bytes that are watched

struct Place {
  unsigned x = 0, y = 0, z = 0;
};

/// In which order threads take turns between two barriers.
enum class Turns { rising, falling, shuffled };

struct Launch {
  std::array<unsigned, 3> blocks = {1, 1, 1};
  unsigned threads = 1;
  size_t shared_bytes = 0;
  Turns turns = Turns::rising;
};

enum class Wait { nothing, block, warp, over };

struct Thread {
  boost::context::fiber fiber;
  Wait wait = Wait::nothing;
  uint64_t sent = 0;                       // to the other lanes of its warp
  std::array<uint64_t, kWarp> heard = {};  // what they sent, once all have
};

/// The block that runs now.
struct Block {
  Launch launch;
  Place place;
  std::vector<Thread> threads;
  unsigned current = 0;
  boost::context::fiber scheduler;
};

inline Block*& present() {
  static Block* block = nullptr;
  return block;
}

inline void wait_for(Wait what) {
  Block& block = *present();
  const unsigned own = block.current;
  block.threads[own].wait = what;
  block.scheduler = std::move(block.scheduler).resume();
}

// Lets every thread of a warp go on that all wait for each other; or every thread of the block.
inline bool open_barriers(Block& block) {
  const auto size = static_cast<unsigned>(block.threads.size());
  bool opened = false;
  for (unsigned first = 0; first < size; first += kWarp) {
    const unsigned end = std::min(size, first + kWarp);
    const auto waits = [&](unsigned i) { return block.threads[i].wait == Wait::warp; };
    unsigned waiting = 0;
    for (unsigned i = first; i < end; ++i) waiting += waits(i) ? 1 : 0;
    if (waiting == 0) continue;
    if (waiting != end - first) continue;  // perhaps the others come later
    for (unsigned i = first; i < end; ++i)
      for (unsigned j = first; j < end; ++j) block.threads[i].heard[j - first] = block.threads[j].sent;
    for (unsigned i = first; i < end; ++i) block.threads[i].wait = Wait::nothing;
    opened = true;
  }
  if (opened) return true;
  for (const Thread& thread : block.threads)
    if (thread.wait != Wait::block) return false;
  for (Thread& thread : block.threads) thread.wait = Wait::nothing;
  return true;
}

inline void run_block(Block& block, const std::function<void(void*)>& body, std::mt19937& shuffle) {
  // NaN before anybody has written; what lies behind it is nobody's.
  const size_t bytes = block.launch.shared_bytes;
  const auto shared = std::make_unique<unsigned char[]>(bytes + kBehind);
  std::memset(shared.get(), 0xff, bytes + kBehind);
  block.threads = std::vector<Thread>(block.launch.threads);
  std::vector<unsigned> order(block.launch.threads);
  std::iota(order.begin(), order.end(), 0u);
  if (block.launch.turns == Turns::falling) std::reverse(order.begin(), order.end());
  for (unsigned i = 0; i < block.launch.threads; ++i) {
    block.threads[i].fiber =
        boost::context::fiber(std::allocator_arg, boost::context::fixedsize_stack(64 * 1024),
                              [&block, &body, i, memory = shared.get()](boost::context::fiber&& scheduler) {
                                block.scheduler = std::move(scheduler);
                                body(memory);
                                block.threads[i].wait = Wait::over;
                                return std::move(block.scheduler);
                              });
  }
  const auto is_over = [](const Thread& thread) { return thread.wait == Wait::over; };
  while (true) {
    if (block.launch.turns == Turns::shuffled) std::shuffle(order.begin(), order.end(), shuffle);
    for (const unsigned i : order) {
      if (block.threads[i].wait != Wait::nothing) continue;
      block.current = i;
      block.threads[i].fiber = std::move(block.threads[i].fiber).resume();
    }
    if (std::all_of(block.threads.begin(), block.threads.end(), is_over)) break;
    if (!open_barriers(block))
      throw std::logic_error("kernel: some threads wait at a barrier that others do not reach");
  }
  if (std::any_of(shared.get() + bytes, shared.get() + bytes + kBehind,
                  [](unsigned char c) { return c != 0xff; }))
    throw std::logic_error("kernel: writes behind its " + std::to_string(bytes) + " bytes of shared memory");
}

/// Every block of the grid, one after the other. std::logic_error where threads part at a barrier.
inline void run(const Launch& launch, const std::function<void(void* shared)>& body) {
  std::mt19937 shuffle(7);
  for (unsigned z = 0; z < launch.blocks[2]; ++z) {
    for (unsigned y = 0; y < launch.blocks[1]; ++y) {
      for (unsigned x = 0; x < launch.blocks[0]; ++x) {
        Block block{launch, {x, y, z}, {}, 0, {}};
        present() = &block;
        run_block(block, body, shuffle);
        present() = nullptr;
      }
    }
  }
}

inline Place thread_place() { return {present()->current, 0, 0}; }
inline Place block_place() { return present()->place; }
inline Place block_size() { return {present()->launch.threads, 1, 1}; }
inline Place grid_size() {
  const auto& blocks = present()->launch.blocks;
  return {blocks[0], blocks[1], blocks[2]};
}

// What a lane sends, and the lane that it hears.
template <class T>
T exchange(T value, unsigned lane) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  Block& block = *present();
  const unsigned own = block.current, first = own - own % kWarp;
  std::memcpy(&block.threads[own].sent, &value, sizeof(T));
  wait_for(Wait::warp);
  const auto size = static_cast<unsigned>(block.threads.size());
  if (lane >= kWarp || first + lane >= size) return value;
  T heard;
  std::memcpy(&heard, &block.threads[own].heard[lane], sizeof(T));
  return heard;
}

inline unsigned lane() { return present()->current % kWarp; }

}  // namespace kernel_grid

#define threadIdx (kernel_grid::thread_place())
#define blockIdx (kernel_grid::block_place())
#define blockDim (kernel_grid::block_size())
#define gridDim (kernel_grid::grid_size())

inline void __syncthreads() { kernel_grid::wait_for(kernel_grid::Wait::block); }
inline void __syncwarp(unsigned = 0xffffffffu) { kernel_grid::exchange(0u, 0); }
template <class T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  return kernel_grid::exchange(value, kernel_grid::lane() ^ static_cast<unsigned>(mask));
}
template <class T>
T __shfl_down_sync(unsigned, T value, unsigned distance) {
  return kernel_grid::exchange(value, kernel_grid::lane() + distance);
}
template <class T>
T __shfl_sync(unsigned, T value, int from) {
  return kernel_grid::exchange(value, static_cast<unsigned>(from));
}
inline unsigned __ballot_sync(unsigned, int vote) {
  unsigned votes = 0;
  kernel_grid::exchange(vote != 0 ? 1u : 0u, 0);
  const auto& block = *kernel_grid::present();
  for (unsigned i = 0; i < kernel_grid::kWarp; ++i)
    if (block.threads[block.current].heard[i] & 1u) votes |= 1u << i;
  return votes;
}
inline int __any_sync(unsigned mask, int vote) { return __ballot_sync(mask, vote) != 0 ? 1 : 0; }
template <class T>
T atomicAdd(T* where, T value) {
  const T before = *where;
  *where = before + value;
  return before;
}
