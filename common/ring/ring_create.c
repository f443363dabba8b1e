/*
 * Who holds the lock on a ring: flock(2) locks belong to open file descriptions. ring_create makes two of
 * them, one to write and one to read, and locks each. A copy of a descriptor that is handed to another
 * process is the same description, so the lock lasts until the supervisor and everybody who got a copy have
 * closed theirs; a worker's closing its copy takes nothing away. After a kill of the supervisor, a fan-out
 * that kept its read-only copy open keeps its rings from being swept; with nobody left, they are free to go.
 */
#include "common/ring/ring_create.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/ring/ring_format.h"

#define RING_MODE 0600
#define SHM_FOLDER "/dev/shm" /* where shm_open(3) keeps its objects on Linux */
#define NAME_PREFIX "ringcast."
#define NEXT_SUFFIX "~"
#define NEXT_NAME_SIZE (RING_NAME_SIZE + sizeof(NEXT_SUFFIX) - 1)

static_assert(RING_NAME_SIZE == RING_OBJECT_NAME_SIZE, "a ring holds its own name");

/* Appends TEXT percent-encoded. '.' stays plain only if DOTS, and never as the first byte. */
static int append_encoded(char name[RING_NAME_SIZE], size_t *length, const char *text, bool dots)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; text[i]; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool plain =
            (byte < 0x80 && isalnum(byte)) || byte == '_' || byte == '-' || (byte == '.' && dots && i > 0);
        if (*length + (plain ? 1 : 3) >= RING_NAME_SIZE) {
            return -ENAMETOOLONG;
        }
        if (plain) {
            name[(*length)++] = (char)byte;
        } else {
            name[(*length)++] = '%';
            name[(*length)++] = digits[byte >> 4];
            name[(*length)++] = digits[byte & 15];
        }
    }
    name[*length] = '\0';
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
    uint64_t capacity = RING_CAPACITY_MIN;

    while (capacity < wanted && capacity < RING_CAPACITY_MAX) {
        capacity *= 2;
    }
    return capacity;
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

/* Whole header first, then the magic: whoever finds the name in between sees no ring yet. */
static int write_header(int fd, const char *name, uint64_t capacity, int64_t epoch_ns)
{
    struct ring_header header = {
        .identity =
            {
                .version_major = RING_VERSION_MAJOR,
                .version_minor = RING_VERSION_MINOR,
                .header_size = sizeof(struct ring_header),
                .capacity = capacity,
                .data_offset = RING_DATA_OFFSET,
                .epoch_ns = epoch_ns,
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

/* A second, read-only description of the object behind WRITER. Descriptor or negative errno. */
static int reopen_for_reading(const char *name, int writer)
{
    struct stat made, found;

    int fd = shm_open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    if (flock(fd, LOCK_SH | LOCK_NB) < 0 || fstat(writer, &made) < 0 || fstat(fd, &found) < 0) {
        int result = -errno;
        close(fd);
        return result;
    }
    if (made.st_ino != found.st_ino || made.st_dev != found.st_dev) {
        close(fd);
        return -EBUSY; /* somebody swept ours and made another in the meantime */
    }
    return fd;
}

/* OBJECT is where it lies, NAME what it is called in its header. */
static int create_object(const char *object, const char *name, size_t capacity, int64_t epoch_ns,
                         struct ring_descriptors *descriptors)
{
    uint64_t rounded = round_capacity(capacity);
    int reader;
    int result;

    int writer = shm_open(object, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, RING_MODE);
    if (writer < 0) {
        return -errno;
    }
    if (flock(writer, LOCK_SH | LOCK_NB) < 0) {
        result = -errno;
        goto remove;
    }
    result = reserve_memory(writer, RING_DATA_OFFSET + rounded);
    if (result < 0) {
        goto remove;
    }
    result = write_header(writer, name, rounded, epoch_ns);
    if (result < 0) {
        goto remove;
    }
    reader = reopen_for_reading(object, writer);
    if (reader < 0) {
        result = reader;
        goto remove;
    }
    *descriptors = (struct ring_descriptors){.writer = writer, .reader = reader};
    return 0;

remove:
    shm_unlink(object);
    close(writer);
    return result;
}

int ring_create(const char *name, size_t capacity, int64_t epoch_ns, struct ring_descriptors *descriptors)
{
    return create_object(name, name, capacity, epoch_ns, descriptors);
}

int ring_create_next(const char *name, size_t capacity, int64_t epoch_ns,
                     struct ring_descriptors *descriptors)
{
    char next[NEXT_NAME_SIZE];

    snprintf(next, sizeof(next), "%s" NEXT_SUFFIX, name);
    return create_object(next, name, capacity, epoch_ns, descriptors);
}

int ring_install_next(const char *name)
{
    char from[sizeof(SHM_FOLDER) + NEXT_NAME_SIZE];
    char to[sizeof(SHM_FOLDER) + RING_NAME_SIZE];

    snprintf(from, sizeof(from), SHM_FOLDER "%s" NEXT_SUFFIX, name);
    snprintf(to, sizeof(to), SHM_FOLDER "%s", name);
    return rename(from, to) < 0 ? -errno : 0;
}

int ring_unlink_next(const char *name)
{
    char next[NEXT_NAME_SIZE];

    snprintf(next, sizeof(next), "%s" NEXT_SUFFIX, name);
    return ring_unlink(next);
}

bool ring_is_used(int descriptor)
{
    uint64_t head = RING_FIRST_POSITION;

    return pread(descriptor, &head, sizeof(head), offsetof(struct ring_header, head)) ==
               (ssize_t)sizeof(head) &&
           head != RING_FIRST_POSITION;
}

/*
 * Through the descriptor and not through a mapping: if the object was cut off by whoever had the descriptor,
 * this process gets an error and not a signal. FUTEX_WAKE needs an address but does not touch what is there.
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

/* 1: removed; 0: gone already; -EBUSY: somebody holds it; other negative errno. */
static int sweep_one(const char *name)
{
    int fd = shm_open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    int result = 1;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        result = errno == EWOULDBLOCK ? -EBUSY : -errno;
    } else if (shm_unlink(name) < 0) {
        result = errno == ENOENT ? 0 : -errno;
    }
    close(fd);
    return result;
}

int ring_sweep(const char *instance)
{
    char prefix[RING_NAME_SIZE];
    char name[NEXT_NAME_SIZE];
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
        if ((size_t)snprintf(name, sizeof(name), "/%s", file->d_name) >= sizeof(name)) {
            continue;
        }
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
