// SPDX-License-Identifier: MIT
// The cameras of a soak: small pictures, every codec, sub streams, one that fails and one that changes its size. `churn`: its worker may be
// killed; the others live as long as the run.

const MAIN = 'size=160x90,fps=8,gop=16';
const SUB = 'size=128x72,fps=5,gop=10';
const HEVC = 'codec=h265,size=128x96,fps=5,gop=10';

export const FLAKY = 'flaky';
export const RESIZED = 'resized';
const GUEST = 'guest';
export const SIZES = ['128x96', '160x90']; // of the one that changes it, in turn

const ALL = [
  { name: 'plain', spec: MAIN },
  { name: 'doubled', spec: MAIN, sub: SUB },
  { name: 'hidden', spec: MAIN, sub: SUB, churn: true },
  { name: 'remembers', spec: MAIN, settings: { look_back: 10 } },
  { name: 'asked', spec: MAIN, settings: { on_demand: true, on_demand_idle: 10 } },
  { name: 'killed', spec: MAIN, churn: true },
  { name: 'aac', spec: `${MAIN},audio=aac`, sub: SUB },
  { name: 'aac too', spec: `${MAIN},audio=aac`, churn: true },
  { name: 'alaw', spec: `${MAIN},audio=pcma` },
  { name: 'ulaw', spec: `${MAIN},audio=pcmu`, churn: true },
  { name: 'opus', spec: `${MAIN},audio=opus` },
  { name: 'hevc', spec: HEVC },
  { name: 'hevc sub', spec: HEVC, sub: SUB },
  { name: 'hevc alaw', spec: `${HEVC},audio=pcma`, churn: true },
  { name: FLAKY, spec: MAIN },
  { name: RESIZED, spec: MAIN },
];

// For a short run: one of each kind, where others use the machine.
const FEW = ['doubled', 'killed', 'alaw', 'hevc', 'hevc alaw', FLAKY, RESIZED];

const subOf = (name) => `${name} small`;

/** Arguments of the test camera for the soak's cameras: all of them, or FEW. */
export class CameraPlan {
  constructor({ few = false } = {}) {
    this.cameras = few ? ALL.filter(({ name }) => FEW.includes(name)) : ALL;
  }

  get arguments() {
    return this.cameras.flatMap(({ name, spec, sub }) => ['--camera', `${name}:${spec}`, ...(sub ? ['--camera', `${subOf(name)}:${sub}`] : [])]);
  }

  /** The configuration's `cameras`, which are served at URLS (name → URL). GUEST: whether there is one more, which comes and goes with reloads. */
  configured(urls, { guest = false } = {}) {
    const list = this.cameras.map(({ name, sub, settings }) => ({ name, url: urls.get(name), ...(sub && { sub: urls.get(subOf(name)) }), ...settings }));
    return guest ? [...list, { name: GUEST, url: list[0].url }] : list;
  }

  get names() {
    return this.cameras.map(({ name }) => name);
  }

  get withSub() {
    return this.cameras.filter(({ sub }) => sub).map(({ name }) => name);
  }

  get churned() {
    return this.cameras.filter(({ churn }) => churn).map(({ name }) => name);
  }

  /** What always streams unless it is hit. */
  get steady() {
    return this.cameras.filter(({ name, settings }) => name !== FLAKY && !settings?.on_demand).map(({ name }) => name);
  }
}
