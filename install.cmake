# Read by CMake inside llama.cpp's own project, before anything is built: the library alone, which is what the engine loads.
# Its "common" library (templates, parsers, downloads) serves llama.cpp's own programs and takes half of the compile time.
set(LLAMA_BUILD_COMMON OFF)
