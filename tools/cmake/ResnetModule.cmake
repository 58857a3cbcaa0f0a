# One target per folder: resnet_module(NAME SOURCES ... [LINKS modules...] [PRIVATE third parties...]).
# LINKS are the only modules of ours that the folder may include; third parties stay out of our headers.

add_library(resnet_options INTERFACE)
target_compile_options(resnet_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # gcc 12 takes the storage of an empty std::optional for a variable that is read, and an empty vector's for an array that is
  # written. What a designated initialiser leaves out has its default.
  target_compile_options(resnet_options INTERFACE -Wno-maybe-uninitialized -Wno-array-bounds -Wno-missing-field-initializers)
endif()
if(RESNET_WERROR)
  target_compile_options(resnet_options INTERFACE -Werror)
endif()
# What is installed is hardened, and names no folder of the machine that built it.
set(optimised "$<CONFIG:Release,RelWithDebInfo,MinSizeRel>")
target_compile_options(resnet_options INTERFACE "$<${optimised}:-fstack-protector-strong;-D_FORTIFY_SOURCE=2>")
target_link_options(resnet_options INTERFACE "$<${optimised}:-Wl,-z,relro,-z,now>")
foreach(folder "${PROJECT_SOURCE_DIR}=." "${PROJECT_BINARY_DIR}=build" "${RESNET_XNNPACK_ROOT}=xnnpack" "${RESNET_ONNX_ROOT}=onnx")
  if(NOT folder MATCHES "^=")
    target_compile_options(resnet_options INTERFACE "$<${optimised}:-ffile-prefix-map=${folder}>")
  endif()
endforeach()
include(CheckPIESupported)
check_pie_supported()
if(RESNET_SANITIZE)
  target_compile_options(resnet_options INTERFACE -fsanitize=${RESNET_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(resnet_options INTERFACE -fsanitize=${RESNET_SANITIZE})
  if(RESNET_SANITIZE MATCHES "undefined")
    # The address sanitizer finds what is read where nothing is; looking twice doubles the time of the build.
    target_compile_options(resnet_options INTERFACE -fno-sanitize=null,object-size)
  endif()
  if(RESNET_SANITIZE MATCHES "thread")
    # It does not see how OpenMP's threads wait for each other.
    target_compile_definitions(resnet_options INTERFACE RESNET_THREADS_ARE_WATCHED)
  endif()
endif()
# Sections that nothing asks for are left out: of XNNPACK's kernels, and of ONNX's descriptions.
if(NOT RESNET_SANITIZE)
  target_link_options(resnet_options INTERFACE -Wl,--gc-sections)
endif()
# What clang compiles is linked by LLVM's linker, where it is there: in a fifth of the time. What gcc compiles is not: where it
# leaves an empty part of a function for what never happens, that linker (14) loses how to unwind the function that follows.
find_program(RESNET_LLD ld.lld)
if(RESNET_LLD AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_link_options(resnet_options INTERFACE -fuse-ld=lld)
endif()
# For what may become a part of the shared library, which hides all that is not declared in include/resnet.
function(resnet_fit_library target)
  if(RESNET_BUILD_LIBRARY)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  endif()
endfunction()

# What another clone of the repository compiled is found again, too.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_PCH_EXTSUM=1 "${CCACHE_PROGRAM}")
endif()

# What most files include is read once for all of them: standard headers and fmt, none of ours.
set(resnet_standard_headers <algorithm> <array> <cmath> <cstdint> <cstring> <filesystem> <functional> <limits> <map> <memory>
  <optional> <set> <span> <string> <string_view> <unordered_map> <utility> <variant> <vector>)
if(RESNET_PRECOMPILED_HEADERS AND NOT RESNET_KERNELS_ONLY)
  set(resnet_precompiles TRUE)
  set(resnet_no_source "${PROJECT_BINARY_DIR}/precompiled.cc")
  file(CONFIGURE OUTPUT "${resnet_no_source}" CONTENT "")
endif()
# Clang writes the folder of the build into what it precompiles, and CMake a second time into the command of each file: in another
# clone ccache would find nothing. The header is in what is precompiled, and is not asked for again; and ccache takes what is
# precompiled for the same where the headers, the compiler and its flags are, by a sum that lies beside it.
if(resnet_precompiles AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -Xclang -include-pch -Xclang <PCH_FILE>)
endif()
function(resnet_sum_precompiled target)
  set(text "")
  foreach(header IN LISTS ARGN)
    string(APPEND text "#include ${header}\n")
  endforeach()
  set(source "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${target}.dir/summed.cc")
  file(WRITE "${source}" "${text}")
  separate_arguments(flags UNIX_COMMAND "${CMAKE_CXX_FLAGS}")
  if(RESNET_SANITIZE)
    list(APPEND flags -fsanitize=${RESNET_SANITIZE})
  endif()
  execute_process(COMMAND "${CMAKE_CXX_COMPILER}" ${flags} -std=c++${CMAKE_CXX_STANDARD} -E -P -dD "${source}"
    OUTPUT_VARIABLE text RESULT_VARIABLE failed ERROR_QUIET)
  set(sum "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${target}.dir/cmake_pch.hxx.pch.sum")
  if(failed)
    file(REMOVE "${sum}")
  else()
    string(SHA256 text "${CMAKE_CXX_COMPILER_VERSION} ${flags} ${text}")
    file(WRITE "${sum}" "${text}")
  endif()
endfunction()
# resnet_precompile(TARGET HEADERS...)
function(resnet_precompile target)
  target_precompile_headers(${target} PRIVATE ${ARGN})
  if(CCACHE_PROGRAM AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    resnet_sum_precompiled(${target} ${ARGN})
  endif()
endfunction()
if(resnet_precompiles)
  add_library(resnet_precompiled OBJECT "${resnet_no_source}")
  target_link_libraries(resnet_precompiled PRIVATE resnet_options fmt::fmt)
  resnet_fit_library(resnet_precompiled)
  resnet_precompile(resnet_precompiled ${resnet_standard_headers} <fmt/format.h>)
endif()

# A file that is compiled with flags of its own cannot use them.
function(resnet_spare_own_flags target)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    get_source_file_property(own "${source}" TARGET_DIRECTORY ${target} COMPILE_OPTIONS)
    if(own)
      set_source_files_properties("${source}" TARGET_DIRECTORY ${target} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endforeach()
endfunction()

function(resnet_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS;PRIVATE")
  add_library(resnet_${name} STATIC ${arg_SOURCES})
  target_include_directories(resnet_${name} PUBLIC "${PROJECT_SOURCE_DIR}")
  resnet_fit_library(resnet_${name})
  list(TRANSFORM arg_LINKS PREPEND resnet_)
  target_link_libraries(resnet_${name} PUBLIC ${arg_LINKS} PRIVATE resnet_options ${arg_PRIVATE})
  # What a stranger's file goes through shows libFuzzer how far it came.
  if(RESNET_BUILD_FUZZERS AND CMAKE_CURRENT_SOURCE_DIR MATCHES "/(formats/[^/]+|lib/graph|lib/image)$")
    target_compile_options(resnet_${name} PRIVATE -fsanitize=fuzzer-no-link)
  elseif(resnet_precompiles AND "fmt::fmt" IN_LIST arg_PRIVATE)
    target_precompile_headers(resnet_${name} REUSE_FROM resnet_precompiled)
    cmake_language(EVAL CODE "cmake_language(DEFER CALL resnet_spare_own_flags resnet_${name})")
  endif()
endfunction()
