/* SPDX-License-Identifier: MIT */
#include "ctl/top.h"

#include <ncurses.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/message.h"
#include "ctl/request.h"
#include "ctl/status_table.h"

/* Milliseconds between two requests for the status: fps and bitrate are those of a second. */
#define LOOK_MS 1000

/* Lines that status_table_print prints before the first camera: ringcastd, its sandbox, the titles. */
#define HEAD_LINES 3

struct screen {
    char *text; /* the table; malloc'ed */
    int first;  /* index of the camera at the top */
    int cameras;
};

static bool draw_table(struct screen *screen, const json_t *status)
{
    size_t size = 0;
    char *text = NULL;
    FILE *out = open_memstream(&text, &size);

    if (!out) {
        return false;
    }
    status_table_print(status, out);
    if (fclose(out) != 0) {
        return false;
    }
    free(screen->text);
    screen->text = text;
    screen->cameras = (int)json_array_size(json_object_get(status, "cameras"));
    return true;
}

static int most_scrolled(const struct screen *screen)
{
    int room = LINES - HEAD_LINES - 1;

    return screen->cameras > room ? screen->cameras - room : 0;
}

static void show(struct screen *screen)
{
    int line = 0;

    if (screen->first > most_scrolled(screen)) {
        screen->first = most_scrolled(screen);
    }
    erase();
    for (const char *at = screen->text; *at != '\0'; line++) {
        int length = (int)strcspn(at, "\n");
        int row = line < HEAD_LINES ? line : line - screen->first;
        if (row < LINES - 1 && (line < HEAD_LINES || row >= HEAD_LINES)) {
            attrset(line == HEAD_LINES - 1 ? A_BOLD : A_NORMAL);
            mvinsnstr(row, 0, at, length); /* unlike addnstr, it cuts what is too long for the line */
        }
        at += length + (at[length] == '\n');
    }
    attrset(A_DIM);
    mvinsstr(LINES - 1, 0, "q quit   arrows, page keys: scroll");
    attrset(A_NORMAL);
    refresh();
}

/* False: quit. */
static bool handle_key(struct screen *screen, int key)
{
    int page = LINES - HEAD_LINES - 1;

    switch (key) {
    case 'q':
    case 3: /* Ctrl-C */
        return false;
    case KEY_UP:
        screen->first -= 1;
        break;
    case KEY_DOWN:
        screen->first += 1;
        break;
    case KEY_PPAGE:
        screen->first -= page;
        break;
    case KEY_NPAGE:
        screen->first += page;
        break;
    case KEY_HOME:
        screen->first = 0;
        break;
    case KEY_END:
        screen->first = most_scrolled(screen);
        break;
    default:
        break;
    }
    if (screen->first < 0) {
        screen->first = 0;
    }
    return true;
}

/* Handles keys until the next request for the status is due. False: quit. */
static bool handle_keys(struct screen *screen)
{
    int key;

    timeout(LOOK_MS);
    while ((key = getch()) != ERR) {
        if (!handle_key(screen, key)) {
            return false;
        }
        show(screen);
    }
    return true;
}

static enum exit_code update(struct client *client, const struct options *options, struct screen *screen)
{
    json_t *status = NULL;
    enum exit_code code = request_status(client, options, &status);

    if (code == EXIT_CODE_OK && !draw_table(screen, status)) {
        client_complain("out of memory");
        code = EXIT_CODE_FAILED;
    }
    json_decref(status);
    return code;
}

static void begin_screen(void)
{
    initscr();
    raw(); /* Ctrl-C comes as a key, so that the terminal is restored before the end */
    noecho();
    keypad(stdscr, TRUE);
    curs_set(0);
}

enum exit_code top_run(struct client *client, const struct options *options)
{
    struct screen screen = {0};

    if (options->json || isatty(STDOUT_FILENO) == 0 || isatty(STDIN_FILENO) == 0) {
        client_complain("top needs a terminal; programs can use \"ringcastctl status --json\"");
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = update(client, options, &screen);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    begin_screen();
    do {
        show(&screen);
        if (!handle_keys(&screen)) {
            break;
        }
        code = update(client, options, &screen);
    } while (code == EXIT_CODE_OK);
    endwin();
    if (code != EXIT_CODE_OK) {
        client_complain("ringcastd no longer answers");
    }
    free(screen.text);
    return code;
}
