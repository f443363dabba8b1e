// SPDX-License-Identifier: MIT
// A classic script, so that it runs before the first paint, and even if a module is missing. It sets the chosen colours,
// and reloads the page if the server went away while the page was loading.

(() => {
  const STARTED_MS = 20_000;
  const RETRY_MS = 5000;
  const root = document.documentElement;

  try {
    const { theme } = JSON.parse(localStorage.getItem('ringcast.wall') ?? '{}');
    if (theme === 'dark' || theme === 'light') root.dataset.theme = theme;
  } catch {
    // Nothing is stored, or storing is not allowed.
  }

  let timer = setTimeout(retry, STARTED_MS);
  addEventListener('error', onError, true);
  addEventListener('ringcaststarted', end);

  function end() {
    clearTimeout(timer);
    removeEventListener('error', onError, true);
    removeEventListener('ringcaststarted', end);
  }

  function onError({ target }) {
    if (target instanceof HTMLScriptElement) again();
  }

  function again() {
    clearTimeout(timer);
    timer = setTimeout(retry, RETRY_MS);
  }

  /** Reloads only when the server answers, if only with the log-in page: the browser's own error page would never come back. */
  async function retry() {
    try {
      const answer = await fetch(location.href, { cache: 'no-store' });
      if (answer.ok || answer.status === 401) location.reload();
      else again();
    } catch {
      again();
    }
  }
})();
