# cross4d_module(name SOURCES … [LINK …] [TORCH]): the static library cross4d_<name> with the dependencies
# that core/layers.cmake allows, checked here. TORCH: compiled with LibTorch and its precompiled header.
function(cross4d_check_layers)
  foreach(name IN LISTS CROSS4D_MODULES)
    foreach(dep IN LISTS CROSS4D_DEPENDS_${name})
      if(NOT DEFINED CROSS4D_LAYER_${dep})
        message(FATAL_ERROR "core/layers.cmake: ${name} depends on ${dep}, which is not in the list")
      endif()
      if(NOT CROSS4D_LAYER_${dep} LESS CROSS4D_LAYER_${name})
        message(FATAL_ERROR "core/${name} (layer ${CROSS4D_LAYER_${name}}) may not depend on "
                            "core/${dep} (layer ${CROSS4D_LAYER_${dep}}): lower layers only")
      endif()
      if(NOT CROSS4D_PROGRAM_${dep} STREQUAL "both"
         AND NOT CROSS4D_PROGRAM_${dep} STREQUAL CROSS4D_PROGRAM_${name})
        message(FATAL_ERROR "core/${name} (${CROSS4D_PROGRAM_${name}}) may not depend on "
                            "core/${dep}: it belongs to ${CROSS4D_PROGRAM_${dep}}")
      endif()
    endforeach()
  endforeach()
endfunction()

function(cross4d_module name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;LINK" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "cross4d_module(${name}): unknown arguments: ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT DEFINED CROSS4D_LAYER_${name})
    message(FATAL_ERROR "cross4d_module(${name}): add it to core/layers.cmake first")
  endif()
  if(ARG_TORCH AND NOT CROSS4D_PROGRAM_${name} STREQUAL "worker")
    message(FATAL_ERROR "cross4d_module(${name}): LibTorch belongs to the worker only")
  endif()
  set(target cross4d_${name})
  add_library(${target} STATIC ${ARG_SOURCES})
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                                              $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/cross4d>)
  foreach(dep IN LISTS CROSS4D_DEPENDS_${name})
    target_link_libraries(${target} PUBLIC cross4d_${dep})
  endforeach()
  target_link_libraries(${target} PUBLIC ${ARG_LINK} PRIVATE $<BUILD_INTERFACE:cross4d_warnings>)
  if(ARG_TORCH)
    cross4d_use_torch(${target})
  endif()
  if(name IN_LIST CROSS4D_KITS)
    add_library(Cross4D::${name} ALIAS ${target})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  endif()
endfunction()

# Loops over points and pixels: -O3 in a release build, where the rest has -O2 (it compiles a third faster).
function(cross4d_kernels target)
  target_compile_options(${target} PRIVATE $<$<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX>>:-O3>)
endfunction()

# LibTorch plus the one precompiled header that all LibTorch units share.
function(cross4d_use_torch target)
  target_link_libraries(${target} PUBLIC Torch::cpu)
  # An object of -fPIC cannot use a header compiled with -fPIE or the other way round, so programs get
  # -fPIC too. Definitions must be the same as well: they come with Cross4D::sdk.
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  else()
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  endif()
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Winvalid-pch>)
  target_precompile_headers(${target} REUSE_FROM cross4d_torch_pch)
endfunction()

