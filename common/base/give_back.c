/* SPDX-License-Identifier: MIT */
#include "common/base/give_back.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Bytes: no call goes deeper. Linux keeps a megabyte below a stack free. */
#define STACK_DEPTH_MAX ((uintptr_t)512 * 1024)

/* Headers of a library: they have about ten. */
#define HEADERS_MAX 32

static uintptr_t page_size(void)
{
    return (uintptr_t)sysconf(_SC_PAGESIZE);
}

/* Whether code was relocated in its place: its pages are no longer those of the file. */
static bool has_relocated_code(const struct dl_phdr_info *object)
{
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &object->dlpi_phdr[i];
        if (header->p_type != PT_DYNAMIC) {
            continue;
        }
        const ElfW(Dyn) *entry = (const ElfW(Dyn) *)(object->dlpi_addr + header->p_vaddr);
        for (; entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_TEXTREL ||
                (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0)) {
                return true;
            }
        }
    }
    return false;
}

/* The headers lie in what is given back, so they are read from a copy, which does not bring it back. */
static int give_back_object(struct dl_phdr_info *object, size_t size, void *context)
{
    uintptr_t page = page_size();
    ElfW(Phdr) headers[HEADERS_MAX];

    (void)size;
    (void)context;
    if (object->dlpi_phnum > HEADERS_MAX || has_relocated_code(object)) {
        return 0;
    }
    memcpy(headers, object->dlpi_phdr, object->dlpi_phnum * sizeof(headers[0]));
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &headers[i];
        /* What is writable while it is relocated has no other copy. */
        if (header->p_type != PT_LOAD || (header->p_flags & PF_W) != 0) {
            continue;
        }
        uintptr_t begin = (object->dlpi_addr + header->p_vaddr + page - 1) & ~(page - 1);
        uintptr_t end = (object->dlpi_addr + header->p_vaddr + header->p_memsz) & ~(page - 1);
        if (begin < end) {
            /* NOLINTNEXTLINE(performance-no-int-to-ptr): addresses of the program's headers are numbers */
            madvise((void *)begin, end - begin, MADV_DONTNEED);
        }
    }
    return 0;
}

void give_back_code(void)
{
    dl_iterate_phdr(give_back_object, NULL);
}

void give_back_stack(void)
{
    const volatile char here = 0;
    uintptr_t page = page_size();
    /* A page is left for this call itself. */
    uintptr_t end = ((uintptr_t)&here & ~(page - 1)) - page;

    /* NOLINTNEXTLINE(performance-no-int-to-ptr): nothing else names what lies below the stack's end */
    madvise((void *)(end - STACK_DEPTH_MAX), STACK_DEPTH_MAX, MADV_DONTNEED);
}
