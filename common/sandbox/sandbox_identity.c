/* SPDX-License-Identifier: MIT */
#include "common/sandbox/sandbox_parts.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(capability) (1ull << (capability))

/*
 * What ringcastd keeps if it is root. It starts processes that become another user and must be able to end them; it
 * manages the run-time directory and the rings, whichever user made them; it binds the address of `listen`.
 */
#define SUPERVISOR_CAPABILITIES                                                                              \
    (BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP) | BIT(CAP_KILL) | BIT(CAP_NET_BIND_SERVICE) |      \
     BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER))

static unsigned long long kept_by(enum sandbox_role role)
{
    bool owner = role == SANDBOX_SUPERVISOR || role == SANDBOX_KEEPER;

    return owner && geteuid() == 0 ? SUPERVISOR_CAPABILITIES : 0;
}

int sandbox_no_new_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int sandbox_become(uid_t uid, gid_t gid)
{
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0) {
        return -errno;
    }
    /* The bounding set can be emptied only while there is the capability to. */
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
        if (capability != CAP_SETUID && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
            return -errno;
        }
    }
    if (prctl(PR_CAPBSET_DROP, CAP_SETUID, 0, 0, 0) < 0 || setresuid(uid, uid, uid) < 0) {
        return -errno;
    }
    return setresuid((uid_t)-1, 0, (uid_t)-1) == 0 && uid != 0 ? -EPERM : 0;
}

/* Without CAP_SETPCAP the bounding set stays as it was; nothing can be gained from it with no-new-privs. */
static void lower_bound(unsigned long long kept)
{
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
        if ((kept & BIT(capability)) == 0) {
            prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
        }
    }
}

int sandbox_drop_capabilities(enum sandbox_role role)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2];
    unsigned long long kept = kept_by(role);

    lower_bound(kept);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capget, &header, sets) < 0) {
        return -errno;
    }
    for (size_t i = 0; i < 2; i++) {
        sets[i].permitted &= (unsigned)(kept >> (32 * i));
        sets[i].effective = sets[i].permitted;
        sets[i].inheritable = 0;
    }
    return syscall(SYS_capset, &header, sets) < 0 ? -errno : 0;
}
