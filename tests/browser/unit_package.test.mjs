// SPDX-License-Identifier: MIT
// The npm package: exactly the files that its users need, correct declarations, and ringcast's version.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { Installed, PLAYER } from './support/package.mjs';

const LIMIT = { timeout: 120_000 };
const read = (...path) => readFileSync(join(...path), 'utf8');
const manifest = JSON.parse(read(PLAYER, 'package.json'));

let installed;
before(() => {
  installed = new Installed();
});
after(() => installed?.remove());

/** FILE and every module that it imports, directly or not, relative to the package. */
function reachable(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  const { importedFiles } = ts.preProcessFile(read(installed.root, file));
  for (const { fileName } of importedFiles) {
    assert.match(fileName, /^\.\//, `${file} imports only files of the package`);
    const target = normalize(join(dirname(file), fileName));
    reachable(file.startsWith('types/') ? target.replace(/\.js$/, '.d.ts') : target, seen);
  }
  return seen;
}

test('the package has what its exports need, and nothing else', LIMIT, () => {
  const wanted = new Set(['LICENSE', 'README.md', 'package.json']);
  const entries = Object.values(manifest.exports).flatMap((entry) => (typeof entry === 'string' ? [] : Object.values(entry)));
  for (const entry of entries) for (const file of reachable(normalize(entry))) wanted.add(file);
  for (const file of Object.values(manifest.exports)) if (/\.json$/.test(file)) wanted.add(normalize(file));
  assert.ok(wanted.has('src/player/transport.js') && wanted.has('types/player.d.ts'));
  assert.deepEqual(installed.files, [...wanted].sort());
});

test('its version and licence are ringcast’s', LIMIT, () => {
  const [, version] = /^project\(ringcast VERSION (\S+)/m.exec(read(PLAYER, '../CMakeLists.txt'));
  assert.equal(manifest.version, version);
  assert.equal(read(PLAYER, 'LICENSE'), read(PLAYER, '../LICENSE'));
});

test('it can be imported where there is no browser', LIMIT, () => {
  const program = installed.write('server.mjs', `
    import { RingcastCameraElement, RingcastPlayer } from 'ringcast-player';
    import * as player from 'ringcast-player/player';
    import * as element from 'ringcast-player/element';
    console.log(JSON.stringify([player.RingcastPlayer === RingcastPlayer, element.RingcastCameraElement === RingcastCameraElement]));
  `);
  const output = execFileSync(process.execPath, [program], { encoding: 'utf8' });
  assert.deepEqual(JSON.parse(output), [true, true]);
});

for (const [module, moduleResolution] of [[ts.ModuleKind.ESNext, ts.ModuleResolutionKind.Bundler], [ts.ModuleKind.NodeNext, ts.ModuleResolutionKind.NodeNext]]) {
  test(`a strict TypeScript program that uses it is accepted (${ts.ModuleResolutionKind[moduleResolution]})`, LIMIT, () => {
    const source = read(dirname(new URL(import.meta.url).pathname), 'support/types/consumer.ts');
    const file = installed.write('consumer.ts', source);
    const lib = ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'];
    const program = ts.createProgram([file], { strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, module, moduleResolution, lib, types: [] });
    const host = { getCurrentDirectory: () => installed.project, getCanonicalFileName: (name) => name, getNewLine: () => '\n' };
    assert.equal(ts.formatDiagnostics(ts.getPreEmitDiagnostics(program), host), '');
    assert.ok(program.getSourceFiles().some(({ fileName }) => fileName.endsWith('types/ringcast-player.d.ts')));
  });
}

/** The classes and interfaces of a declaration file, as name → members. */
function declared(file) {
  const source = ts.createSourceFile(file, read(PLAYER, 'types', file), ts.ScriptTarget.ES2022, true);
  const found = {};
  for (const node of source.statements) {
    if (!ts.isClassDeclaration(node) && !ts.isInterfaceDeclaration(node)) continue;
    const members = (found[node.name.text] = new Map());
    for (const member of node.members) {
      const modifiers = member.modifiers?.map(({ kind }) => kind) ?? [];
      if (ts.isConstructorDeclaration(member) || modifiers.includes(ts.SyntaxKind.StaticKeyword)) continue;
      const name = member.name.getText(source);
      const before = members.get(name);
      const writable = ts.isSetAccessor(member) || (ts.isPropertyDeclaration(member) && !modifiers.includes(ts.SyntaxKind.ReadonlyKeyword));
      members.set(name, ts.isMethodDeclaration(member) ? 'method' : before === 'writable' || writable ? 'writable' : 'readonly');
    }
  }
  return found;
}

const kindOf = ({ value, set }) => (typeof value === 'function' ? 'method' : set ? 'writable' : 'readonly');
const INHERITED = ['addEventListener', 'removeEventListener']; // declared again for the types of their events

test('the declarations name every member of the classes, and no other', LIMIT, async () => {
  const module = await import(pathToFileURL(join(installed.root, 'src/player/ringcast-player.js')));
  const classes = { ...declared('player.d.ts'), ...declared('camera-list.d.ts'), ...declared('ringcast-camera.d.ts') };
  for (const name of Object.keys(module)) {
    if (!String(module[name]).startsWith('class')) continue; // a function has no members
    const real = Object.entries(Object.getOwnPropertyDescriptors(module[name].prototype)).filter(([member]) => member !== 'constructor');
    const said = [...classes[name]].filter(([member]) => !INHERITED.includes(member));
    const sorted = (entries) => Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
    assert.deepEqual(sorted(said), sorted(real.map(([member, descriptor]) => [member, kindOf(descriptor)])), name);
  }
  const index = ts.createSourceFile('index', read(PLAYER, 'types/ringcast-player.d.ts'), ts.ScriptTarget.ES2022, true);
  const values = index.statements.filter((node) => ts.isExportDeclaration(node) && !node.isTypeOnly).flatMap((node) => node.exportClause.elements.map((each) => each.name.text));
  assert.deepEqual(values.sort(), Object.keys(module).sort());
});

test('the declarations name every event', LIMIT, () => {
  const { RingcastPlayerEventMap } = declared('player.d.ts');
  const emitted = new Set();
  for (const file of installed.files.filter((name) => /^src\/player\/(player|session)\.js$/.test(name))) {
    for (const [, type] of read(installed.root, file).matchAll(/emit\('(\w+)'/g)) emitted.add(type);
  }
  assert.ok(emitted.size > 5);
  assert.deepEqual([...RingcastPlayerEventMap.keys()].sort(), [...emitted].sort());
  const ofList = [...read(installed.root, 'src/player/camera-list.js').matchAll(/emit\('(\w+)'/g)].map(([, type]) => type);
  assert.deepEqual([...declared('camera-list.d.ts').RingcastCamerasEventMap.keys()].sort(), [...new Set(ofList)].sort());
  const element = read(installed.root, 'src/player/ringcast-camera.js');
  const listed = (name) => [...new RegExp(`${name} = \\[([^;]*)\\];`).exec(element)[1].matchAll(/'(\w+)'/g)].map(([, type]) => type);
  assert.deepEqual(listed('PLAYER_EVENTS').sort(), [...emitted].sort(), 'the element dispatches them too');
  const [, union] = /type VideoEvents =([^;]*);/.exec(read(PLAYER, 'types/ringcast-camera.d.ts'));
  assert.deepEqual([...union.matchAll(/'(\w+)'/g)].map(([, type]) => type).sort(), listed('VIDEO_EVENTS').sort());
});
