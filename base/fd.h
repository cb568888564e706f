/* Descriptors. Any thread. */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stddef.h>

/* Writes all bytes to a blocking descriptor, whatever signals come meanwhile. -1 with errno: some may be written. */
int fd_write_all(int fd, const void *bytes, size_t n);

#endif
