/*
 * Preloaded into one process (LD_PRELOAD): its disk fails to sync while a file exists, and its wall clock
 * is off by what stands in another one.
 *
 * QUORUS_SYNC_FAILS: a path; while it exists, fsync and fdatasync fail with EIO.
 * QUORUS_CLOCK_OFFSET: a file of 8 bytes, signed nanoseconds in the machine's own byte order.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const char *sync_fails;
static volatile const int64_t *offset_ns;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void start(void) {
  real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  sync_fails = getenv("QUORUS_SYNC_FAILS");
  const char *path = getenv("QUORUS_CLOCK_OFFSET");
  if (path == NULL) return;
  int file = open(path, O_RDONLY);
  if (file < 0) return;
  void *map = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  if (map != MAP_FAILED) offset_ns = map;
  close(file);
}

static int sync_with(long number, int file) {
  if (sync_fails != NULL && access(sync_fails, F_OK) == 0) {
    errno = EIO;
    return -1;
  }
  return (int)syscall(number, file);
}

int fsync(int file) { return sync_with(SYS_fsync, file); }
int fdatasync(int file) { return sync_with(SYS_fdatasync, file); }

int clock_gettime(clockid_t id, struct timespec *at) {
  int failed = real_clock_gettime != NULL ? real_clock_gettime(id, at)
                                          : (int)syscall(SYS_clock_gettime, id, at);
  if (failed || offset_ns == NULL) return failed;
  if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE) return 0;
  int64_t ns = (int64_t)at->tv_sec * 1000000000 + at->tv_nsec + *offset_ns;
  at->tv_sec = ns / 1000000000;
  at->tv_nsec = ns % 1000000000;
  return 0;
}

int gettimeofday(struct timeval *at, void *zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *out) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}
