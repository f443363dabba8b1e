/* SPDX-License-Identifier: MIT */
/*
 * ringcastctl: shows what a running ringcastd is doing and gives it commands (docs/reference/ringcastctl.md).
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log/log.h"
#include "ctl/commands.h"
#include "ctl/options.h"

int main(int argc, char **argv)
{
    struct options options;
    enum exit_code code;

    signal(SIGPIPE, SIG_IGN);
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1) {
        setlocale(LC_CTYPE, "C.UTF-8"); /* wcwidth needs it; what is received is always UTF-8 */
    }
    if (!options_parse(argc, argv, &options, &code)) {
        return (int)code;
    }
    code = commands_run(&options);
    log_close();
    if (fflush(stdout) != 0 && code == EXIT_CODE_OK) {
        code = EXIT_CODE_FAILED;
    }
    return (int)code;
}
