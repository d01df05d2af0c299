/* SPDX-License-Identifier: MIT
 *
 * stdio.h - streams; see README.
 */
#ifndef TARGETS_STDIO_H
#define TARGETS_STDIO_H

#include <stdarg.h>
#include <sys/types.h>

typedef struct targets_file FILE;
typedef int64_t fpos_t;

extern FILE *const targets_stdin, *const targets_stdout, *const targets_stderr;
#define stdin targets_stdin
#define stdout targets_stdout
#define stderr targets_stderr

#define EOF (-1)
#define BUFSIZ 1024
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define _IOFBF 0
#define _IOLBF 1
#define _IONBF 2

int fclose(FILE *stream);
int fflush(FILE *stream);
FILE *fopen(const char *path, const char *mode);
FILE *freopen(const char *path, const char *mode, FILE *stream);
FILE *fdopen(int file, const char *mode);
FILE *fmemopen(void *buffer, size_t size, const char *mode);
FILE *open_memstream(char **buffer, size_t *size);
FILE *tmpfile(void);
FILE *popen(const char *command, const char *mode);
int pclose(FILE *stream);
void setbuf(FILE *stream, char *buffer);
int setvbuf(FILE *stream, char *buffer, int mode, size_t size);
int fprintf(FILE *stream, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));
int printf(const char *format, ...)
    __attribute__((__format__(__printf__, 1, 2)));
int snprintf(char *to, size_t size, const char *format, ...)
    __attribute__((__format__(__printf__, 3, 4)));
int sprintf(char *to, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));
int sscanf(const char *from, const char *format, ...)
    __attribute__((__format__(__scanf__, 2, 3)));
int fscanf(FILE *stream, const char *format, ...)
    __attribute__((__format__(__scanf__, 2, 3)));
int vfprintf(FILE *stream, const char *format, va_list arguments)
    __attribute__((__format__(__printf__, 2, 0)));
int vprintf(const char *format, va_list arguments)
    __attribute__((__format__(__printf__, 1, 0)));
int vsnprintf(char *to, size_t size, const char *format, va_list arguments)
    __attribute__((__format__(__printf__, 3, 0)));
int fgetc(FILE *stream);
char *fgets(char *to, int size, FILE *stream);
int getc(FILE *stream);
int getchar(void);
ssize_t getline(char **line, size_t *size, FILE *stream);
ssize_t getdelim(char **line, size_t *size, int end, FILE *stream);
int fputc(int c, FILE *stream);
int fputs(const char *text, FILE *stream);
int putc(int c, FILE *stream);
int putchar(int c);
int puts(const char *text);
int ungetc(int c, FILE *stream);
size_t fread(void *to, size_t size, size_t count, FILE *stream);
size_t fwrite(const void *from, size_t size, size_t count, FILE *stream);
int fseek(FILE *stream, long offset, int from);
int fseeko(FILE *stream, off_t offset, int from);
off_t ftello(FILE *stream);
long ftell(FILE *stream);
void rewind(FILE *stream);
int feof(FILE *stream);
int ferror(FILE *stream);
void clearerr(FILE *stream);
int fileno(FILE *stream);
void perror(const char *text);
int remove(const char *path);
int rename(const char *from, const char *to);

#endif /* TARGETS_STDIO_H */
