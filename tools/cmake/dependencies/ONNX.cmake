# Read by ONNX's own project (CMAKE_PROJECT_onnx_INCLUDE), see tools/setup. The descriptions of the operators are 46 files that spend
# more time on their headers than on themselves, and their code runs once, when they are registered: they are joined into five and
# lightly optimised. The converter of versions, the inliner and what only these need are left out: we call neither.
function(resnet_trim)
  get_target_property(sources onnx SOURCES)
  list(FILTER sources EXCLUDE REGEX
    "/onnx/(version_converter|inliner)/|/onnx/common/(interned_strings|ir|ir_pb_converter)\\.")
  set_target_properties(onnx PROPERTIES SOURCES "${sources}" UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  set(index 0)
  foreach(source IN LISTS sources)
    # What describes today's operators and what describes yesterday's use the same names for their texts.
    if(source MATCHES "/onnx/defs/[a-z_]+/([a-z]+)\\.cc$")
      math(EXPR index "${index} + 1")
      if(CMAKE_MATCH_1 STREQUAL "old")
        math(EXPR part "${index} % 2")
        set_source_files_properties("${source}" PROPERTIES UNITY_GROUP "old-${part}")
      else()
        math(EXPR part "${index} % 3")
        set_source_files_properties("${source}" PROPERTIES UNITY_GROUP "defs-${part}")
      endif()
    elseif(source MATCHES "/onnx/(checker|defs/parser|defs/printer)\\.cc$")
      set_source_files_properties("${source}" PROPERTIES COMPILE_OPTIONS "-O2")
    endif()
  endforeach()
  target_compile_options(onnx PRIVATE -Og)
endfunction()

cmake_language(DEFER CALL resnet_trim)
