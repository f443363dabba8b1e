/* SPDX-License-Identifier: MIT */
#include "fanout/feed/pace.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include "common/base/clock.h"

/* So much is under way at most, in the time that the viewer takes for it; more for a long way. */
#define UNDER_WAY_NS (300 * NS_PER_MS)

/* So many bytes are little whatever the rate is. A window has a granularity, and a packet is more than its payload. */
#define LITTLE_BYTES 1500u

/* A window is not exact: so many bytes are none. */
#define EXACT_BYTES 256u

/* A window comes in steps, which are larger the larger it is. */
#define STEP_BYTES 1100u

/* A reader that has something to read reads some of it in so long. */
#define STILL_NS (300 * NS_PER_MS)

/* A rate is measured over this long at least. */
#define MEASURE_NS (40 * NS_PER_MS)

/* A ping that is answered so soon after the way there and back has not waited behind anything. */
#define PROMPT_NS (50 * NS_PER_MS)

/* Nothing was taken for so long: the viewer cannot be as quick as it was. */
#define SILENT_NS (100 * NS_PER_MS)

/*
 * A viewer that has taken all that it was given may be quicker: its rate is taken to be higher, by this factor each time. A
 * receive buffer may come to offer less although it is empty; this is what makes up for it.
 */
#define GROWTH 1.25
#define GROWTH_MAX 2

/* So much of a stream between the fan-out and a viewer's eyes is much, beside what the way there takes … */
#define MUCH_NS (300 * NS_PER_MS)

/* … while the stream's rate is not known … */
#define MUCH_BYTES (64u << 10)

/* … and however low it is. */
#define MUCH_BYTES_MIN (4u << 10)

/* What a socket holds unsent: half a second, and a keyframe without a second look, within these bounds. */
#define UNSENT_MIN (16u << 10)
#define UNSENT_MAX (512u << 10)

/* The first burst: what the stream has in so long, but not less than this. */
#define BURST_NS (150 * NS_PER_MS)
#define BURST_MIN (16u << 10)

/*
 * A new reader that answers nothing gets a little in so long; twice as long each time that its window did not
 * follow, and so often.
 */
#define TASTE_NS (50 * NS_PER_MS)
#define DOUBTS_MAX 3u

/* A window shrinks by itself later, while many small fragments come. */
#define FOLLOWED_ENOUGH 2u

/* It is weighed by no less, because a window comes in steps. */
#define TASTE_BYTES 3000u

/* Who has taken bursts of up to 2^TRUST_MAX times the first one in time may be sent any number of bytes. */
#define TRUST_MAX 6u

/* A burst got through in time if the answer behind it, or room, came so soon after the way there and back. */
#define SOON_NS (150 * NS_PER_MS)

/* Without a prompt answer a viewer is not taken for a quick one before so long. */
#define PROOF_NS (3 * NS_PER_SECOND)

/* How long the answer to the first ping is waited for, beside the way there and back. */
#define WAIT_NS (100 * NS_PER_MS)

/* The answer to a ping that comes later than this was behind what lay in a buffer that nothing is known of, as a proxy's. */
#define PONG_LATE_MS 600u
#define PONG_LATE_MAX_MS 600000u

/* A new viewer that has not answered yet may have been starved; it is sent nothing meanwhile, so nothing becomes old. */
#define NEW_SLOW_NS (1 * NS_PER_SECOND)

/* Slow for so long, it is sent things as it takes them; for so long, its rate counts; keeping up for so long, it is slow no more. */
#define SLOW_NS (500 * NS_PER_MS)
#define KNOWN_NS (1 * NS_PER_SECOND)
#define CALM_NS (10 * NS_PER_SECOND)

/* Of a viewer that has taken nothing yet. */
#define RATE_FIRST 16384.0

/* A rate of next to nothing would stay so. */
#define RATE_MIN 2048.0

