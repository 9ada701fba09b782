# The install tree: programs, SDK, kits, plugins (their rules are in cross4d_add_plugin), CMake package.
include(CMakePackageConfigHelpers)
set(package_dir lib/cmake/Cross4D)

set(exported cross4d_sdk cross4d-describe)
foreach(kit IN LISTS CROSS4D_KITS)
  list(APPEND exported cross4d_${kit})
  install(
    DIRECTORY ${PROJECT_SOURCE_DIR}/core/${kit}
    DESTINATION include/cross4d/core
    FILES_MATCHING
    PATTERN "*.h")
endforeach()
install(TARGETS ${exported} EXPORT Cross4DTargets)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/core/sdk/include/ DESTINATION include)
install(EXPORT Cross4DTargets NAMESPACE Cross4D:: DESTINATION ${package_dir})

set_target_properties(cross4d cross4d_sdk PROPERTIES INSTALL_RPATH $ORIGIN/../lib) # no LibTorch
foreach(program IN ITEMS cross4d cross4d-worker)
  install(TARGETS ${program})
endforeach()

string(REGEX MATCH "^[0-9]+" CROSS4D_COMPILER_MAJOR "${CMAKE_CXX_COMPILER_VERSION}")
string(PREPEND CROSS4D_COMPILER_MAJOR "${CMAKE_CXX_COMPILER_ID}-")
configure_package_config_file(${PROJECT_SOURCE_DIR}/core/cmake/Cross4DConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/Cross4DConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/Cross4DConfigVersion.cmake
                                 COMPATIBILITY SameMajorVersion)
install(
  FILES ${PROJECT_BINARY_DIR}/Cross4DConfig.cmake
        ${PROJECT_BINARY_DIR}/Cross4DConfigVersion.cmake
        ${PROJECT_SOURCE_DIR}/core/cmake/Cross4DAddPlugin.cmake
        ${PROJECT_SOURCE_DIR}/core/cmake/FindTorch.cmake
  DESTINATION ${package_dir})
