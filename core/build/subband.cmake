# Building blocks of every folder's CMakeLists.txt.
#   subband_library(NAME TORCH? SOURCES ... DEPENDS ...)   a folder's static library and, from the x_test.cpp
#                                                          beside each x.cpp, its test program NAME_test
#   subband_kind(GROUP INTERFACE HEADER LIBRARY?)          parts of GROUP implement INTERFACE of HEADER and join
#                                                          LIBRARY, without it the one named as the folder;
#                                                          the configs of their kind lie in the folder GROUP
#   subband_group(NAME FOLDER)                             the configs of group NAME lie in FOLDER
#   subband_component(GROUP NAME)                          one part: GROUP/NAME.cpp and GROUP/NAME_test.cpp
#   subband_parts(LIBRARY LAST?)                           adds its parts so far, and register_LIBRARY_parts(), which
#                                                          calls LAST(registry) of own_parts.h in the end
#   subband_part_code(LIBRARY FOLDER ...)                  LIBRARY gets the table of what the parts of these folders are
#                                                          made of; made anew when one of their sources changed
#   subband_own_parts(FILE GROUPS)                         what `subband build-part` must know, for parts of these groups
#   subband_command(LIBRARY NAME FILE?)                    a command: FILE, else commands/NAME.cpp, has
#                                                          subband::commands::add_NAME(); stands before the library,
#                                                          which gets register_LIBRARY_commands()
include_guard()

set(SUBBAND_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion
    -Wno-missing-field-initializers)
# A compiler newer than those whose warnings have been seen may know more of them; it warns then.
if(SUBBAND_WERROR AND NOT (CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 15))
  list(APPEND SUBBAND_WARNINGS -Werror)
endif()