# cross4d_test(name SOURCES … [LINK …] [LABELS …] [TORCH] [SERIAL] [TIMEOUT s] [DATA filter] [ALONE filter]): one
# GoogleTest program for a folder, since every program, and every unit with LibTorch, costs seconds. SERIAL: heavy or
# timed, runs alone. The suites of DATA need the shared data and are the test <name>-data with that label; those of
# ALONE want a process and the machine for themselves (peak memory) and are <name>-alone.
function(cross4d_test name)
  cmake_parse_arguments(ARG "TORCH;SERIAL" "TIMEOUT;DATA;ALONE" "SOURCES;LINK;LABELS" ${ARGN})
  string(REPLACE "/" "_" target "test_${name}")
  add_executable(${target} ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE ${ARG_LINK} GTest::gtest GTest::gmock GTest::gtest_main
                                          cross4d_warnings)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  # The loops under test are in libraries of their own; the tests themselves compile faster this way.
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  if(ARG_TORCH)
    cross4d_use_torch(${target})
  else()
    target_precompile_headers(${target} REUSE_FROM cross4d_test_pch)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  set(apart ${ARG_DATA} ${ARG_ALONE})
  list(JOIN apart ":" apart)
  cross4d_test_entry(${name} ${target} "-${apart}" "${ARG_LABELS}" ${ARG_TIMEOUT} ${ARG_SERIAL})
  if(ARG_DATA)
    cross4d_test_entry(${name}-data ${target} "${ARG_DATA}" data ${ARG_TIMEOUT} ${ARG_SERIAL})
  endif()
  if(ARG_ALONE)
    cross4d_test_entry(${name}-alone ${target} "${ARG_ALONE}" "${ARG_LABELS}" ${ARG_TIMEOUT} TRUE)
  endif()
endfunction()

# What ctest knows of a test program, or of some suites of it.
function(cross4d_test_entry name target filter labels timeout serial)
  set(python ${PROJECT_SOURCE_DIR}/.venv/bin/python) # scripts/setup.sh puts numpy and safetensors there
  if(NOT EXISTS ${python})
    set(python python3)
  endif()
  add_test(NAME ${name} COMMAND ${target} --gtest_filter=${filter})
  set_tests_properties(
    ${name} PROPERTIES
    LABELS "${labels}"
    TIMEOUT ${timeout}
    RUN_SERIAL ${serial}
    ENVIRONMENT "CROSS4D_TEST_DATA=${CROSS4D_TEST_DATA};CROSS4D_BINARY_DIR=${PROJECT_BINARY_DIR};CROSS4D_SOURCE_DIR=${PROJECT_SOURCE_DIR};CROSS4D_PYTHON=${python}")
endfunction()

# cross4d_fuzz(name SOURCES … [LINK …]): the libFuzzer program fuzz_<name>, with -DCROSS4D_FUZZ=ON only.
function(cross4d_fuzz name)
  if(NOT CROSS4D_FUZZ)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(fuzz_${name} EXCLUDE_FROM_ALL ${ARG_SOURCES})
  target_link_libraries(fuzz_${name} PRIVATE ${ARG_LINK} cross4d_warnings)
  target_include_directories(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer,address)
  if(NOT TARGET fuzzers)
    add_custom_target(fuzzers)
  endif()
  add_dependencies(fuzzers fuzz_${name})
endfunction()

# build/layers.dot: the modules by layer with their dependencies, for dot -Tsvg.
function(cross4d_write_layers file)
  set(dot "digraph cross4d {\n  rankdir = BT;\n  node [shape = box, fontname = sans];\n")
  foreach(layer RANGE 6)
    string(APPEND dot "  { rank = same;")
    foreach(name IN LISTS CROSS4D_MODULES)
      if(CROSS4D_LAYER_${name} EQUAL layer)
        string(APPEND dot " ${name};")
      endif()
    endforeach()
    string(APPEND dot " }\n")
  endforeach()
  foreach(name IN LISTS CROSS4D_MODULES)
    if(CROSS4D_PROGRAM_${name} STREQUAL "worker")
      string(APPEND dot "  ${name} [style = filled, fillcolor = \"#fde0c5\"];\n")
    elseif(CROSS4D_PROGRAM_${name} STREQUAL "cross4d")
      string(APPEND dot "  ${name} [style = filled, fillcolor = \"#cfe3f5\"];\n")
    endif()
    foreach(dep IN LISTS CROSS4D_DEPENDS_${name})
      if(NOT dep MATCHES "^(base|sdk)$")
        string(APPEND dot "  ${name} -> ${dep};\n")
      endif()
    endforeach()
  endforeach()
  file(WRITE ${file} "${dot}}\n")
endfunction()