bool pace_sample_read(int socket, int64_t now_ns, struct pace_sample *sample)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);

    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) < 0 ||
        length < offsetof(struct tcp_info, tcpi_snd_wnd) + sizeof(info.tcpi_snd_wnd)) {
        return false;
    }
    uint64_t sent = info.tcpi_bytes_sent - info.tcpi_bytes_retrans;
    uint64_t flying = sent > info.tcpi_bytes_acked ? sent - info.tcpi_bytes_acked : 0;
    *sample = (struct pace_sample){
        .now_ns = now_ns,
        .ack_ns = now_ns - (int64_t)info.tcpi_last_ack_recv * NS_PER_MS,
        .heard_ns = now_ns - (int64_t)info.tcpi_last_data_recv * NS_PER_MS,
        .rtt_ns = (int64_t)info.tcpi_min_rtt * NS_PER_US,
        .acked = info.tcpi_bytes_acked,
        .queued = flying + info.tcpi_notsent_bytes,
        .window = info.tcpi_snd_wnd,
    };
    return true;
}

bool pace_is_much(double rate, uint64_t bytes, int64_t rtt_ns)
{
    double much = rate > 0 ? rate * (double)(MUCH_NS + rtt_ns) / (double)NS_PER_SECOND : MUCH_BYTES;

    return (double)bytes > (much > MUCH_BYTES_MIN ? much : MUCH_BYTES_MIN);
}

uint32_t pace_first_burst(double rate)
{
    double burst = rate * (double)BURST_NS / (double)NS_PER_SECOND; /* 0 while the rate is not known */

    burst = burst > BURST_MIN ? burst : BURST_MIN;
    return burst < UINT32_MAX ? (uint32_t)burst : UINT32_MAX;
}

uint32_t pace_unsent(double rate, uint32_t keyframe)
{
    double wanted = keyframe * 1.25;

    wanted = rate / 2 > wanted ? rate / 2 : wanted;
    if (wanted <= 0) {
        return 0;
    }
    return (uint32_t)(wanted < UNSENT_MIN ? UNSENT_MIN : wanted > UNSENT_MAX ? UNSENT_MAX : wanted);
}

uint32_t pace_time_number(int64_t now_ns)
{
    return (uint32_t)(now_ns / NS_PER_MS) | 1;
}

uint32_t pace_late_ms(uint32_t number, int64_t rtt_ns, int64_t heard_ns)
{
    uint32_t late_ms = pace_time_number(heard_ns) - number;
    bool late = late_ms >= PONG_LATE_MS && late_ms <= PONG_LATE_MAX_MS &&
                late_ms * NS_PER_MS >= rtt_ns + PONG_LATE_MS * NS_PER_MS;

    return late ? late_ms : 0;
}

bool pace_is_filled(uint32_t window, uint32_t window_max)
{
    return window < window_max / 5 * 2;
}

/*
 * A buffer may come to offer less although it is empty, and would seem to hold the difference for ever. What
 * shows that it is empty: it reads nothing while it is given nothing, and then all that it is given.
 */
static void settle(struct pace *pace, const struct pace_sample *sample)
{
    const uint64_t edge = sample->acked + sample->window, given = pace->written - pace->still_at;
    const uint64_t moved = edge > pace->still_edge ? edge - pace->still_edge : 0;

    if (pace->still && given > EXACT_BYTES) {
        const bool all = sample->queued == 0 && moved + STEP_BYTES >= given;
        if (!all && sample->ack_ns - pace->given_ns < STILL_NS) {
            return; /* what has just come is still to be read */
        }
        pace->window_max = all ? sample->window : pace->window_max;
    } else if (pace->still_ns != 0 && moved <= STEP_BYTES) {
        pace->still = given <= EXACT_BYTES && sample->ack_ns - pace->still_ns >= STILL_NS;
        return;
    }
    pace->still = false;
    pace->still_edge = edge;
    pace->still_at = pace->written;
    pace->still_ns = sample->now_ns;
}

