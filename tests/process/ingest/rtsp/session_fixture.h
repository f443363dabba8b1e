/* SPDX-License-Identifier: MIT */
/*
 * What tests of a session have in common: its options for a server on this machine, and opening, reading and
 * closing with checks.
 */
#ifndef TESTS_PROCESS_INGEST_RTSP_SESSION_FIXTURE_H
#define TESTS_PROCESS_INGEST_RTSP_SESSION_FIXTURE_H

#include "ingest/rtsp/rtsp_session.h"
#include "tests/process/ingest/rtsp/script_server.h"

struct session_fixture {
    struct rtsp_session_options options;
    struct rtsp_session *session;
    char authority[64];
    char error[RTSP_ERROR_SIZE];
    int result;          /* of opening */
    int64_t duration_ms; /* of opening */
};

/* Options for SERVER's port, path "/live"; to be changed before opening. */
void session_prepare(struct session_fixture *fixture, int port);

/* Opens and expects this result. */
void session_open(struct session_fixture *fixture, int expected);

/* Expects the next packet to come within the time that anything may take. */
struct rtsp_packet session_packet(struct session_fixture *fixture);

/* Reads until something other than a packet, within the same time. */
int session_drain(struct session_fixture *fixture);

void session_close(struct session_fixture *fixture);

/* Fails unless the error text holds PART. */
void session_assert_error(const struct session_fixture *fixture, const char *part);

#endif
