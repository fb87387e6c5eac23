# SPDX-License-Identifier: Apache-2.0
# What `make install` copies besides the program, and the Debian package made of it (packaging/README.md).

# What plugins are written against (docs/plugin-authors/native.md): `cmake --install BUILD --component headers`.
install(DIRECTORY include/millrace DESTINATION include COMPONENT headers)
install(FILES cmake/plugin/millrace-plugin-config.cmake DESTINATION share/cmake/millrace-plugin COMPONENT headers)

if(NOT TARGET millrace)
  return()
endif()

install(TARGETS millrace RUNTIME)
# The same program, called by the name that existing scripts know.
install(CODE "file(CREATE_LINK millrace
  \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/ansible-rulebook\" SYMBOLIC)")

# Where the program looks for the Python part: ../share/millrace/python beside it.
install(DIRECTORY python/millrace python/millrace_host python/millrace_ansible DESTINATION share/millrace/python
  PATTERN __pycache__ EXCLUDE)

# A relative folder: below the prefix, whichever it is when installing.
set(millrace_unit_folder lib/systemd/system)
install(FILES packaging/millrace.service DESTINATION ${millrace_unit_folder})
install(FILES README.md LICENSE CHANGELOG.md packaging/default DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/guide docs/plugin-authors docs/reference DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Packing needs what was built for it, not the benchmarks.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME millrace)
set(CPACK_PACKAGE_VENDOR "The Millrace authors")
set(CPACK_PACKAGE_CONTACT "The Millrace authors <millrace@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "event automation engine")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Takes events from webhooks, files, timers and other programs, matches them\nagainst rulebooks, and runs actions.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Rulebooks run without: Python plugins take the first, templates beyond plain paths both.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "python3 (>= 3.9), python3-jinja2")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
include(CPack)