/* Keeps what SAMPLE says; returns how much the viewer has read, by its window. */
static uint64_t take(struct pace *pace, const struct pace_sample *sample)
{
    uint64_t written = sample->acked + sample->queued;
    uint32_t change =
        sample->window > pace->window ? sample->window - pace->window : pace->window - sample->window;
    bool news = change > EXACT_BYTES || written > pace->written + EXACT_BYTES; /* an answered ping is none */

    pace->window_max = sample->window > pace->window_max ? sample->window : pace->window_max;
    pace->window = sample->window;
    pace->queued = sample->queued;
    pace->rtt_ns = sample->rtt_ns > pace->way_ns ? sample->rtt_ns : pace->way_ns;
    if (written > pace->written + EXACT_BYTES) { /* a ping is nothing to read */
        pace->given_ns = sample->now_ns;
        pace->largest = written - pace->written > pace->largest && pace->written != 0
                            ? written - pace->written
                            : pace->largest;
    }
    pace->written = written;
    if (!pace->answers && pace->active) {
        settle(pace, sample);
    }
    if (!pace->answers) {
        pace->held = pace->window_max - sample->window;
        pace->held_ns = news || pace->held_ns == 0 ? sample->ack_ns : pace->held_ns;
    }
    return sample->acked > pace->held ? sample->acked - pace->held : 0;
}

void pace_begin(struct pace *pace, const struct pace_sample *sample, uint32_t window_max)
{
    *pace = (struct pace){.window_max = window_max, .taken_ns = sample->now_ns, .begun_ns = sample->now_ns};
    pace->taken = take(pace, sample);
    pace->taken_until = pace->begun_at = pace->written;
}

void pace_convict(struct pace *pace, uint64_t late, int64_t now_ns)
{
    pace->answers = pace->active = true;
    pace->slow_since_ns = now_ns;
    pace->taken = pace->written > late ? pace->written - late : 0;
    pace->taken_ns = pace->held_ns = now_ns;
    pace->taken_until = pace->written;
    pace->rate = RATE_FIRST;
}

/* True if a viewer that has read up to TAKEN, by its window, may have waited for more. */
static bool kept_up(const struct pace *pace, uint64_t taken)
{
    uint64_t given = pace->written - pace->taken_until;

    return (given > EXACT_BYTES && taken - pace->taken + EXACT_BYTES >= given) ||
           taken + EXACT_BYTES >= pace->taken_until;
}

/* The viewer has read up to TAKEN at AT_NS. WAITED: it may have waited for more in between. */
static void measure(struct pace *pace, uint64_t taken, int64_t at_ns, bool waited)
{
    int64_t passed_ns = at_ns - pace->taken_ns > MEASURE_NS ? at_ns - pace->taken_ns : MEASURE_NS;
    double rate = (double)(taken - pace->taken) / ((double)passed_ns / (double)NS_PER_SECOND);
    double grown = pace->rate * GROWTH, most = pace->rate * GROWTH_MAX;

    if (pace->rate <= 0) {
        pace->rate = rate;
    } else if (waited) {
        pace->rate = rate > most ? most : rate > grown ? rate : grown;
    } else {
        pace->rate = (pace->rate + rate) / 2;
    }
    pace->taken = taken;
    pace->taken_ns = at_ns;
    pace->taken_until = pace->written;
}

/* Nothing has been taken from taken_ns until UNTIL_NS, although all of `written` was there in the end. */
static void bound(struct pace *pace, int64_t until_ns)
{
    int64_t passed_ns = until_ns - pace->taken_ns;

    if (pace->rate > 0 && passed_ns >= SILENT_NS && pace->taken_until > pace->taken + EXACT_BYTES) {
        double most = (double)(pace->written - pace->taken) / ((double)passed_ns / (double)NS_PER_SECOND);
        pace->rate = most < pace->rate ? most : pace->rate;
    }
}

/* The first ping has not been answered, and may still be. */
static bool is_waiting_for_answer(const struct pace *pace, int64_t now_ns)
{
    return pace->asked_ns != 0 && !pace->answers && !pace->mute &&
           now_ns - pace->asked_ns < WAIT_NS + pace->rtt_ns;
}

static bool is_trusted(const struct pace *pace)
{
    return pace->burst == 0 || pace->trust >= TRUST_MAX || pace->followed >= FOLLOWED_ENOUGH;
}

