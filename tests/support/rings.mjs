// SPDX-License-Identifier: MIT
// Rings as the kernel shows them. A ring is made without a name and linked later, so /proc/PID/maps does not name it and
// it is recognised by its inode.
import { readdirSync, readFileSync, statSync } from 'node:fs';

const SHM = '/dev/shm';

/** The rings in /dev/shm whose names begin with PREFIX, by inode: Map(inode, path). */
function named(prefix) {
  const rings = new Map();
  for (const name of readdirSync(SHM).filter((entry) => entry.startsWith(prefix))) {
    try {
      rings.set(String(statSync(`${SHM}/${name}`).ino), `${SHM}/${name}`);
    } catch {
      // removed meanwhile
    }
  }
  return rings;
}

/** What process PID has mapped of the rings whose names begin with PREFIX: [{ path, permissions }]. */
export function mappedRings(pid, prefix = 'ringcast.') {
  const rings = named(prefix);
  return readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')
    .map((line) => line.split(/\s+/))
    .filter(([, , , , inode, path]) => path?.startsWith(SHM) && rings.has(inode))
    .map(([, permissions, , , inode]) => ({ path: rings.get(inode), permissions }));
}
