/* SPDX-License-Identifier: MIT
 *
 * unistd.h - POSIX; see README.
 */
#ifndef TARGETS_UNISTD_H
#define TARGETS_UNISTD_H

#include <sys/types.h>

#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2
#define _SC_PAGESIZE 29
#define _SC_NPROCESSORS_ONLN 84
#define R_OK 4
#define W_OK 2
#define X_OK 1
#define F_OK 0
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

extern char **environ;
extern char *optarg;
extern int opterr, optind, optopt;

int access(const char *path, int mode);
unsigned alarm(unsigned seconds);
int chdir(const char *path);
int close(int file);
int dup(int file);
int dup2(int file, int as);
int execl(const char *path, const char *first, ...);
int execv(const char *path, char *const arguments[]);
int execvp(const char *name, char *const arguments[]);
void _exit(int status) __attribute__((__noreturn__));
int fsync(int file);
pid_t fork(void);
int ftruncate(int file, off_t size);
char *getcwd(char *to, size_t size);
int getopt(int count, char *const arguments[], const char *options);
pid_t getpid(void);
pid_t getppid(void);
uid_t getuid(void);
uid_t geteuid(void);
gid_t getgid(void);
gid_t getegid(void);
int isatty(int file);
off_t lseek(int file, off_t offset, int from);
int pause(void);
int pipe(int files[2]);
ssize_t pread(int file, void *to, size_t size, off_t at);
ssize_t pwrite(int file, const void *from, size_t size, off_t at);
ssize_t read(int file, void *to, size_t size);
ssize_t write(int file, const void *from, size_t size);
int rmdir(const char *path);
int setpgid(pid_t pid, pid_t group);
unsigned sleep(unsigned seconds);
int symlink(const char *to, const char *path);
long sysconf(int name);
int unlink(const char *path);
int usleep(useconds_t time);
int pthread_atfork(void (*prepare)(void), void (*parent)(void),
                   void (*child)(void));
#ifdef __FreeBSD__
int syscall(int number, ...);
#endif

#endif /* TARGETS_UNISTD_H */
