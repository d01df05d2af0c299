/* SPDX-License-Identifier: MIT
 *
 * dlfcn.h - shared libraries; see README.
 */
#ifndef TARGETS_DLFCN_H
#define TARGETS_DLFCN_H

#define RTLD_LAZY 1
#define RTLD_NOW 2
#define RTLD_GLOBAL 0x100
#define RTLD_LOCAL 0

void *dlopen(const char *path, int mode);
void *dlsym(void *restrict library, const char *restrict name);
int dlclose(void *library);
char *dlerror(void);

#endif /* TARGETS_DLFCN_H */