/* By what is known to be under way: no rate counts that was measured while a buffer was filled. */
static bool is_within_burst(const struct pace *pace)
{
    uint64_t backlog = pace->answers ? pace->written - pace->taken : pace->queued + pace->held;

    return is_trusted(pace) || backlog <= (uint64_t)pace->burst << pace->trust;
}

/* Only its windows say what it reads. */
static bool is_silent(const struct pace *pace)
{
    return pace->cannot_answer || pace->mute;
}

/*
 * Whether a new reader that is silent takes what it is given from its buffer: then the edge of its window
 * goes on by as much. What is acknowledged has just come and is still to be read, so each time tells of what
 * was given before. A window grows at first although nothing is read, up to the size of the buffer, so what
 * the first burst makes of it says nothing.
 */
static void weigh(struct pace *pace, const struct pace_sample *sample)
{
    const uint64_t edge = sample->acked + sample->window, given = sample->acked - pace->weighed;

    if (pace->active || pace->followed >= FOLLOWED_ENOUGH || !is_silent(pace) || sample->queued > 0 ||
        given < TASTE_BYTES || sample->now_ns - pace->weighed_ns < TASTE_NS ||
        sample->acked - pace->begun_at <= pace->burst) {
        return;
    }
    if (pace->weighed != 0) {
        bool follows = edge > pace->weighed_edge && edge - pace->weighed_edge >= given / 2;
        pace->followed = follows ? pace->followed + 1 : 0;
        pace->doubts = follows ? 0 : pace->doubts < DOUBTS_MAX ? pace->doubts + 1 : DOUBTS_MAX;
    } else {
        pace->first_edge = edge;
        pace->first_ns = sample->now_ns;
    }
    pace->weighed_ns = sample->now_ns;
    pace->weighed = sample->acked;
    pace->weighed_edge = edge;
}

/* How far a viewer is trusted that says nothing by its answers: by how soon the windows say that there is room again. */
static void trust(struct pace *pace, int64_t now_ns)
{
    if (pace->active || pace->answers || is_waiting_for_answer(pace, now_ns)) {
        return;
    }
    bool within = is_within_burst(pace);
    if (pace->asked_ns != 0 && !pace->mute) {
        pace->mute = true;
    } else if (within && pace->full_since_ns != 0 && now_ns - pace->full_since_ns <= pace->rtt_ns + SOON_NS) {
        pace->trust++;
    }
    pace->full_since_ns = within ? 0 : pace->full_since_ns ? pace->full_since_ns : now_ns;
}

void pace_note(struct pace *pace, const struct pace_sample *sample)
{
    uint64_t taken = take(pace, sample);

    if (pace->answers && pace->written > pace->taken + LITTLE_BYTES) {
        bound(pace, sample->now_ns - pace->rtt_ns);
    } else if (pace->answers) {
        pace->taken_ns = sample->now_ns;
        pace->taken_until = pace->written;
    } else if (taken > pace->taken + EXACT_BYTES && sample->ack_ns - pace->taken_ns >= MEASURE_NS) {
        measure(pace, taken, sample->ack_ns, kept_up(pace, taken));
    } else if (pace->queued + pace->held <= LITTLE_BYTES) {
        pace->taken = taken > pace->taken ? taken : pace->taken;
        pace->taken_ns = sample->now_ns;
        pace->taken_until = pace->written;
    } else if (taken <= pace->taken + EXACT_BYTES) {
        bound(pace, sample->ack_ns);
    }
    if (pace->rate > 0 && pace->rate < RATE_MIN) {
        pace->rate = RATE_MIN;
    }
    weigh(pace, sample);
    trust(pace, sample->now_ns);
}

uint32_t pace_greet(struct pace *pace, int64_t now_ns)
{
    if (pace->cannot_answer) {
        return 0;
    }
    pace->greeted_ns = now_ns;
    pace->greeting = pace_time_number(now_ns);
    return pace->greeting;
}

