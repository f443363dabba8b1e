// SPDX-License-Identifier: MIT
// Parameters of the page's address that are lists of names: written with plain commas, so that people can read and type them.
// All others stay as they are, letter by letter.

/** Text that is not encoded is taken as it is. */
export function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The names in `?name=a,b`, or null: the query does not have it. */
export function listOf(query, name) {
  const value = new RegExp(`[?&]${name}=([^&]*)`).exec(query)?.[1];
  return value === undefined ? null : value.split(',').map(decode).filter((each) => each !== '');
}

/** The text in `?name=text`, or null. */
export function textOf(query, name) {
  const value = new RegExp(`[?&]${name}=([^&]*)`).exec(query)?.[1];
  return value === undefined ? null : decode(value);
}

/** `query` with other names in `?name=`; without it if `names` is null or empty. */
export function withList(query, name, names) {
  const rest = query.replace(/^\?/, '').split('&').filter((part) => part !== '' && part.split('=')[0] !== name);
  if (names?.length > 0) rest.push(`${name}=${names.map(encodeURIComponent).join(',')}`);
  return rest.length > 0 ? `?${rest.join('&')}` : '';
}
