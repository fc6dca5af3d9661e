# Unity builds in which an edited source is compiled alone: sources that differ from the last commit leave their batch,
# so that the edit loop waits for one file, and a build from nothing for few batches.
#   subband_edited_alone(TARGET)   at the end of the folder's CMakeLists.txt, when all sources of TARGET are known
# `make build` looks for edited sources each time. Where they are many, or git is not there, all stay in their batches.
include_guard()

set(SUBBAND_EDITED_AT_MOST 12)

function(subband_edited_sources OUT)
  set(${OUT} "" PARENT_SCOPE)
  find_program(SUBBAND_GIT git)
  if(NOT SUBBAND_GIT)
    return()
  endif()
  set(git ${SUBBAND_GIT} -c core.quotePath=false -C ${PROJECT_SOURCE_DIR})
  execute_process(COMMAND ${git} diff --name-only --relative HEAD -- *.cpp OUTPUT_VARIABLE changed ERROR_QUIET)
  execute_process(COMMAND ${git} ls-files --others --exclude-standard -- *.cpp OUTPUT_VARIABLE new ERROR_QUIET)
  string(REGEX MATCHALL "[^\n]+" files "${changed}${new}")
  list(LENGTH files count)
  if(count GREATER SUBBAND_EDITED_AT_MOST)
    return()
  endif()
  list(TRANSFORM files PREPEND ${PROJECT_SOURCE_DIR}/)
  set(${OUT} "${files}" PARENT_SCOPE)
endfunction()

# Batches are cut from the whole list, so that a source which leaves its batch moves no other.
function(subband_set_batches TARGET)
  get_target_property(sources ${TARGET} SOURCES)
  get_target_property(size ${TARGET} UNITY_BUILD_BATCH_SIZE)
  set(index 0)
  foreach(source ${sources})
    math(EXPR batch "${index} / ${size}")
    math(EXPR index "${index} + 1")
    get_filename_component(path ${source} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
    if(NOT path IN_LIST SUBBAND_EDITED)
      set_source_files_properties(${source} PROPERTIES UNITY_GROUP batch_${batch})
    endif()
  endforeach()
  set_target_properties(${TARGET} PROPERTIES UNITY_BUILD_MODE GROUP)
endfunction()

function(subband_edited_alone TARGET)
  if(SUBBAND_EDITED_ALONE)
    cmake_language(EVAL CODE "cmake_language(DEFER CALL subband_set_batches ${TARGET})")
  endif()
endfunction()

if(SUBBAND_EDITED_ALONE)
  subband_edited_sources(SUBBAND_EDITED)
endif()
