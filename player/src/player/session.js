// SPDX-License-Identifier: MIT
// Everything between one start() and its stop(): the socket, the MediaSource, the watch over playback.
// All of it belongs to one scope, so that close() undoes it from any state and at any moment. The page may answer any
// call to it with a stop(), so after such a call the code checks the scope before it touches anything else.

import { FormatError, isInitSegment, parseFragment } from './boxes.js';
import { Continuity } from './continuity.js';
import { KeyEdge } from './key-edge.js';
import { FAR_S, LiveEdge } from './live-edge.js';
import { LiveEnd, LookBack } from './look-back.js';
import { lookOf } from './look.js';
import { Media } from './media.js';
import { Meter } from './meter.js';
import { Group, Stream } from './program.js';
import { Scope } from './scope.js';
import { makeTransport } from './shared-transport.js';
import { SoundWatch, soundOf } from './sound.js';
import { pageStrain } from './strain.js';

const TICK_MS = 250;
const STATS_MS = 1000;
const TRIM_MS = 1000;
const SUSPEND_MS = 5000; // hidden, off-screen or paused for this long: the pictures are not worth their bandwidth
const HEALTHY_MS = 10_000; // after playing for this long, the first attempt after a loss comes quickly again
const SILENCE_MS = 10_000; // a streaming camera sends nothing for this long: the connection is half-open
const KEY_STEP_S = 10; // keyframes come so often, as long as nothing is known
const OFFLINE_SILENCE_MS = 120_000; // the same while the camera is away
const ANSWER_MS = 3000; // how long a connection that slept has to answer, because it may be dead
const LATE_TICK_MS = 5000; // a tick this late: the page was frozen or the machine suspended
const IN_FLIGHT_MS = 3000; // if fragments still come this long after a pause, the server does not know pauses
const RETRY_GROUP_S = [0.5, 4]; // sound is tried again when the newest group is this long: enough to show, and soon decoded
const REPEATS_MS = 3000; // how long a new connection may repeat fragments that the old one brought

const STANDS_S = 0.5; // playback that stands before so much has enough to show
const ENOUGH = 3; // HAVE_FUTURE_DATA

const seeksOnly = () => globalThis.navigator?.vendor?.startsWith('Apple') ?? false;

export class Session {
  #video;
  #url;
  #options;
  #pass;
  #owner;
  #scope = new Scope();
  #transport = null;
  #media = null;
  #stream = null;
  #program = null; // which part of the stream goes to the browser
  #lastStream = null; // the one before, or the present one
  #sound = new SoundWatch();
  #hadSound = false;
  #toldSound = soundOf({});
  #group = new Group(); // only of a stream with sound, because sound may be wanted at any moment
  #announced = null;
  #continuity = new Continuity();
  #edge = new LiveEdge({ seeksOnly: seeksOnly() });
  #end = new LiveEnd();
  #past = null; // a LookBack
  #asked = null; // the one that the server was asked for and has not answered
  #askedBy = 0; // a server that has not answered until then does not know the question
  #looks = 0; // questions for the past that the server has not answered: what comes before belongs to what was before
  #reach = null; // seconds that the server has, by its last answer
  #frame = 0.04; // how long a picture lasts, in seconds
  #key = null; // a KeyEdge, if keyframes only come
  #camera = { state: null, error: null };
  #suspended = new Map(); // reason → true once in force, else the function that cancels its timer
  #pausedAt = 0;
  #answerBy = Infinity;
  #waitsTurn = false; // it begins again when others have
  #connectedAt = 0;
  #messageAt = 0;
  #playingSince = null;
  #position = 0;
  #trimmedAt = 0;
  #tickedAt = Date.now();
  #ranAt = performance.now(); // the same by the other clock
  #statsAt = 0;
  #meter = null;

  /** `owner`: `{ state, enter(state, detail), emit(type, detail) }`; `enter` tells the page. `pass` outlives the session. */
  constructor(video, url, options, pass, owner) {
    this.#video = video;
    this.#url = url;
    this.#options = options;
    this.#pass = pass;
    this.#owner = owner;
  }

