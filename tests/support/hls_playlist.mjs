// SPDX-License-Identifier: MIT
// Reads HLS playlists strictly (RFC 8216bis, section 4): throws at everything that is not in its grammar, or is not known.
const INTEGER = /^\d{1,20}$/;
const DECIMAL = /^\d+(\.\d+)?$/;

const integer = (text) => {
  if (!INTEGER.test(text)) throw new Error(`"${text}" is not a decimal integer (4.2)`);
  return Number(text);
};

const decimal = (text) => {
  if (!DECIMAL.test(text)) throw new Error(`"${text}" is not a decimal number (4.2)`);
  return Number(text);
};

const text = (value) => value;
const yes = (value) => {
  if (value !== 'YES') throw new Error(`"${value}" in place of YES`);
  return true;
};

// Quoted strings are told from the others by this.
const QUOTED = (value) => value;

/** An attribute list (4.2): {NAME: value}. KINDS: what each may be; REQUIRED: which must be there. */
function list(textOfList, kinds, required) {
  const isQuoted = (name) => kinds[name] === QUOTED;
  const found = {};
  let rest = textOfList;
  while (rest !== '') {
    const match = /^([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(,(?=.)|$)/.exec(rest);
    if (!match) throw new Error(`an attribute list (4.2): ${rest}`);
    const [all, name, value] = match;
    if (name in found) throw new Error(`attribute ${name} is there twice (4.2)`);
    if (!kinds[name]) throw new Error(`attribute ${name} is not known`);
    if (isQuoted(name) !== value.startsWith('"')) throw new Error(`quotes of ${name}=${value} (4.2)`);
    found[name] = kinds[name](isQuoted(name) ? value.slice(1, -1) : value);
    rest = rest.slice(all.length);
  }
  for (const name of required) if (!(name in found)) throw new Error(`no attribute ${name}`);
  return found;
}

function linesOf(playlist) {
  if (playlist.includes('\r') || playlist.startsWith('\ufeff')) throw new Error('a carriage return, or a byte order mark (4.1)');
  const lines = playlist.split('\n');
  if (lines.pop() !== '') throw new Error('the last line has no end');
  if (lines[0] !== '#EXTM3U') throw new Error('the first line is not #EXTM3U (4.4.1.1)');
  return lines.slice(1);
}

const tagOf = (line) => {
  const colon = line.indexOf(':');
  return colon < 0 ? [line.slice(1), null] : [line.slice(1, colon), line.slice(colon + 1)];
};

/** A multivariant playlist (4.4.6): {version, independent, variants: [{uri, BANDWIDTH, …}]}. */
export function parseMultivariant(playlist) {
  const parsed = { version: 1, independent: false, variants: [] };
  let variant = null;
  for (const line of linesOf(playlist)) {
    if (!line.startsWith('#')) {
      if (!variant) throw new Error(`a URI without EXT-X-STREAM-INF (4.4.6.2): ${line}`);
      parsed.variants.push({ ...variant, uri: line });
      variant = null;
      continue;
    }
    const [tag, value] = tagOf(line);
    if (variant) throw new Error(`${tag} between EXT-X-STREAM-INF and its URI (4.4.6.2)`);
    if (tag === 'EXT-X-VERSION') parsed.version = integer(value);
    else if (tag === 'EXT-X-INDEPENDENT-SEGMENTS') parsed.independent = true;
    else if (tag === 'EXT-X-STREAM-INF') {
      const size = (given) => {
        if (!/^\d+x\d+$/.test(given)) throw new Error(`RESOLUTION=${given}`);
        return given;
      };
      variant = list(
        value,
        { BANDWIDTH: integer, 'AVERAGE-BANDWIDTH': integer, CODECS: QUOTED, RESOLUTION: size, 'FRAME-RATE': decimal, 'CLOSED-CAPTIONS': text },
        ['BANDWIDTH', 'CODECS', 'RESOLUTION', 'FRAME-RATE', 'AVERAGE-BANDWIDTH'],
      );
    } else throw new Error(`${tag} in a multivariant playlist`);
  }
  if (variant) throw new Error('EXT-X-STREAM-INF without a URI');
  return parsed;
}

const CONTROL = { 'CAN-BLOCK-RELOAD': yes, 'CAN-SKIP-UNTIL': decimal, 'HOLD-BACK': decimal, 'PART-HOLD-BACK': decimal };

/** Tags that stand once, before the segments. */
const HEAD = {
  'EXT-X-VERSION': (parsed, value) => (parsed.version = integer(value)),
  'EXT-X-INDEPENDENT-SEGMENTS': (parsed) => (parsed.independent = true),
  'EXT-X-TARGETDURATION': (parsed, value) => (parsed.target = integer(value)),
  'EXT-X-SERVER-CONTROL': (parsed, value) => (parsed.control = list(value, CONTROL, [])),
  'EXT-X-PART-INF': (parsed, value) => (parsed.partTarget = list(value, { 'PART-TARGET': decimal }, ['PART-TARGET'])['PART-TARGET']),
  'EXT-X-MEDIA-SEQUENCE': (parsed, value) => (parsed.sequence = integer(value)),
  'EXT-X-DISCONTINUITY-SEQUENCE': (parsed, value) => (parsed.breaks = integer(value)),
  'EXT-X-SKIP': (parsed, value) => (parsed.skipped = list(value, { 'SKIPPED-SEGMENTS': integer }, ['SKIPPED-SEGMENTS'])['SKIPPED-SEGMENTS']),
};

/**
 * A media playlist (4.4.2 to 4.4.5): {version, independent, target, control, partTarget, sequence, breaks, skipped, segments, hint, reports}. A segment
 * is {number, uri, duration, parts, map, breaks, discontinuities, date, lines}; the one in progress has no uri. `breaks` is its discontinuity sequence
 * number, and `map` what applies to it, or undefined in a delta update that does not say.
 */
export function parseMedia(playlist) {
  const parsed = { version: 1, independent: false, segments: [], reports: [], skipped: 0, breaks: 0, sequence: 0 };
  const seen = new Set();
  let segment = null;
  let map;
  let breaks;
  const begin = () => (segment ??= { parts: [], discontinuities: 0, lines: [] });
  const finish = () => {
    breaks ??= parsed.skipped ? undefined : parsed.breaks;
    if (breaks !== undefined) breaks += segment.discontinuities;
    parsed.segments.push({ ...segment, map, breaks, number: parsed.sequence + parsed.skipped + parsed.segments.length });
    segment = null;
  };
  for (const line of linesOf(playlist)) {
    const [tag, value] = line.startsWith('#') ? tagOf(line) : [null, line];
    if (tag !== null && parsed.hint && !['EXT-X-RENDITION-REPORT', 'EXT-X-PRELOAD-HINT'].includes(tag)) throw new Error(`${tag} behind the hint`);
    if (tag in HEAD) {
      if (seen.has(tag)) throw new Error(`${tag} is there twice (4.4)`);
      if (segment || parsed.segments.length > 0) throw new Error(`${tag} behind the first segment (4.4.3)`);
      seen.add(tag);
      HEAD[tag](parsed, value);
      continue;
    }
    if (tag === 'EXT-X-PRELOAD-HINT') {
      if (parsed.hint) throw new Error('a second hint (6.2.6)');
      parsed.hint = list(value, { TYPE: text, URI: QUOTED }, ['TYPE', 'URI']);
      if (parsed.hint.TYPE !== 'PART') throw new Error(`a hint of type ${parsed.hint.TYPE}`);
      continue;
    }
    if (tag === 'EXT-X-RENDITION-REPORT') {
      parsed.reports.push(list(value, { URI: QUOTED, 'LAST-MSN': integer, 'LAST-PART': integer }, ['URI', 'LAST-MSN', 'LAST-PART']));
      continue;
    }
    begin().lines.push(line);
    if (tag === null) {
      if (segment.duration === undefined) throw new Error(`a segment without EXTINF (4.4.4.1): ${value}`);
      segment.uri = value;
      finish();
    } else if (tag === 'EXT-X-DISCONTINUITY') segment.discontinuities += 1;
    else if (tag === 'EXT-X-MAP') map = list(value, { URI: QUOTED }, ['URI']).URI;
    else if (tag === 'EXT-X-PROGRAM-DATE-TIME') {
      if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)) throw new Error(`a date (4.4.4.6): ${value}`);
      segment.date = Date.parse(value);
    } else if (tag === 'EXT-X-PART') {
      const part = list(value, { DURATION: decimal, URI: QUOTED, INDEPENDENT: yes }, ['DURATION', 'URI']);
      segment.parts.push({ duration: part.DURATION, uri: part.URI, independent: part.INDEPENDENT === true });
    } else if (tag === 'EXTINF') {
      const match = /^(\d+(?:\.\d+)?),$/.exec(value);
      if (!match) throw new Error(`EXTINF:${value} (4.4.4.1)`);
      segment.duration = Number(match[1]);
    } else throw new Error(`${tag} is not known`);
  }
  if (segment) {
    if (segment.parts.length === 0) throw new Error('tags at the end that apply to nothing');
    finish();
  }
  return parsed;
}
