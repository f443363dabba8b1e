/* SPDX-License-Identifier: MIT */
/* A directory of its own for each test, and configurations written into it. One thread. */
#ifndef TESTS_UNIT_COMMON_CONFIG_FIXTURE_H
#define TESTS_UNIT_COMMON_CONFIG_FIXTURE_H

#include "common/config/config.h"

/* cmocka set-up and teardown: the working directory is an empty one in between. Fails if descriptors leak. */
int config_fixture_enter(void **state);
int config_fixture_leave(void **state);

void config_fixture_write(const char *name, const char *text);

/* config_load of NAME; *errors gets what it printed, to be freed. */
struct config *config_fixture_load(const char *name, char **errors);

/* NAME must be refused with exactly these errors. */
void config_fixture_assert_errors(const char *name, const char *expected);

#endif
