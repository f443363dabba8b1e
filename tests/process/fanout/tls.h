/* SPDX-License-Identifier: MIT */
/*
 * TLS for a ringcast-fanout in a test, with a certificate that is made here. Everything fails the test (cmocka) rather than return an
 * error.
 */
#ifndef TESTS_PROCESS_FANOUT_TLS_H
#define TESTS_PROCESS_FANOUT_TLS_H

#include "tests/process/fanout/harness.h"

/* Connections to FANOUT from now on speak TLS. It counts before what it is told later. */
void fanout_tell_tls(struct fanout *fanout);

#endif
