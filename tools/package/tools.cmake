# Read by cpack before it makes a package: without these programs it would make one that names none of the libraries it needs.
if(CPACK_GENERATOR STREQUAL "DEB")
  foreach(program dpkg-deb dpkg-shlibdeps file)
    find_program(found_${program} ${program})
    if(NOT found_${program})
      message(FATAL_ERROR "cannot make a Debian package: ${program} is not installed; expected Debian's packages dpkg-dev and file")
    endif()
  endforeach()
endif()
