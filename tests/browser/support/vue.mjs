// SPDX-License-Identifier: MIT
// Vue's single-file components for esbuild.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { compileScript, compileStyle, parse } from 'vue/compiler-sfc';

const isCustomElement = (tag) => tag === 'ringcast-camera';

/** The component in SOURCE as a TypeScript module. */
function componentScript(source, filename) {
  const { descriptor, errors } = parse(source, { filename, templateParseOptions: { isCustomElement } });
  if (errors.length > 0) throw errors[0];
  const id = createHash('sha256').update(basename(filename)).digest('hex').slice(0, 8);
  const scoped = descriptor.styles.some((style) => style.scoped);
  const { content } = compileScript(descriptor, {
    id, inlineTemplate: true, isProd: true, genDefaultAs: 'component',
    templateOptions: { filename, id, scoped, compilerOptions: { isCustomElement, scopeId: scoped ? `data-v-${id}` : undefined } },
  });
  const scope = scoped ? `Object.assign(component, { __scopeId: 'data-v-${id}' });\n` : '';
  return { script: `${content}\n${scope}export default component;\n`, styles: descriptor.styles, id: `data-v-${id}` };
}

export const vuePlugin = {
  name: 'vue',
  setup(build) {
    const styles = new Map();
    build.onLoad({ filter: /\.vue$/ }, async ({ path }) => {
      const compiled = componentScript(await readFile(path, 'utf8'), path);
      const css = compiled.styles.map(({ content, scoped }) => compileStyle({ source: content, filename: path, id: compiled.id, scoped }));
      for (const { errors } of css) if (errors.length > 0) return { errors: errors.map(({ message }) => ({ text: message })) };
      styles.set(path, css.map(({ code }) => code).join('\n'));
      return { contents: `import ${JSON.stringify(`${path}.css`)};\n${compiled.script}`, loader: 'ts' };
    });
    build.onResolve({ filter: /\.vue\.css$/ }, ({ path }) => ({ path, namespace: 'vue-style' }));
    build.onLoad({ filter: /.*/, namespace: 'vue-style' }, ({ path }) => ({ contents: styles.get(path.slice(0, -'.css'.length)), loader: 'css' }));
  },
};
