// SPDX-License-Identifier: MIT
// Builds docs/examples as a user of the package would: in a project with the packed player, Vue and React.

import { spawnSync } from 'node:child_process';
import { build } from 'esbuild';
import { cpSync, readFileSync, readdirSync, symlinkSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXAMPLES, Installed } from './package.mjs';
import { vuePlugin } from './vue.mjs';

const MODULES = fileURLToPath(new URL('../../node_modules/', import.meta.url));
const LIBRARIES = ['vue', 'react', 'react-dom', '@types/react', '@types/react-dom', 'csstype'];
const VUE_FLAGS = { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false', __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false' };

export class Examples extends Installed {
  constructor() {
    super();
    for (const name of LIBRARIES) {
      mkdirSync(join(this.project, 'node_modules', name, '..'), { recursive: true });
      symlinkSync(join(MODULES, name), join(this.project, 'node_modules', name));
    }
    for (const name of ['vue', 'react', 'home-assistant']) cpSync(join(EXAMPLES, name), join(this.project, name), { recursive: true });
  }

  /** TypeScript's errors in them, Vue's templates included: a text for each. */
  complaints() {
    this.write('tsconfig.json', JSON.stringify({
      compilerOptions: {
        strict: true, noEmit: true, jsx: 'react-jsx', target: 'es2022', module: 'esnext', moduleResolution: 'bundler',
        lib: ['es2022', 'dom', 'dom.iterable'], types: [], skipLibCheck: true,
      },
      vueCompilerOptions: { checkUnknownEvents: true, checkUnknownProps: true, dataAttributes: ['data-*'] },
      include: ['vue', 'react'],
    }));
    const checker = [join(MODULES, 'vue-tsc/bin/vue-tsc.js'), '--pretty', 'false', '-p', '.'];
    const { status, stdout, stderr } = spawnSync(process.execPath, checker, { cwd: this.project, encoding: 'utf8' });
    const said = `${stdout}${stderr}`.split(/\n(?! )/).filter(Boolean);
    return status === 0 || said.length > 0 ? said : [`vue-tsc ended with ${status}`];
  }

  /** Files of the pages, as path → text. `player.js` is the module that the pages have their player from. */
  async pages() {
    const { outputFiles } = await build({
      absWorkingDir: this.project,
      entryPoints: { 'vue/main': 'vue/main.ts', 'react/main': 'react/main.tsx', player: 'ringcast-player/player', 'home-assistant/ringcast-card': 'home-assistant/ringcast-card.js' },
      bundle: true, splitting: true, format: 'esm', target: 'es2022', write: false, outdir: 'out', logLevel: 'silent', jsx: 'automatic',
      define: { 'process.env.NODE_ENV': '"production"', ...VUE_FLAGS },
      plugins: [vuePlugin],
    });
    const pages = Object.fromEntries(outputFiles.map(({ path, text }) => [path.slice(join(this.project, 'out/').length), text]));
    for (const name of ['vue', 'react']) {
      const markup = readFileSync(join(this.project, name, 'index.html'), 'utf8');
      pages[`${name}/index.html`] = markup.replace(/ *<script.*<\/script>/, '<link rel="stylesheet" href="main.css"><script type="module" src="main.js"></script>');
    }
    pages['home-assistant/index.html'] = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Dashboard</title><link rel="icon" href="data:,"><main id="dashboard"></main><script type="module" src="ringcast-card.js"></script>';
    for (const name of readdirSync(join(EXAMPLES, 'plain'))) pages[`plain/${name}`] = readFileSync(join(EXAMPLES, 'plain', name), 'utf8');
    return pages;
  }
}
