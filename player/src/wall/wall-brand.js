// SPDX-License-Identifier: MIT
// The title and the logo of this installation, in place of ringcast's.

const PATIENCE_MS = 8000;

let title = 'ringcast';

/** What the pages call themselves. */
export const productName = () => title;

/** Takes them from the server, and shows them; `onchange()` when the title is another one. */
export async function brand(onchange = () => {}) {
  const about = await fetch('api/wall', { signal: AbortSignal.timeout(PATIENCE_MS) }).then((answer) => (answer.ok ? answer.json() : {})).catch(() => ({}));
  if (typeof about.logo === 'string' && about.logo.startsWith('data:image/')) {
    for (const icon of document.querySelectorAll('.brand svg')) icon.replaceWith(Object.assign(document.createElement('img'), { src: about.logo, alt: '', className: 'logo' }));
    document.querySelector('link[rel=icon]')?.setAttribute('href', about.logo);
  }
  if (typeof about.title !== 'string' || about.title === '') return;
  const before = title;
  title = about.title;
  for (const word of document.querySelectorAll('.brand .word')) word.textContent = title;
  document.title = document.title.replace(before, () => title);
  onchange();
}