uint32_t pace_ask(struct pace *pace, int64_t now_ns)
{
    bool waits = pace->asked_ns != 0, news = pace->written > pace->asked_at + EXACT_BYTES;

    if (pace->cannot_answer || (!pace->active && is_trusted(pace)) || waits || !news) {
        return 0;
    }
    pace->asked_at = pace->written;
    pace->asked_ns = now_ns;
    pace->asked = pace_time_number(now_ns); /* also for when this pace is forgotten and the answer is late */
    pace->asked += pace->asked == pace->greeting ? 2 : 0;
    return pace->asked;
}

/*
 * The first answer, which came WAITED_NS later than the way there and back takes. What was taken before is another measure. One that
 * was sent a first burst and answers late has shown how slow it is.
 */
static void begin_answers(struct pace *pace, int64_t waited_ns, int64_t now_ns)
{
    pace->answers = true;
    pace->taken = pace->asked_at;
    pace->taken_ns = now_ns;
    pace->taken_until = pace->written;
    if (pace->burst != 0 && !pace->active && waited_ns > NEW_SLOW_NS) {
        pace->active = true;
        pace->slow_since_ns = pace->begun_ns;
        pace->rate = (double)(pace->asked_at - pace->begun_at) /
                     ((double)(now_ns - pace->begun_ns) / (double)NS_PER_SECOND);
        pace->rate = pace->rate > RATE_MIN ? pace->rate : RATE_MIN;
    }
}

bool pace_has_read_on(struct pace *pace, uint32_t number)
{
    bool news = pace->heard == 0 || (int32_t)(number - pace->heard) > 0;

    pace->heard = news ? number : pace->heard;
    return news;
}

void pace_answered(struct pace *pace, uint32_t number, int64_t heard_ns)
{
    if (pace->greeted_ns != 0 && number == pace->greeting) {
        pace->way_ns = heard_ns - pace->greeted_ns;
        pace->rtt_ns = pace->way_ns > pace->rtt_ns ? pace->way_ns : pace->rtt_ns;
        pace->greeted_ns = 0;
    }
    if (pace->asked_ns == 0 || (int32_t)(number - pace->asked) < 0) {
        return;
    }
    const int64_t waited_ns = heard_ns - pace->asked_ns - pace->rtt_ns;
    pace->asked_ns = 0;
    pace->held_ns = heard_ns;
    if (!pace->answers) {
        begin_answers(pace, waited_ns, heard_ns);
    } else if (pace->asked_at > pace->taken) {
        measure(pace, pace->asked_at, heard_ns, waited_ns <= PROMPT_NS);
    }
    pace->trust = waited_ns > SOON_NS ? 0 : pace->trust < TRUST_MAX ? pace->trust + 1 : TRUST_MAX;
}

uint32_t pace_probe(const struct pace *pace, int64_t now_ns)
{
    return pace->active ? pace_time_number(now_ns) : 0;
}

uint64_t pace_backlog(const struct pace *pace, int64_t now_ns)
{
    double read = pace->rate * (double)(now_ns - pace->held_ns) / (double)NS_PER_SECOND;
    uint64_t held = pace->answers ? pace->written - pace->taken : pace->held;
    uint64_t left = read < (double)held ? held - (uint64_t)read : 0;

    if (pace->answers) {
        return left > pace->queued ? left : pace->queued;
    }
    return pace->queued + left;
}

int64_t pace_duration_ns(const struct pace *pace, uint64_t bytes, int64_t now_ns)
{
    double seconds = pace->rate > 0 ? (double)(pace_backlog(pace, now_ns) + bytes) / pace->rate : 0;

    return (int64_t)(seconds * (double)NS_PER_SECOND);
}

/*
 * True if a new reader that is silent may be given a little to see whether its window follows. Pings tell the
 * windows of others.
 */
static bool may_taste(const struct pace *pace, int64_t now_ns)
{
    const bool begun = pace->weighed != 0 && pace->written > pace->weighed + EXACT_BYTES &&
                       pace->written < pace->weighed + TASTE_BYTES;

    return is_silent(pace) && pace->doubts < DOUBTS_MAX && (pace->cannot_answer || is_within_burst(pace)) &&
           (begun || now_ns - pace->given_ns >= TASTE_NS << pace->doubts);
}

