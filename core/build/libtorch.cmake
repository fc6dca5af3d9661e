# LibTorch as one imported target `torch`. Its own package configuration enables CUDA by force and needs the whole
# toolkit, so it is not used. TORCH_DIR names any LibTorch from 2.6 on; else .deps/libtorch (see .ci/setup).
set(TORCH_DIR "$ENV{TORCH_DIR}" CACHE PATH "folder with LibTorch's include/ and lib/")
if(NOT TORCH_DIR)
  set(TORCH_DIR ${PROJECT_SOURCE_DIR}/.deps/libtorch)
endif()
if(NOT EXISTS ${TORCH_DIR}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "LibTorch: TORCH_DIR = ${TORCH_DIR}: has no lib/libtorch_cpu.so; run 'make setup'")
endif()
add_library(torch INTERFACE)
target_include_directories(torch SYSTEM INTERFACE ${TORCH_DIR}/include
                           ${TORCH_DIR}/include/torch/csrc/api/include)
# The wheel brings fmt's headers, of a later version than the system's library and found before the system's own.
target_compile_definitions(torch INTERFACE FMT_HEADER_ONLY=1)
# at::parallel_for is a template, whose threads are OpenMP's: without the option its body runs in one. LibTorch asks for the
# same libgomp.so.1, so that all share a pool.
target_compile_options(torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
target_link_libraries(torch INTERFACE gomp)
# Operators register themselves when the library loads, so it must be loaded although no symbol may ask for it.
target_link_libraries(torch INTERFACE -Wl,--no-as-needed ${TORCH_DIR}/lib/libtorch_cpu.so ${TORCH_DIR}/lib/libc10.so
                      -Wl,--as-needed -Wl,--allow-shlib-undefined)
set(CMAKE_BUILD_RPATH ${TORCH_DIR}/lib ${PROJECT_SOURCE_DIR}/.deps/cuda/lib)
# Old dynamic tags: the folders also serve the libraries that LibTorch itself asks for.
add_link_options(-Wl,--disable-new-dtags)
