# Finds LibTorch in the PyPI wheel and makes Torch::cpu (torch_cpu + c10) and, when it is there, Torch::cuda.
# Torch's own CMake config insists on a CUDA toolkit, which the CPU half does not need.
# Looked for in: CMAKE_PREFIX_PATH (a folder that holds include/ and lib/, or a site-packages), then
# CROSS4D_TORCH_ROOT, then the project's .venv.
include(FindPackageHandleStandardArgs)

file(GLOB _torch_venv "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch")
if(CROSS4D_TORCH_ROOT)
  list(PREPEND _torch_venv "${CROSS4D_TORCH_ROOT}")
endif()
find_path(Torch_ROOT_DIR NAMES include/ATen/ATen.h PATH_SUFFIXES torch libtorch
          PATHS ${_torch_venv} NO_CMAKE_SYSTEM_PATH NO_SYSTEM_ENVIRONMENT_PATH)
if(Torch_ROOT_DIR)
  find_library(Torch_CPU_LIBRARY torch_cpu PATHS ${Torch_ROOT_DIR}/lib NO_DEFAULT_PATH)
  find_library(Torch_C10_LIBRARY c10 PATHS ${Torch_ROOT_DIR}/lib NO_DEFAULT_PATH)
  find_library(Torch_CUDA_LIBRARY torch_cuda PATHS ${Torch_ROOT_DIR}/lib NO_DEFAULT_PATH)
  file(STRINGS ${Torch_ROOT_DIR}/include/torch/headeronly/version.h _torch_lines
       REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH)")
  string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*PATCH ([0-9]+).*" "\\1.\\2.\\3" Torch_VERSION
                       "${_torch_lines}")
endif()
find_package_handle_standard_args(
  Torch
  REQUIRED_VARS Torch_ROOT_DIR Torch_CPU_LIBRARY Torch_C10_LIBRARY
  VERSION_VAR Torch_VERSION
  REASON_FAILURE_MESSAGE "run 'make setup' (installs the wheel into .venv) or give CMAKE_PREFIX_PATH")
mark_as_advanced(Torch_ROOT_DIR Torch_CPU_LIBRARY Torch_C10_LIBRARY Torch_CUDA_LIBRARY)

if(Torch_FOUND AND NOT TARGET Torch::cpu)
  add_library(Torch::c10 SHARED IMPORTED)
  set_target_properties(Torch::c10 PROPERTIES IMPORTED_LOCATION ${Torch_C10_LIBRARY})
  add_library(Torch::cpu SHARED IMPORTED)
  set_target_properties(
    Torch::cpu PROPERTIES
    IMPORTED_LOCATION ${Torch_CPU_LIBRARY}
    INTERFACE_LINK_LIBRARIES Torch::c10
    INTERFACE_INCLUDE_DIRECTORIES
      "${Torch_ROOT_DIR}/include;${Torch_ROOT_DIR}/include/torch/csrc/api/include")
  # The wheel's CPU library needs libcudart and libcupti of the nvidia wheels at link time.
  get_filename_component(_torch_site ${Torch_ROOT_DIR} DIRECTORY)
  file(GLOB _torch_nvidia "${_torch_site}/nvidia/cu*/lib")
  foreach(dir IN LISTS _torch_nvidia)
    set_property(TARGET Torch::cpu APPEND PROPERTY INTERFACE_LINK_OPTIONS "-Wl,-rpath-link,${dir}")
  endforeach()
  if(Torch_CUDA_LIBRARY)
    add_library(Torch::cuda SHARED IMPORTED)
    set_target_properties(Torch::cuda PROPERTIES IMPORTED_LOCATION ${Torch_CUDA_LIBRARY}
                                                 INTERFACE_LINK_LIBRARIES Torch::cpu)
  endif()
endif()
