// SPDX-License-Identifier: MIT
// The player as its users get it: packed by npm, and installed from the tarball without a network.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PLAYER = fileURLToPath(new URL('../../../player/', import.meta.url));
export const EXAMPLES = fileURLToPath(new URL('../../../docs/examples/', import.meta.url));

export class Installed {
  #directory = mkdtempSync(join(tmpdir(), 'ringcast-package-'));
  /** The user's project, which has the package and nothing else. */
  project = join(this.#directory, 'project');
  /** The files in the tarball. */
  files;

  constructor() {
    try {
      const [{ filename, files }] = JSON.parse(this.#npm(PLAYER, 'pack', '--json', '--pack-destination', this.#directory));
      this.files = files.map(({ path }) => path).sort();
      mkdirSync(this.project);
      this.write('package.json', '{ "name": "user", "private": true, "type": "module" }\n');
      this.#npm(this.project, 'install', '--offline', '--no-package-lock', join(this.#directory, filename));
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  get root() {
    return join(this.project, 'node_modules/ringcast-player');
  }

  write(name, text) {
    const file = join(this.project, name);
    writeFileSync(file, text);
    return file;
  }

  remove() {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #npm(cwd, ...args) {
    const env = { ...process.env, npm_config_cache: join(this.#directory, 'cache'), npm_config_update_notifier: 'false' };
    const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
    return execFileSync('npm', [...args, ...quiet], { cwd, env, encoding: 'utf8' });
  }
}
