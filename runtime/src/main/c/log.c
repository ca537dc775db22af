/*
 * The log writer: "2026-11-21T00:32:48.123456789Z stdout F text\n", as CRI wants it. A line ends at a newline; a
 * carriage return before it is dropped; a longer line than LINE_BYTES is cut into pieces tagged P, the last one F; what
 * has no newline when the stream ends is tagged P.
 */
#include "process.h"

#include "loop.h"

#define PREFIX "0000-00-00T00:00:00.000000000Z stdout F "

#ifndef F_GETPIPE_SZ
#define F_GETPIPE_SZ 1032
#endif

enum {
    PREFIX_BYTES = sizeof PREFIX - 1,
    STREAM_AT = 31,
    TAG_AT = 38,
    OUT_BYTES = 64 << 10,
};

static u8 in[PARTIAL_BYTES + READ_BYTES];
static u8 out[OUT_BYTES];
static u32 out_bytes;
static u8 used;
static char prefix[PREFIX_BYTES];

static void digits(char *to, u32 number, int count) {
    while (count > 0) {
        to[--count] = (char)('0' + number % 10);
        number /= 10;
    }
}

/* The civil date of a day, counted from 1970-01-01; years begin in March here, so that leap days come last. */
static void format_date(char *to, u32 days) {
    u32 from_year_0 = days + 719468;
    u32 era = from_year_0 / 146097;
    u32 day_of_era = from_year_0 % 146097;
    u32 year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    u32 day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    u32 month = (5 * day_of_year + 2) / 153;
    u32 civil_month = month < 10 ? month + 3 : month - 9;
    digits(to, era * 400 + year_of_era + (civil_month <= 2), 4);
    digits(to + 5, civil_month, 2);
    digits(to + 8, day_of_year - (153 * month + 2) / 5 + 1, 2);
}

static void format_prefix(int is_stderr) {
    static u64 formatted_second = ~(u64)0;
    u64 now = now_ns();
    u64 second = now / 1000000000u;
    if (second != formatted_second) {
        formatted_second = second;
        u32 of_day = (u32)(second % 86400);
        memcpy(prefix, PREFIX, PREFIX_BYTES);
        format_date(prefix, (u32)(second / 86400));
        digits(prefix + 11, of_day / 3600, 2);
        digits(prefix + 14, of_day / 60 % 60, 2);
        digits(prefix + 17, of_day % 60, 2);
    }
    digits(prefix + 20, (u32)(now % 1000000000u), 9);
    memcpy(prefix + STREAM_AT, is_stderr ? "stderr" : "stdout", 6);
}

/* Counts the records from `start` on as lost. */
static void lose(struct process *p, u32 start) {
    while (start < out_bytes) {
        u32 end = start;
        while (out[end] != '\n') {
            end++;
        }
        p->lost_lines++;
        p->lost_bytes += end - start - PREFIX_BYTES;
        start = end + 1;
    }
}

/* Takes back the written part of a record, so that the log has whole lines only. */
static void untear(struct process *p, u32 bytes) {
    struct stat st;
    if (SYS_2(__NR_fstat, p->log, &st) < 0 || SYS_2(__NR_ftruncate, p->log, st.st_size - bytes) < 0) {
        p->torn = 1;
    }
}

static void log_result(struct process *p, s32 error) {
    if (p->log_error != error) {
        p->log_error = error;
        p->say |= SAY_LOG;
    }
}

/* Whatever happens to the log, the container's output is taken. */
static void flush(struct process *p) {
    u32 done = 0;
    s32 error = 0;
    if (out_bytes == 0) {
        return;
    }
    if (p->torn && SYS_3(__NR_write, p->log, "\n", 1) == 1) {
        p->torn = 0;
    }
    while (done < out_bytes && error == 0) {
        long written = p->torn ? -EIO : SYS_3(__NR_write, p->log, out + done, out_bytes - done);
        if (written > 0) {
            done += (u32)written;
        } else if (written != -EINTR) {
            error = written == 0 ? ENOSPC : (s32)-written;
        }
    }
    if (error != 0) {
        u32 start = done;
        while (start > 0 && out[start - 1] != '\n') {
            start--;
        }
        if (done > start) {
            untear(p, done - start);
        }
        lose(p, start);
    }
    out_bytes = 0;
    log_result(p, error);
}

static void emit(struct process *p, char tag, const u8 *text, u32 bytes) {
    if (out_bytes + PREFIX_BYTES + bytes + 1 > OUT_BYTES) {
        flush(p);
    }
    u8 *to = out + out_bytes;
    memcpy(to, prefix, PREFIX_BYTES);
    to[TAG_AT] = (u8)tag;
    memcpy(to + PREFIX_BYTES, text, bytes);
    to[PREFIX_BYTES + bytes] = '\n';
    out_bytes += PREFIX_BYTES + bytes + 1;
}

