/* SPDX-License-Identifier: MIT */
/*
 * Names. /dev/shm belongs to every user of the machine, and the name under which a ring is found is known
 * beforehand. So a ring is made without a name (O_TMPFILE), and gets the public one when it is complete: an object
 * that another user has put there is neither opened nor written to. The ring can be used all the same, because
 * ringcast's own processes have its descriptors. A ring that is to replace another one has no name before that.
 *
 * Locks. flock(2) locks belong to open file descriptions. ring_create makes two of them, one to write and one to
 * read, and locks each. A copy of a descriptor that is handed to another process is the same description, so the
 * lock lasts until the supervisor and every process that got a copy have closed theirs; a worker that closes its
 * copy takes nothing away. After a kill of the supervisor, a fan-out that kept its read-only copy open keeps its
 * rings from being swept; when no process is left, they are free to go.
 */
#include "common/ring/ring_create.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/url.h"
#include "common/ring/ring_format.h"

#define RING_MODE 0600
#define SHM_FOLDER "/dev/shm" /* where shm_open(3) keeps its objects on Linux */
#define NAME_PREFIX "ringcast."
#define PATH_SIZE (sizeof(SHM_FOLDER) + NAME_MAX + 1)
#define DESCRIPTOR_PATH_SIZE 32

static_assert(RING_NAME_SIZE == RING_OBJECT_NAME_SIZE, "a ring holds its own name");

/* Appends TEXT percent-encoded. '.' stays plain only if DOTS, and never as the first byte. */
static int append_encoded(char name[RING_NAME_SIZE], size_t *length, const char *text, bool dots)
{
    for (size_t i = 0; text[i]; i++) {
        const char *keep = dots && i > 0 ? "_-." : "_-";
        int added = url_encode(name + *length, RING_NAME_SIZE - *length, &text[i], 1, keep);
        if (added < 0) {
            return added;
        }
        *length += (size_t)added;
    }
    return 0;
}

/* "/ringcast.<instance>.": dots in the instance are encoded, so that no instance's names begin with
 * another's. */
static int append_prefix(char name[RING_NAME_SIZE], size_t *length, const char *instance)
{
    *length = (size_t)snprintf(name, RING_NAME_SIZE, "/" NAME_PREFIX);
    int result = append_encoded(name, length, instance, false);
    if (result < 0) {
        return result;
    }
    if (*length + 1 >= RING_NAME_SIZE) {
        return -ENAMETOOLONG;
    }
    name[(*length)++] = '.';
    name[*length] = '\0';
    return 0;
}

int ring_name(char name[RING_NAME_SIZE], const char *instance, const char *camera)
{
    size_t length;

    int result = append_prefix(name, &length, instance);
    return result < 0 ? result : append_encoded(name, &length, camera, true);
}

static uint64_t round_capacity(size_t wanted)
{
    if (wanted <= RING_CAPACITY_MIN) {
        return RING_CAPACITY_MIN;
    }
    if (wanted >= RING_CAPACITY_MAX) {
        return RING_CAPACITY_MAX;
    }
    return (wanted + RING_CAPACITY_STEP - 1) / RING_CAPACITY_STEP * RING_CAPACITY_STEP;
}

static int reserve_memory(int fd, uint64_t size)
{
    int result;

    if (ftruncate(fd, (off_t)size) < 0) {
        return -errno;
    }
    do {
        result = posix_fallocate(fd, 0, (off_t)size);
    } while (result == EINTR);
    return -result;
}

/* A keyframe in less than this behind the last one in the index is left out of it: nobody looks for one so exactly. */
#define INDEX_SPACING_MS 250u

#define PAGE_BYTES 4096u

/* Places in the index of a ring that keeps PAST_S seconds: for twice that time, as its size is rounded up. */
static uint32_t index_places(unsigned past_s)
{
    uint64_t wanted = (uint64_t)past_s * 2 * 1000 / INDEX_SPACING_MS;
    uint32_t places = past_s == 0 ? 0 : 64;

    while (places > 0 && places < wanted && places < RING_INDEX_MAX) {
        places *= 2;
    }
    return places;
}

