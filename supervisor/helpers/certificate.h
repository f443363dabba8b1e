/* SPDX-License-Identifier: MIT */
/*
 * The certificates and the private key with which viewers are served (`tls` in the configuration): read, checked, and put
 * into memory files that the fan-outs are handed. Files are in PEM form (RFC 7468); certificates are X.509 (RFC 5280).
 * Supervisor's main thread only.
 */
#ifndef SUPERVISOR_HELPERS_CERTIFICATE_H
#define SUPERVISOR_HELPERS_CERTIFICATE_H

#include "common/config/config.h"

/* Bytes of what is wrong, with the NUL. */
#define CERTIFICATE_WHY_SIZE 1024

/* Sealed memory files; all -1 if the configuration has no `tls`. */
struct certificate {
    int chain; /* the server's certificate first, then those that issued it */
    int key;
    int tickets; /* random bytes: the secret of session tickets (RFC 8446, 4.6.1), so that each fan-out knows those of the others */
};

#define CERTIFICATE_NONE ((struct certificate){-1, -1, -1})

/*
 * Reads what CONFIG names. 0: *certificate is to be given to certificate_close; what a browser will refuse, such as a
 * certificate that has expired, is logged as a warning. -EINVAL: it cannot be used, and WHY says
 * "FILE:LINE: FIELD: what is wrong; what to do"; other errors of the system likewise.
 */
int certificate_open(const struct config *config, struct certificate *certificate,
                     char why[CERTIFICATE_WHY_SIZE]);

void certificate_close(struct certificate *certificate);

#endif
