# cross4d_add_plugin(name ROLE dataset|teacher|student|objective SOURCES … [LINK …] [TEST])
#
# One plugin: the module cross4d_<role>_<name>.so with its descriptor cross4d_<role>_<name>.json beside it,
# in <build folder>/lib/cross4d/plugins. The same in the tree and out of it (find_package(Cross4D)).
# LINK names the installed kits (Cross4D::tensorio, Cross4D::geometry) and third-party libraries.
# TEST: for this project's own tests; goes to lib/cross4d/test-plugins and is not installed.
# Dashes of the name may be written as dashes or underscores: my_teacher and my-teacher are one name.
function(cross4d_add_plugin name)
  cmake_parse_arguments(ARG "TEST" "ROLE" "SOURCES;LINK" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "cross4d_add_plugin(${name}): unknown arguments: ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT ARG_ROLE MATCHES "^(dataset|teacher|student|objective)$")
    message(FATAL_ERROR "cross4d_add_plugin(${name}): ROLE is '${ARG_ROLE}', expected dataset, teacher, "
                        "student or objective")
  endif()
  if(NOT ARG_SOURCES)
    message(FATAL_ERROR "cross4d_add_plugin(${name}): SOURCES is missing")
  endif()
  string(REPLACE "_" "-" name "${name}")
  set(target cross4d_${ARG_ROLE}_${name})
  add_library(${target} MODULE ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE Cross4D::sdk Torch::cpu ${ARG_LINK})
  set(out ${CMAKE_BINARY_DIR}/lib/cross4d/plugins)
  if(ARG_TEST)
    set(out ${CMAKE_BINARY_DIR}/lib/cross4d/test-plugins)
  endif()
  set_target_properties(
    ${target} PROPERTIES
    PREFIX "" SUFFIX ".so"
    CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
    LINKER_LANGUAGE CXX
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY ${out}
    INSTALL_RPATH "$ORIGIN/../..;${Torch_ROOT_DIR}/lib" INSTALL_RPATH_USE_LINK_PATH ON)
  # z,defs: a missing symbol is an error now and not when a run starts. The build-id ties the descriptor
  # to the library; exclude-libs keeps static kits of two plugins apart.
  target_link_options(${target} PRIVATE -Wl,--build-id=sha1 -Wl,--exclude-libs,ALL
                      $<$<NOT:$<BOOL:${CROSS4D_SANITIZED}>>:-Wl,-z,defs>)
  target_compile_options(${target} PRIVATE -ffp-contract=off)
  if(TARGET cross4d_torch_pch)
    cross4d_use_torch(${target})
    target_link_libraries(${target} PRIVATE cross4d_warnings)
  else()
    target_compile_options(${target} PRIVATE -Wall -Wextra)
    if(CROSS4D_MARCH)
      target_compile_options(${target} PRIVATE -march=${CROSS4D_MARCH})
    endif()
  endif()
  # LeakSanitizer's pass at the end of describe dies at times with LibTorch loaded.
  set(describe $<TARGET_FILE:Cross4D::describe>)
  if(CROSS4D_SANITIZED)
    set(describe ${CMAKE_COMMAND} -E env ASAN_OPTIONS=detect_leaks=0 ${describe})
  endif()
  add_custom_command(
    TARGET ${target} POST_BUILD
    COMMAND ${describe} $<TARGET_FILE:${target}>
    VERBATIM)
  if(NOT ARG_TEST)
    install(TARGETS ${target} LIBRARY DESTINATION lib/cross4d/plugins)
    install(FILES ${out}/${target}.json DESTINATION lib/cross4d/plugins)
  endif()
endfunction()
