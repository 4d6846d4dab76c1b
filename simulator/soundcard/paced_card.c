/* A sound card without a sound server: an ALSA device that plays by the machine's clock.
 *
 * Owns a buffer that empties at 48 kHz from CLOCK_MONOTONIC and a wake-up each period, which is
 * what the driver of a USB or on-board card does. What it is given is written to a file, every
 * start (also after it ran dry) as a line "frame ns" to another, so that the instant at which each
 * sample left is known exactly. Has no converter, no mixer, no transfer times of a bus.
 */

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define RATE 48000

struct card {
    snd_pcm_ioplug_t io;
    int timer, sound;
    FILE *starts;
    int64_t began_ns;      /* 0: stopped */
    uint64_t total, given; /* frames ever, frames since it was prepared */
};

static int64_t now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static uint64_t played(const struct card *card) {
    if (!card->began_ns)
        return 0;
    return (uint64_t)((double)(now_ns() - card->began_ns) * RATE / 1e9);
}

static int wake(struct card *card, int on) {
    struct itimerspec each = {{0, 0}, {0, 0}};
    int64_t period_ns = (int64_t)card->io.period_size * 1000000000LL / RATE;
    if (on) {
        int64_t first_ns = card->began_ns + period_ns;
        each.it_value.tv_sec = first_ns / 1000000000LL;
        each.it_value.tv_nsec = first_ns % 1000000000LL;
        each.it_interval.tv_sec = period_ns / 1000000000LL;
        each.it_interval.tv_nsec = period_ns % 1000000000LL;
    }
    return timerfd_settime(card->timer, TFD_TIMER_ABSTIME, &each, NULL) < 0 ? -errno : 0;
}

static int card_start(snd_pcm_ioplug_t *io) {
    struct card *card = io->private_data;
    card->began_ns = now_ns();
    fprintf(card->starts, "%llu %lld\n", (unsigned long long)(card->total - card->given),
            (long long)card->began_ns);
    fflush(card->starts);
    return wake(card, 1);
}

static int card_stop(snd_pcm_ioplug_t *io) {
    struct card *card = io->private_data;
    card->began_ns = 0;
    return wake(card, 0);
}

static int card_prepare(snd_pcm_ioplug_t *io) {
    struct card *card = io->private_data;
    card->began_ns = 0;
    card->given = 0;
    return wake(card, 0);
}

static snd_pcm_sframes_t card_pointer(snd_pcm_ioplug_t *io) {
    const struct card *card = io->private_data;
    uint64_t at = played(card);
    if (card->began_ns && at > card->given)
        return -EPIPE;
    return (snd_pcm_sframes_t)(at % io->buffer_size);
}

static snd_pcm_sframes_t card_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
                                       snd_pcm_uframes_t offset, snd_pcm_uframes_t size) {
    struct card *card = io->private_data;
    size_t frame = areas[0].step / 8;
    const char *from = (const char *)areas[0].addr + areas[0].first / 8 + offset * frame;
    if (write(card->sound, from, size * frame) < 0)
        return -errno;
    card->total += size;
    card->given += size;
    return (snd_pcm_sframes_t)size;
}

static int card_revents(snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned int count,
                        unsigned short *revents) {
    const struct card *card = io->private_data;
    uint64_t woken, at = played(card);
    (void)count;
    *revents = 0;
    if (!(fds[0].revents & POLLIN) || read(card->timer, &woken, sizeof woken) < 0)
        return 0;
    if (at > card->given || io->buffer_size - (card->given - at) >= io->period_size)
        *revents = POLLOUT;
    return 0;
}

static int card_close(snd_pcm_ioplug_t *io) {
    struct card *card = io->private_data;
    close(card->timer);
    close(card->sound);
    fclose(card->starts);
    free(card);
    return 0;
}

static const snd_pcm_ioplug_callback_t CALLS = {
    .start = card_start,
    .stop = card_stop,
    .pointer = card_pointer,
    .transfer = card_transfer,
    .close = card_close,
    .prepare = card_prepare,
    .poll_revents = card_revents,
};

static int constrain(struct card *card) {
    const unsigned int access[] = {SND_PCM_ACCESS_MMAP_INTERLEAVED, SND_PCM_ACCESS_RW_INTERLEAVED};
    const unsigned int format[] = {SND_PCM_FORMAT_S16_LE};
    snd_pcm_ioplug_t *io = &card->io;
    int error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 2, access);
    if (error >= 0)
        error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, format);
    if (error >= 0)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, 1, 8);
    if (error >= 0)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, RATE, RATE);
    if (error >= 0)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64, 1 << 16);
    if (error >= 0)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_BUFFER_BYTES, 128, 1 << 18);
    return error;
}

SND_PCM_PLUGIN_DEFINE_FUNC(paced) {
    const char *sound = NULL, *starts = NULL;
    snd_config_iterator_t i, next;
    (void)root;
    snd_config_for_each(i, next, conf) {
        snd_config_t *entry = snd_config_iterator_entry(i);
        const char *id;
        if (snd_config_get_id(entry, &id) < 0)
            continue;
        if (!strcmp(id, "sound"))
            snd_config_get_string(entry, &sound);
        else if (!strcmp(id, "starts"))
            snd_config_get_string(entry, &starts);
    }
    if (stream != SND_PCM_STREAM_PLAYBACK || !sound || !starts)
        return -EINVAL;
    struct card *card = calloc(1, sizeof *card);
    if (!card)
        return -ENOMEM;
    card->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    card->sound = open(sound, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    card->starts = fopen(starts, "we");
    if (card->timer < 0 || card->sound < 0 || !card->starts)
        return -errno;
    card->io.version = SND_PCM_IOPLUG_VERSION;
    card->io.name = "a card of the machine's clock";
    card->io.callback = &CALLS;
    card->io.private_data = card;
    card->io.poll_fd = card->timer;
    card->io.poll_events = POLLIN;
    card->io.mmap_rw = 0;
    int error = snd_pcm_ioplug_create(&card->io, name, stream, mode);
    if (error >= 0)
        error = constrain(card);
    if (error < 0)
        return error;
    *pcmp = card->io.pcm;
    return 0;
}

SND_PCM_PLUGIN_SYMBOL(paced);
