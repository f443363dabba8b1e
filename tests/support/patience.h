/* SPDX-License-Identifier: MIT */
/*
 * How long a test in C waits for what must come. It tells what comes from what hangs, also on a slow machine,
 * so it is not a measure of anything. The limits of whole tests are in tests/CMakeLists.txt.
 */
#ifndef TESTS_SUPPORT_PATIENCE_H
#define TESTS_SUPPORT_PATIENCE_H

#define PATIENCE_MS 30000

/* For a test, or a process of it, that kills itself with alarm() rather than hang. */
#define PATIENCE_ALARM_S 50

#endif
