// SPDX-License-Identifier: MIT
// One camera after another in a <video>. Whatever happens to one (pictures come, the browser refuses them, something is
// thrown, another is chosen, the view is left), there is a single clean-up: aborting its AbortController.

import { RingcastPlayer, type RingcastState } from 'ringcast-player/player';
import { readonly, ref, watch, type Ref } from 'vue';

export function useCamera(video: Ref<HTMLVideoElement | null>, camera: Ref<string | null>, server = '/') {
  const state = ref<RingcastState>('idle');
  const problem = ref<string | null>(null);
  const seconds = ref<number | null>(null); // until the first picture
  const attempts = ref(0);

  async function show(target: HTMLVideoElement, name: string, here: AbortController) {
    const { signal } = here;
    problem.value = seconds.value = null;
    try {
      const player = new RingcastPlayer(target, { camera: name, src: server, signal });
      player.addEventListener('statechange', ({ detail }) => (state.value = detail.state), { signal });
      const pictures = firstPicture(player, signal);
      player.start();
      seconds.value = await pictures;
    } catch (error) {
      if (signal.aborted) return; // left or switched: the next one speaks
      here.abort();
      state.value = 'failed';
      problem.value = error instanceof Error ? error.message : String(error);
    }
  }

  // Vue calls onCleanup's function before the next run and when the component goes.
  watch([video, camera, attempts], ([target, name], _before, onCleanup) => {
    state.value = 'idle';
    if (!target || name === null) return;
    const here = new AbortController();
    onCleanup(() => here.abort());
    void show(target, name, here);
  }, { flush: 'post', immediate: true });

  return { state: readonly(state), problem: readonly(problem), seconds: readonly(seconds), again: () => attempts.value++ };
}

/** Seconds until the first picture. Lost connections are made again meanwhile; it rejects only when the camera cannot be played. */
function firstPicture(player: RingcastPlayer, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    player.addEventListener('firstpicture', ({ detail }) => resolve(detail.seconds), { signal });
    player.addEventListener('error', ({ detail }) => detail.fatal && reject(new Error(detail.message)), { signal });
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
