# libsubband_cuda.so: everything that needs CUDA, loaded at run time when a device is asked for. The program itself is
# never linked to it.
#   subband_cuda_object(KERNELS x.cu ... SOURCES y.cpp ...)   kernels include no LibTorch; sources may
include_guard()
find_program(SUBBAND_NVCC nvcc HINTS ENV CUDA_HOME PATHS /usr/local/cuda/bin)
if(NOT SUBBAND_NVCC)
  message(FATAL_ERROR "SUBBAND_CUDA = ON: no nvcc found; install the CUDA toolkit, set CUDA_HOME, or leave it OFF")
endif()
get_filename_component(SUBBAND_CUDA_HOME ${SUBBAND_NVCC} REALPATH)
get_filename_component(SUBBAND_CUDA_HOME ${SUBBAND_CUDA_HOME}/../.. ABSOLUTE)
set(SUBBAND_CUDA_ARCHITECTURES "80;90" CACHE STRING "compute capabilities of the kernels")

# nvcc is called by name: CMake 3.25 does not know the C++20 mode of nvcc 13, and a kernel needs nothing else.
function(subband_cuda_object)
  cmake_parse_arguments(ARG "" "" "KERNELS;SOURCES" ${ARGN})
  set(targets "")
  foreach(architecture ${SUBBAND_CUDA_ARCHITECTURES})
    list(APPEND targets -gencode arch=compute_${architecture},code=sm_${architecture})
  endforeach()
  set(objects "")
  foreach(kernel ${ARG_KERNELS})
    get_filename_component(name ${kernel} NAME_WE)
    set(object ${PROJECT_BINARY_DIR}/cuda/${name}.o)
    add_custom_command(OUTPUT ${object} DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${kernel} DEPFILE ${object}.d
      COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/cuda
      COMMAND ${SUBBAND_NVCC} -std=c++17 -O3 ${targets} -Xcompiler -fPIC,-Wall,-Wextra -I${PROJECT_SOURCE_DIR}
              -MD -MF ${object}.d -c ${CMAKE_CURRENT_SOURCE_DIR}/${kernel} -o ${object}
      COMMENT "nvcc ${kernel}" VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  add_library(subband_cuda SHARED ${objects} ${ARG_SOURCES})
  set_target_properties(subband_cuda PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
                        BUILD_RPATH "${TORCH_DIR}/lib;${SUBBAND_CUDA_HOME}/lib64" UNITY_BUILD OFF)
  target_include_directories(subband_cuda PRIVATE ${PROJECT_SOURCE_DIR})
  target_include_directories(subband_cuda SYSTEM PRIVATE ${SUBBAND_CUDA_HOME}/include)
  # LibTorch's CUDA library registers its operators when it loads, so it is needed although no symbol may ask for it.
  # It names libraries that a machine without a device does not have.
  target_link_libraries(subband_cuda PRIVATE torch -Wl,--no-as-needed ${TORCH_DIR}/lib/libtorch_cuda.so
                        ${TORCH_DIR}/lib/libc10_cuda.so -Wl,--as-needed ${SUBBAND_CUDA_HOME}/lib64/libcudart_static.a
                        ${CMAKE_DL_LIBS} Threads::Threads rt -Wl,--allow-shlib-undefined)
endfunction()