static uint64_t data_offset(uint32_t places)
{
    uint64_t index = places * sizeof(struct ring_index_place);

    return RING_DATA_OFFSET + (index + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static_assert(RING_DATA_OFFSET + RING_INDEX_MAX * sizeof(struct ring_index_place) <= RING_DATA_OFFSET_MAX,
              "the largest index lies before the data");

/* The magic comes last, so that nothing that is not complete looks like a ring. */
static int write_header(int fd, const char *name, uint64_t capacity, uint32_t places, int64_t epoch_ns)
{
    struct ring_header header = {
        .identity =
            {
                .version_major = RING_VERSION_MAJOR,
                .version_minor = RING_VERSION_MINOR,
                .header_size = sizeof(struct ring_header),
                .incompatible_flags = ring_is_power_of_two(capacity) ? 0 : RING_ANY_CAPACITY,
                .compatible_flags = places > 0 ? RING_HAS_INDEX : 0,
                .capacity = capacity,
                .data_offset = data_offset(places),
                .epoch_ns = epoch_ns,
                .index_offset = places > 0 ? RING_DATA_OFFSET : 0,
                .index_count = places,
                .index_spacing_ms = places > 0 ? INDEX_SPACING_MS : 0,
            },
        .intent = RING_FIRST_POSITION,
        .head = RING_FIRST_POSITION,
        .state = RING_LIVE,
    };

    snprintf(header.identity.name, sizeof(header.identity.name), "%s", name);
    if (pwrite(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header)) {
        return errno ? -errno : -EIO;
    }
    if (pwrite(fd, RING_MAGIC, sizeof(header.identity.magic), 0) != (ssize_t)sizeof(header.identity.magic)) {
        return errno ? -errno : -EIO;
    }
    return 0;
}

static void descriptor_path(int descriptor, char path[DESCRIPTOR_PATH_SIZE])
{
    snprintf(path, DESCRIPTOR_PATH_SIZE, "/proc/self/fd/%d", descriptor);
}

/* A second, read-only description of the object behind WRITER. Descriptor or negative errno. */
static int reopen_for_reading(int writer)
{
    char path[DESCRIPTOR_PATH_SIZE];

    descriptor_path(writer, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    if (flock(fd, LOCK_SH | LOCK_NB) < 0) {
        int result = -errno;
        close(fd);
        return result;
    }
    return fd;
}

int ring_create_unnamed(const char *name, size_t capacity, unsigned past_s, int64_t epoch_ns,
                        struct ring_descriptors *descriptors)
{
    uint64_t rounded = round_capacity(capacity);
    uint32_t places = index_places(past_s);
    int reader;
    int result;

    int writer = open(SHM_FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, RING_MODE);
    if (writer < 0) {
        return -errno;
    }
    if (flock(writer, LOCK_SH | LOCK_NB) < 0) {
        result = -errno;
        goto discard;
    }
    result = reserve_memory(writer, data_offset(places) + rounded);
    if (result < 0) {
        goto discard;
    }
    result = write_header(writer, name, rounded, places, epoch_ns);
    if (result < 0) {
        goto discard;
    }
    reader = reopen_for_reading(writer);
    if (reader < 0) {
        result = reader;
        goto discard;
    }
    *descriptors = (struct ring_descriptors){.writer = writer, .reader = reader};
    return 0;

discard:
    close(writer);
    return result;
}

/* --- Names in /dev/shm ---------------------------------------------------------------------------------- */

static int object_path(const char *name, char path[PATH_SIZE])
{
    return (size_t)snprintf(path, PATH_SIZE, SHM_FOLDER "%s", name) < PATH_SIZE ? 0 : -ENAMETOOLONG;
}

/* True if what lies at PATH, if anything, is a ring of this user's, or may be. */
static bool is_own(const char *path)
{
    struct stat status;

    return lstat(path, &status) < 0 || (S_ISREG(status.st_mode) && status.st_uid == geteuid());
}

static int link_object(int writer, const char *path)
{
    char object[DESCRIPTOR_PATH_SIZE];

    descriptor_path(writer, object);
    return linkat(AT_FDCWD, object, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* 0; -EEXIST: a ring of this user's has the name; -EPERM: something else has. Root removes that. */
static int give_name(int writer, const char *path)
{
    int result = link_object(writer, path);

    if (result == -EEXIST && !is_own(path)) {
        result = geteuid() == 0 && unlink(path) == 0 ? link_object(writer, path) : -EPERM;
    }
    return result;
}

int ring_create(const char *name, size_t capacity, unsigned past_s, int64_t epoch_ns,
                struct ring_descriptors *descriptors)
{
    char path[PATH_SIZE];
    struct ring_descriptors made;
    int result = object_path(name, path);

    if (result == 0) {
        result = ring_create_unnamed(name, capacity, past_s, epoch_ns, &made);
    }
    if (result < 0) {
        return result;
    }
    result = give_name(made.writer, path);
    if (result < 0 && result != -EPERM) {
        close(made.reader);
        close(made.writer);
        return result;
    }
    *descriptors = made;
    return result == 0 ? 0 : RING_UNNAMED;
}

/* "/dev/shm/ringcast.<instance>." and random digits, so that no process can guess the name and a sweep finds it. */
static int temporary_path(const char *name, char path[PATH_SIZE])
{
    const char *end = strncmp(name, "/" NAME_PREFIX, strlen("/" NAME_PREFIX)) == 0
                          ? strchr(name + strlen("/" NAME_PREFIX), '.')
                          : NULL;
    uint64_t number;

    if (!end || getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
        return -EINVAL;
    }
    snprintf(path, PATH_SIZE, SHM_FOLDER "%.*s.~%016" PRIx64, (int)(end - name), name, number);
    return 0;
}

int ring_replace(const char *name, int writer_descriptor)
{
    char from[PATH_SIZE];
    char to[PATH_SIZE];
    int result = object_path(name, to);

    if (result == 0) {
        result = temporary_path(name, from);
    }
    if (result == 0) {
        result = link_object(writer_descriptor, from);
    }
    if (result == 0 && rename(from, to) < 0) {
        result = errno == EACCES || errno == EISDIR ? -EPERM : -errno;
        unlink(from);
    }
    return result;
}

bool ring_is_used(int descriptor)
{
    uint64_t head = RING_FIRST_POSITION;

    return pread(descriptor, &head, sizeof(head), offsetof(struct ring_header, head)) ==
               (ssize_t)sizeof(head) &&
           head != RING_FIRST_POSITION;
}

/*
 * Through the descriptor and not through a mapping: if a process with the descriptor has cut the object off,
 * this one gets an error and not a signal. FUTEX_WAKE needs an address but does not touch what is there.
 */
void ring_retire(int writer_descriptor)
{
    uint32_t state = RING_RETIRED;
    uint32_t wake = 0;

    if (pwrite(writer_descriptor, &state, sizeof(state), offsetof(struct ring_header, state)) < 0 ||
        pread(writer_descriptor, &wake, sizeof(wake), offsetof(struct ring_header, wake)) < 0) {
        return;
    }
    wake++;
    if (pwrite(writer_descriptor, &wake, sizeof(wake), offsetof(struct ring_header, wake)) < 0) {
        return;
    }
    void *map = mmap(NULL, sizeof(struct ring_header), PROT_READ, MAP_SHARED, writer_descriptor, 0);
    if (map == MAP_FAILED) {
        return;
    }
    syscall(SYS_futex, &((struct ring_header *)map)->wake, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    munmap(map, sizeof(struct ring_header));
}

int ring_unlink(const char *name)
{
    return shm_unlink(name) < 0 && errno != ENOENT ? -errno : 0;
}

/* 1: removed; 0: gone already, or another user's; -EBUSY: a process holds it; other negative errno. */
static int sweep_one(const char *name)
{
    char path[PATH_SIZE];
    int result = object_path(name, path);

    if (result < 0 || !is_own(path)) {
        return 0; /* give_name deals with it if it is in the way */
    }
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    result = 1;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        result = errno == EWOULDBLOCK ? -EBUSY : -errno;
    } else if (unlink(path) < 0) {
        result = errno == ENOENT ? 0 : -errno;
    }
    close(fd);
    return result;
}

int ring_sweep(const char *instance)
{
    char prefix[RING_NAME_SIZE];
    char name[NAME_MAX + 2];
    size_t length;
    int removed = 0;
    const struct dirent *file;

    int result = append_prefix(prefix, &length, instance);
    if (result < 0) {
        return result;
    }
    DIR *folder = opendir(SHM_FOLDER);
    if (!folder) {
        return -errno;
    }
    while ((file = readdir(folder))) {
        if (strncmp(file->d_name, prefix + 1, length - 1) != 0) {
            continue;
        }
        snprintf(name, sizeof(name), "/%s", file->d_name);
        int swept = sweep_one(name);
        if (swept > 0) {
            removed += swept;
        } else if (swept < 0) {
            result = swept;
        }
    }
    closedir(folder);
    return result < 0 ? result : removed;
}
