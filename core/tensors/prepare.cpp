#include "core/tensors/prepare.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include "core/tensors/kept_memory.h"

namespace subband {

void prepare_tensors(int threads) {
  keep_tensor_memory();
  at::set_num_threads(threads);
  at::globalContext().setFlushDenormal(true);  // of this thread; those of the pool have a switch each
  at::parallel_for(0, threads, 1, [](int64_t, int64_t) { at::globalContext().setFlushDenormal(true); });
}

}  // namespace subband