bool pace_has_room(const struct pace *pace, int64_t now_ns)
{
    if (!pace->active && !is_trusted(pace) && !pace->answers && pace->followed < FOLLOWED_ENOUGH) {
        return pace->written - pace->begun_at <= pace->burst || may_taste(pace, now_ns);
    }
    if (!pace->active) {
        return is_within_burst(pace);
    }
    if (pace->answers && pace->asked_ns && now_ns - pace->asked_ns > UNDER_WAY_NS + pace->rtt_ns) {
        return false; /* whatever its rate is taken to be, it has not read what came before the ping */
    }
    if (pace->still && pace->written <= pace->still_at + EXACT_BYTES) {
        return true; /* how it takes this tells whether its buffer is empty */
    }
    return pace_backlog(pace, now_ns) <= LITTLE_BYTES ||
           pace_duration_ns(pace, 0, now_ns) <= UNDER_WAY_NS + pace->rtt_ns;
}

static bool answers_in_time(const struct pace *pace)
{
    return pace->answers && pace->trust > 0;
}

bool pace_is_in_time(const struct pace *pace)
{
    return !pace->active && (answers_in_time(pace) || (pace->followed >= FOLLOWED_ENOUGH && !pace->answers));
}

bool pace_is_unproven(const struct pace *pace, int64_t now_ns)
{
    return pace->burst != 0 && !pace->active && !answers_in_time(pace) && now_ns - pace->begun_ns < PROOF_NS;
}

bool pace_is_known(const struct pace *pace, int64_t now_ns)
{
    return pace->active && pace->slow_since_ns && now_ns - pace->slow_since_ns >= KNOWN_NS;
}

/*
 * A new reader that is silent turns out to be slow. How far the edge of its window has come since that grew
 * tells how quick it is, but for the packet that it is reading, whose room is given back when all of it has
 * been read. Up to where the edge was at first its buffer reached, as next to nothing had been read, so the
 * largest window was less than the buffer.
 */
static void convict_silent(struct pace *pace, int64_t now_ns)
{
    const uint64_t edge = pace->written - pace->queued + pace->window;
    const uint64_t passed = edge > pace->first_edge ? edge - pace->first_edge : 0;
    const uint64_t buffer = pace->first_edge - pace->begun_at;

    pace->rate =
        (double)(passed + pace->largest) / ((double)(now_ns - pace->begun_ns) / (double)NS_PER_SECOND);
    pace->rate = pace->rate > RATE_MIN ? pace->rate : RATE_MIN;
    const bool read_little = passed < (pace->written - pace->begun_at) / 2;
    if (read_little && buffer > pace->window_max &&
        buffer - pace->window_max < pace->written - pace->begun_at) {
        pace->held += buffer - pace->window_max;
        pace->window_max = (uint32_t)buffer;
        pace->taken =
            pace->written > pace->queued + pace->held ? pace->written - pace->queued - pace->held : 0;
    }
}

int pace_judge(struct pace *pace, bool slow, int64_t now_ns)
{
    if (!slow) {
        pace->slow_since_ns = 0;
        pace->calm_since_ns = pace->calm_since_ns ? pace->calm_since_ns : now_ns;
        return !pace->active || now_ns - pace->calm_since_ns >= CALM_NS ? -1 : 0;
    }
    pace->calm_since_ns = 0;
    pace->slow_since_ns = pace->slow_since_ns ? pace->slow_since_ns : now_ns;
    const bool has_shown = pace->burst == 0 || pace->cannot_answer || pace->answers;
    if (pace->active || now_ns - pace->slow_since_ns < (has_shown ? SLOW_NS : NEW_SLOW_NS)) {
        return 0;
    }
    if (is_silent(pace) && pace->doubts > 0) {
        convict_silent(pace, now_ns);
    }
    pace->active = true;
    pace->rate = pace->rate > 0 ? pace->rate : RATE_FIRST;
    return 1;
}
