# The allocator of the C library gives large blocks back to the system at once, and then every tensor costs page faults.
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=268435456
