/* SPDX-License-Identifier: MIT */
/*
 * Whether the libraries that ringcast's processes use are up to date: Debian's updates are what closes their known holes. Asks dpkg and
 * apt of this machine, without the network; elsewhere nothing is found. One thread.
 */
#ifndef CTL_LIBRARY_FINDINGS_H
#define CTL_LIBRARY_FINDINGS_H

#include <jansson.h>

/* Appends to FINDINGS. STATUS: of the running ringcastd, or NULL. */
void library_findings(json_t *findings, const json_t *status);

#endif
