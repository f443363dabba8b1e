/* SPDX-License-Identifier: MIT */
/*
 * The layers of the sandbox, one function each. Private to sandbox.c and its tests. Each returns 0 if the
 * layer is active, -ENOSYS or -EOPNOTSUPP if this kernel has no such layer, or another negative errno.
 */
#ifndef COMMON_SANDBOX_SANDBOX_PARTS_H
#define COMMON_SANDBOX_SANDBOX_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/sandbox/sandbox.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANDBOX_SANITIZER 1
#endif
#endif
#ifndef SANDBOX_SANITIZER
#define SANDBOX_SANITIZER 0
#endif

/* sandbox_identity.c: the user of the process, and what that user may do. */
int sandbox_no_new_privileges(void);
int sandbox_become(uid_t uid, gid_t gid);
int sandbox_drop_capabilities(enum sandbox_role role);

/* sandbox_limits.c */
int sandbox_limit(enum sandbox_role role, const struct sandbox_needs *needs);
int sandbox_hide_memory(void);

/* sandbox_files.c: Landlock. *VERSION: of its interface. */
int sandbox_files_version(void);
int sandbox_close_files(enum sandbox_role role, const struct sandbox_needs *needs, int *version);

/* sandbox_calls.c: seccomp. */
int sandbox_calls_available(void);
int sandbox_filter_calls(enum sandbox_role role, const struct sandbox_needs *needs);

/* sandbox_trap.c: logs which call was refused, then lets SIGSYS end the process. */
int sandbox_trap_install(void);

#endif
