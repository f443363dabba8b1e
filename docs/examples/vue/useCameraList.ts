// SPDX-License-Identifier: MIT
// The cameras of a ringcast server, requested when the view opens and whenever the user asks.

import { onScopeDispose, readonly, ref } from 'vue';

export function useCameraList(server = '/') {
  const names = ref<string[]>([]);
  const problem = ref<string | null>(null);
  let asking: AbortController | null = null;

  async function ask() {
    asking?.abort();
    const { signal } = (asking = new AbortController());
    problem.value = null;
    try {
      const answer = await fetch(new URL('api/cameras', new URL(server, document.baseURI)), { signal, cache: 'no-store' });
      if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
      const { cameras } = (await answer.json()) as { cameras: { name: string }[] };
      names.value = cameras.map(({ name }) => name);
    } catch (error) {
      if (signal.aborted) return;
      problem.value = error instanceof Error ? error.message : String(error);
    }
  }

  onScopeDispose(() => asking?.abort());
  void ask();
  return { names: readonly(names), problem: readonly(problem), ask };
}
