/* SPDX-License-Identifier: MIT */
/*
 * What a configuration leaves to the machine: the directories, and the instance, which tells the objects of one
 * ringcastd from those of another. All results are malloc'ed; without memory the process ends (config_memory.h). Part of
 * config.c.
 */
#ifndef COMMON_CONFIG_CONFIG_PATHS_H
#define COMMON_CONFIG_CONFIG_PATHS_H

/* What systemd made, or else the usual place for this user (docs/reference/configuration.md). Not tidied. */
char *config_default_runtime_dir(void);

/* The same for what must outlive a reboot; RUNTIME_DIR for a user without a home directory. */
char *config_default_state_dir(const char *runtime_dir);

/* PATH without doubled and trailing slashes and "." parts, so that one directory has one spelling. */
char *config_tidy_path(const char *path);

/* The instance of a run-time directory: stable, and another one for every other directory. */
char *config_derive_instance(const char *runtime_dir);

#endif
