// SPDX-License-Identifier: MIT
// Keys and JWTs as NATS writes them: Ed25519 (RFC 8032) in base 32 with a prefix and a check.
import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const SEED = 18 << 3;

/** What a key is of: the first byte of its public half. */
export const PREFIXES = { operator: 14 << 3, account: 0, user: 20 << 3 };

const DER_PRIVATE = Buffer.from('302e020100300506032b657004220420', 'hex'); // RFC 8410

function crc16(data) {
  let crc = 0;
  for (const byte of data) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

function encode(data) {
  const check = crc16(data);
  const bits = [...data, check & 255, check >> 8].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return bits.match(/.{1,5}/g).map((five) => ALPHABET[parseInt(five.padEnd(5, '0'), 2)]).join('');
}

function decode(text) {
  const bits = [...text].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

/** The 32 bytes of a SEED ("SU…"). */
const rawSeed = (seed) => decode(seed).subarray(2, 34);

const privateKey = (raw) => createPrivateKey({ key: Buffer.concat([DER_PRIVATE, raw]), format: 'der', type: 'pkcs8' });

const publicOf = (prefix, raw) =>
  encode(Buffer.concat([Buffer.from([prefix]), createPublicKey(privateKey(raw)).export({ format: 'der', type: 'spki' }).subarray(-32)]));

/** The public key ("U…") of a user's SEED. */
export const publicKey = (seed) => publicOf(PREFIXES.user, rawSeed(seed));

/** DATA, signed by SEED. */
export const signWith = (seed, data) => sign(null, data, privateKey(rawSeed(seed)));

/** A new key of KIND: {seed, public, sign(data)}. */
export function newKey(kind) {
  const prefix = PREFIXES[kind];
  const raw = randomBytes(32);
  return {
    seed: encode(Buffer.concat([Buffer.from([SEED | (prefix >> 5), (prefix & 31) << 3]), raw])),
    public: publicOf(prefix, raw),
    sign: (data) => sign(null, data, privateKey(raw)),
  };
}

/** A JWT of ISSUER about the key SUBJECT, with what NATS says of it. */
export function jwt(issuer, subject, name, nats) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { jti: encode(randomBytes(30)), iat: Math.floor(Date.now() / 1000), iss: issuer.public, name, sub: subject.public, nats: { ...nats, version: 2 } };
  const text = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part(claims)}`;
  return `${text}.${issuer.sign(Buffer.from(text)).toString('base64url')}`;
}

/** A file of credentials, as nsc writes it. */
export const credentials = (token, user) => `-----BEGIN NATS USER JWT-----
${token}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${user.seed}
------END USER NKEY SEED------
`;
