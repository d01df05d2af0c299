/* SPDX-License-Identifier: MIT
 *
 * sanitizer.h - whether a test is built with a sanitizer that brings its own
 * malloc().
 */
#ifndef SANITIZER_H
#define SANITIZER_H

#if defined(__SANITIZE_THREAD__)
#define SANITIZER_THREAD 1
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZER_ON 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANITIZER_THREAD 1
#elif __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZER_ON 1
#endif
#endif
#ifndef SANITIZER_THREAD
#define SANITIZER_THREAD 0
#endif
#ifndef SANITIZER_ON
#define SANITIZER_ON SANITIZER_THREAD
#endif

#endif /* SANITIZER_H */