  open() {
    const video = this.#video;
    const scope = this.#scope;
    const now = performance.now();
    this.#messageAt = this.#statsAt = now;
    this.#edge.aim(this.#options.targetDelay);
    if (this.#options.frames === 'key') this.#key = new KeyEdge();
    this.#meter = new Meter(video, now, (ms) => this.#owner.emit('firstpicture', { seconds: ms / 1000 }));
    scope.add(() => this.#meter.close());
    scope.add(() => {
      video.playbackRate = 1;
    });
    scope.add(() => this.#media?.close());
    scope.add(() => this.#transport?.close());
    scope.add(pageStrain.enter(this));
    scope.listen(video, 'playing', () => this.#onPlaying());
    scope.listen(video, 'waiting', () => this.#onWaiting());
    scope.listen(video, 'pause', () => this.#onPause());
    scope.listen(video, 'play', () => this.#onPlay());
    scope.listen(video, 'volumechange', () => this.#onVolume());
    scope.listen(video, 'volumechange', () => this.#tellSound());
    scope.listen(document, 'visibilitychange', () => this.#onVisibility());
    scope.interval(TICK_MS, () => this.#tick());
    this.#onVisibility();
    this.#connect();
  }

  close() {
    this.#scope.close();
  }

  /** Stays at least SECONDS behind the newest picture. */
  aim(seconds) {
    this.#edge.aim(seconds);
  }

  /** Does not wait any longer for the next attempt to connect. */
  retry() {
    if (!this.#asleep) this.#transport?.retry();
  }

  // ---- the past

  /** How far behind the newest picture playback is, in seconds; 0: it is live. */
  get behind() {
    const past = this.#asked ?? this.#past;
    return past ? Math.max(0, this.#end.at(performance.now()) - past.position) : 0;
  }

  /** How far back the server can go, in seconds; null: nobody has asked. */
  get reach() {
    return this.#reach;
  }

  /** When the picture on the screen was taken, in ms since 1970; null: not known. */
  get time() {
    return this.#meter?.timeAt(this.#video.currentTime) ?? null;
  }

  /** Goes on SECONDS later, or earlier. */
  seek(seconds) {
    const now = performance.now();
    const end = this.#end.at(now);
    if (end === null || this.#scope.closed) return;
    const target = ((this.#asked ?? this.#past)?.position ?? this.#video.currentTime) + seconds;
    if (LookBack.isPresent(target, end)) this.live();
    else this.#ask(new LookBack(target, this.#video.paused && this.#media !== null), now);
  }

  /** Back to the newest picture. */
  live() {
    const past = this.#asked ?? this.#past;
    if (past && !past.returning) {
      past.returning = true;
      this.#transport?.send(JSON.stringify({ type: 'live' }));
    }
    if (this.#video.paused && this.#media) this.#play();
  }

  /** The picture stands still, COUNT pictures further on. */
  step(count) {
    const video = this.#video;
    const target = video.currentTime + count * this.#frame;
    video.pause();
    if (rangesOf(video).some(([start, end]) => target >= start && target < end)) {
      video.currentTime = target;
      if (this.#past) this.#past.position = target;
    } else if (count < 0) {
      this.seek(count * this.#frame);
    }
  }

  /** Until the answer everything goes on as it was. */
  #ask(past, now) {
    this.#asked = past;
    this.#askedBy = now + ANSWER_MS;
    if (!this.#transport?.connected) return;
    this.#looks++;
    const { ago, for: seconds } = past.question(this.#end.at(now), now);
    this.#transport.send(JSON.stringify({ type: 'look', ago: round(ago), for: round(seconds) }));
  }

  #giveUpAsking() {
    this.#asked = null;
    this.#looks = 0;
    this.#tellPast();
  }

  #tellPast() {
    if (!this.#scope.closed) this.#owner.emit('lookback', { looking: this.#past !== null, reach: this.#reach });
  }

  #leavePast() {
    this.#past = this.#asked = null;
    this.#looks = 0;
    this.#video.playbackRate = 1;
    this.#edge.join();
    this.#tellPast();
  }

  /** The present was asked for before the connection was there, or while it was lost: a new one begins with that. */
  #returned() {
    const looked = this.#past !== null;
    this.#leavePast();
    if (looked && !this.#scope.closed) this.#begin();
  }

  /** The timeline goes on elsewhere. */
  #begin() {
    this.#continuity.reset();
    this.#group.clear();
    this.#sound.forget();
    this.#meter.forget();
    this.#edge.join();
    this.#openMedia();
  }

  /** Of several questions the last one counts, and what comes before its answer is of no use once another was answered. */
  #onLook({ ago, reach }) {
    const asked = this.#asked;
    this.#looks = Math.max(0, this.#looks - 1);
    this.#reach = Number(reach) || 0;
    if (!asked) return;
    if (typeof ago !== 'number') {
      this.#asked = null;
      this.#tellPast();
      return;
    }
    this.#past = asked;
    if (this.#looks > 0 || asked.returning) return;
    this.#asked = null;
    asked.begins(performance.now());
    this.resume('paused');
    this.#tellPast();
    if (!this.#scope.closed) this.#begin();
  }

  #onLive() {
    const past = this.#past;
    if (!past || this.#looks > 0) return;
    this.#leavePast();
    if (this.#scope.closed) return;
    if (past.returning) this.#begin();
    else if (this.#video.paused) this.suspend('paused'); // it has all that there is
  }

  #onPastFragment(fragment) {
    if (this.#looks > 0 || this.#past.returning) return;
    this.#meter.received(fragment);
    if (this.#continuity.judge(fragment, false) === 'append') this.#media.queue.pushFragment(fragment);
  }

  #watchPast(now) {
    const video = this.#video;
    const view = { now, position: video.currentTime, rate: video.playbackRate, ranges: rangesOf(video), end: this.#end.at(now) };
    if (this.#looks > 0 || this.#past.returning || video.seeking) return;
    const { seek, more } = this.#past.decide(view);
    if (seek !== undefined) video.currentTime = seek;
    if (more !== undefined) this.#transport.send(JSON.stringify({ type: 'more', for: round(more) }));
    if (!video.paused && video.readyState > 2 && this.#owner.state !== 'playing') this.#onPlaying();
  }

  /** Stops fetching after a few seconds unless `resume(reason)` comes first. The last picture stays. */
  suspend(reason) {
    if (this.#scope.closed || this.#suspended.has(reason)) return;
    const cancel = this.#scope.timeout(SUSPEND_MS, () => {
      this.#suspended.delete(reason);
      if (reason !== 'paused' && isInPicture(this.#video)) {
        this.suspend(reason); // the video can be seen after all: asks again later
        return;
      }
      const running = !this.#asleep;
      this.#suspended.set(reason, true);
      if (running) this.#fallAsleep(reason);
    });
    this.#suspended.set(reason, cancel);
  }

  resume(reason) {
    const entry = this.#suspended.get(reason);
    if (entry === undefined) return;
    this.#suspended.delete(reason);
    this.#edge.excuse(performance.now());
    if (entry !== true) entry();
    else if (!this.#asleep) this.#wakeUp();
  }

  get #asleep() {
    return [...this.#suspended.values()].includes(true);
  }

  get #unseen() {
    return document.hidden && !isInPicture(this.#video);
  }

  /** The connection stays, quiet, so that the pictures are there at once on return. */
  #fallAsleep(reason) {
    if (this.#past) this.#leavePast();
    this.#pausedAt = performance.now();
    this.#answerBy = Infinity;
    if (this.#transport.connected) this.#transport.send(JSON.stringify({ type: 'pause' }));
    else this.#transport.close();
    this.#playingSince = null;
    this.#owner.enter('idle', { reason });
  }

  #wakeUp() {
    this.#continuity.expectGap();
    if (!this.#transport.connected) {
      this.#connect();
      return;
    }
    this.#edge.join();
    this.#transport.send(JSON.stringify({ type: 'resume' }));
    this.#probe(performance.now());
    this.#owner.enter('buffering');
  }

  /** Asks for a sign of life. */
  #probe(now) {
    this.#messageAt = now;
    this.#answerBy = now + ANSWER_MS;
    this.#meter.askAgain(now);
    this.#askTime(now);
  }

  #connect() {
    this.#owner.enter('connecting', { url: this.#url });
    if (this.#scope.closed) return;
    this.#transport = makeTransport(this.#url, {
      onopen: () => this.#onOpen(),
      ontext: (text) => this.#onText(text),
      onbinary: (data) => this.#onBinary(data),
      onlost: (detail) => this.#onLost(detail),
      onrefused: (detail) => this.#onRefused(detail),
    }, this.#pass, this.#options);
    this.#transport.open();
  }

  // ---- what the server says

  #onOpen() {
    const now = performance.now();
    this.#connectedAt = this.#messageAt = now;
    this.#meter.connected(now);
    this.#edge.join();
    this.#askTime(now);
    this.#looks = 0;
    const past = this.#asked ?? this.#past;
    if (past?.returning) this.#returned();
    else if (past) this.#ask(new LookBack(past.position, past.paused), now);
    if (this.#scope.closed) return;
    this.#owner.enter('buffering');
  }

  #onLost(detail) {
    if (!this.#hasLeft()) this.#owner.enter(this.#meter.connections > 0 ? 'reconnecting' : 'connecting', detail);
  }

  #onRefused(detail) {
    if (this.#hasLeft()) return;
    this.#owner.enter('unauthorized', detail);
    this.#owner.emit('unauthorized', detail);
  }

  /** There is no connection any more; true if it is not wanted before the video can be seen again. */
  #hasLeft() {
    this.#playingSince = null;
    this.#announced = null;
    this.#answerBy = Infinity;
    if (this.#asleep) this.#transport.close();
    return this.#asleep;
  }

  #onText(text) {
    this.#messageAt = performance.now();
    this.#answerBy = Infinity;
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      this.#distrust('the server sent a text that is not JSON');
      return;
    }
    if (message?.type === 'init' && typeof message.mime === 'string') {
      this.#announced = message;
    } else if (message?.type === 'state') {
      this.#camera = { state: String(message.state), error: message.error == null ? null : String(message.error), ...lookOf(message) };
      this.#owner.emit('camerastate', { ...this.#camera });
    } else if (message?.type === 'drop') {
      this.#dropped(Number(message.fragments) || 0, 'server');
    } else if (message?.type === 'time') {
      this.#meter.answered(message, this.#messageAt);
    } else if (message?.type === 'look') {
      this.#onLook(message);
    } else if (message?.type === 'live') {
      this.#onLive();
    }
  }

  #askTime(now) {
    if (!this.#transport?.connected) return;
    const question = this.#meter.dueQuestion(now);
    if (question) this.#transport.send(question);
  }

  #onBinary(data) {
    this.#messageAt = performance.now();
    this.#answerBy = Infinity;
    if (this.#asleep && this.#messageAt - this.#pausedAt > IN_FLIGHT_MS) {
      this.#transport.close();
      return;
    }
    if (this.#waitsTurn) return;
    const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
    try {
      if (isInitSegment(bytes)) this.#onInit(bytes);
      else if (this.#stream) this.#onFragment(parseFragment(bytes, this.#stream.tracks));
      else throw new FormatError('a fragment came before the init segment');
    } catch (error) {
      if (!(error instanceof FormatError || error instanceof RangeError)) throw error;
      this.#distrust(error.message);
    }
  }

  /** The stream cannot be understood: begin again with a new connection. */
  #distrust(message) {
    this.#owner.emit('error', { code: 'protocol', message, fatal: false });
    if (!this.#scope.closed) this.#transport.reconnect(message);
  }

  #onInit(bytes) {
    const announced = this.#announced ?? this.#stream?.announced;
    if (!announced) throw new FormatError('an init segment came without its codecs');
    if (this.#media && this.#stream?.equals(bytes, announced)) {
      this.#stream.announced = announced;
      return;
    }
    this.#stream = new Stream(bytes, announced);
    if (this.#lastStream?.equals(bytes, announced)) this.#sound.forget();
    else this.#sound.begin();
    this.#lastStream = this.#stream;
    this.#hadSound ||= this.#stream.hasSound;
    this.#group.clear();
    this.#continuity.expectKeyframe();
    if (!this.#choose()) return;
    if (!this.#media?.change(this.#program)) this.#openMedia();
    if (this.#scope.closed) return;
    const { mime, codecs, width, height, generation } = announced;
    this.#owner.emit('init', { mime, codecs, width, height, generation });
    this.#tellSound();
  }

  /** Plays sound with the pictures if it is wanted and healthy; false if the browser can play neither. */
  #choose() {
    this.#program = this.#stream.programFor(!this.#video.muted && !this.#sound.away);
    const { bytes, refusal } = this.#program;
    if (!bytes) {
      this.#fail({ ...refusal, mime: this.#stream.mime });
      return false;
    }
    if (refusal) this.#owner.emit('error', { ...refusal, fatal: false });
    this.#edge.setSound(this.#heard);
    if (this.#heard) this.#sound.play(performance.now());
    return !this.#scope.closed;
  }

  /** Whether the browser is given sound. */
  get #heard() {
    return this.#stream !== null && this.#stream.hasSound && !this.#program.silent;
  }

  #onFragment(fragment) {
    const now = performance.now();
    this.#frame = fragment.end - fragment.start || this.#frame;
    if (this.#past) {
      this.#onPastFragment(fragment);
      return;
    }
    this.#end.arrived(fragment.end, now);
    if (this.#key) this.#continuity.expectGap();
    let verdict = this.#continuity.judge(fragment, now - this.#connectedAt < REPEATS_MS);
    if (verdict === 'reset') {
      this.#begin();
      this.#key?.join();
      if (this.#scope.closed) return;
      verdict = this.#continuity.judge(fragment, false);
    }
    this.#meter.received(fragment);
    if (verdict !== 'append') return;
    if (this.#key) this.#key.arrived(fragment.start, fragment.end);
    else this.#edge.arrived(fragment.start, fragment.end, now);
    if (this.#stream.hasSound) this.#group.add(fragment);
    if (!this.#stream.hasSound || !this.#watchSound(fragment, now)) this.#media.queue.pushFragment(fragment);
  }

  #dropped(fragments, by) {
    this.#meter.dropped += fragments;
    if (fragments > 0) this.#owner.emit('drop', { fragments, by });
  }

  // ---- the pictures

  #openMedia() {
    this.#closeMedia();
    if (this.#scope.closed) return;
    this.#media = new Media(this.#video, this.#program, {
      onfail: (error) => this.#onMediaFailed(error),
      ondrop: (fragments) => this.#dropped(fragments, 'browser'),
      onidle: () => this.#onIdle(),
      maxBytes: this.#options.maxQueueBytes,
    });
    this.#edge.excuse(performance.now());
    this.#meter.watchFrame();
    if (!this.#suspended.has('paused') && !this.#past?.paused) this.#play();
  }

  /** Removes the old pictures; tells the page before, so that it can keep the last one on the screen. */
  #closeMedia() {
    if (!this.#media) return;
    this.#owner.emit('reset', {});
    this.#media?.close();
    this.#media = null;
  }

  #onMediaFailed(error, turn = null) {
    if (this.#scope.closed || !this.#media) return;
    this.#owner.emit('error', { code: 'media', message: error.message, fatal: false });
    if (this.#scope.closed) return;
    if (this.#heard) {
      this.#setSoundAside('decoder', performance.now()); // if the pictures were the cause, they fail once more
      return;
    }
    this.#sound.acquit();
    this.#beginAgain(error.message, turn ?? pageStrain.turn(performance.now()));
  }

  /** With new pictures, in `turn` ms: what comes until then is of no use. */
  #beginAgain(reason, turn) {
    this.#closeMedia();
    this.#stream = null;
    this.#group.clear();
    this.#continuity.reset();
    if (this.#scope.closed) return;
    if (turn <= 0) {
      this.#transport.reconnect(reason);
      return;
    }
    this.#waitsTurn = true;
    this.#playingSince = null;
    if (this.#owner.state === 'playing') this.#owner.enter('stalled');
    this.#scope.timeout(turn, () => {
      this.#waitsTurn = false;
      this.#transport.reconnect(reason);
    });
  }

  // ---- the sound

  /** True if playback began again, which gave the browser this fragment with its group. */
  #watchSound(fragment, now) {
    this.#sound.came(fragment, now);
    if (this.#asleep || this.#unseen || this.#video.muted) return false;
    const { away } = this.#sound;
    if (away && this.#group.seconds >= RETRY_GROUP_S[0] && this.#group.seconds <= RETRY_GROUP_S[1] && this.#sound.isBack(now)) {
      this.#sound.play(now);
      this.#renew();
      return true;
    }
    const trouble = this.#heard ? this.#sound.trouble({ position: this.#video.currentTime }) : null;
    if (trouble) this.#setSoundAside(trouble, now);
    return trouble !== null;
  }

  /** The pictures go on alone. */
  #setSoundAside(reason, now) {
    this.#sound.setAside(reason, now);
    this.#renew();
  }

  /** Begins again with what is to be shown now, from the newest group of pictures on. */
  #renew() {
    const fragments = [...this.#group.fragments];
    if (!this.#choose()) return;
    this.#openMedia();
    if (this.#scope.closed) return;
    if (fragments.length === 0) this.#continuity.expectKeyframe();
    this.#edge.hurry(performance.now());
    for (const fragment of fragments) this.#media.queue.pushFragment(fragment);
    this.#tellSound();
  }

  #tellSound() {
    if (this.#scope.closed || !this.#stream) return;
    const { hasSound } = this.#stream;
    const reason = this.#sound.away ?? (this.#program.refusal ? 'codec' : 'missing');
    const sound = soundOf({ hasSound, hadSound: this.#hadSound, muted: this.#video.muted, playing: this.#heard, reason });
    const told = this.#toldSound;
    this.#toldSound = sound;
    if (sound.state !== told.state || sound.reason !== told.reason) this.#owner.emit('soundchange', sound);
  }

  #play() {
    const video = this.#video;
    video.play().catch((error) => {
      if (this.#scope.closed || error.name !== 'NotAllowedError' || video.muted) return;
      video.muted = true;
      this.#owner.emit('automuted', {});
      if (!this.#scope.closed) this.#play();
    });
  }

  #fail(why) {
    this.close();
    this.#owner.enter('failed', why);
    this.#owner.emit('error', { ...why, fatal: true });
  }

  // ---- the watch

  #onPlaying() {
    if (!this.#transport?.connected || this.#asleep) return;
    this.#playingSince ??= performance.now();
    this.#owner.enter('playing');
  }

  #onWaiting() {
    const now = performance.now();
    if (this.#past) return;
    const flowing = now - this.#messageAt < TICK_MS && this.#owner.state === 'playing';
    if (flowing && !this.#video.seeking) this.#edge.underrun(now);
  }

  /** All that came has reached the browser. A young connection, and playback in front of a hole, need not wait for the next tick. */
  #onIdle() {
    const now = performance.now();
    const atHole = this.#video.readyState < ENOUGH && this.#video.buffered.length > 1;
    if (this.#media && !this.#asleep && !this.#unseen && (this.#past || this.#key || atHole || this.#edge.isJoining(now))) this.#watchVideo(now);
  }

  #onPlay() {
    if (this.#past) this.#past.paused = false;
    this.resume('paused');
  }

  #onPause() {
    if (this.#past) {
      this.#past.paused = true;
      return;
    }
    if (!this.#video.ended && !document.hidden && this.#video.isConnected) this.suspend('paused');
  }

  /** Sound that is wanted begins at once, if it is healthy; sound that is no longer wanted ends when playback next begins again. */
  #onVolume() {
    if (!this.#media || !this.#stream?.hasSound) return;
    const begun = this.#owner.state === 'playing';
    const wanted = !this.#video.muted;
    if (wanted ? !this.#program.silent || this.#program.refusal || this.#sound.away : this.#program.silent || begun) return;
    const now = performance.now();
    const trouble = wanted ? this.#sound.trouble({ from: this.#group.fragments[0]?.start }) : null;
    if (trouble) this.#sound.setAside(trouble, now);
    else this.#renew();
  }

  #onVisibility() {
    if (document.hidden) this.suspend('hidden');
    else this.resume('hidden');
  }

  #tick() {
    const now = performance.now();
    const wall = Date.now(); // performance.now() may stand still in a suspended machine
    this.#excuse(now - this.#ranAt - TICK_MS);
    if (wall - this.#tickedAt > LATE_TICK_MS) this.#probe(now);
    this.#tickedAt = wall;
    this.#ranAt = now;
    this.#askTime(now); // it keeps a quiet connection, too
    if (this.#asleep || this.#unseen) {
      this.#edge.excuse(now);
      return;
    }
    this.#watchSocket(now);
    if (this.#asked && this.#transport.connected && now > this.#askedBy) this.#giveUpAsking();
    if (this.#media) this.#watchVideo(now);
    if (this.#scope.closed) return;
    this.#meter.watchFrame();
    if (now - this.#statsAt >= STATS_MS) this.#report(now);
  }

  /** For so many ms the page was too busy to hear anything: that is not the server's silence. */
  #excuse(late) {
    if (late < TICK_MS) return;
    this.#messageAt += late;
    this.#answerBy += late;
  }

  #watchSocket(now) {
    if (!this.#transport?.connected) return;
    const streaming = SILENCE_MS + (this.#key ? (this.#key.step || KEY_STEP_S) * 2000 : 0);
    const limit = this.#camera.state === 'streaming' && !this.#past ? streaming : OFFLINE_SILENCE_MS;
    if (now - this.#messageAt > limit || now > this.#answerBy) {
      this.#messageAt = now;
      this.#transport.reconnect('nothing came for too long');
    } else if (this.#playingSince !== null && now - this.#playingSince > HEALTHY_MS) {
      this.#transport.settle();
    }
  }

  #watchVideo(now) {
    const video = this.#video;
    if (now - this.#trimmedAt > TRIM_MS) {
      this.#trimmedAt = now;
      this.#media.queue.trim();
    }
    if (this.#past) {
      this.#watchPast(now);
      return;
    }
    if (video.paused) {
      this.#edge.excuse(now);
      return;
    }
    const moved = this.#position !== video.currentTime;
    this.#position = video.currentTime;
    const view = { now, position: video.currentTime, ranges: rangesOf(video), seeking: video.seeking };
    const answer = (this.#key ?? this.#edge).decide(view);
    const behind = (view.ranges.at(-1)?.[1] ?? 0) - view.position;
    pageStrain.note(this, answer.giveUp === true || (answer.stalled && behind > STANDS_S));
    this.#obey(answer, moved && !video.seeking && video.readyState > 2);
  }

  #obey({ seek, rate, stalled, giveUp }, moving) {
    const video = this.#video;
    if (giveUp && pageStrain.mayRebuild(performance.now())) {
      this.#onMediaFailed(new Error('playback stands still although there are pictures'), 0);
      return;
    }
    if (seek !== undefined) video.currentTime = seek;
    if (video.playbackRate !== rate) video.playbackRate = rate;
    if (stalled && this.#owner.state === 'playing') {
      this.#playingSince = null;
      this.#owner.enter('stalled');
    } else if (moving && seek === undefined && this.#owner.state !== 'playing') {
      this.#onPlaying();
    }
  }

  #report(now) {
    const video = this.#video;
    const ranges = rangesOf(video);
    const newest = this.#key ? this.#key.newest : (ranges.at(-1)?.[1] ?? null);
    const delay = newest !== null && ranges.length ? Math.max(0, newest - video.currentTime) : null;
    this.#statsAt = now;
    this.#owner.emit('stats', {
      ...this.#meter.report(now),
      delay,
      behind: this.behind,
      step: this.#key?.step ?? 0,
      tooMany: pageStrain.tooMany,
      target: this.#edge.target(now),
      buffered: ranges.length ? ranges.at(-1)[1] - ranges[0][0] : 0,
      silence: (now - this.#messageAt) / 1000,
      missed: this.#continuity.missed,
      queueBytes: this.#media?.queue.bytes ?? 0,
      codecs: this.#stream?.announced.codecs ?? null,
      sound: this.#stream?.hasSound ? !this.#program.silent : null,
      width: video.videoWidth || null,
      height: video.videoHeight || null,
      late: !this.#past && delay !== null && delay > this.#options.targetDelay + FAR_S,
    });
  }
}

/** Whether the video is in a window of its own, which is seen while the page is hidden. */
function isInPicture(video) {
  const root = video.getRootNode?.() ?? document;
  return root.pictureInPictureElement === video || video.webkitPresentationMode === 'picture-in-picture';
}

const round = (seconds) => Math.round(seconds * 1000) / 1000;

function rangesOf(video) {
  const { buffered } = video;
  return Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)]);
}