# A header of LibTorch's that is compiled once for all.
function(subband_precompiled NAME HEADER)
  set(source ${PROJECT_BINARY_DIR}/generated/${NAME}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "")
  add_library(${NAME} STATIC ${source})
  target_link_libraries(${NAME} PUBLIC torch)
  target_compile_options(${NAME} PRIVATE ${SUBBAND_WARNINGS})
  target_precompile_headers(${NAME} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/${HEADER})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # lets the compiler cache keep what uses it
    target_compile_options(${NAME} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
  endif()
endfunction()

# Half the build time for tests; the code under test keeps -O2.
function(subband_compile_fast TARGET)
  if(CMAKE_BUILD_TYPE STREQUAL Release)
    target_compile_options(${TARGET} PRIVATE -O0)
  endif()
endfunction()

# Warnings, includes and, where LibTorch is used, the precompiled header named PRECOMPILED.
function(subband_target TARGET TORCH PRECOMPILED)
  target_compile_options(${TARGET} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${SUBBAND_WARNINGS}>)
  target_include_directories(${TARGET} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
  set_target_properties(${TARGET} PROPERTIES UNITY_BUILD_BATCH_SIZE 20)
  subband_edited_alone(${TARGET})
  if(TORCH AND SUBBAND_PCH)
    # A program would be compiled with -fPIE, and the header, made with -fPIC, would be passed over.
    get_target_property(type ${TARGET} TYPE)
    if(type STREQUAL "EXECUTABLE")
      set_target_properties(${TARGET} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      target_compile_options(${TARGET} PRIVATE -fPIC)
    endif()
    target_precompile_headers(${TARGET} REUSE_FROM ${PRECOMPILED})
    target_compile_options(${TARGET} PRIVATE
                           $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-fpch-preprocess>)
  endif()
endfunction()

function(subband_command LIBRARY NAME)
  set(file commands/${NAME}.cpp)
  if(ARGC GREATER 2)
    set(file ${ARGV2})
  endif()
  set_property(GLOBAL APPEND PROPERTY SUBBAND_COMMANDS_${LIBRARY} ${NAME})
  set_property(GLOBAL APPEND PROPERTY SUBBAND_COMMAND_FILES_${LIBRARY} ${file})
endfunction()

# FILES: where the library's commands are; GENERATED: what registers them.
function(subband_command_sources LIBRARY FILES GENERATED)
  get_property(names GLOBAL PROPERTY SUBBAND_COMMANDS_${LIBRARY})
  get_property(files GLOBAL PROPERTY SUBBAND_COMMAND_FILES_${LIBRARY})
  set(${FILES} "${files}" PARENT_SCOPE)
  set(${GENERATED} "" PARENT_SCOPE)
  if(NOT names)
    return()
  endif()
  set(declarations "")
  set(calls "")
  foreach(name ${names})
    string(APPEND declarations "void add_${name}(CommandTable& table);\n")
    string(APPEND calls "  commands::add_${name}(table);\n")
  endforeach()
  set(source ${PROJECT_BINARY_DIR}/generated/${LIBRARY}_commands.cpp)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT
"// Generated from the subband_command lines of ${LIBRARY}.
#include \"core/program/command_table.h\"

namespace subband::commands {
@declarations@}
namespace subband {
void register_${LIBRARY}_commands(CommandTable& table);
void register_${LIBRARY}_commands(CommandTable& table) {
@calls@}
}  // namespace subband
")
  set(${GENERATED} ${source} PARENT_SCOPE)
endfunction()

function(subband_library NAME)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;TESTS;DEPENDS" ${ARGN})
  subband_command_sources(${NAME} commands generated)
  set(sources ${ARG_SOURCES} ${commands})
  list(REMOVE_DUPLICATES sources)
  set(tests ${ARG_TESTS})
  foreach(source ${sources})
    string(REGEX REPLACE "\\.cpp$" "_test.cpp" test ${source})
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${test})
      list(APPEND tests ${test})
    endif()
  endforeach()
  add_library(subband_${NAME} STATIC ${sources} ${generated})
  target_link_libraries(subband_${NAME} PUBLIC ${ARG_DEPENDS})
  if(ARG_TORCH)
    target_link_libraries(subband_${NAME} PUBLIC torch)
  endif()
  subband_target(subband_${NAME} ${ARG_TORCH} subband_precompiled)
  set_property(GLOBAL PROPERTY SUBBAND_TESTS_${NAME} "${tests}")
  subband_test_program(${NAME} ${ARG_TORCH})
endfunction()

# Seconds after which a test program counts as hung: ten times what the slowest of them takes.
set(SUBBAND_TEST_LIMIT_S 900)
if(SUBBAND_SANITIZE)
  set(SUBBAND_TEST_LIMIT_S 3600)
endif()

function(subband_test_program NAME TORCH)
  get_property(tests GLOBAL PROPERTY SUBBAND_TESTS_${NAME})
  if(NOT tests OR NOT SUBBAND_TESTS)
    return()
  endif()
  add_executable(${NAME}_test ${tests})
  target_link_libraries(${NAME}_test PRIVATE subband_${NAME} subband_testing$<$<BOOL:${TORCH}>:_tensors>)
  subband_target(${NAME}_test ${TORCH} subband_precompiled_tests)
  if(TORCH AND NOT SUBBAND_PCH)  # a precompiled header must be the first one, and has it inside
    target_compile_options(${NAME}_test PRIVATE -include ${PROJECT_SOURCE_DIR}/core/testing/torch_first.h)
  endif()
  subband_compile_fast(${NAME}_test)
  add_test(NAME ${NAME} COMMAND ${NAME}_test)
  set_tests_properties(${NAME} PROPERTIES TIMEOUT ${SUBBAND_TEST_LIMIT_S}
    SKIP_REGULAR_EXPRESSION "No tests ran" ENVIRONMENT
    "SUBBAND_ROOT=${PROJECT_SOURCE_DIR};SUBBAND_PROGRAM=${PROJECT_BINARY_DIR}/subband")
endfunction()

function(subband_kind GROUP INTERFACE HEADER)
  cmake_parse_arguments(ARG "" "LIBRARY" "" ${ARGN})
  if(NOT ARG_LIBRARY)
    get_filename_component(ARG_LIBRARY ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  endif()
  set_property(GLOBAL PROPERTY SUBBAND_LIBRARY_${GROUP} ${ARG_LIBRARY})
  set_property(GLOBAL PROPERTY SUBBAND_KIND_${GROUP} ${INTERFACE})
  set_property(GLOBAL PROPERTY SUBBAND_HEADER_${GROUP} ${HEADER})
  set_property(GLOBAL APPEND PROPERTY SUBBAND_KINDS_${ARG_LIBRARY} ${GROUP})
endfunction()

function(subband_group NAME FOLDER)
  get_filename_component(library ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  get_filename_component(folder ${FOLDER} ABSOLUTE)
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${folder})
  set_property(GLOBAL APPEND_STRING PROPERTY SUBBAND_GROUPS_${library}
               "  registry.add_group(\"${NAME}\", \"${folder}\");\n")
endfunction()

function(subband_component GROUP NAME)
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  set_property(GLOBAL APPEND PROPERTY SUBBAND_PARTS_${folder} "${GROUP}/${NAME}")
endfunction()

# A source beside the parts that no line names would be left out without a word.
function(subband_refuse_unnamed LIBRARY FOLDER KINDS)
  get_target_property(sources subband_${LIBRARY} SOURCES)
  foreach(group ${KINDS})
    file(GLOB found RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS ${group}/*.cpp)
    foreach(source ${found})
      if(source IN_LIST sources OR source MATCHES "_(test|bench)\\.cpp$")
        continue()
      endif()
      get_filename_component(name ${source} NAME_WE)
      message(FATAL_ERROR "${FOLDER}/${source}: no line of ${FOLDER}/CMakeLists.txt names it: "
                          "add subband_component(${group} ${name})")
    endforeach()
  endforeach()
endfunction()

# Call after subband_library(LIBRARY ...): the parts join it, their tests its test program.
function(subband_parts LIBRARY)
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  get_property(parts GLOBAL PROPERTY SUBBAND_PARTS_${folder})
  set(includes "")
  set(declarations "")
  get_property(calls GLOBAL PROPERTY SUBBAND_GROUPS_${LIBRARY})
  get_property(kinds GLOBAL PROPERTY SUBBAND_KINDS_${LIBRARY})
  foreach(group ${kinds})
    get_property(interface GLOBAL PROPERTY SUBBAND_KIND_${group})
    get_property(header GLOBAL PROPERTY SUBBAND_HEADER_${group})
    list(APPEND includes "#include \"${header}\"")
    string(APPEND calls "  registry.add_group(${interface}::kKind, \"${folder}/${group}\");\n")
  endforeach()
  foreach(part ${parts})
    get_filename_component(group ${part} DIRECTORY)
    get_filename_component(name ${part} NAME)
    get_property(library GLOBAL PROPERTY SUBBAND_LIBRARY_${group})
    if(NOT library STREQUAL LIBRARY)
      continue()
    endif()
    get_property(interface GLOBAL PROPERTY SUBBAND_KIND_${group})
    string(APPEND declarations
      "namespace subband::${group}::${name} { void add_to(subband::KindRegistry<subband::${interface}>&); }\n")
    string(APPEND calls "  ${group}::${name}::add_to(registry.of<${interface}>());\n")
    target_sources(subband_${LIBRARY} PRIVATE ${part}.cpp)
    if(SUBBAND_TESTS AND EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${part}_test.cpp)
      target_sources(${LIBRARY}_test PRIVATE ${part}_test.cpp)
    endif()
  endforeach()
  if(ARGC GREATER 1)
    list(APPEND includes "#include \"${folder}/own_parts.h\"")
    string(APPEND calls "  ${ARGV1}(registry);\n")
  endif()
  subband_refuse_unnamed(${LIBRARY} ${folder} "${kinds}")
  list(REMOVE_DUPLICATES includes)
  string(REPLACE ";" "\n" includes "${includes}")
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/${LIBRARY}_parts.cpp @ONLY CONTENT
"// Generated from the subband_component lines of ${folder}/CMakeLists.txt.
#include \"core/registry.h\"
@includes@

@declarations@
namespace subband {
void register_${LIBRARY}_parts(Registry& registry);
void register_${LIBRARY}_parts(Registry& registry) {
@calls@}
}  // namespace subband
")
  target_sources(subband_${LIBRARY} PRIVATE ${PROJECT_BINARY_DIR}/generated/${LIBRARY}_parts.cpp)
endfunction()

# Digests of sources as a C++ file of LIBRARY, from the lines of a list. Ninja and make run the generator when a file that it
# read has changed; where the same comes out nothing is compiled or linked.
function(subband_digests LIBRARY WHAT LINES)
  set(list ${PROJECT_BINARY_DIR}/generated/code_of_${WHAT}.txt)
  set(code ${PROJECT_BINARY_DIR}/generated/code_of_${WHAT}.cpp)
  file(CONFIGURE OUTPUT ${list} CONTENT "${LINES}")
  add_custom_command(OUTPUT ${code} DEPENDS subband_part_code ${list} DEPFILE ${code}.d
    COMMAND subband_part_code ${PROJECT_SOURCE_DIR} ${WHAT} ${list} ${code} COMMENT "what ${WHAT} are made of" VERBATIM)
  target_sources(subband_${LIBRARY} PRIVATE ${code})
  set_source_files_properties(${code} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON SKIP_PRECOMPILE_HEADERS ON)
endfunction()

# The word by which a group's kind is known: the folder mixers holds parts of the kind mixer.
function(subband_kind_word GROUP OUT)
  get_property(header GLOBAL PROPERTY SUBBAND_HEADER_${GROUP})
  file(STRINGS ${PROJECT_SOURCE_DIR}/${header} line REGEX "kKind = \"")
  if(NOT line)
    message(FATAL_ERROR "${header}: kind of group ${GROUP}: no line has kKind = \"NAME\"")
  endif()
  string(REGEX REPLACE ".*\"([a-z_]+)\".*" "\\1" word "${line}")
  set(${OUT} ${word} PARENT_SCOPE)
endfunction()

function(subband_part_code LIBRARY)
  set(lines "")
  foreach(folder ${ARGN})
    get_property(parts GLOBAL PROPERTY SUBBAND_PARTS_${folder})
    foreach(part ${parts})
      get_filename_component(group ${part} DIRECTORY)
      get_filename_component(name ${part} NAME)
      subband_kind_word(${group} kind)
      string(APPEND lines "${kind}:${name} ${folder}/${part}.cpp\n")
    endforeach()
  endforeach()
  subband_digests(${LIBRARY} parts "${lines}")
endfunction()

# What parts of the user's own are compiled with and against, beside the program: the compiler, LibTorch, the kinds.
function(subband_own_parts FILE GROUPS)
  set(kinds "")
  foreach(group ${GROUPS})
    get_property(interface GLOBAL PROPERTY SUBBAND_KIND_${group})
    get_property(header GLOBAL PROPERTY SUBBAND_HEADER_${group})
    subband_kind_word(${group} kind)
    list(APPEND kinds "{\"group\": \"${group}\", \"kind\": \"${kind}\", \"interface\": \"${interface}\", \"header\": \"${header}\"}")
  endforeach()
  list(JOIN kinds ",\n  " kinds)
  file(CONFIGURE OUTPUT ${FILE} @ONLY CONTENT
"{\"compiler\": \"@CMAKE_CXX_COMPILER@\", \"libtorch\": \"@TORCH_DIR@\", \"kinds\": [
  @kinds@]}
")
endfunction()
