# cmake -DWAY=installed|temporaries|subdirectory -DSOURCE=<parley> -DBUILD=<its build> -DWORK=<scratch> -DCOMPILER= -DFLAGS= -DLAUNCHER=
#       -DGENERATOR= -P run.cmake
# Builds and runs the program in the folder WAY as its own project.
function(run)
    execute_process(COMMAND ${ARGV} RESULT_VARIABLE code)
    if(NOT code EQUAL 0)
        message(FATAL_ERROR "failed: ${ARGV}")
    endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
set(arguments -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_FLAGS=${FLAGS} -DCMAKE_BUILD_TYPE=Debug
    -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
if(NOT WAY STREQUAL "subdirectory")
    run(${CMAKE_COMMAND} --install ${BUILD} --component framework --prefix ${WORK}/prefix)
    list(APPEND arguments -DCMAKE_PREFIX_PATH=${WORK}/prefix)
else()
    list(APPEND arguments -DPARLEY_SOURCE=${SOURCE})
endif()
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/${WAY} -B ${WORK}/build ${arguments})
run(${CMAKE_COMMAND} --build ${WORK}/build --target consumer)
run(${WORK}/build/consumer)
file(REMOVE_RECURSE ${WORK})
