/* SPDX-License-Identifier: MIT */
/* What to do about the words for which a camera has no pictures or no sound. Pure functions; any thread. */
#ifndef CTL_CAMERA_ADVICE_H
#define CTL_CAMERA_ADVICE_H

/* What to do about ERROR, the words for which a camera does not stream; NULL: that is not known. Static. */
const char *camera_advice(const char *error);

/* The same for the words for which it has no sound, an `audio_error` of the status. */
const char *camera_advice_of_sound(const char *error);

/* The same for the words for which a device names no streams by ONVIF. */
const char *camera_advice_of_device(const char *error);

#endif
