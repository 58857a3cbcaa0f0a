# What `cmake --install` installs besides the program and its library, and what `cpack -G DEB` makes of it. Manual pages and
# completions are made by the program itself, from its tree of options.
find_program(RESNET_GZIP gzip REQUIRED)
set(pages "${PROJECT_BINARY_DIR}/share")
set(RESNET_PACKAGE_MAINTAINER "resnet-cli maintainers <maintainers@resnet-cli.invalid>" CACHE STRING "Who the package names")
configure_file("${PROJECT_SOURCE_DIR}/tools/package/changelog.in" "${PROJECT_BINARY_DIR}/changelog" @ONLY)
add_custom_command(
  OUTPUT "${pages}/made"
  COMMAND "${CMAKE_COMMAND}" -E rm -rf "${pages}"
  COMMAND "${CMAKE_COMMAND}" -E make_directory "${pages}/man1"
  COMMAND resnet-cli man --output "${pages}/man1"
  COMMAND resnet-cli completion bash > "${pages}/resnet-cli"
  COMMAND resnet-cli completion zsh > "${pages}/_resnet-cli"
  COMMAND resnet-cli completion fish > "${pages}/resnet-cli.fish"
  COMMAND "${RESNET_GZIP}" -9 --no-name --recursive "${pages}/man1"
  COMMAND "${RESNET_GZIP}" -9 --no-name --stdout "${PROJECT_SOURCE_DIR}/CHANGELOG.md" > "${pages}/NEWS.gz"
  COMMAND "${RESNET_GZIP}" -9 --no-name --stdout "${PROJECT_BINARY_DIR}/changelog" > "${pages}/changelog.gz"
  COMMAND "${CMAKE_COMMAND}" -E touch "${pages}/made"
  DEPENDS resnet-cli "${PROJECT_SOURCE_DIR}/CHANGELOG.md" "${PROJECT_BINARY_DIR}/changelog"
  COMMENT "Manual pages and completions" VERBATIM)
add_custom_target(resnet_pages ALL DEPENDS "${pages}/made")
# All that is installed: neither tests nor benchmarks are built for it.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
add_custom_target(resnet_installed DEPENDS resnet-cli resnet_pages)
if(RESNET_BUILD_LIBRARY)
  add_dependencies(resnet_installed resnet)
endif()

install(DIRECTORY "${pages}/man1" DESTINATION "${CMAKE_INSTALL_MANDIR}")
install(FILES "${pages}/resnet-cli" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
install(FILES "${pages}/resnet-cli.fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
install(FILES "${pages}/NEWS.gz" "${pages}/changelog.gz" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/resnet-cli")
install(FILES "${PROJECT_SOURCE_DIR}/tools/package/copyright" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/resnet-cli")
# Debian's zsh looks for packages' completions in a folder of its own, and Debian has the text of the licence already.
install(CODE "
  if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
    file(INSTALL \"${pages}/_resnet-cli\" DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions\")
    file(INSTALL \"${PROJECT_SOURCE_DIR}/tools/package/lintian-overrides\"
      DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/lintian/overrides\" RENAME resnet-cli)
  else()
    file(INSTALL \"${pages}/_resnet-cli\" DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/zsh/site-functions\")
    file(INSTALL \"${PROJECT_SOURCE_DIR}/LICENSE\" DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/doc/resnet-cli\")
  endif()")

set(CPACK_GENERATOR DEB)
set(CPACK_PROJECT_CONFIG_FILE "${PROJECT_SOURCE_DIR}/tools/package/tools.cmake")
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_INSTALL_COMMANDS "\"${CMAKE_COMMAND}\" --build \"${PROJECT_BINARY_DIR}\" --target resnet_installed")
set(CPACK_PACKAGE_NAME resnet-cli)
set(CPACK_PACKAGE_VENDOR "resnet-cli")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${RESNET_PACKAGE_MAINTAINER}")
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
if(RESNET_BUILD_LIBRARY)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")  # the library's name has the minor version
  set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/tools/package/triggers")  # the loader learns of the library
endif()
# Libraries that are loaded late are seen by no tool, and named here: photos are what the program is for; pictures of networks, and
# training, work where their library is there, and say so where it is not.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libvips42")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libdnnl2, libgvc6")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "residual networks from the command line")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Classifies photos with ResNets and other convolutional networks from ONNX
files, looks into networks, builds those of \"Deep Residual Learning for Image
Recognition\" (He et al. 2015), trains, compares, converts and measures them.
.
A network that knows CIFAR-10's ten classes is built in. The library of the
program and its C++ headers are included.")
include(CPack)