/* Eight bytes at a time: a byte is zero where the borrow of subtracting 1 reaches its high bit. */
static const u8 *find_newline(const u8 *from, const u8 *end) {
    const u64 ones = 0x0101010101010101u;
    while (end - from >= 8) {
        u64 word;
        memcpy(&word, from, sizeof word);
        word ^= ones * '\n';
        u64 zeros = (word - ones) & ~word & (ones * 0x80);
        if (zeros != 0) {
            return from + __builtin_ctzll(zeros) / 8;
        }
        from += 8;
    }
    while (from < end && *from != '\n') {
        from++;
    }
    return from;
}

/* Logs [from, end) of which everything before `fresh` has no newline; returns how many bytes at the end remain. */
static u32 log_lines(struct process *p, const u8 *from, const u8 *fresh, const u8 *end) {
    for (;;) {
        const u8 *newline = find_newline(fresh, end);
        if (newline == end) {
            break;
        }
        const u8 *text_end = newline > from && newline[-1] == '\r' ? newline - 1 : newline;
        for (; text_end - from > LINE_BYTES; from += LINE_BYTES) {
            emit(p, 'P', from, LINE_BYTES);
        }
        emit(p, 'F', from, (u32)(text_end - from));
        from = fresh = newline + 1;
    }
    while (end - from > PARTIAL_BYTES || (end - from == PARTIAL_BYTES && end[-1] != '\r')) {
        emit(p, 'P', from, LINE_BYTES);
        from += LINE_BYTES;
    }
    return (u32)(end - from);
}

/* Without memory for it a started line is logged at once, as a piece. */
static void keep_partial(struct process *p, struct stream *s, const u8 *from, u32 bytes) {
    if (bytes > 0 && s->partial == 0) {
        s->partial = map_pages(PARTIAL_BYTES, MAP_PRIVATE);
        if (failed(s->partial)) {
            s->partial = 0;
            for (; bytes > LINE_BYTES; from += LINE_BYTES, bytes -= LINE_BYTES) {
                emit(p, 'P', from, LINE_BYTES);
            }
            emit(p, 'P', from, bytes);
            bytes = 0;
        }
    }
    if (bytes > 0) {
        memcpy(s->partial, from, bytes);
    }
    s->partial_bytes = bytes;
}

long stream_read(struct process *p, struct stream *s) {
    u8 *fresh = in + s->partial_bytes;
    long count = SYS_3(__NR_read, s->fd, fresh, READ_BYTES);
    if (count == -EAGAIN || count == -EINTR) {
        return 0;
    }
    if (count <= 0) { /* EIO is how a terminal ends */
        stream_close(p, s);
        return -1;
    }
    used = 1;
    attached_write(p, s, fresh, (size_t)count);
    if (p->log < 0) {
        s->partial_bytes = 0;
        return count;
    }
    if (s->partial_bytes > 0) {
        memcpy(in, s->partial, s->partial_bytes);
    }
    const u8 *end = fresh + count;
    format_prefix(s == &p->err);
    u32 rest = log_lines(p, in, fresh, end);
    keep_partial(p, s, end - rest, rest);
    flush(p);
    return count;
}

void stream_drain(struct process *p, struct stream *s) {
    long count = 1;
    long most = s->fd < 0 ? 0 : SYS_2(__NR_fcntl, s->fd, F_GETPIPE_SZ);
    if (most < 0) {
        most = READ_BYTES; /* a terminal holds less */
    }
    for (long done = 0; count > 0 && done < most; done += count) {
        count = stream_read(p, s);
    }
}

void stream_close(struct process *p, struct stream *s) {
    if (s->partial_bytes > 0 && p->log >= 0) {
        u32 bytes = s->partial_bytes;
        format_prefix(s == &p->err);
        if (bytes > LINE_BYTES) {
            emit(p, 'P', s->partial, LINE_BYTES);
            emit(p, 'P', s->partial + LINE_BYTES, bytes - LINE_BYTES);
        } else {
            emit(p, 'P', s->partial, bytes);
        }
        flush(p);
    }
    if (s->partial != 0) {
        SYS_2(__NR_munmap, s->partial, PARTIAL_BYTES);
    }
    s->partial = 0;
    s->partial_bytes = 0;
    unwatch_close(&s->fd);
}

int log_is_busy(void) {
    return used;
}

void log_trim(void) {
    if (used) {
        u64 page = 4095;
        u8 *starts[] = {in, out};
        size_t sizes[] = {sizeof in, sizeof out};
        for (int i = 0; i < 2; i++) {
            u64 from = ((u64)starts[i] + page) & ~page;
            u64 to = ((u64)starts[i] + sizes[i]) & ~page;
            SYS_3(__NR_madvise, from, to - from, MADV_DONTNEED);
        }
        used = 0;
    }
}
