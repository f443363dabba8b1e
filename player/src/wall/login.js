// SPDX-License-Identifier: MIT
// The log-in page. It is the answer to a page that needs a log-in, at that page's own address, so after the log-in that address
// is simply loaded again, with its query and its hash; at /login the wall comes next. No address is ever taken from a parameter.

import { watchAccess } from '../player/access.js';
import { LoginForm, NEWS } from './login-form.js';
import { brand } from './wall-brand.js';
import { speak } from './wall-language.js';

const ownPage = /\/login(\.html)?$/.test(location.pathname);

function goOn() {
  if (ownPage) location.replace(`./${location.search}${location.hash}`);
  else location.reload();
}

await speak();
brand();
const form = new LoginForm(goOn);
const { access } = watchAccess(new URL('api/session', document.baseURI).href, 'same-origin', { onrefused: () => {}, ongranted: goOn });
addEventListener('storage', ({ key }) => key === NEWS && access.check());
addEventListener('pageshow', ({ persisted }) => persisted && access.check());
form.open();
if (ownPage) access.check();
access.refuse(); // asks again from time to time: an unattended screen goes on when somebody logs in in another tab
dispatchEvent(new Event('ringcaststarted')); // wall-boot.js need not wait any longer
