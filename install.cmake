# Read by CMake inside llama.cpp's own project, before anything is built: the library alone, which is what the engine loads.
# Its "common" library (templates, parsers, downloads) serves llama.cpp's own programs and takes half of the compile time.
set(LLAMA_BUILD_COMMON OFF)

# Not AMX, which some servers have: before 12.4 and 13.3 GCC drops stores to the tiles' configuration (its bug 114098),
# and the first prompt ends the process. Nor is it known whether these kernels give the same sums for every batch.
include(CheckCXXCompilerFlag)
check_cxx_compiler_flag(-mno-amx-tile TSUBASA_KNOWS_AMX)
if(TSUBASA_KNOWS_AMX)
  add_compile_options(-mno-amx-tile -mno-amx-int8 -mno-amx-bf16)
endif()
